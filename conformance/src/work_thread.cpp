#include "work_thread.hpp"

#include <cxxabi.h>
#include <pthread.h>

#include <stdexcept>

namespace xsipc::conformance {

work_thread::~work_thread() {
  finish();
  std::thread last;
  {
    const annotated_lock lock(mutex_);
    last.swap(thread_);
  }
  if (last.joinable()) last.join();
}

std::thread::id work_thread::id() {
  const annotated_lock lock(mutex_);
  return thread_.get_id();
}

bool work_thread::idle() {
  const annotated_lock lock(mutex_);
  return current_ == nullptr;
}

bool work_thread::ended() {
  const annotated_lock lock(mutex_);
  return ended_ || (finishing_ && !thread_.joinable());
}

bool work_thread::perform(const std::function<void()>& work) {
  task mine{work};
  {
    const annotated_lock lock(mutex_);
    if (current_ != nullptr) throw std::logic_error("a call is pending on this thread of the actor; use another");
    if (finishing_ || ended_) return false;
    if (!thread_.joinable()) thread_ = std::thread([this] { live(); });
    current_ = &mine;
  }
  changed_.notify_all();  // without the lock, which whoever wakes needs
  const annotated_lock lock(mutex_);
  while (!mine.done && !mine.lost && !ended_) changed_.wait(mutex_);
  if (mine.problem) std::rethrow_exception(mine.problem);
  return mine.done;
}

void work_thread::finish() {
  const annotated_lock lock(mutex_);
  finishing_ = true;
  changed_.notify_all();
}

void work_thread::cancel() {
  const annotated_lock lock(mutex_);
  finishing_ = true;
  if (!ended_ && thread_.joinable()) ::pthread_cancel(thread_.native_handle());
  changed_.notify_all();
}

void work_thread::live() {
  // Only work can be cancelled; between two pieces finishing_ is enough.
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  struct end {
    work_thread& of;
    ~end() {
      const annotated_lock lock(of.mutex_);
      of.ended_ = true;
      of.current_ = nullptr;
      of.changed_.notify_all();
    }
  } const at_the_end{*this};
  for (;;) {
    task* next = nullptr;
    {
      const annotated_lock lock(mutex_);
      while (current_ == nullptr && !finishing_) changed_.wait(mutex_);
      if (finishing_) return;
      next = current_;
    }
    do_one(*next);
  }
}

// Forced unwinding is caught by a reference to nothing: the C library's affair, not to be reported.
__attribute__((no_sanitize("undefined"))) void work_thread::do_one(task& what) {
  bool lost = false;
  std::exception_ptr problem;
  try {
    ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    what.work();
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (const thread_ends&) {
    lost = true;
  } catch (...) {
    problem = std::current_exception();
  }
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  {
    const annotated_lock lock(mutex_);
    what.done = !lost;
    what.lost = lost;
    what.problem = problem;
    current_ = nullptr;
  }
  changed_.notify_all();
}

}  // namespace xsipc::conformance
