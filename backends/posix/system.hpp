// The operating system as backends/posix uses it: by raw system calls, which no other library has put itself in front
// of (fakeroot, cancellation, sanitizers), and which leave errno alone.
//
// Safe in threads, after fork and in signal handlers. Results are the kernel's: a value or a negative errno.
#ifndef XSIPC_POSIX_SYSTEM_HPP
#define XSIPC_POSIX_SYSTEM_HPP

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/stat.h>
#include <time.h>

#include <cstdint>
#include <string>
#include <utility>

#include "../cancellable_syscall.hpp"
#include "../raw_syscall.hpp"

namespace xsipc::posix {

using detail::raw_syscall;

template <typename T>
[[nodiscard]] long word_of(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

// Sleeps while *word is `expected`, at most until `at_ns` of the monotonic clock. 0, -EAGAIN, -EINTR (whatever
// SA_RESTART says: a wait with an end never restarts) or -ETIMEDOUT.
inline long futex_wait(std::uint32_t& word, std::uint32_t expected, std::int64_t at_ns, bool cancellable) {
  const timespec until{.tv_sec = at_ns / 1'000'000'000, .tv_nsec = at_ns % 1'000'000'000};
  const auto call = cancellable ? detail::cancellable_syscall : raw_syscall;
  return call(SYS_futex, word_of(&word), FUTEX_WAIT_BITSET, expected, word_of(&until), 0, FUTEX_BITSET_MATCH_ANY);
}
inline void futex_wake(std::uint32_t& word, int waiters = 1) {
  raw_syscall(SYS_futex, word_of(&word), FUTEX_WAKE, waiters);
}

[[nodiscard]] inline std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

[[nodiscard]] inline std::int32_t own_pid() { return static_cast<std::int32_t>(raw_syscall(SYS_getpid)); }
[[nodiscard]] inline std::uint32_t own_tid() { return static_cast<std::uint32_t>(raw_syscall(SYS_gettid)); }

// A descriptor that is closed at the end; never inherited by exec.
class file {
 public:
  file() = default;
  explicit file(long descriptor) : number_(static_cast<int>(descriptor)) {}
  ~file() { close(); }
  file(file&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  file& operator=(file&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  [[nodiscard]] static file open(const std::string& path, int flags, unsigned mode = 0) {
    return file(raw_syscall(SYS_openat, AT_FDCWD, word_of(path.c_str()), flags | O_CLOEXEC | O_NOFOLLOW, mode));
  }

  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  // Of a failed open: its errno.
  [[nodiscard]] int error() const { return number_ < 0 ? -number_ : 0; }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool status(struct stat& to) const { return raw_syscall(SYS_fstat, number_, word_of(&to)) == 0; }
  void close() {
    if (number_ >= 0) raw_syscall(SYS_close, number_);
    number_ = -1;
  }

 private:
  int number_ = -EBADF;
};

[[nodiscard]] std::uint64_t random_number();
[[nodiscard]] std::string hexadecimal(std::uint64_t number);

// The content of a small file, as /proc has them; empty if it can't be read.
[[nodiscard]] std::string content_of(const std::string& path);

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_SYSTEM_HPP
