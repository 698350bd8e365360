// What is no cancellation point: called with a cancellation pending, it returns as if there were none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <new>

#include "support/ipc_namespace.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"
#include "support/threads.hpp"

namespace xsipc {
namespace {

using test_support::posix_thread;
using test_support::Succeeds;

class no_cancellation_point_test : public test_support::sysv_test {
 protected:
  static void expect_to_return(const std::function<void()>& call) {
    bool returned = false;
    bool lived_on = false;
    posix_thread thread([&] {
      pthread_cancel(pthread_self());
      call();
      returned = true;
      pthread_testcancel();
      lived_on = true;
    });
    EXPECT_TRUE(thread.join());
    EXPECT_TRUE(returned);
    EXPECT_FALSE(lived_on);
  }
};

TEST_F(no_cancellation_point_test, Ftok) {
  expect_to_return([] { EXPECT_THAT(ftok("/", 1), Succeeds()); });
  expect_to_return([] { EXPECT_THAT(ftok("/no such file", 1), test_support::FailsWith(ENOENT)); });
}

TEST_F(no_cancellation_point_test, Limits) {
  expect_to_return([&] { EXPECT_THAT(on().limits(), Succeeds()); });
}

TEST_F(no_cancellation_point_test, ChangeLimits) {
  if (!test_support::has_private_namespace()) GTEST_SKIP() << "needs limits of its own";
  expect_to_return([&] {
    const test_support::changed_limits lowered(on(),
                                               [](ipc_limits& limits) { limits.msgmni = 100, limits.shmmni = 100; });
    EXPECT_TRUE(lowered.in_force()) << lowered.why_not();
    EXPECT_EQ(on().limits()->shmmni, 100U);
  });
}

TEST_F(no_cancellation_point_test, Usage) {
  expect_to_return([&] { EXPECT_THAT(on().usage(object_kind::queue), Succeeds()); });
  expect_to_return([&] { EXPECT_THAT(on().usage(object_kind::set), Succeeds()); });
  expect_to_return([&] { EXPECT_THAT(on().usage(object_kind::segment), Succeeds()); });
}

TEST_F(no_cancellation_point_test, ProbeSysv) {
  expect_to_return([] { EXPECT_TRUE(probe_sysv().works); });
}

// The probe's child inherits what is pending. Were it to act, the caller's objects would be destroyed there too.
TEST_F(no_cancellation_point_test, ProbeSysvInItsChild) {
  void* const memory =
      ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& destroyed = *new (memory) std::atomic<int>(0);
  struct counted {
    ~counted() { ++count; }
    std::atomic<int>& count;
  };
  expect_to_return([&] {
    const counted here{destroyed};
    EXPECT_TRUE(probe_sysv().works);
  });
  EXPECT_EQ(destroyed, 1);
  ::munmap(memory, sizeof destroyed);
}

TEST_F(no_cancellation_point_test, GetStatSetAndRemoveOfAQueue) {
  expect_to_return([&] {
    auto queue = new_queue();
    EXPECT_THAT(queue.stat(), Succeeds());
    EXPECT_THAT(queue.set({changeable(queue.stat()->perm), 10}), Succeeds());
    EXPECT_THAT(message_queue::list(on()), Succeeds());
    EXPECT_THAT(queue.remove(), Succeeds());
  });
}

TEST_F(no_cancellation_point_test, EverythingOfASet) {
  expect_to_return([&] {
    auto set = new_set(2);
    EXPECT_THAT(set.release(0, 2), Succeeds());
    EXPECT_THAT(set.acquire(0), Succeeds());
    EXPECT_THAT(set.acquire(0, 1, sem_flags::none, deadline::after(std::chrono::hours(1))), Succeeds());
    EXPECT_THAT(set.acquire(0, 1, sem_flags::none, deadline::after(std::chrono::milliseconds(1))),
                test_support::FailsWith(EAGAIN));
    EXPECT_THAT(set.wait_for_zero(0), Succeeds());
    EXPECT_THAT(set.set_value(0, 1), Succeeds());
    EXPECT_THAT(set.set_values(std::array<std::uint16_t, 2>{3, 4}), Succeeds());
    EXPECT_THAT(set.values(), Succeeds());
    EXPECT_THAT(set.value(0), Succeeds());
    EXPECT_THAT(set.stat(), Succeeds());
    EXPECT_THAT(set.remove(), Succeeds());
  });
}

TEST_F(no_cancellation_point_test, EverythingOfASegment) {
  expect_to_return([&] {
    auto segment = new_segment(100);
    EXPECT_THAT(segment.attach(), Succeeds());
    EXPECT_THAT(segment.stat(), Succeeds());
    EXPECT_THAT(segment.set(changeable(segment.stat()->perm)), Succeeds());
    EXPECT_THAT(segment.remove(), Succeeds());
  });
}

// The thread that waits when the cancellation comes goes on waiting, and gets what it waits for.
void cancel_while_waiting(semaphore_set set, deadline until, long number) {
  bool acquired = false;
  bool lived_on = false;
  posix_thread waiter([&] {
    acquired = set.acquire(0, 1, sem_flags::none, until).has_value();
    pthread_testcancel();
    lived_on = true;
  });
  ASSERT_TRUE(waiter.blocks_in(number));
  waiter.cancel();
  ASSERT_TRUE(waiter.blocks_in(number));
  EXPECT_THAT(set.ncnt(0), test_support::Holds(1));
  set.release(0).value();
  EXPECT_TRUE(waiter.join());
  EXPECT_TRUE(acquired);
  EXPECT_FALSE(lived_on);
  EXPECT_THAT(set.value(0), test_support::Holds(0));
}

TEST_F(no_cancellation_point_test, ABlockedOperate) { cancel_while_waiting(new_set(1), deadline::never(), SYS_semop); }

TEST_F(no_cancellation_point_test, ABlockedTimedOperate) {
  cancel_while_waiting(new_set(1), deadline::after(std::chrono::hours(1)), SYS_semtimedop);
}

TEST_F(no_cancellation_point_test, OperateWithACancellationPendingBeforeIt) {
  auto set = new_set(1);
  bool acquired = false;
  posix_thread waiter([&] {
    pthread_cancel(pthread_self());
    acquired = set.acquire(0).has_value();
    pthread_testcancel();
  });
  ASSERT_TRUE(waiter.blocks_in(SYS_semop));
  set.release(0).value();
  EXPECT_TRUE(waiter.join());
  EXPECT_TRUE(acquired);
}

}  // namespace
}  // namespace xsipc
