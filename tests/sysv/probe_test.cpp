// probe_sysv in sandboxes: seccomp filters written by hand, in a child that can die of them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "support/child.hpp"
#include "support/sysv_fixture.hpp"
#include "xsipc/open.hpp"

namespace xsipc {
namespace {

constexpr std::uint32_t answer_errno(int code) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(code); }

// Has system call `number` answered by `action` for the rest of this process's life, and its children's.
bool filter(long number, std::uint32_t action) {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog described{.len = program.size(), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &described) == 0;
}

struct sandboxed {
  bool filtered = false;
  sysv_support support;
};

// What the probe says in a child that is filtered; no value if the child did not survive.
std::optional<sandboxed> probe_under(long number, std::uint32_t action) {
  return test_support::value_from_child([=]() -> sandboxed {
    if (!filter(number, action)) return {};
    return {true, probe_sysv()};
  });
}

void expect_verdict(long number, std::uint32_t action, const sysv_support& expected) {
  SCOPED_TRACE(call_name(expected.failed));
  const auto seen = probe_under(number, action);
  ASSERT_TRUE(seen.has_value()) << "the probing process died";
  if (!seen->filtered) GTEST_SKIP() << "seccomp filters are not permitted here";
  EXPECT_EQ(seen->support.works, expected.works);
  EXPECT_EQ(seen->support.failed, expected.failed);
  EXPECT_EQ(seen->support.code, expected.code);
  EXPECT_EQ(seen->support.signal, expected.signal);
}

struct probed_call {
  long number;
  xsi_call call;
};
constexpr std::array<probed_call, 12> probed_calls{{{SYS_msgget, xsi_call::msgget},
                                                    {SYS_msgsnd, xsi_call::msgsnd},
                                                    {SYS_msgrcv, xsi_call::msgrcv},
                                                    {SYS_msgctl, xsi_call::msgctl},
                                                    {SYS_semget, xsi_call::semget},
                                                    {SYS_semop, xsi_call::semop},
                                                    {SYS_semtimedop, xsi_call::semop},
                                                    {SYS_semctl, xsi_call::semctl},
                                                    {SYS_shmget, xsi_call::shmget},
                                                    {SYS_shmat, xsi_call::shmat},
                                                    {SYS_shmdt, xsi_call::shmdt},
                                                    {SYS_shmctl, xsi_call::shmctl}}};

class probe_test : public test_support::sysv_test {};

TEST_F(probe_test, ReportsSuccessHere) {
  const sysv_support support = probe_sysv();
  EXPECT_TRUE(support.works);
  EXPECT_EQ(support.failed, xsi_call::none);
  EXPECT_EQ(support.code, 0);
  EXPECT_EQ(support.signal, 0);
}

TEST_F(probe_test, SurvivesAFilterThatKillsTheProcess) {
  for (const auto& [number, call] : probed_calls) {
    expect_verdict(number, SECCOMP_RET_KILL_PROCESS, {.works = false, .failed = call, .code = 0, .signal = SIGSYS});
  }
}

TEST_F(probe_test, SurvivesAFilterThatRaisesSigsys) {
  for (const auto& [number, call] : probed_calls) {
    expect_verdict(number, SECCOMP_RET_TRAP, {.works = false, .failed = call, .code = 0, .signal = SIGSYS});
  }
}

TEST_F(probe_test, ReportsCallsThatAreNotThere) {
  for (const auto& [number, call] : probed_calls) {
    expect_verdict(number, answer_errno(ENOSYS), {.works = false, .failed = call, .code = ENOSYS, .signal = 0});
  }
}

TEST_F(probe_test, ReportsCallsThatAreForbidden) {
  for (const auto& [number, call] : probed_calls) {
    expect_verdict(number, answer_errno(EPERM), {.works = false, .failed = call, .code = EPERM, .signal = 0});
  }
}

TEST_F(probe_test, ReportsThatItCouldNotFork) {
  expect_verdict(SYS_clone, answer_errno(EAGAIN),
                 {.works = false, .failed = xsi_call::none, .code = EAGAIN, .signal = 0});
}

TEST_F(probe_test, ReportsALimitOfNoObjects) {
  const std::pair<std::uint64_t ipc_limits::*, xsi_call> limits[] = {{&ipc_limits::msgmni, xsi_call::msgget},
                                                                     {&ipc_limits::semmni, xsi_call::semget},
                                                                     {&ipc_limits::shmmni, xsi_call::shmget}};
  for (const auto& [member, call] : limits) {
    const test_support::changed_limits none(on(), [member = member](ipc_limits& changed) { changed.*member = 0; });
    if (!none.in_force()) GTEST_SKIP() << none.why_not();
    const sysv_support support = probe_sysv();
    EXPECT_FALSE(support.works);
    EXPECT_EQ(support.failed, call);
    EXPECT_EQ(support.code, ENOSPC);
    EXPECT_EQ(support.signal, 0);
  }
}

TEST_F(probe_test, LeavesNoZombie) {
  // In a child, because the test program may have children of its own.
  EXPECT_TRUE(test_support::holds_in_child([] {
    if (!probe_sysv().works) return false;
    errno = 0;
    return ::waitpid(-1, nullptr, WNOHANG | __WALL) == -1 && errno == ECHILD;
  }));
}

TEST_F(probe_test, LeavesNoZombieOfAKilledChild) {
  EXPECT_TRUE(test_support::holds_in_child([] {
    if (!filter(SYS_semget, SECCOMP_RET_KILL_PROCESS)) return true;
    if (probe_sysv().works) return false;
    errno = 0;
    return ::waitpid(-1, nullptr, WNOHANG | __WALL) == -1 && errno == ECHILD;
  }));
}

TEST_F(probe_test, WorksWhereChildrenAreReapedUnseen) {
  EXPECT_TRUE(test_support::holds_in_child([] {
    std::signal(SIGCHLD, SIG_IGN);
    return probe_sysv().works;
  }));
}

TEST_F(probe_test, RaisesNoSigchld) {
  EXPECT_TRUE(test_support::holds_in_child([] {
    sigset_t child_signals;
    sigemptyset(&child_signals);
    sigaddset(&child_signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signals, nullptr);
    if (!probe_sysv().works) return false;
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGCHLD) == 0;
  }));
}

TEST_F(probe_test, CreatesNoObject) {
  const auto objects = [&] {
    return std::array{on().usage(object_kind::queue)->objects, on().usage(object_kind::set)->objects,
                      on().usage(object_kind::segment)->objects};
  };
  const auto before = objects();
  EXPECT_TRUE(probe_sysv().works);
  EXPECT_EQ(objects(), before);
}

TEST_F(probe_test, LeavesNoDescriptorOpen) {
  const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(lowest_free);
  EXPECT_TRUE(probe_sysv().works);
  const int again = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(again, lowest_free);
  ::close(again);
}

}  // namespace
}  // namespace xsipc
