// The suite on a backend with a planted defect.
//
//   mutant_NAME REPORT.json [RULE...]     runs all tests, or those that prove one of the rules
#include <iostream>

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
  if (argc < 2) {
    std::cerr << "usage: " << argv[0] << " REPORT.json [RULE...]\n";
    return 2;
  }
  const auto on = make_process_harness(mutated);
  harness* const judged[] = {on.get()};
  run_options options;
  options.format = report_format::json;
  options.output = argv[1];
  options.filter.assign(argv + 2, argv + argc);
  options.progress = false;
  // A defect may be that something never ends.
  if (!options.filter.empty()) options.time_for_a_test = std::chrono::seconds(3);
  return run_suites(judged, options);
}
