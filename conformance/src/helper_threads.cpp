#include "helper_threads.hpp"

namespace xsipc::conformance {

void helper_threads::run(std::function<void()> work) {
  bool begin_another = false;
  {
    const annotated_lock lock(mutex_);
    waiting_.push_back(std::move(work));
    begin_another = waiting_.size() > idle_;
  }
  if (begin_another) {
    threads_.emplace_back([this] { live(); });
  } else {
    changed_.notify_one();
  }
}

void helper_threads::join() {
  {
    const annotated_lock lock(mutex_);
    finishing_ = true;
  }
  changed_.notify_all();
  for (std::thread& each : threads_) each.join();
  threads_.clear();
  const annotated_lock lock(mutex_);
  finishing_ = false;
}

void helper_threads::live() {
  for (;;) {
    std::function<void()> work;
    {
      const annotated_lock lock(mutex_);
      ++idle_;
      while (waiting_.empty() && !finishing_) changed_.wait(mutex_);
      --idle_;
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace xsipc::conformance
