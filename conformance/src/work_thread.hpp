// A thread that does one piece of work after another while whoever asked for it waits: what a thread of a simulated
// process runs on. It can be cancelled like any thread. It begins with its first work: a process that does nothing
// costs none, and takes no address that a test watches.
#ifndef XSIPC_CONFORMANCE_WORK_THREAD_HPP
#define XSIPC_CONFORMANCE_WORK_THREAD_HPP

#include <condition_variable>
#include <exception>
#include <functional>
#include <thread>

#include "mutex.hpp"

namespace xsipc::conformance {

// Thrown by work whose thread is to end: not a problem, but the end of the work.
struct thread_ends {};

class work_thread {
 public:
  work_thread() = default;
  ~work_thread();  // finishes and waits
  work_thread(const work_thread&) = delete;
  work_thread& operator=(const work_thread&) = delete;

  // Nobody's id before it has begun.
  [[nodiscard]] std::thread::id id();
  // True if it has nothing to do, also when it has ended.
  [[nodiscard]] bool idle();
  [[nodiscard]] bool ended();

  // Does `work` there and waits for it. False if the thread ended first, or in the middle of it. Throws what `work`
  // throws, and std::logic_error if other work is under way.
  [[nodiscard]] bool perform(const std::function<void()>& work);

  // Takes no more work and ends after what is under way. Waits for nothing.
  void finish();
  // The same by pthread_cancel: work under way ends at its next cancellation point.
  void cancel();

 private:
  // A piece of work, on the stack of whoever waits for it.
  struct task {
    const std::function<void()>& work;
    bool done = false;
    bool lost = false;
    std::exception_ptr problem = nullptr;
  };

  void live();
  void do_one(task& what);

  annotated_mutex mutex_;
  std::condition_variable_any changed_;
  task* current_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_WORK_THREAD_HPP
