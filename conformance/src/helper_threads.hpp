// Threads on which a session makes the calls that may block: one that has nothing to do any more takes the next.
#ifndef XSIPC_CONFORMANCE_HELPER_THREADS_HPP
#define XSIPC_CONFORMANCE_HELPER_THREADS_HPP

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "mutex.hpp"

namespace xsipc::conformance {

// For one thread, which runs and joins.
class helper_threads {
 public:
  helper_threads() = default;
  ~helper_threads() { join(); }
  helper_threads(const helper_threads&) = delete;
  helper_threads& operator=(const helper_threads&) = delete;

  // Begins `work`, which must not throw, at once: on a thread that is idle or on a new one.
  void run(std::function<void()> work);
  // Waits until all work has ended.
  void join();

 private:
  void live();

  annotated_mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);  // never more than are idle
  std::size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_HELPER_THREADS_HPP
