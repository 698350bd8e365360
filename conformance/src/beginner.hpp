// The process that begins actors.
//
// The suite's own process has threads and a history; a process forked from it would have both. So a helper, begun once
// by exec, forks the actors: it has one thread, nothing open, and is moved into a new IPC namespace for each test. It
// adopts actors whose parent has died, so that all can be reaped.
#ifndef XSIPC_CONFORMANCE_BEGINNER_HPP
#define XSIPC_CONFORMANCE_BEGINNER_HPP

#include <memory>

#include "remote_backend.hpp"
#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

// The suite's end.
class beginner {
 public:
  // Starts the helper. Throws std::system_error if that fails.
  explicit beginner(const process_backend& what);
  ~beginner();  // the helper ends when its socket is closed, and with it every actor
  beginner(const beginner&) = delete;
  beginner& operator=(const beginner&) = delete;

  // Moves the helper into a new IPC namespace; false if that is not allowed.
  [[nodiscard]] bool enter_new_namespace();
  // Begins a process that answers on `socket` and returns its pid.
  [[nodiscard]] ipc_pid begin_process(const identity& who, int socket);
  // Waits for a process that it began and returns its wait status.
  int reap(ipc_pid pid);
  // Kills and reaps every process that is left.
  void reap_all();

 private:
  pid_t pid_ = -1;
  std::unique_ptr<actor_socket> socket_;
};

// The helper itself.
[[noreturn]] void serve_beginner(const process_backend& what, int socket);

// A pair of connected sockets, closed on exec. Throws std::system_error.
struct socket_pair {
  int ours;
  int theirs;
};
[[nodiscard]] socket_pair make_socket_pair();

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_BEGINNER_HPP
