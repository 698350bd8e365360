// A system call during which, and no longer, cancellation acts at once.
//
// For the calls in which msgsnd and msgrcv block: these are cancellation points, as in the C library.
#ifndef XSIPC_BACKENDS_CANCELLABLE_SYSCALL_HPP
#define XSIPC_BACKENDS_CANCELLABLE_SYSCALL_HPP

#include <pthread.h>

#include "raw_syscall.hpp"

namespace xsipc::detail {

// Not noexcept, without any object that has a destructor, and out of line: the unwinding that a cancellation starts at
// the system call instruction finds no landing pad in this frame, and must not need one.
[[gnu::noinline]] inline long cancellable_syscall(long number, long a, long b, long c, long d, long e, long f = 0) {
  int type = 0;
  ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  const long result = raw_syscall(number, a, b, c, d, e, f);
  ::pthread_setcanceltype(type, &type);
  return result;
}

}  // namespace xsipc::detail

#endif  // XSIPC_BACKENDS_CANCELLABLE_SYSCALL_HPP
