// One system call as the kernel defines it: number and arguments in, value or negative errno out.
//
// For backends: sysv makes its calls by it, posix sleeps and asks who it is by it. In place of syscall(2), which costs a
// call, moves every argument one register on and goes through errno, and of the C library's functions, which other
// libraries may have put their own in front of. Architectures without an entry here take the way through syscall(2);
// their System V IPC must have a system call of its own for each function (all 64-bit ones do, the old ipc(2)
// multiplexer is not served).
//
// Not noexcept: asynchronous cancellation may unwind from the very instruction (cancellable_syscall.hpp).
#ifndef XSIPC_BACKENDS_RAW_SYSCALL_HPP
#define XSIPC_BACKENDS_RAW_SYSCALL_HPP

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

static_assert(sizeof(long) == 8, "xsipc serves 64-bit Linux");

namespace xsipc::detail {

#if defined(__x86_64__)

[[gnu::always_inline]] inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                                               long e = 0, long f = 0) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

[[gnu::always_inline]] inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                                               long e = 0, long f = 0) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
}

#else

[[gnu::always_inline]] inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                                               long e = 0, long f = 0) {
  const int before = errno;
  const long returned = ::syscall(number, a, b, c, d, e, f);
  const long result = returned == -1 ? -errno : returned;
  errno = before;
  return result;
}

#endif

}  // namespace xsipc::detail

#endif  // XSIPC_BACKENDS_RAW_SYSCALL_HPP
