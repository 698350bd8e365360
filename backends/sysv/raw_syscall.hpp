// One system call as the kernel defines it: number and arguments in, value or negative errno out.
//
// In place of syscall(2), which costs a call, moves every argument one register on and goes through errno.
// Architectures without an entry here take that way; their System V IPC must have a system call of its own for
// each function (all 64-bit ones do, the old ipc(2) multiplexer is not served).
//
// Not noexcept: asynchronous cancellation may unwind from the very instruction (syscalls.cpp).
#ifndef XSIPC_SYSV_RAW_SYSCALL_HPP
#define XSIPC_SYSV_RAW_SYSCALL_HPP

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

static_assert(sizeof(long) == 8, "xsipc's sysv backend serves 64-bit Linux");

namespace xsipc::sysv {

#if defined(__x86_64__)

[[gnu::always_inline]] inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                                               long e = 0) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

[[gnu::always_inline]] inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                                               long e = 0) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory", "cc");
  return x0;
}

#else

[[gnu::always_inline]] inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                                               long e = 0) {
  const int before = errno;
  const long returned = ::syscall(number, a, b, c, d, e);
  const long result = returned == -1 ? -errno : returned;
  errno = before;
  return result;
}

#endif

}  // namespace xsipc::sysv

#endif  // XSIPC_SYSV_RAW_SYSCALL_HPP
