// Deadlines on the kernel: operate knows them, send and receive don't.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"
#include "support/threads.hpp"

namespace xsipc {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using test_support::error_on_id;
using test_support::FailsAs;
using test_support::posix_thread;
using test_support::state_of;
using test_support::Succeeds;

constexpr sem_operation take{0, -1, sem_flags::none};

class timed_test : public test_support::sysv_test {};

TEST_F(timed_test, ATimedSendIsEnosysAndSendsNothing) {
  const auto queue = new_queue();
  const auto before = state_of(queue);
  const auto enosys = error_on_id(ENOSYS, xsi_call::msgsnd, static_cast<int>(queue.id()));
  const std::array<long, 2> frame{1, 0};
  for (const deadline until : {deadline::after(1h), deadline::at(steady::now() + 1h), deadline::at({})}) {
    EXPECT_THAT(on().send(queue.id(), {1, {}}, until), FailsAs(enosys));
    EXPECT_THAT(on().send(queue.id(), message_view::framed(frame.data(), 8), until), FailsAs(enosys));
  }
  EXPECT_EQ(state_of(queue), before);
}

TEST_F(timed_test, ATimedReceiveIsEnosysAndTakesNothing) {
  auto queue = new_queue();
  queue.send(1, {}, deadline::immediate()).value();
  const auto before = state_of(queue);
  const auto enosys = error_on_id(ENOSYS, xsi_call::msgrcv, static_cast<int>(queue.id()));
  std::array<long, 2> frame{};
  for (const deadline until : {deadline::after(1h), deadline::at(steady::now() + 1h), deadline::at({})}) {
    EXPECT_THAT(on().receive(queue.id(), {}, std::span<std::byte>(), truncation::allow, until), FailsAs(enosys));
    EXPECT_THAT(on().receive(queue.id(), {}, message_buffer::framed(&frame, 8), truncation::allow, until),
                FailsAs(enosys));
  }
  EXPECT_EQ(state_of(queue), before);
}

TEST_F(timed_test, OperateWaitsForTheWholeDuration) {
  const auto set = new_set(1);
  const auto start = steady::now();
  EXPECT_THAT(on().operate(set.id(), {&take, 1}, deadline::after(30ms)),
              FailsAs(error_on_id(EAGAIN, xsi_call::semop, static_cast<int>(set.id()))));
  EXPECT_GE(steady::now() - start, 30ms);
}

TEST_F(timed_test, OperateWaitsUntilThePoint) {
  auto set = new_set(1);
  const auto when = steady::now() + 30ms;
  EXPECT_THAT(set.acquire(0, 1, sem_flags::none, deadline::at(when)), test_support::FailsWith(EAGAIN));
  EXPECT_GE(steady::now(), when);
}

TEST_F(timed_test, OperateUntilAPastPointTriesOnce) {
  auto set = new_set(1);
  const deadline past = deadline::at(steady::now() - 1s);
  EXPECT_THAT(set.acquire(0, 1, sem_flags::none, past), test_support::FailsWith(EAGAIN));
  set.release(0).value();
  EXPECT_THAT(set.acquire(0, 1, sem_flags::none, past), Succeeds());
  EXPECT_THAT(set.value(0), test_support::Holds(0));
}

TEST_F(timed_test, OperateDoesNotWaitIfItNeedNot) {
  auto set = new_set(1);
  set.release(0, 2).value();
  EXPECT_THAT(set.acquire(0, 1, sem_flags::none, deadline::after(1h)), Succeeds());
  EXPECT_THAT(set.acquire(0, 1, sem_flags::none, deadline::immediate()), Succeeds());
  EXPECT_THAT(set.acquire(0, 1, sem_flags::none, deadline::immediate()), test_support::FailsWith(EAGAIN));
}

TEST_F(timed_test, AnAlmostEndlessWaitIsNeitherAnErrorNorShort) {
  for (const deadline until : {deadline::at(steady::time_point::max()), deadline::after(std::chrono::hours::max())}) {
    auto set = new_set(1);
    posix_thread waiter([&] { EXPECT_THAT(set.acquire(0, 1, sem_flags::none, until), Succeeds()); });
    ASSERT_TRUE(waiter.blocks_in(SYS_semtimedop));
    set.release(0).value();
    waiter.join();
  }
}

TEST_F(timed_test, ReleaseDuringATimedWaitEndsIt) {
  auto set = new_set(1);
  posix_thread waiter([&] { EXPECT_THAT(set.acquire(0, 1, sem_flags::none, deadline::after(1h)), Succeeds()); });
  ASSERT_TRUE(waiter.blocks_in(SYS_semtimedop));
  set.release(0).value();
  waiter.join();
  EXPECT_THAT(set.value(0), test_support::Holds(0));
}

}  // namespace
}  // namespace xsipc
