#include "support/child.hpp"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace xsipc::test_support {
namespace {

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) == -1) {
    if (errno != EINTR) return -1;
  }
  return status;
}

}  // namespace

int status_of_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  return child == -1 ? -1 : wait_for(child);
}

bool holds_in_child(const std::function<bool()>& work) {
  constexpr int it_held = 42;
  const int status = status_of_child([&] { return work() ? it_held : 1; });
  return WIFEXITED(status) && WEXITSTATUS(status) == it_held;
}

bool become_nobody() {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(nobody_id, nobody_id, nobody_id) == 0 &&
         ::setresuid(nobody_id, nobody_id, nobody_id) == 0;
}

bool detail::bytes_from_child(const std::function<void()>& fill, std::span<std::byte> memory) {
  int ends[2];
  if (::pipe(ends) != 0) return false;
  const auto size = static_cast<ssize_t>(memory.size());
  const int status = status_of_child([&] {
    fill();
    return ::write(ends[1], memory.data(), memory.size()) == size ? 0 : 1;
  });
  ::close(ends[1]);
  const bool whole = status == 0 && ::read(ends[0], memory.data(), memory.size()) == size;
  ::close(ends[0]);
  return whole;
}

}  // namespace xsipc::test_support
