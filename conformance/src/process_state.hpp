// What /proc tells of a thread, and waiting until it tells something.
#ifndef XSIPC_CONFORMANCE_PROCESS_STATE_HPP
#define XSIPC_CONFORMANCE_PROCESS_STATE_HPP

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "xsipc/conformance/harness.hpp"
#include "xsipc/object_status.hpp"

namespace xsipc::conformance {

// The state letter of a thread (proc(5): R, S, D, T, Z ...); '-' if there is no such thread.
[[nodiscard]] char thread_state(ipc_pid pid, ipc_pid tid);

// A look at one thread that is taken again and again: the files of /proc stay open. For one thread.
class thread_watch {
 public:
  thread_watch(ipc_pid pid, ipc_pid tid) : pid_(pid), tid_(tid) {}
  ~thread_watch();
  thread_watch(const thread_watch&) = delete;
  thread_watch& operator=(const thread_watch&) = delete;

  // The system call that the thread sleeps in; none if it runs or is gone.
  [[nodiscard]] std::optional<system_call> sleeping_in();

 private:
  ipc_pid pid_;
  ipc_pid tid_;
  int call_ = -1;  // descriptors
  int stat_ = -1;
};

// All threads of a process; empty if there is no such process.
[[nodiscard]] std::vector<ipc_pid> threads_of(ipc_pid pid);

// What /proc says of the thread, for a person: state, system call, place in the kernel.
[[nodiscard]] std::string describe_thread(ipc_pid pid, ipc_pid tid);

// Asks again and again, ever less often, until `reached` says true. Throws test_expired (watchdog.hpp) when the test's
// time is over. `what` completes "waited for".
void wait_for_state(const std::string& what, const std::function<bool()>& reached);

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_PROCESS_STATE_HPP
