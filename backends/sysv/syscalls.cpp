#include "syscalls.hpp"

#include <pthread.h>

namespace xsipc::sysv {

// msgsnd and msgrcv are cancellation points: like libc, asynchronous cancellation is on for the duration of the
// system call and no longer. Not noexcept, without any object that has a destructor, and out of line: the unwinding
// that a cancellation starts at the system call instruction finds no landing pad in this frame, and must not need one.
[[gnu::noinline]] long detail::cancellable_syscall(long number, long a, long b, long c, long d, long e) {
  int type = 0;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  const long result = raw_syscall(number, a, b, c, d, e);
  pthread_setcanceltype(type, &type);
  return result;
}

}  // namespace xsipc::sysv
