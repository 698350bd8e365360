// The kernel's XSI system calls, raw, with a table that can take their place.
//
// For backends/sysv only. "Raw" means: arguments go to the kernel as they are, and what comes back is the
// kernel's own result, a negative errno or a value; the C library's errno is neither read nor written. The
// table exists so that tests can put something else in place of the kernel; a program has none. Without one each call
// is inline down to the system call instruction: after it, a return costs 5 to 10 ns where the kernel guards against
// speculation, and the C library's function has one only.
// Every function is thread, fork and signal safe, as the system call is.
#ifndef XSIPC_SYSV_SYSCALLS_HPP
#define XSIPC_SYSV_SYSCALLS_HPP

#include <sys/sem.h>
#include <time.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define XSIPC_KNOWS_SINGLE_THREADED 1
#endif

#include <cstddef>

#include "../cancellable_syscall.hpp"
#include "../raw_syscall.hpp"

namespace xsipc::sysv {

using xsipc::detail::raw_syscall;

// What can stand in for the kernel.
struct syscalls {
  long (*msgget)(int key, int msgflg);
  long (*msgsnd)(int msqid, const void* msgp, std::size_t msgsz, int msgflg);         // a cancellation point
  long (*msgrcv)(int msqid, void* msgp, std::size_t msgsz, long msgtyp, int msgflg);  // a cancellation point
  long (*msgctl)(int msqid, int cmd, void* buf);
  long (*semget)(int key, int nsems, int semflg);
  long (*semop)(int semid, const void* sops, std::size_t nsops);
  long (*semtimedop)(int semid, const void* sops, std::size_t nsops, const timespec* timeout);
  long (*semctl)(int semid, int semnum, int cmd, unsigned long arg);
  long (*shmget)(int key, std::size_t size, int shmflg);
  long (*shmat)(int shmid, const void* shmaddr, int shmflg);
  long (*shmdt)(const void* shmaddr);
  long (*shmctl)(int shmid, int cmd, void* buf);
};

namespace detail {

using xsipc::detail::cancellable_syscall;

inline long as_word(const void* pointer) noexcept { return reinterpret_cast<long>(pointer); }

// True if no other thread is there to cancel this one. It may have cancelled itself before: a C library that doesn't
// count that here (glibc before 2.37 on x86) ends it only at the next cancellation point of its own. To ask with
// pthread_testcancel would cost one in a hundred of every call.
inline bool single_threaded() noexcept {
#if XSIPC_KNOWS_SINGLE_THREADED
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

}  // namespace detail

// The calls of the kernel, or of a table in its place.
class system_calls {
 public:
  constexpr explicit system_calls(const syscalls* replacement = nullptr) noexcept : replacement_(replacement) {}

  long msgget(int key, int msgflg) const {
    if (replaced()) return replacement_->msgget(key, msgflg);
    return raw_syscall(SYS_msgget, key, msgflg);
  }
  long msgsnd(int msqid, const void* msgp, std::size_t msgsz, int msgflg) const {
    if (replaced()) return replacement_->msgsnd(msqid, msgp, msgsz, msgflg);
    if (!detail::single_threaded()) {
      return detail::cancellable_syscall(SYS_msgsnd, msqid, detail::as_word(msgp), static_cast<long>(msgsz), msgflg, 0);
    }
    return raw_syscall(SYS_msgsnd, msqid, detail::as_word(msgp), static_cast<long>(msgsz), msgflg);
  }
  long msgrcv(int msqid, void* msgp, std::size_t msgsz, long msgtyp, int msgflg) const {
    if (replaced()) return replacement_->msgrcv(msqid, msgp, msgsz, msgtyp, msgflg);
    if (!detail::single_threaded()) {
      return detail::cancellable_syscall(SYS_msgrcv, msqid, detail::as_word(msgp), static_cast<long>(msgsz), msgtyp,
                                         msgflg);
    }
    return raw_syscall(SYS_msgrcv, msqid, detail::as_word(msgp), static_cast<long>(msgsz), msgtyp, msgflg);
  }
  long msgctl(int msqid, int cmd, void* buf) const {
    if (replaced()) return replacement_->msgctl(msqid, cmd, buf);
    return raw_syscall(SYS_msgctl, msqid, cmd, detail::as_word(buf));
  }
  long semget(int key, int nsems, int semflg) const {
    if (replaced()) return replacement_->semget(key, nsems, semflg);
    return raw_syscall(SYS_semget, key, nsems, semflg);
  }
  long semop(int semid, const void* sops, std::size_t nsops) const {
    if (replaced()) return replacement_->semop(semid, sops, nsops);
    return raw_syscall(SYS_semop, semid, detail::as_word(sops), static_cast<long>(nsops));
  }
  long semtimedop(int semid, const void* sops, std::size_t nsops, const timespec* timeout) const {
    if (replaced()) return replacement_->semtimedop(semid, sops, nsops, timeout);
    return raw_syscall(SYS_semtimedop, semid, detail::as_word(sops), static_cast<long>(nsops),
                       detail::as_word(timeout));
  }
  long semctl(int semid, int semnum, int cmd, unsigned long arg) const {
    if (replaced()) return replacement_->semctl(semid, semnum, cmd, arg);
    return raw_syscall(SYS_semctl, semid, semnum, cmd, static_cast<long>(arg));
  }
  long shmget(int key, std::size_t size, int shmflg) const {
    if (replaced()) return replacement_->shmget(key, size, shmflg);
    return raw_syscall(SYS_shmget, key, static_cast<long>(size), shmflg);
  }
  long shmat(int shmid, const void* shmaddr, int shmflg) const {
    if (replaced()) return replacement_->shmat(shmid, shmaddr, shmflg);
    return raw_syscall(SYS_shmat, shmid, detail::as_word(shmaddr), shmflg);
  }
  long shmdt(const void* shmaddr) const {
    if (replaced()) return replacement_->shmdt(shmaddr);
    return raw_syscall(SYS_shmdt, detail::as_word(shmaddr));
  }
  long shmctl(int shmid, int cmd, void* buf) const {
    if (replaced()) return replacement_->shmctl(shmid, cmd, buf);
    return raw_syscall(SYS_shmctl, shmid, cmd, detail::as_word(buf));
  }

 private:
  [[nodiscard]] bool replaced() const noexcept { return __builtin_expect(replacement_ != nullptr, 0) != 0; }

  const syscalls* replacement_;
};

// True if a raw result is an error: the kernel's range for negative errno values, which no address and no
// id falls into.
[[nodiscard]] constexpr bool is_error(long raw) noexcept { return raw < 0 && raw >= -4095; }

}  // namespace xsipc::sysv

#endif  // XSIPC_SYSV_SYSCALLS_HPP
