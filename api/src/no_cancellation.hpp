// For functions that use the C library's cancellation points (open, read, close ...) and must not be one themselves:
// nothing in xsipc is, but send and receive.
#ifndef XSIPC_SRC_NO_CANCELLATION_HPP
#define XSIPC_SRC_NO_CANCELLATION_HPP

#include <pthread.h>

namespace xsipc::detail {

// While it lives the calling thread can't be cancelled; a cancellation that was asked for meanwhile waits.
class no_cancellation {
 public:
  no_cancellation() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~no_cancellation() { ::pthread_setcancelstate(before_, nullptr); }
  no_cancellation(const no_cancellation&) = delete;
  no_cancellation& operator=(const no_cancellation&) = delete;

 private:
  int before_ = 0;
};

}  // namespace xsipc::detail

#endif  // XSIPC_SRC_NO_CANCELLATION_HPP
