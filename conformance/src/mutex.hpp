// std::mutex with the attributes that let clang check what it guards. (absl::Mutex has them too, but Debian's abseil is
// not built for the thread sanitizer, which then reports races that aren't there.)
#ifndef XSIPC_CONFORMANCE_MUTEX_HPP
#define XSIPC_CONFORMANCE_MUTEX_HPP

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace xsipc::conformance {

class ABSL_LOCKABLE annotated_mutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE annotated_lock {
 public:
  explicit annotated_lock(annotated_mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~annotated_lock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  annotated_lock(const annotated_lock&) = delete;
  annotated_lock& operator=(const annotated_lock&) = delete;

 private:
  annotated_mutex& mutex_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_MUTEX_HPP
