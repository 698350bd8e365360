// A real child process: another program, or a function of this one. Safety: child.hpp; a forked copy of a `real_child`
// must not be destroyed.
#ifndef XSIPC_EXAMPLES_SUPPORT_REAL_CHILD_HPP
#define XSIPC_EXAMPLES_SUPPORT_REAL_CHILD_HPP

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "child.hpp"

namespace examples {

// Returns the path of the program `name` in the directory of the running one.
[[nodiscard]] std::string beside_this_program(std::string_view name);

class real_child final : public child {
 public:
  // Forks: the child runs `work`, exits with its result, and is killed if this process dies. What it writes to
  // std::cout and std::cerr goes to take_output(). Sets SIGCHLD to its default, without which the kernel might reap the
  // child unseen. `backend` is the name of the one that it calls, by which is_blocked() knows where it would sleep.
  // Throws std::system_error if there can be no child.
  explicit real_child(const std::function<int()>& work, std::string_view backend = {});
  // The child runs the program at `path`. If it can't, it says so and ends with exit status 127.
  explicit real_child(const std::string& path, const std::vector<std::string>& arguments = {},
                      std::string_view backend = {});
  ~real_child() override;

  [[nodiscard]] pid_t pid() const noexcept override { return pid_; }
  void signal(int signo) override;
  [[nodiscard]] bool has_ended() override;
  [[nodiscard]] std::string wait_for_end(std::chrono::seconds limit = watchdog) override;
  [[nodiscard]] std::string take_output() override;
  // Source: proc(5), /proc/PID/syscall.
  [[nodiscard]] bool is_blocked() override;
  // Source: proc(5), /proc/PID/stat.
  [[nodiscard]] bool is_stopped() override;

 private:
  void read_from(int output);

  std::string backend_;
  int output_ = -1;  // reading end of the pipe
  pid_t pid_ = 0;
  std::optional<int> wait_status_;
};

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_REAL_CHILD_HPP
