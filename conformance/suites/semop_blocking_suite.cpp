// semop that waits: how it is counted, what ends it, and what it leaves when it didn't succeed.
#include <signal.h>

#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semop_blocking)

namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;

class SemOpBlocking : public conformance_test {
 protected:
  // A set whose arrays below can't proceed: 0 is 0, 1 is 0, 2 is 1.
  static semid busy_set(actor& owner) {
    const semid set = new_set(owner, 3);
    EXPECT_THAT(owner.xsi().set_value(set, 2, 1), Succeeds());
    return set;
  }
  // One that waits to take, one that waits for zero; both would add to 1.
  static std::vector<std::vector<sem_operation>> waiting_arrays() { return {{add(1), take(0)}, {add(1), zero(2)}}; }

  // As if nobody had ever waited in that set.
  static void expect_untouched(actor& owner, semid set) {
    EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(0, 0, 1));
    EXPECT_THAT(ncnts_of(owner.xsi(), set), Each(0));
    EXPECT_THAT(zcnts_of(owner.xsi(), set), Each(0));
    EXPECT_THAT(sempids_of(owner.xsi(), set), ElementsAre(0, 0, owner.pid()));
    EXPECT_EQ(status_of(owner.xsi(), set).otime, 0);
  }
  // What would have released the waiters is there for others.
  static void expect_nobody_takes(actor& owner, semid set) {
    ASSERT_THAT(operate(owner.xsi(), set, {add(0), take(2)}), Succeeds());
    EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(1, 0, 0));
  }
};

TEST_F(SemOpBlocking, TakingMoreThanThereIsWaitsAndIsCounted) {
  XSI_ASSERTION("SEMOP-05");
  actor& client = process();
  actor& first = process();
  actor& second = process();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 2)}), Succeeds());
  auto small = first.start(operating(set, {take(0, 3)}));
  ASSERT_TRUE(small.blocked());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1, 0));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(2, 0));
  auto large = second.start(operating(set, {take(0, 5)}));
  ASSERT_TRUE(large.blocked());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(2, 0));
  EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(small.get(), Succeeds());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1, 0));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 0));
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 6)}), Succeeds());
  EXPECT_THAT(large.get(), Succeeds());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(0, 0));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 0));
}

TEST_F(SemOpBlocking, WaitingForZeroWaitsAndIsCounted) {
  XSI_ASSERTION("SEMOP-06", "SEMOP-08");
  actor& client = process();
  actor& first = process();
  actor& second = process();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 2), add(1)}), Succeeds());
  auto one = first.start(operating(set, {zero(0)}));
  ASSERT_TRUE(one.blocked());
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(1, 0));
  auto two = second.start(operating(set, {zero(0)}));
  ASSERT_TRUE(two.blocked());
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(2, 0));
  EXPECT_THAT(ncnts_of(client.xsi(), set), Each(0));
  ASSERT_THAT(operate(client.xsi(), set, {take(0)}), Succeeds());
  EXPECT_TRUE(one.blocked()) << "1 isn't 0";
  ASSERT_THAT(operate(client.xsi(), set, {take(1)}), Succeeds());
  EXPECT_TRUE(one.blocked()) << "it is another semaphore that is 0";
  ASSERT_THAT(operate(client.xsi(), set, {take(0)}), Succeeds());
  EXPECT_THAT(one.get(), Succeeds());
  EXPECT_THAT(two.get(), Succeeds());
  EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
  EXPECT_THAT(values_of(client.xsi(), set), Each(0));
}

TEST_F(SemOpBlocking, ATakerIsReleasedByTheOperationThatMakesTheValueLargeEnough) {
  XSI_ASSERTION("SEMOP-07");
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client, 2);
  auto call = waiter.start(operating(set, {take(0, 3)}));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 2)}), Succeeds());
  EXPECT_TRUE(call.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(1, 9)}), Succeeds());
  EXPECT_TRUE(call.blocked()) << "it is another semaphore that is large enough";
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(2, 9));
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 2)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 9));
  EXPECT_THAT(call.get(), Succeeds());
}

// Tries to take 1 of semaphore 0 without waiting until semaphore 1 isn't 0: how often it tried, and got it.
XSI_ROUTINE(semop_thief) {
  const auto set = static_cast<semid>(context.input.numbers[0]);
  const sem_operation steal = take(0, 1, no_wait);
  std::int64_t tries = 0;
  std::int64_t loot = 0;
  while (context.xsi.query_semaphore(set, 1, sem_query::value).value_or(1) == 0) {
    if (context.xsi.operate(set, {&steal, 1}, deadline::never())) ++loot;
    ++tries;
  }
  return {{tries, loot}};
}

// Adds 1 to semaphore 0 and looks at once: its value then, and the error of taking 1 without waiting.
XSI_ROUTINE(semop_add_and_look) {
  const auto set = static_cast<semid>(context.input.numbers[0]);
  const sem_operation give = add(0);
  const sem_operation steal = take(0, 1, no_wait);
  const auto given = context.xsi.operate(set, {&give, 1}, deadline::never());
  const auto value = context.xsi.query_semaphore(set, 0, sem_query::value);
  const auto stolen = context.xsi.operate(set, {&steal, 1}, deadline::never());
  return {{given ? 0 : given.error().code, value.value_or(-1), stolen ? 0 : stolen.error().code}};
}

TEST_F(SemOpBlocking, WhatReleasesATakerIsNobodyElsesForAMoment) {
  XSI_ASSERTION("SEMOP-07");
  actor& giver = process();
  actor& waiter = process();
  actor& thief = process();
  const semid set = new_set(giver, 2);
  const routine_input input{.numbers = {static_cast<int>(set)}};
  auto theft = thief.start_run("semop_thief", input);
  for (int round = 0; round < 100; ++round) {
    auto call = waiter.start(operating(set, {take(0)}));
    ASSERT_TRUE(call.blocked());
    EXPECT_THAT(giver.run("semop_add_and_look", input).numbers, ElementsAre(0, 0, EAGAIN));
    ASSERT_THAT(call.get(), Succeeds());
  }
  ASSERT_THAT(operate(giver.xsi(), set, {add(1)}), Succeeds());
  EXPECT_THAT(theft.get().numbers, ElementsAre(Gt(0), 0));
}

TEST_F(SemOpBlocking, RemovalEndsAllWaitersWithEidrm) {
  XSI_ASSERTION("SEMOP-25");
  actor& owner = process();
  const semid set = busy_set(owner);
  std::vector<pending<result<void>>> calls;
  for (const auto& operations :
       {std::vector{take(0)}, std::vector{take(1, 7)}, std::vector{zero(2)}, std::vector{add(1), take(0)},
        std::vector{add(1), zero(2)}, std::vector{zero(1), zero(2)}}) {
    calls.push_back(process().start(operating(set, operations)));
  }
  calls.push_back(owner.begin_thread().start(operating(set, {take(0)})));
  for (auto& call : calls) ASSERT_TRUE(call.blocked());
  ASSERT_THAT(owner.xsi().remove_set(set), Succeeds());
  for (auto& call : calls) EXPECT_THAT(call.get(), FailsWith(EIDRM));
  EXPECT_THAT(operate(owner.xsi(), set, {take(0)}), FailsWith(EINVAL)) << "for those who come later";
}

TEST_F(SemOpBlocking, AHandlerEndsItWithEintrWhateverSaRestartSays) {
  XSI_ASSERTION("SEMOP-26", "SEMOP-27");
  actor& owner = process();
  for (const bool restart : {false, true}) {
    for (const auto& operations : waiting_arrays()) {
      actor& waiter = process();
      waiter.catch_signal(SIGUSR1, restart);
      const semid set = busy_set(owner);
      auto call = waiter.start(operating(set, operations));
      ASSERT_TRUE(call.blocked());
      waiter.signal(SIGUSR1);
      EXPECT_THAT(call.get(), FailsWith(EINTR)) << restart;
      EXPECT_EQ(waiter.signals_caught(SIGUSR1), 1);
      expect_untouched(owner, set);
      expect_nobody_takes(owner, set);
    }
  }
}

TEST_F(SemOpBlocking, ASignalThatRunsNoHandlerDoesNotEndIt) {
  XSI_ASSERTION("SEMOP-28");
  actor& owner = process();
  for (const auto& operations : waiting_arrays()) {
    actor& waiter = process();
    waiter.ignore_signal(SIGUSR1);
    const semid set = busy_set(owner);
    auto call = waiter.start(operating(set, operations));
    ASSERT_TRUE(call.blocked());
    waiter.signal(SIGUSR1);
    EXPECT_TRUE(call.blocked());
    waiter.signal(SIGURG);  // ignored by default
    EXPECT_TRUE(call.blocked());
    ASSERT_THAT(operate(owner.xsi(), set, {add(0), take(2)}), Succeeds());
    EXPECT_THAT(call.get(), Succeeds());
  }
}

// Linux is a declared deviation: it returns EINTR, as its manual says.
TEST_F(SemOpBlocking, AStopDoesNotEndItOrAppliesNothing) {
  XSI_ASSERTION("SEMOP-29");
  actor& owner = process();
  for (const auto& operations : waiting_arrays()) {
    actor& waiter = process();
    const semid set = busy_set(owner);
    auto call = waiter.start(operating(set, operations));
    ASSERT_TRUE(call.blocked());
    waiter.stop();
    waiter.resume();
    if (the_harness().offers(need::kernel_objects)) {
      EXPECT_THAT(call.get(), FailsWith(EINTR));
      expect_untouched(owner, set);
      expect_nobody_takes(owner, set);
    } else {
      EXPECT_TRUE(call.blocked());
      ASSERT_THAT(operate(owner.xsi(), set, {add(0), take(2)}), Succeeds());
      EXPECT_THAT(call.get(), Succeeds());
      EXPECT_EQ(values_of(owner.xsi(), set)[1], 1);
    }
  }
}

TEST_F(SemOpBlocking, AKilledWaiterIsNoLongerCountedAndTakesNothing) {
  XSI_ASSERTION("SEMOP-30");
  actor& owner = process();
  const semid set = busy_set(owner);
  actor& taker = process();
  actor& zero_waiter = process();
  actor& heir = process();
  auto first = taker.start(operating(set, {take(0)}));
  ASSERT_TRUE(first.blocked());
  auto second = heir.start(operating(set, {take(0)}));
  ASSERT_TRUE(second.blocked());
  auto third = zero_waiter.start(operating(set, {add(1), zero(2)}));
  ASSERT_TRUE(third.blocked());
  EXPECT_THAT(ncnts_of(owner.xsi(), set), ElementsAre(2, 0, 0));
  EXPECT_THAT(zcnts_of(owner.xsi(), set), ElementsAre(0, 0, 1));
  taker.kill();
  zero_waiter.kill();
  EXPECT_THAT(first.get(), FailsWith(ESRCH));
  EXPECT_THAT(third.get(), FailsWith(ESRCH));
  EXPECT_THAT(ncnts_of(owner.xsi(), set), ElementsAre(1, 0, 0));
  EXPECT_THAT(zcnts_of(owner.xsi(), set), ElementsAre(0, 0, 0));
  ASSERT_THAT(operate(owner.xsi(), set, {add(0), take(2)}), Succeeds());
  EXPECT_THAT(second.get(), Succeeds()) << "the living one is next";
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(0, 0, 0));
  ASSERT_THAT(operate(owner.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(1, 0, 0));
}

TEST_F(SemOpBlocking, SempidOfAReleasedWaiterIsItsOwn) {
  XSI_ASSERTION("SEMOP-40");
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client, 3);
  auto taking = waiter.start(operating(set, {take(0), add(1)}));
  ASSERT_TRUE(taking.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(0), add(2)}), Succeeds());
  ASSERT_THAT(taking.get(), Succeeds());
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(waiter.pid(), waiter.pid(), client.pid()));
  auto waiting = waiter.start(operating(set, {zero(2)}));
  ASSERT_TRUE(waiting.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {zero(0), take(2)}), Succeeds());
  ASSERT_THAT(waiting.get(), Succeeds());
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(client.pid(), waiter.pid(), waiter.pid()));
}

TEST_F(SemOpBlocking, PermissionTakenMeanwhileDoesNotEndIt) {
  XSI_ASSERTION("SEMOP-47");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  const semid set = new_set(owner, 2, 0666);
  auto call = stranger.start(operating(set, {take(0), add(1)}));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(owner.xsi().change_set(set, {alice, alice, 0600}), Succeeds());
  EXPECT_TRUE(call.blocked());
  actor& latecomer = process({.uid = bob, .gid = bob});
  EXPECT_THAT(operate(latecomer.xsi(), set, {take(0)}), FailsWith(EACCES));
  EXPECT_THAT(ncnts_of(owner.xsi(), set), ElementsAre(1, 0));
  ASSERT_THAT(operate(owner.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(0, 1));
}

TEST_F(SemOpBlocking, OnlyTheCallingThreadWaits) {
  XSI_ASSERTION("SEMOP-48");
  actor& client = process();
  actor_thread& taker = client.begin_thread();
  actor_thread& zero_waiter = client.begin_thread();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(1)}), Succeeds());
  auto taking = taker.start(operating(set, {take(0)}));
  auto waiting = zero_waiter.start(operating(set, {zero(1)}));
  ASSERT_TRUE(taking.blocked());
  ASSERT_TRUE(waiting.blocked());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1, 0));
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(0, 1));
  EXPECT_THAT(operate(client.xsi(), set, {zero(0), add(1), take(1)}), Succeeds());
  EXPECT_TRUE(taking.blocked());
  EXPECT_TRUE(waiting.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(taking.get(), Succeeds());
  EXPECT_TRUE(waiting.blocked());
  ASSERT_THAT(operate(taker.xsi(), set, {take(1)}), Succeeds());
  EXPECT_THAT(waiting.get(), Succeeds());
}

}  // namespace
}  // namespace xsipc::conformance
