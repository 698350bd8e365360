// The suite on the kernel's System V IPC with a planted defect.
#include "judge.hpp"
#include "sysv.hpp"
#include "xsipc/conformance/runner.hpp"

namespace xsipc::conformance {

std::unique_ptr<spi::backend> make_shim_backend();

}  // namespace xsipc::conformance

int main(int argc, char** argv) {
  using namespace xsipc::conformance;
  static process_backend mutated = sysv_backend;
  mutated.make = make_shim_backend;
  static const process_backend* const backends[] = {&mutated};
  serve_if_actor(argc, argv, backends);
  const auto on = make_process_harness(mutated);
  return judge_mutant(*on, argc, argv);
}
