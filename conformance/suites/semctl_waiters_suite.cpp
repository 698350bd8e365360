// semctl on sets in which processes wait or look on: whom it releases, counts and ends, and that it is one step.
#include <signal.h>

#include "xsipc/conformance/kinds.hpp"
#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semctl_waiters)

namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Gt;
using testing::Le;

using values_type = std::vector<std::uint16_t>;

class SemCtlWaiters : public semaphore_test {
 protected:
  using waiter_call = pending<result<void>>;

  // Lets each array wait in a process of its own, in that order.
  std::vector<waiter_call> waiting(semid set, const std::vector<std::vector<sem_operation>>& arrays) {
    std::vector<waiter_call> calls;
    for (const auto& operations : arrays) {
      calls.push_back(process().start(operating(set, operations)));
      EXPECT_TRUE(calls.back().blocked());
    }
    return calls;
  }
  static void expect_nobody_waits(actor& observer, semid set) {
    EXPECT_THAT(ncnts_of(observer.xsi(), set), Each(0));
    EXPECT_THAT(zcnts_of(observer.xsi(), set), Each(0));
  }
};

TEST_F(SemCtlWaiters, SetvalReleasesTakersThatItServes) {
  XSI_ASSERTION("SEMCTL-09");
  actor& client = process();
  const semid set = set_of(client, {0, 0});
  auto calls = waiting(set, {{take(0, 3)}, {take(0, 1)}, {take(1, 1)}});
  ASSERT_THAT(client.xsi().set_value(set, 0, 2), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 0));
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1, 1));
  EXPECT_THAT(calls[1].get(), Succeeds());
  EXPECT_TRUE(calls[0].blocked());
  ASSERT_THAT(client.xsi().set_value(set, 0, 3), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 0));
  EXPECT_THAT(calls[0].get(), Succeeds());
  EXPECT_TRUE(calls[2].blocked()) << "it waits for the other semaphore";
  ASSERT_THAT(client.xsi().set_value(set, 1, 9), Succeeds());
  EXPECT_THAT(calls[2].get(), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 8));
}

TEST_F(SemCtlWaiters, SetvalToZeroReleasesAllThatWaitForIt) {
  XSI_ASSERTION("SEMCTL-09");
  actor& client = process();
  const semid set = set_of(client, {2, 1});
  auto calls = waiting(set, {{zero(0)}, {zero(1)}, {zero(0)}, {take(0, 3)}});
  ASSERT_THAT(client.xsi().set_value(set, 0, 1), Succeeds());
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(2, 1));
  EXPECT_TRUE(calls[0].blocked());
  ASSERT_THAT(client.xsi().set_value(set, 0, 0), Succeeds());
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(0, 1));
  EXPECT_THAT(calls[0].get(), Succeeds());
  EXPECT_THAT(calls[2].get(), Succeeds());
  EXPECT_TRUE(calls[1].blocked());
  EXPECT_TRUE(calls[3].blocked());
  EXPECT_THAT(sempids_of(client.xsi(), set)[1], client.pid());
}

TEST_F(SemCtlWaiters, SetvalReleasesAsManyAsTheValueServesAndWhomTheyRelease) {
  XSI_ASSERTION("SEMCTL-09");
  actor& client = process();
  const semid set = set_of(client, {0, 0, 1});
  auto calls = waiting(set, {{take(1)}, {take(0), add(1)}, {take(0)}, {take(0)}, {take(0), zero(2)}});
  ASSERT_THAT(client.xsi().set_value(set, 0, 2), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 0, 1));
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(2, 0, 0));
  for (const std::size_t released : {0U, 1U, 2U}) EXPECT_THAT(calls[released].get(), Succeeds()) << released;
  EXPECT_TRUE(calls[3].blocked());
  ASSERT_THAT(client.xsi().set_value(set, 0, 2), Succeeds());
  EXPECT_THAT(calls[3].get(), Succeeds());
  EXPECT_TRUE(calls[4].blocked()) << "not all of its conditions hold";
  ASSERT_THAT(client.xsi().set_value(set, 2, 0), Succeeds());
  EXPECT_THAT(calls[4].get(), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 0, 0));
}

TEST_F(SemCtlWaiters, WhatAWaiterTookOfASetValueIsGivenBackWhenItEnds) {
  XSI_ASSERTION("SEMCTL-09", "SEMCTL-10", "SEMUNDO-10");
  actor& client = process();
  for (const bool all : {false, true}) {
    actor& waiter = process();
    const semid set = set_of(client, {0});
    auto call = waiter.start(operating(set, {take(0, 2, sem_flags::undo)}));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(all ? client.xsi().set_all(set, values_type{5}) : client.xsi().set_value(set, 0, 5), Succeeds());
    EXPECT_THAT(call.get(), Succeeds());
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(3));
    waiter.exit(0);
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(5)) << all;
  }
}

TEST_F(SemCtlWaiters, SetallReleasesWhomTheNewValuesServe) {
  XSI_ASSERTION("SEMCTL-10");
  actor& client = process();
  const semid set = set_of(client, {0, 1, 0});
  auto calls = waiting(set, {{take(0, 2)}, {zero(1)}, {take(0), take(2)}, {zero(1), take(2, 5)}});
  ASSERT_THAT(client.xsi().set_all(set, values_type{4, 0, 3}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 0, 2));
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(0, 0, 1));
  EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
  for (const std::size_t released : {0U, 1U, 2U}) EXPECT_THAT(calls[released].get(), Succeeds()) << released;
  EXPECT_TRUE(calls[3].blocked());
  ASSERT_THAT(client.xsi().set_all(set, values_type{0, 1, 7}), Succeeds());
  EXPECT_TRUE(calls[3].blocked());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 1, 7));
  ASSERT_THAT(client.xsi().set_all(set, values_type{0, 0, 6}), Succeeds());
  EXPECT_THAT(calls[3].get(), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 0, 1));
}

TEST_F(SemCtlWaiters, SetallReleasesNobodyForWhatIsHalfSet) {
  XSI_ASSERTION("SEMCTL-10", "SEMCTL-16");
  actor& client = process();
  const semid set = set_of(client, {0, 0, 0, 0});
  // Each would proceed if the values were set one by one, in rising or in falling order.
  auto calls = waiting(set, {{zero(3), take(0)}, {zero(0), take(3)}, {zero(2), take(1)}, {zero(1), take(2)}});
  for (const std::uint16_t value : values_type{1, 2, 0, 5}) {
    ASSERT_THAT(client.xsi().set_all(set, values_type(4, value)), Succeeds());
    EXPECT_THAT(values_of(client.xsi(), set), Each(value));
    for (auto& call : calls) EXPECT_TRUE(call.blocked()) << value;
  }
  ASSERT_THAT(client.xsi().set_all(set, values_type{1, 1, 0, 0}), Succeeds());
  EXPECT_THAT(calls[0].get(), Succeeds());
  EXPECT_THAT(calls[2].get(), Succeeds());
  EXPECT_TRUE(calls[1].blocked());
  EXPECT_TRUE(calls[3].blocked());
  EXPECT_THAT(values_of(client.xsi(), set), Each(0));
}

// The one test of this file that lets a second pass.
TEST_F(SemCtlWaiters, SettingSetsCtimeAndOtimeOnlyIfAWaiterProceeded) {
  XSI_ASSERTION("SEMCTL-11");
  actor& owner = process();
  spi::backend& xsi = owner.xsi();
  enum : std::size_t { one_value, all_values, permissions, used_before, in_vain, in_use, released, released_by_all };
  std::vector<semid> sets;
  for (std::size_t i = 0; i <= released_by_all; ++i) sets.push_back(new_set(owner));
  ASSERT_THAT(operate(xsi, sets[used_before], {add(0)}), Succeeds());
  auto first = waiting(sets[released], {{take(0)}});
  auto second = waiting(sets[released_by_all], {{take(0)}});
  auto unserved = waiting(sets[one_value], {{take(0, 9)}});
  std::vector<set_status> made;
  for (const semid each : sets) made.push_back(status_of(xsi, each));

  wait_out_this_second();
  const ipc_time before = now();
  for (const set_status& each : made) ASSERT_LT(each.ctime, before);
  ASSERT_THAT(xsi.set_value(sets[one_value], 0, 3), Succeeds());
  ASSERT_THAT(xsi.set_all(sets[all_values], values_type{3}), Succeeds());
  ASSERT_THAT(xsi.change_set(sets[permissions], changeable(made[permissions].perm)), Succeeds());
  ASSERT_THAT(xsi.set_value(sets[used_before], 0, 0), Succeeds());
  EXPECT_THAT(xsi.set_value(sets[in_vain], 0, -1), FailsWith(ERANGE));
  EXPECT_THAT(xsi.set_value(sets[in_vain], 1, 0), FailsWith(EINVAL));
  EXPECT_THAT(xsi.set_all(sets[in_vain], values_type{65535}), FailsWith(ERANGE));
  ASSERT_THAT(operate(xsi, sets[in_use], {add(0)}), Succeeds());
  ASSERT_THAT(xsi.set_value(sets[released], 0, 1), Succeeds());
  ASSERT_THAT(xsi.set_all(sets[released_by_all], values_type{1}), Succeeds());
  EXPECT_THAT(first[0].get(), Succeeds());
  EXPECT_THAT(second[0].get(), Succeeds());
  const ipc_time after = now();
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const set_status status = status_of(xsi, sets[i]);
    const bool was_set = i != in_vain && i != in_use;
    const bool was_operated_on = i == in_use || i == released || i == released_by_all;
    EXPECT_THAT(status.ctime, was_set ? AllOf(Ge(before), Le(after)) : AllOf(Ge(made[i].ctime), Le(made[i].ctime)))
        << i;
    EXPECT_THAT(status.otime,
                was_operated_on ? AllOf(Ge(before), Le(after)) : AllOf(Ge(made[i].otime), Le(made[i].otime)))
        << i;
  }
  EXPECT_TRUE(unserved[0].blocked());
}

TEST_F(SemCtlWaiters, TheCountsAreThoseOfTheThreadsThatWait) {
  XSI_ASSERTION("SEMCTL-13");
  actor& observer = process();
  actor& crowd = process();
  actor& single = process();
  single.catch_signal(SIGUSR1, false);
  const semid set = set_of(observer, {0, 1});
  std::vector<actor_thread*> threads = {&crowd};
  for (int i = 0; i < 4; ++i) threads.push_back(&crowd.begin_thread());
  const auto expect_counts = [&](int ncnt, int zcnt, const char* when) {
    EXPECT_THAT(ncnts_of(observer.xsi(), set), ElementsAre(ncnt, 0)) << when;
    EXPECT_THAT(zcnts_of(observer.xsi(), set), ElementsAre(0, zcnt)) << when;
  };
  EXPECT_THAT(operate(observer.xsi(), set, {take(0, 1, sem_flags::no_wait)}), FailsWith(EAGAIN));
  expect_counts(0, 0, "while nobody waits");
  std::vector<waiter_call> takers;
  std::vector<waiter_call> zero_waiters;
  for (int i = 0; i < 3; ++i) {
    takers.push_back(threads[static_cast<std::size_t>(i)]->start(operating(set, {take(0, i + 1)})));
    ASSERT_TRUE(takers.back().blocked());
    expect_counts(i + 1, 0, "while takers come");
  }
  for (int i = 0; i < 2; ++i) {
    zero_waiters.push_back(threads[static_cast<std::size_t>(i) + 3]->start(operating(set, {zero(1)})));
    ASSERT_TRUE(zero_waiters.back().blocked());
    expect_counts(3, i + 1, "while others come that wait for zero");
  }
  auto interrupted = single.start(operating(set, {take(0, 9)}));
  ASSERT_TRUE(interrupted.blocked());
  expect_counts(4, 2, "with a second process");
  single.signal(SIGUSR1);
  EXPECT_THAT(interrupted.get(), FailsWith(EINTR));
  expect_counts(3, 2, "after a signal");
  ASSERT_THAT(operate(observer.xsi(), set, {add(0, 1)}), Succeeds());
  EXPECT_THAT(takers[0].get(), Succeeds());
  expect_counts(2, 2, "after a taker was served");
  auto killed = single.start(operating(set, {zero(1)}));
  ASSERT_TRUE(killed.blocked());
  expect_counts(2, 3, "with a third that waits for zero");
  single.kill();
  expect_counts(2, 2, "without it again");
  ASSERT_THAT(observer.xsi().set_value(set, 1, 0), Succeeds());
  expect_counts(2, 0, "at zero");
  crowd.kill();
  expect_counts(0, 0, "at the end");
}

TEST_F(SemCtlWaiters, RemovalEndsAllThatWaitAndTheIdAtOnce) {
  XSI_ASSERTION("SEMCTL-14");
  actor& owner = process();
  actor& crowd = process();
  actor& client = process();
  const key name = fresh_key();
  const auto set = owner.xsi().get_set(name, 2, creation::create_only(0600));
  ASSERT_THAT(set, Succeeds());
  const semid other = new_set(owner);
  ASSERT_THAT(operate(owner.xsi(), *set, {add(1)}), Succeeds());
  auto calls = waiting(*set, {{take(0)}, {zero(1)}, {take(1), take(0)}, {take(0, 1, sem_flags::undo)}});
  calls.push_back(crowd.begin_thread().start(operating(*set, {take(0)})));
  calls.push_back(crowd.start(operating(*set, {zero(1)})));
  for (auto& call : calls) ASSERT_TRUE(call.blocked());
  auto elsewhere = waiting(other, {{take(0)}});
  ASSERT_THAT(owner.xsi().remove_set(*set), Succeeds());
  for (const auto& [call, outcome] : kind_calls(object_kind::set).every_call(client.xsi(), static_cast<int>(*set))) {
    EXPECT_THAT(outcome, FailsWith(EINVAL)) << call;
  }
  EXPECT_THAT(client.xsi().get_set(name, 0, creation::find()), FailsWith(ENOENT));
  for (auto& call : calls) EXPECT_THAT(call.get(), FailsWith(EIDRM));
  EXPECT_TRUE(elsewhere[0].blocked());
  const auto next = client.xsi().get_set(name, 3, creation::create_only(0600));
  ASSERT_THAT(next, SucceedsWith(testing::Ne(*set)));
  expect_nobody_waits(owner, *next);
  EXPECT_THAT(values_of(owner.xsi(), *next), Each(0));
}

// Sets all values to the same number, another each time, until semaphore 0 of a second set isn't 0. In: set, its size,
// the second set. Out: rounds, errors.
XSI_ROUTINE(semctl_setting_all) {
  const auto& in = context.input.numbers;
  std::int64_t rounds = 0;
  std::int64_t errors = 0;
  while (context.xsi.query_semaphore(static_cast<semid>(in[2]), 0, sem_query::value).value_or(1) == 0) {
    const values_type values(static_cast<std::size_t>(in[1]), static_cast<std::uint16_t>(rounds % 3));
    if (!context.xsi.set_all(static_cast<semid>(in[0]), values)) ++errors;
    ++rounds;
  }
  return {{rounds, errors}};
}

// Looks on at that until it has seen enough, then ends it. Out: how often the values were another number than before,
// and how often they were not the same number or an operation succeeded that asks for two of them.
XSI_ROUTINE(semctl_looking_on) {
  const auto& in = context.input.numbers;
  const auto set = static_cast<semid>(in[0]);
  const auto last = static_cast<int>(in[1]) - 1;
  const sem_operation mixed[][2] = {{zero(0, sem_flags::no_wait), take(last, 1, sem_flags::no_wait)},
                                    {zero(last, sem_flags::no_wait), take(0, 1, sem_flags::no_wait)}};
  values_type values(static_cast<std::size_t>(in[1]));
  std::uint16_t before = 0;
  std::int64_t changes = 0;
  std::int64_t mixes = 0;
  for (int looks = 0; mixes == 0 && (looks < 2000 || changes < 5); ++looks) {
    if (!context.xsi.get_all(set, values)) ++mixes;
    for (const std::uint16_t each : values) mixes += each != values[0];
    for (const auto& operations : mixed) mixes += context.xsi.operate(set, operations, deadline::never()).has_value();
    changes += values[0] != before;
    before = values[0];
  }
  if (!context.xsi.set_value(static_cast<semid>(in[2]), 0, 1)) ++mixes;
  return {{changes, mixes}};
}

TEST_F(SemCtlWaiters, NobodySeesAMixOfOldAndNewValues) {
  XSI_ASSERTION("SEMCTL-16");
  actor& setter = process();
  actor& onlooker = process();
  constexpr int nsems = 100;
  const routine_input input{
      .numbers = {static_cast<int>(new_set(setter, nsems)), nsems, static_cast<int>(new_set(setter))}};
  auto setting = setter.start_run("semctl_setting_all", input);
  EXPECT_THAT(onlooker.run("semctl_looking_on", input).numbers, ElementsAre(Ge(5), 0));
  EXPECT_THAT(setting.get().numbers, ElementsAre(Gt(0), 0));
}

}  // namespace
}  // namespace xsipc::conformance
