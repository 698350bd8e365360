// semop among several waiters: who is served first, who may pass, and who is released together.
#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semop_order)

namespace {

using testing::Each;
using testing::ElementsAre;

class SemOpOrder : public conformance_test {
 protected:
  using waiter_call = pending<result<void>>;

  // Lets each array wait in a process of its own, in that order.
  std::vector<waiter_call> waiting_in_order(semid set, const std::vector<std::vector<sem_operation>>& arrays) {
    std::vector<waiter_call> calls;
    for (const auto& operations : arrays) {
      calls.push_back(process().start(operating(set, operations)));
      EXPECT_TRUE(calls.back().blocked());
    }
    return calls;
  }
};

TEST_F(SemOpOrder, EqualDemandsAreServedInTheOrderInWhichTheyCame) {
  XSI_ASSERTION("SEMOP-31");
  actor& client = process();
  for (const int demand : {1, 3}) {
    const semid set = new_set(client);
    actor* const waiters[] = {&process(), &process(), &process(), &process()};
    std::vector<waiter_call> calls;
    for (const int who : {2, 0, 3, 1}) {  // not in the order of their pids
      calls.push_back(waiters[who]->start(operating(set, {take(0, demand)})));
      ASSERT_TRUE(calls.back().blocked());
    }
    for (std::size_t next = 0; next < calls.size(); ++next) {
      ASSERT_THAT(operate(client.xsi(), set, {add(0, demand)}), Succeeds());
      EXPECT_THAT(calls[next].get(), Succeeds());
      for (std::size_t later = next + 1; later < calls.size(); ++later) EXPECT_TRUE(calls[later].blocked());
    }
  }
}

TEST_F(SemOpOrder, ThreadsAndArraysAndSingleOperationsQueueInOneOrder) {
  XSI_ASSERTION("SEMOP-31");
  actor& client = process();
  const semid set = new_set(client, 2);
  auto calls = waiting_in_order(set, {{take(0)}, {take(0), zero(1)}, {take(0)}, {zero(1), take(0)}});
  calls.push_back(client.begin_thread().start(operating(set, {take(0)})));
  ASSERT_TRUE(calls.back().blocked());
  for (std::size_t next = 0; next < calls.size(); ++next) {
    ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
    EXPECT_THAT(calls[next].get(), Succeeds());
    for (std::size_t later = next + 1; later < calls.size(); ++later) EXPECT_TRUE(calls[later].blocked());
  }
}

TEST_F(SemOpOrder, AServedWaiterQueuesAgainBehindTheOthers) {
  XSI_ASSERTION("SEMOP-31");
  actor& client = process();
  actor& one = process();
  actor& two = process();
  const semid set = new_set(client);
  auto first = one.start(operating(set, {take(0)}));
  ASSERT_TRUE(first.blocked());
  auto second = two.start(operating(set, {take(0)}));
  ASSERT_TRUE(second.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  ASSERT_THAT(first.get(), Succeeds());
  auto third = one.start(operating(set, {take(0)}));
  ASSERT_TRUE(third.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(second.get(), Succeeds());
  EXPECT_TRUE(third.blocked());
}

TEST_F(SemOpOrder, ASmallerDemandPassesALargerOneThatCantBeMet) {
  XSI_ASSERTION("SEMOP-32");
  actor& client = process();
  const semid set = new_set(client);
  auto calls = waiting_in_order(set, {{take(0, 3)}, {take(0, 1)}});
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 2)}), Succeeds());
  EXPECT_THAT(calls[1].get(), Succeeds());
  EXPECT_TRUE(calls[0].blocked());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1));
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1));
  EXPECT_THAT(operate(client.xsi(), set, {take(0)}), Succeeds()) << "nothing is set aside for the larger one";
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 3)}), Succeeds());
  EXPECT_THAT(calls[0].get(), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
}

TEST_F(SemOpOrder, OneOperationLetsThroughAsManyAsTheValueServes) {
  XSI_ASSERTION("SEMOP-33");
  actor& client = process();
  const semid set = new_set(client);
  auto calls = waiting_in_order(set, {{take(0)}, {take(0)}, {take(0)}, {take(0)}, {take(0)}});
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 3)}), Succeeds());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(2));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  for (const std::size_t i : {0U, 1U, 2U}) EXPECT_THAT(calls[i].get(), Succeeds()) << i;
  EXPECT_TRUE(calls[3].blocked());
  EXPECT_TRUE(calls[4].blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 5)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(3));
  EXPECT_THAT(calls[3].get(), Succeeds());
  EXPECT_THAT(calls[4].get(), Succeeds());
}

TEST_F(SemOpOrder, DemandsOfSeveralSizesShareWhatThereIs) {
  XSI_ASSERTION("SEMOP-33", "SEMOP-32");
  actor& client = process();
  const semid set = new_set(client);
  auto calls = waiting_in_order(set, {{take(0, 2)}, {take(0, 4)}, {take(0, 2)}, {take(0, 1)}});
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 4)}), Succeeds());
  EXPECT_THAT(calls[0].get(), Succeeds());
  EXPECT_THAT(calls[2].get(), Succeeds());
  EXPECT_TRUE(calls[1].blocked());
  EXPECT_TRUE(calls[3].blocked());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(2));
}

TEST_F(SemOpOrder, AValueWithinAnArrayReleasesNobody) {
  XSI_ASSERTION("SEMOP-34");
  actor& client = process();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  auto calls = waiting_in_order(set, {{zero(0)}, {take(1)}});
  ASSERT_THAT(operate(client.xsi(), set, {take(0), add(0)}), Succeeds());
  ASSERT_THAT(operate(client.xsi(), set, {take(0), zero(0), add(0, 2)}), Succeeds());
  EXPECT_TRUE(calls[0].blocked());
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(1, 0));
  ASSERT_THAT(operate(client.xsi(), set, {add(1, 5), take(1, 5)}), Succeeds());
  EXPECT_TRUE(calls[1].blocked());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(0, 1));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(2, 0));
  ASSERT_THAT(operate(client.xsi(), set, {take(0, 2), add(1)}), Succeeds());
  for (auto& call : calls) EXPECT_THAT(call.get(), Succeeds());
}

// Takes 1 and gives it back in two calls, as fast as it can; returns the errors.
XSI_ROUTINE(semop_dip_to_zero) {
  const auto set = static_cast<semid>(context.input.numbers[0]);
  std::int64_t errors = 0;
  for (const sem_operation& each : {take(0), add(0)}) {
    if (!context.xsi.operate(set, {&each, 1}, deadline::never())) ++errors;
  }
  return {{errors}};
}

TEST_F(SemOpOrder, AZeroThatIsOverWhenTheyRunReleasesAllThatWaitedForIt) {
  XSI_ASSERTION("SEMOP-35");
  actor& client = process();
  const semid set = new_set(client);
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  std::vector<actor_thread*> waiters;
  for (int i = 0; i < 3; ++i) {
    actor& one = process();
    waiters.insert(waiters.end(), {&one, &one.begin_thread(), &one.begin_thread()});
  }
  for (int round = 0; round < 10; ++round) {
    std::vector<waiter_call> calls;
    for (actor_thread* const each : waiters) calls.push_back(each->start(operating(set, {zero(0)})));
    for (auto& call : calls) ASSERT_TRUE(call.blocked());
    ASSERT_THAT(client.run("semop_dip_to_zero", {.numbers = {static_cast<int>(set)}}).numbers, ElementsAre(0));
    EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(0));
    for (auto& call : calls) ASSERT_THAT(call.get(), Succeeds());
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1));
  }
}

TEST_F(SemOpOrder, ZeroReleasesAllThatWaitForItAndNoTaker) {
  XSI_ASSERTION("SEMOP-36");
  actor& client = process();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 2), add(1)}), Succeeds());
  auto calls = waiting_in_order(set, {{zero(0)}, {take(0, 3)}, {zero(0)}, {zero(1)}, {zero(0), zero(0)}});
  ASSERT_THAT(operate(client.xsi(), set, {take(0, 2)}), Succeeds());
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(0, 1));
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1, 0));
  for (const std::size_t released : {0U, 2U, 4U}) EXPECT_THAT(calls[released].get(), Succeeds()) << released;
  EXPECT_TRUE(calls[1].blocked());
  EXPECT_TRUE(calls[3].blocked());
}

TEST_F(SemOpOrder, AZeroThatTheFirstEndsAgainReleasesOnlyTheFirst) {
  XSI_ASSERTION("SEMOP-36", "SEMOP-31");
  actor& client = process();
  const semid set = new_set(client);
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  const std::vector<sem_operation> lock = {zero(0), add(0)};
  auto calls = waiting_in_order(set, {lock, lock, lock});
  for (std::size_t next = 0; next < calls.size(); ++next) {
    ASSERT_THAT(operate(client.xsi(), set, {take(0)}), Succeeds());
    EXPECT_THAT(calls[next].get(), Succeeds());
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1));
    for (std::size_t later = next + 1; later < calls.size(); ++later) EXPECT_TRUE(calls[later].blocked());
  }
}

TEST_F(SemOpOrder, AReleasedWaiterReleasesTheNextWithinTheSameCall) {
  XSI_ASSERTION("SEMOP-41");
  actor& client = process();
  // In both orders of arrival: once the released one stands behind the one that released it, once before it.
  const std::vector<std::vector<sem_operation>> chains[] = {
      {{take(0), add(1)}, {take(1), add(2)}, {take(2)}, {zero(3)}},
      {{zero(3)}, {take(2)}, {take(1), add(2)}, {take(0), add(1)}},
  };
  for (const auto& chain : chains) {
    const semid set = new_set(client, 4);
    ASSERT_THAT(operate(client.xsi(), set, {add(3)}), Succeeds());
    auto calls = waiting_in_order(set, chain);
    EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1, 1, 1, 0));
    ASSERT_THAT(operate(client.xsi(), set, {add(0), take(3)}), Succeeds());
    EXPECT_THAT(ncnts_of(client.xsi(), set), Each(0));
    EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
    EXPECT_THAT(values_of(client.xsi(), set), Each(0));
    for (auto& call : calls) EXPECT_THAT(call.get(), Succeeds());
  }
}

TEST_F(SemOpOrder, ATakerThatBringsZeroReleasesThoseWhoWaitForIt) {
  XSI_ASSERTION("SEMOP-41");
  actor& client = process();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(1)}), Succeeds());
  auto calls = waiting_in_order(set, {{zero(1)}, {take(0), take(1)}});
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
  EXPECT_THAT(values_of(client.xsi(), set), Each(0));
  for (auto& call : calls) EXPECT_THAT(call.get(), Succeeds());
}

// Those who change nothing don't queue behind one that came first and ends the zero.
TEST_F(SemOpOrder, WhoOnlyWaitsForZeroIsServedBeforeTheOthers) {
  XSI_ASSERTION("SEMOP-36");
  actor& client = process();
  const semid set = new_set(client);
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  auto calls = waiting_in_order(set, {{zero(0), add(0)}, {zero(0)}, {zero(0), zero(0)}});
  ASSERT_THAT(operate(client.xsi(), set, {take(0)}), Succeeds());
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(0));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1));
  for (auto& call : calls) EXPECT_THAT(call.get(), Succeeds());
}

TEST_F(SemOpOrder, WhoOnlyWaitsForZeroIsServedFirstWhenAWaiterBringsIt) {
  XSI_ASSERTION("SEMOP-36", "SEMOP-41");
  actor& client = process();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(1)}), Succeeds());
  auto calls = waiting_in_order(set, {{take(0), take(1)}, {zero(1), add(1)}, {zero(1)}});
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 1));
  for (auto& call : calls) EXPECT_THAT(call.get(), Succeeds());
}

}  // namespace
}  // namespace xsipc::conformance
