// A process that a story or a test has started: watched, signalled, and never left behind. Real or simulated: a `stage`
// makes them.
//
// For programs with one thread that don't wait for children by other means. Every wait is for a state and ends with
// a watchdog. Not safe in signal handlers.
#ifndef XSIPC_EXAMPLES_SUPPORT_CHILD_HPP
#define XSIPC_EXAMPLES_SUPPORT_CHILD_HPP

#include <sys/types.h>

#include <chrono>
#include <string>
#include <thread>

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

class child {
 public:
  // Kills it if it still runs, and reaps it.
  virtual ~child() = default;
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  // Returns its process id, also after its end.
  [[nodiscard]] virtual pid_t pid() const noexcept = 0;

  // Sends it a signal, unless it has been seen to end: the number may then be somebody else's.
  virtual void signal(int signo) = 0;

  // Returns true if it has ended, without waiting.
  [[nodiscard]] virtual bool has_ended() = 0;

  // Waits for its end. Returns how it ended: "exit status 0", "signal 9", or "still running" if the time is over.
  [[nodiscard]] virtual std::string wait_for_end(std::chrono::seconds limit = watchdog) = 0;

  // Returns what it has written since the last call, without waiting.
  [[nodiscard]] virtual std::string take_output() = 0;

  // Returns true if it sleeps in a call of XSI: msgsnd, msgrcv or semop.
  [[nodiscard]] virtual bool is_blocked() = 0;

  // Returns true if it is stopped, as by SIGSTOP.
  [[nodiscard]] virtual bool is_stopped() = 0;

 protected:
  child() = default;
};

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_CHILD_HPP
