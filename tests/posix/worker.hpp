// A forked process that works until it is killed or done, and memory that it shares with the test.
#ifndef XSIPC_TESTS_POSIX_WORKER_HPP
#define XSIPC_TESTS_POSIX_WORKER_HPP

#include <sys/mman.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <new>
#include <optional>
#include <thread>
#include <utility>

namespace xsipc::posix_test {

// How long anything may take before it counts as hanging.
inline constexpr std::chrono::seconds patience{20};

// Asks until `holds` says yes; false if it hasn't in time.
template <typename Condition>
[[nodiscard]] bool eventually(Condition&& holds) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

// True if the process sleeps as a waiter of a queue or a set (not: for a lock).
[[nodiscard]] bool is_parked(pid_t pid);

class worker {
 public:
  // The child runs `work` and exits with its result; it dies with its parent.
  explicit worker(const std::function<int()>& work);
  // Kills and reaps it.
  ~worker();
  worker(worker&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  worker& operator=(worker&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Waits for its end; returns the wait status.
  int wait();
  // SIGKILL, and waits: afterwards it is dead for everybody.
  void kill();
  // Stops it; returns when it is.
  void stop() const;
  void resume() const;
  [[nodiscard]] bool is_parked() const { return posix_test::is_parked(pid_); }

 private:
  pid_t pid_ = 0;
};

// A T that forked processes share.
template <typename T>
class shared {
 public:
  shared() : memory_(new(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) T{}) {}
  ~shared() { ::munmap(memory_, sizeof(T)); }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;

  T* operator->() const { return memory_; }
  T& operator*() const { return *memory_; }

 private:
  T* memory_;
};

}  // namespace xsipc::posix_test

#endif  // XSIPC_TESTS_POSIX_WORKER_HPP
