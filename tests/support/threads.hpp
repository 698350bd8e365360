// Threads that a test can see block, and cancel.
#ifndef XSIPC_TESTS_SUPPORT_THREADS_HPP
#define XSIPC_TESTS_SUPPORT_THREADS_HPP

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <functional>

namespace xsipc::test_support {

// True once thread `tid` of this process sleeps in system call `number`; false if it doesn't within 20 s.
[[nodiscard]] bool blocks_in(pid_t tid, long number);

// A bare pthread: std::thread doesn't tell whether its thread was cancelled. Joined at the latest when it ends.
class posix_thread {
 public:
  explicit posix_thread(std::function<void()> body);
  posix_thread(const posix_thread&) = delete;
  posix_thread& operator=(const posix_thread&) = delete;
  ~posix_thread();

  [[nodiscard]] bool blocks_in(long number);
  void cancel();
  // Waits for the end of the thread; true if it was cancelled.
  bool join();

 private:
  static void* run(void* self);

  std::function<void()> body_;
  std::atomic<pid_t> tid_{0};
  pthread_t thread_{};
  bool joined_ = false;
  bool cancelled_ = false;
};

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_SUPPORT_THREADS_HPP
