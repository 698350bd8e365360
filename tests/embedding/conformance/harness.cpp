// Somebody else's backend held against the rules: all that it takes. The backend here is the kernel's, renamed.
#include <sys/syscall.h>
#include <xsipc/conformance/runner.hpp>
#include <xsipc/open.hpp>

namespace {

namespace conformance = xsipc::conformance;

// True if a thread that sleeps in this system call is blocked in the backend.
bool parks_in(const conformance::system_call& call) {
  return call.number == SYS_msgsnd || call.number == SYS_msgrcv || call.number == SYS_semop ||
         call.number == SYS_semtimedop;
}

const conformance::process_backend backend = {
    .name = "third_party",
    .make = xsipc::make_sysv_backend,
    .c = nullptr,  // no C functions: the tests that want them are skipped
    .parks_in = parks_in,
    .in_ipc_namespace = true,
    .expected_skips = "",
};

}  // namespace

int main(int argc, char** argv) {
  static constexpr const conformance::process_backend* all[] = {&backend};
  conformance::serve_if_actor(argc, argv, all);
  const auto on = conformance::make_process_harness(backend);
  conformance::harness* const judged[] = {on.get()};
  conformance::run_options options;
  options.filter = {"KEY-03", "MSGRCV-0*"};
  return conformance::run_suites(judged, options);
}
