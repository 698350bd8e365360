// semop with a deadline, which is semtimedop in C. Only minimum times are asserted.
#include <signal.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

#include <chrono>

#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semtime)

namespace {

using std::chrono::steady_clock;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using namespace std::chrono_literals;

constexpr auto long_enough = 1h;  // never reached

// semtimedop of one operation on semaphore 0: set, sem_op, flags and, unless it is to be NULL, the timeout's two
// members. Returns the error and, if there is one, the timeout as it is afterwards.
XSI_ROUTINE(semtimedop_once) {
  const auto& in = context.input.numbers;
  ::sembuf operation{0, static_cast<short>(in[1]), static_cast<short>(in[2])};
  const bool has_timeout = in.size() > 3;
  ::timespec timeout{};
  if (has_timeout) timeout = {.tv_sec = in[3], .tv_nsec = in[4]};
  const int failed = context.c->semtimedop(static_cast<int>(in[0]), &operation, 1, has_timeout ? &timeout : nullptr);
  routine_result outcome{{failed == 0 ? 0 : errno}};
  if (has_timeout) outcome.numbers.insert(outcome.numbers.end(), {timeout.tv_sec, timeout.tv_nsec});
  return outcome;
}

XSI_ROUTINE(semtimedop_with_unreadable_timeout) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const forbidden = ::mmap(nullptr, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ::sembuf operation{0, 1, 0};
  const int failed = context.c->semtimedop(static_cast<int>(context.input.numbers[0]), &operation, 1,
                                           static_cast<const ::timespec*>(forbidden));
  const std::int64_t code = failed == 0 ? 0 : errno;
  ::munmap(forbidden, page);
  return {{code}};
}

class SemTimedOp : public conformance_test {
 protected:
  static auto operating_until(semid set, std::vector<sem_operation> operations, deadline until) {
    return [=](spi::backend& xsi) { return operate(xsi, set, operations, until); };
  }
  // The input of semtimedop_once.
  static routine_input once(semid set, int sem_op, sem_flags flags) {
    return {.numbers = {static_cast<int>(set), sem_op, static_cast<int>(flags)}};
  }
  static routine_input once(semid set, int sem_op, std::int64_t sec, std::int64_t nsec) {
    return {.numbers = {static_cast<int>(set), sem_op, 0, sec, nsec}};
  }
  // Semaphore 0 is 0, 1 is 0, 2 is 1; both arrays wait, and would add to 1.
  static semid busy_set(actor& owner) {
    const semid set = new_set(owner, 3);
    EXPECT_THAT(owner.xsi().set_value(set, 2, 1), Succeeds());
    return set;
  }
  static std::vector<std::vector<sem_operation>> waiting_arrays() { return {{add(1), take(0)}, {add(1), zero(2)}}; }
  static void expect_untouched(actor& owner, semid set) {
    EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(0, 0, 1));
    EXPECT_THAT(ncnts_of(owner.xsi(), set), Each(0));
    EXPECT_THAT(zcnts_of(owner.xsi(), set), Each(0));
    EXPECT_THAT(sempids_of(owner.xsi(), set), ElementsAre(0, 0, owner.pid()));
    EXPECT_EQ(status_of(owner.xsi(), set).otime, 0);
  }
};

TEST_F(SemTimedOp, WithoutATimeoutItIsSemop) {
  XSI_ASSERTION("SEMTIME-01");
  XSI_NEEDS(capability::timed_semop);
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client);
  EXPECT_THAT(client.run("semtimedop_once", once(set, 2, sem_flags::none)).numbers, ElementsAre(0));
  EXPECT_THAT(client.run("semtimedop_once", once(set, -3, no_wait)).numbers, ElementsAre(EAGAIN));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(2));
  auto call = waiter.start_run("semtimedop_once", once(set, -3, sem_flags::none));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1));
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(call.get().numbers, ElementsAre(0));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(waiter.pid()));
}

TEST_F(SemTimedOp, WithoutAnEndItIsSemop) {
  XSI_ASSERTION("SEMTIME-01");
  XSI_NEEDS(capability::timed_semop);
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client);
  EXPECT_THAT(operate(client.xsi(), set, {add(0, 2)}, deadline::never()), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 3, no_wait)}, deadline::never()), FailsWith(EAGAIN));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(2));
  auto call = waiter.start(operating_until(set, {take(0, 3)}, deadline::never()));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1));
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(waiter.pid()));
}

TEST_F(SemTimedOp, WhenTheTimeIsOverItIsEagainAndNothingHappened) {
  XSI_ASSERTION("SEMTIME-02");
  XSI_NEEDS(capability::timed_semop);
  actor& owner = process();
  actor& waiter = process();
  const semid set = busy_set(owner);
  constexpr auto time = 60ms;
  for (const auto& operations : waiting_arrays()) {
    for (const bool as_point : {false, true}) {
      const auto begin = steady_clock::now();
      const deadline until = as_point ? deadline::at(begin + time) : deadline::after(time);
      EXPECT_THAT(operate(waiter.xsi(), set, operations, until), FailsWith(EAGAIN));
      EXPECT_THAT(steady_clock::now() - begin, Ge(time));
      expect_untouched(owner, set);
    }
  }
  ASSERT_THAT(operate(owner.xsi(), set, {add(0), take(2)}), Succeeds());
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(1, 0, 0)) << "who gave up takes nothing";
}

TEST_F(SemTimedOp, SecondsAndNanosecondsCountBoth) {
  XSI_ASSERTION("SEMTIME-02");
  XSI_NEEDS(capability::timed_semop);
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  const semid set = new_set(client);
  for (const auto& [sec, nsec] : {std::pair{0L, 40'000'000L}, std::pair{1L, 5'000'000L}}) {
    const auto begin = steady_clock::now();
    EXPECT_EQ(client.run("semtimedop_once", once(set, -1, sec, nsec)).numbers[0], EAGAIN);
    EXPECT_THAT(steady_clock::now() - begin, Ge(std::chrono::seconds(sec) + std::chrono::nanoseconds(nsec)));
  }
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(0));
}

TEST_F(SemTimedOp, NoTimeAtAllStillDoesWhatCanBeDone) {
  XSI_ASSERTION("SEMTIME-03");
  XSI_NEEDS(capability::timed_semop);
  actor& owner = process();
  const semid set = busy_set(owner);
  const deadline nothing_left[] = {deadline::immediate(), deadline::after(0s), deadline::after(-1h),
                                   deadline::at(steady_clock::now()), deadline::at(steady_clock::now() - 1h)};
  for (const deadline until : nothing_left) {
    for (const auto& operations : waiting_arrays()) {
      EXPECT_THAT(operate(owner.xsi(), set, operations, until), FailsWith(EAGAIN));
    }
    expect_untouched(owner, set);
  }
  int value = 0;
  for (const deadline until : nothing_left) {
    EXPECT_THAT(operate(owner.xsi(), set, {zero(0), add(1)}, until), Succeeds());
    EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(0, ++value, 1));
  }
}

TEST_F(SemTimedOp, AZeroTimespecTriesOnce) {
  XSI_ASSERTION("SEMTIME-03", "SEMTIME-07");
  XSI_NEEDS(capability::timed_semop);
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  const semid set = new_set(client);
  EXPECT_THAT(client.run("semtimedop_once", once(set, -1, 0, 0)).numbers, ElementsAre(EAGAIN, 0, 0));
  EXPECT_THAT(client.run("semtimedop_once", once(set, 1, 0, 0)).numbers, ElementsAre(0, 0, 0));
  EXPECT_THAT(client.run("semtimedop_once", once(set, -1, 0, 0)).numbers, ElementsAre(0, 0, 0));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
}

TEST_F(SemTimedOp, AnInvalidTimespecIsEinvalAlsoIfNothingIsToBeWaitedFor) {
  XSI_ASSERTION("SEMTIME-04");
  XSI_NEEDS(capability::timed_semop);
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  const semid set = new_set(client);
  constexpr std::int64_t second_ns = 1'000'000'000;
  const std::pair<std::int64_t, std::int64_t> invalid[] = {
      {-1, 0}, {0, -1}, {0, second_ns}, {5, -1}, {5, second_ns}, {-1, second_ns}, {INT64_MIN, 0}, {0, INT64_MAX}};
  for (const auto& [sec, nsec] : invalid) {
    for (const int sem_op : {1, 0, -1}) {  // the last one would wait
      EXPECT_THAT(client.run("semtimedop_once", once(set, sem_op, sec, nsec)).numbers, ElementsAre(EINVAL, sec, nsec));
    }
  }
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(0));
  EXPECT_THAT(client.run("semtimedop_once", once(set, 1, 0, second_ns - 1)).numbers[0], 0) << "the largest valid one";
}

TEST_F(SemTimedOp, WhatIsMetInTimeIsDone) {
  XSI_ASSERTION("SEMTIME-05");
  XSI_NEEDS(capability::timed_semop);
  actor& owner = process();
  actor& waiter = process();
  // The last two are longer than any clock runs.
  const deadline ample[] = {deadline::after(long_enough), deadline::at(steady_clock::now() + long_enough),
                            deadline::after(std::chrono::hours(24 * 365 * 200)),
                            deadline::after(std::chrono::hours(24L * 365 * 100'000))};
  for (const deadline until : ample) {
    for (const auto& operations : waiting_arrays()) {
      const semid set = busy_set(owner);
      auto call = waiter.start(operating_until(set, operations, until));
      ASSERT_TRUE(call.blocked());
      EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(0, 0, 1));
      const bool taking = operations.back().sem_op < 0;
      EXPECT_THAT(ncnts_of(owner.xsi(), set), ElementsAre(taking ? 1 : 0, 0, 0));
      EXPECT_THAT(zcnts_of(owner.xsi(), set), ElementsAre(0, 0, taking ? 0 : 1));
      ASSERT_THAT(operate(owner.xsi(), set, {add(0), take(2)}), Succeeds());
      EXPECT_THAT(call.get(), Succeeds());
      EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(taking ? 0 : 1, 1, 0));
      EXPECT_EQ(sempids_of(owner.xsi(), set)[1], waiter.pid());
      EXPECT_THAT(ncnts_of(owner.xsi(), set), Each(0));
      EXPECT_THAT(zcnts_of(owner.xsi(), set), Each(0));
    }
  }
}

TEST_F(SemTimedOp, RemovalEndsItWithEidrm) {
  XSI_ASSERTION("SEMTIME-06");
  XSI_NEEDS(capability::timed_semop);
  actor& owner = process();
  const semid set = busy_set(owner);
  std::vector<pending<result<void>>> calls;
  for (const auto& operations : waiting_arrays()) {
    calls.push_back(process().start(operating_until(set, operations, deadline::after(long_enough))));
    ASSERT_TRUE(calls.back().blocked());
  }
  ASSERT_THAT(owner.xsi().remove_set(set), Succeeds());
  for (auto& call : calls) EXPECT_THAT(call.get(), FailsWith(EIDRM));
}

TEST_F(SemTimedOp, AHandlerEndsItWithEintrWhateverSaRestartSays) {
  XSI_ASSERTION("SEMTIME-06");
  XSI_NEEDS(capability::timed_semop);
  actor& owner = process();
  for (const bool restart : {false, true}) {
    for (const auto& operations : waiting_arrays()) {
      actor& waiter = process();
      waiter.catch_signal(SIGUSR1, restart);
      const semid set = busy_set(owner);
      auto call = waiter.start(operating_until(set, operations, deadline::after(long_enough)));
      ASSERT_TRUE(call.blocked());
      waiter.signal(SIGUSR1);
      EXPECT_THAT(call.get(), FailsWith(EINTR)) << restart;
      EXPECT_EQ(waiter.signals_caught(SIGUSR1), 1);
      expect_untouched(owner, set);
    }
  }
}

TEST_F(SemTimedOp, TheTimeoutIsNotWrittenTo) {
  XSI_ASSERTION("SEMTIME-07");
  XSI_NEEDS(capability::timed_semop);
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  actor& waiter = process();
  waiter.catch_signal(SIGUSR1, false);
  const semid set = new_set(client);
  EXPECT_THAT(client.run("semtimedop_once", once(set, -1, 0, 20'000'001)).numbers, ElementsAre(EAGAIN, 0, 20'000'001));
  EXPECT_THAT(client.run("semtimedop_once", once(set, 0, 7, 8)).numbers, ElementsAre(0, 7, 8));
  auto released = waiter.start_run("semtimedop_once", once(set, -1, 3600, 9));
  ASSERT_TRUE(released.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(released.get().numbers, ElementsAre(0, 3600, 9));
  auto interrupted = waiter.start_run("semtimedop_once", once(set, -1, 3600, 9));
  ASSERT_TRUE(interrupted.blocked());
  waiter.signal(SIGUSR1);
  EXPECT_THAT(interrupted.get().numbers, ElementsAre(EINTR, 3600, 9));
}

TEST_F(SemTimedOp, ADurationServesAgain) {
  XSI_ASSERTION("SEMTIME-07");
  XSI_NEEDS(capability::timed_semop);
  actor& client = process();
  const semid set = new_set(client);
  constexpr auto time = 20ms;
  const deadline until = deadline::after(time);
  for (int i = 0; i < 3; ++i) {
    const auto begin = steady_clock::now();
    EXPECT_THAT(operate(client.xsi(), set, {take(0)}, until), FailsWith(EAGAIN));
    EXPECT_THAT(steady_clock::now() - begin, Ge(time));
    EXPECT_EQ(until, deadline::after(time));
  }
  EXPECT_THAT(operate(client.xsi(), set, {add(0)}, until), Succeeds());
}

TEST_F(SemTimedOp, ATimeoutThatCantBeReadIsEfault) {
  XSI_ASSERTION("SEMTIME-08");
  XSI_NEEDS(capability::timed_semop);
  XSI_NEEDS(capability::bad_address);
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  const semid set = new_set(client);
  const routine_input input{.numbers = {static_cast<int>(set)}};
  EXPECT_THAT(client.run("semtimedop_with_unreadable_timeout", input).numbers, ElementsAre(EFAULT));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(0));
}

// Linux is a declared deviation: it returns EINTR, as its manual says.
TEST_F(SemTimedOp, AStopDoesNotEndItBeforeItsTimeOrAppliesNothing) {
  XSI_ASSERTION("SEMTIME-09");
  XSI_NEEDS(capability::timed_semop);
  const bool interrupts = the_harness().offers(need::kernel_objects);
  actor& owner = process();
  for (const auto& operations : waiting_arrays()) {
    actor& waiter = process();
    const semid set = busy_set(owner);
    const auto begin = steady_clock::now();
    const std::chrono::milliseconds time = interrupts ? long_enough : 300ms;
    auto call = waiter.start(operating_until(set, operations, deadline::after(time)));
    ASSERT_TRUE(call.blocked() || !interrupts);
    waiter.stop();
    waiter.resume();
    EXPECT_THAT(call.get(), FailsWith(interrupts ? EINTR : EAGAIN));
    EXPECT_THAT(steady_clock::now() - begin, Ge(interrupts ? 0ms : time));
    expect_untouched(owner, set);
  }
}

TEST_F(SemTimedOp, AStopDoesNotKeepItFromBeingReleased) {
  XSI_ASSERTION("SEMTIME-09");
  XSI_NEEDS(capability::timed_semop);
  actor& owner = process();
  actor& waiter = process();
  const semid set = busy_set(owner);
  auto call = waiter.start(operating_until(set, {add(1), take(0)}, deadline::after(long_enough)));
  ASSERT_TRUE(call.blocked());
  waiter.stop();
  waiter.resume();
  if (the_harness().offers(need::kernel_objects)) {
    EXPECT_THAT(call.get(), FailsWith(EINTR));
    call = waiter.start(operating_until(set, {add(1), take(0)}, deadline::after(long_enough)));
  }
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(operate(owner.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(0, 1, 1));
}

}  // namespace
}  // namespace xsipc::conformance
