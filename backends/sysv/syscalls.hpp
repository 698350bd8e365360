// The kernel's XSI system calls, raw, in a table that can be replaced.
//
// For backends/sysv only. "Raw" means: arguments go to the kernel as they are, and what comes back is the
// kernel's own result, a negative errno or a value; the C library's errno is neither read nor written. The
// table exists so that tests can put something else in place of the kernel; a program has one, never changed.
// Every function is thread, fork and signal safe, as the system call is.
#ifndef XSIPC_SYSV_SYSCALLS_HPP
#define XSIPC_SYSV_SYSCALLS_HPP

#include <sys/sem.h>
#include <time.h>

#include <cstddef>

namespace xsipc::sysv {

struct syscalls {
  long (*msgget)(int key, int msgflg);
  long (*msgsnd)(int msqid, const void* msgp, std::size_t msgsz, int msgflg);           // a cancellation point
  long (*msgrcv)(int msqid, void* msgp, std::size_t msgsz, long msgtyp, int msgflg);    // a cancellation point
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

// Returns the table of the running kernel. Lives as long as the program.
[[nodiscard]] const syscalls& kernel_syscalls() noexcept;

// True if a raw result is an error: the kernel's range for negative errno values, which no address and no
// id falls into.
[[nodiscard]] constexpr bool is_error(long raw) noexcept { return raw < 0 && raw >= -4095; }

}  // namespace xsipc::sysv

#endif  // XSIPC_SYSV_SYSCALLS_HPP
