#include "system.hpp"

#include <cerrno>
#include <charconv>

namespace xsipc::posix {

std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (raw_syscall(SYS_getrandom, word_of(&number), sizeof number, 0) != sizeof number) {
    number = static_cast<std::uint64_t>(monotonic_ns()) * 0x9e3779b97f4a7c15 ^ static_cast<std::uint64_t>(own_pid());
  }
  return number;
}

std::string hexadecimal(std::uint64_t number) {
  char digits[17];
  const auto end = std::to_chars(digits, digits + 16, number, 16).ptr;
  return {digits, end};
}

std::string content_of(const std::string& path) {
  const file from(raw_syscall(SYS_openat, AT_FDCWD, word_of(path.c_str()), O_RDONLY | O_CLOEXEC));
  std::string text;
  char part[1024];
  while (from.is_open()) {
    const long got = raw_syscall(SYS_read, from.number(), word_of(part), sizeof part);
    if (got == -EINTR) continue;
    if (got <= 0) break;
    text.append(part, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace xsipc::posix
