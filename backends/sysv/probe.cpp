// Finds out whether System V IPC works here, in a process of its own: a call that a sandbox answers with a signal then
// ends that process and not the caller's.
#include <sched.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>

#include "backend.hpp"
#include "syscalls.hpp"
#include "translate.hpp"
#include "xsipc/open.hpp"

namespace xsipc {
namespace sysv {
namespace {

// A call that changes nothing, and what a kernel that has it answers. What a sandbox answers instead is ENOSYS, EPERM,
// EACCES or a signal. Should the key exist after all, then the call succeeds, which is an answer too. Raw where the
// call is a cancellation point: a cancellation that is pending for the caller would unwind the caller's frames in the
// child.
struct question {
  xsi_call call;
  int answer;
  long (*ask)();
};

using detail::as_word;

constexpr int unlikely_key = 0x78736970;
constexpr system_calls kernel;

const std::array<question, 12> questions = {{
    {xsi_call::msgget, ENOENT, [] { return kernel.msgget(unlikely_key, 0); }},
    {xsi_call::msgsnd, EINVAL,
     [] { return raw_syscall(SYS_msgsnd, -1, as_word(std::array{1L}.data()), 0, IPC_NOWAIT); }},
    {xsi_call::msgrcv, EINVAL,
     [] { return raw_syscall(SYS_msgrcv, -1, as_word(std::array{0L}.data()), 0, 0, IPC_NOWAIT); }},
    {xsi_call::msgctl, EINVAL, [] { return kernel.msgctl(-1, IPC_STAT, std::array<msqid_ds, 1>().data()); }},
    {xsi_call::semget, ENOENT, [] { return kernel.semget(unlikely_key, 0, 0); }},
    {xsi_call::semop, EINVAL, [] { return kernel.semop(-1, std::array<sembuf, 1>{}.data(), 1); }},
    {xsi_call::semop, EINVAL,
     [] {
       const timespec none{};
       return kernel.semtimedop(-1, std::array<sembuf, 1>{}.data(), 1, &none);
     }},
    {xsi_call::semctl, EINVAL, [] { return kernel.semctl(-1, 0, GETVAL, 0); }},
    {xsi_call::shmget, ENOENT, [] { return kernel.shmget(unlikely_key, 0, 0); }},
    {xsi_call::shmat, EINVAL, [] { return kernel.shmat(-1, nullptr, 0); }},
    {xsi_call::shmdt, EINVAL, [] { return kernel.shmdt(nullptr); }},
    {xsi_call::shmctl, EINVAL, [] { return kernel.shmctl(-1, IPC_STAT, std::array<shmid_ds, 1>().data()); }},
}};

// What the child tells the parent, in memory that both map.
struct report {
  unsigned asked;  // questions begun
  int code;        // errno of the last, if it was the wrong one
};

// Runs in the child. Nothing but system calls and stores: it is a copy of one thread of any program.
[[noreturn]] void ask_all(report& told) {
  for (const question& next : questions) {
    told.asked = told.asked + 1;
    const long raw = next.ask();
    if (is_error(raw) && raw != -next.answer) {
      told.code = static_cast<int>(-raw);
      raw_syscall(SYS_exit_group, 1);
    }
  }
  raw_syscall(SYS_exit_group, 0);
  __builtin_unreachable();
}

// Forks without a signal at the child's end, so that no SIGCHLD handler and no wait() of the program sees it.
long fork_unseen() { return raw_syscall(SYS_clone, 0, 0, 0, 0, 0); }

int wait_unseen(long child) {
  int status = 0;
  long raw = 0;
  do {
    raw = raw_syscall(SYS_wait4, child, reinterpret_cast<long>(&status), __WALL, 0);
  } while (raw == -EINTR);
  return is_error(raw) ? -1 : status;
}

sysv_support interpret(const report& told, int status) {
  const xsi_call last = told.asked == 0 ? xsi_call::none : questions[told.asked - 1].call;
  if (WIFSIGNALED(status)) return {.works = false, .failed = last, .code = 0, .signal = WTERMSIG(status)};
  if (!WIFEXITED(status)) return {.works = false, .failed = last, .code = ECHILD, .signal = 0};
  if (WEXITSTATUS(status) != 0) return {.works = false, .failed = last, .code = told.code, .signal = 0};
  // All calls are there; a sandbox may still allow no objects.
  const auto limits = backend().limits();
  if (!limits) return {.works = false, .failed = xsi_call::limits, .code = limits.error().code, .signal = 0};
  if (limits->msgmni == 0) return {.works = false, .failed = xsi_call::msgget, .code = ENOSPC, .signal = 0};
  if (limits->semmni == 0) return {.works = false, .failed = xsi_call::semget, .code = ENOSPC, .signal = 0};
  if (limits->shmmni == 0) return {.works = false, .failed = xsi_call::shmget, .code = ENOSPC, .signal = 0};
  return {.works = true, .failed = xsi_call::none, .code = 0, .signal = 0};
}

}  // namespace
}  // namespace sysv

sysv_support probe_sysv() {
  void* const shared = ::mmap(nullptr, sizeof(sysv::report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return {.works = false, .failed = xsi_call::none, .code = errno, .signal = 0};
  auto& told = *static_cast<sysv::report*>(shared);
  sysv_support support{.works = false, .failed = xsi_call::none, .code = 0, .signal = 0};
  const long child = sysv::fork_unseen();
  if (child == 0) sysv::ask_all(told);
  if (sysv::is_error(child)) {
    support.code = static_cast<int>(-child);
  } else {
    support = sysv::interpret(told, sysv::wait_unseen(child));
  }
  ::munmap(shared, sizeof(sysv::report));
  return support;
}

}  // namespace xsipc
