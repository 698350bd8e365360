#include "syscalls.hpp"

#include <pthread.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define XSIPC_KNOWS_SINGLE_THREADED 1
#endif

#include "raw_syscall.hpp"

namespace xsipc::sysv {
namespace {

long as_word(const void* pointer) noexcept { return reinterpret_cast<long>(pointer); }

bool single_threaded() noexcept {
#if XSIPC_KNOWS_SINGLE_THREADED
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

// msgsnd and msgrcv are cancellation points: like libc, asynchronous cancellation is on for the duration of the
// system call and no longer. Not noexcept, without any object that has a destructor, and out of line: the unwinding
// that a cancellation starts at the system call instruction finds no landing pad in this frame, and must not need one.
[[gnu::noinline]] long cancellable_syscall(long number, long a, long b, long c, long d, long e) {
  if (single_threaded()) return raw_syscall(number, a, b, c, d, e);  // nobody is there to cancel it
  int type = 0;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  const long result = raw_syscall(number, a, b, c, d, e);
  pthread_setcanceltype(type, &type);
  return result;
}

long msgget(int key, int msgflg) { return raw_syscall(SYS_msgget, key, msgflg); }

long msgsnd(int msqid, const void* msgp, std::size_t msgsz, int msgflg) {
  return cancellable_syscall(SYS_msgsnd, msqid, as_word(msgp), static_cast<long>(msgsz), msgflg, 0);
}

long msgrcv(int msqid, void* msgp, std::size_t msgsz, long msgtyp, int msgflg) {
  return cancellable_syscall(SYS_msgrcv, msqid, as_word(msgp), static_cast<long>(msgsz), msgtyp, msgflg);
}

long msgctl(int msqid, int cmd, void* buf) { return raw_syscall(SYS_msgctl, msqid, cmd, as_word(buf)); }

long semget(int key, int nsems, int semflg) { return raw_syscall(SYS_semget, key, nsems, semflg); }

long semop(int semid, const void* sops, std::size_t nsops) {
  return raw_syscall(SYS_semop, semid, as_word(sops), static_cast<long>(nsops));
}

long semtimedop(int semid, const void* sops, std::size_t nsops, const timespec* timeout) {
  return raw_syscall(SYS_semtimedop, semid, as_word(sops), static_cast<long>(nsops), as_word(timeout));
}

long semctl(int semid, int semnum, int cmd, unsigned long arg) {
  return raw_syscall(SYS_semctl, semid, semnum, cmd, static_cast<long>(arg));
}

long shmget(int key, std::size_t size, int shmflg) {
  return raw_syscall(SYS_shmget, key, static_cast<long>(size), shmflg);
}

long shmat(int shmid, const void* shmaddr, int shmflg) {
  return raw_syscall(SYS_shmat, shmid, as_word(shmaddr), shmflg);
}

long shmdt(const void* shmaddr) { return raw_syscall(SYS_shmdt, as_word(shmaddr)); }

long shmctl(int shmid, int cmd, void* buf) { return raw_syscall(SYS_shmctl, shmid, cmd, as_word(buf)); }

constexpr syscalls table = {msgget, msgsnd, msgrcv, msgctl, semget, semop, semtimedop, semctl, shmget, shmat, shmdt,
                            shmctl};

}  // namespace

const syscalls& kernel_syscalls() noexcept { return table; }

}  // namespace xsipc::sysv
