// What costs nothing costs no system call: a filter in the kernel kills the process that makes one.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>

#include "private_namespace.hpp"
#include "worker.hpp"

namespace xsipc::posix_test {
namespace {

// From now on only the end of the process is allowed.
bool forbid_system_calls() {
  std::array<sock_filter, 4> program = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  }};
  const sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

struct objects {
  msqid queue{};
  semid set{};
};

objects make_objects(spi::backend& xsi) {
  return {xsi.get_queue(key::ipc_private, creation::create_only(0600)).value(),
          xsi.get_set(key::ipc_private, 4, creation::create_only(0600)).value()};
}

// Each call once; false if one fails.
bool use(spi::backend& xsi, const objects& on) {
  std::array<std::byte, 512> text{};
  const std::array<sem_operation, 2> up = {{{0, 1, sem_flags::none}, {1, 1, sem_flags::none}}};
  const std::array<sem_operation, 2> down = {{{0, -1, sem_flags::no_wait}, {1, -1, sem_flags::none}}};
  for (const std::size_t size : {std::size_t{8}, std::size_t{64}, text.size()}) {
    if (!xsi.send(on.queue, message_view(7, std::span(text).first(size)), deadline::immediate())) return false;
    if (!xsi.receive(on.queue, msgtyp_selector::type(7), message_buffer(text), truncation::refuse,
                     deadline::never())) {
      return false;
    }
  }
  return xsi.operate(on.set, up, deadline::never()) && xsi.operate(on.set, down, deadline::never()) &&
         xsi.query_semaphore(on.set, 0, sem_query::value) &&
         !xsi.receive(on.queue, msgtyp_selector::any(), message_buffer(text), truncation::refuse,
                      deadline::immediate());
}

constexpr int ok = 42;

constexpr bool sanitized =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#else
    false;
#endif

TEST(NoSystemCall, InSendReceiveAndOperateWithoutContention) {
  if (sanitized) GTEST_SKIP() << "a sanitizer makes system calls of its own";
  const private_namespace place;
  const objects on = make_objects(place.xsi());
  worker child([&] {
    if (!use(place.xsi(), on)) return 1;  // what is asked once is asked here
    if (!forbid_system_calls()) return 2;
    for (int i = 0; i < 1000; ++i) {
      if (!use(place.xsi(), on)) return 3;
    }
    return ok;
  });
  const int status = child.wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == ok) << "wait status " << status;
}

// The check can fail: msgget of a new queue may not need one, but sleeping does.
TEST(NoSystemCall, WouldBeSeen) {
  const private_namespace place;
  const objects on = make_objects(place.xsi());
  worker child([&] {
    if (!use(place.xsi(), on) || !forbid_system_calls()) return 1;
    std::array<std::byte, 8> text{};
    static_cast<void>(place.xsi().receive(on.queue, msgtyp_selector::any(), message_buffer(text), truncation::refuse,
                                          deadline::after(std::chrono::milliseconds(1))));
    return ok;
  });
  const int status = child.wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << "wait status " << status;
}

}  // namespace
}  // namespace xsipc::posix_test
