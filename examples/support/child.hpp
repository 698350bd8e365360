// Child processes for the demonstration and the tests of the examples: started, watched, and never left behind.
//
// For programs with one thread that don't wait for children by other means. Every wait is for a state and ends with
// a watchdog. Not safe in signal handlers; a forked copy of a `child` must not be destroyed.
#ifndef XSIPC_EXAMPLES_SUPPORT_CHILD_HPP
#define XSIPC_EXAMPLES_SUPPORT_CHILD_HPP

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace examples {

// How long anything may take before it counts as hanging.
inline constexpr std::chrono::seconds watchdog{10};

// Asks `holds` again and again until it says yes. Returns false if it hasn't when the time is over.
template <typename Condition>
[[nodiscard]] bool eventually(Condition&& holds, std::chrono::seconds limit = watchdog) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Returns the path of the program `name` in the directory of the running one.
[[nodiscard]] std::string beside_this_program(std::string_view name);

// A process that runs another program, or a function of this one.
class child {
 public:
  // Starts the program at `path`. Its output and its errors go to take_output(). Sets SIGCHLD to its default, without
  // which the kernel might reap the child unseen. Throws std::system_error if it cannot be started.
  explicit child(const std::string& path, const std::vector<std::string>& arguments = {});
  // Forks: the child runs `work`, exits with its result, and is killed if this process dies. What is written to
  // std::cout goes to take_output(). An exception ends it with its text and exit status 1. Otherwise as above.
  explicit child(const std::function<int()>& work);
  // Kills it if it still runs, and reaps it.
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  // Returns its process id, also after its end.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  // Sends it a signal, unless it has been seen to end: the number may then be somebody else's.
  void signal(int signo) const;

  // Returns true if it has ended, without waiting.
  [[nodiscard]] bool has_ended();

  // Waits for its end. Returns how it ended: "exit status 0", "signal 9", or "still running" if the time is over.
  [[nodiscard]] std::string wait_for_end(std::chrono::seconds limit = watchdog);

  // Returns what it has written since the last call, without waiting.
  [[nodiscard]] std::string take_output();

  // Returns true if it sleeps in the system call with this number (SYS_msgrcv), or, on posix, as a waiter of any object.
  // Source: proc(5), /proc/PID/syscall.
  [[nodiscard]] bool is_blocked_in(long syscall_number) const;

  // Returns true if it is stopped, as by SIGSTOP. Source: proc(5), /proc/PID/stat.
  [[nodiscard]] bool is_stopped() const;

 private:
  void read_from(int output);

  int output_ = -1;  // reading end of the pipe
  pid_t pid_ = 0;
  std::optional<int> wait_status_;
};

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_CHILD_HPP
