// semop with arrays: all or nothing, in their order, waiting at the first operation that can't proceed.
#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semop_array)

namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;

class SemOpArray : public conformance_test {};

TEST_F(SemOpArray, NothingIsAppliedWhileItWaits) {
  XSI_ASSERTION("SEMOP-09");
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client, 3);
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  auto call = waiter.start(operating(set, {take(0), add(1, 5), take(2)}));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 0, 0));
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(client.pid(), 0, 0));
  EXPECT_THAT(operate(client.xsi(), set, {take(1, 1, no_wait)}), FailsWith(EAGAIN)) << "what it adds isn't there";
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 1, no_wait)}), Succeeds()) << "what it takes is still there";
  ASSERT_THAT(operate(client.xsi(), set, {add(2)}), Succeeds());
  EXPECT_TRUE(call.blocked());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 0, 1));
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 5, 0));
}

TEST_F(SemOpArray, EagainOfALaterOperationTakesBackTheEarlierOnes) {
  XSI_ASSERTION("SEMOP-10");
  actor& client = process();
  const semid set = new_set(client, 3);
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 4)}), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 3), add(1), take(2, 1, no_wait)}), FailsWith(EAGAIN));
  EXPECT_THAT(operate(client.xsi(), set, {add(1), zero(0, no_wait)}), FailsWith(EAGAIN));
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 3), take(0, 2, no_wait)}), FailsWith(EAGAIN));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(4, 0, 0));
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(client.pid(), 0, 0));
  EXPECT_THAT(ncnts_of(client.xsi(), set), Each(0));
  EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
}

TEST_F(SemOpArray, NowaitOfALaterOperationDoesNotKeepItFromWaitingAtAnEarlierOne) {
  XSI_ASSERTION("SEMOP-11");
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client, 3);
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  auto call = waiter.start(operating(set, {take(0), take(1), take(2, 1, no_wait)}));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 0, 0));
  // Now the operation that must not wait is the first that can't proceed.
  ASSERT_THAT(operate(client.xsi(), set, {add(1)}), Succeeds());
  EXPECT_THAT(call.get(), FailsWith(EAGAIN));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 1, 0));
  EXPECT_THAT(ncnts_of(client.xsi(), set), Each(0));
}

TEST_F(SemOpArray, NowaitOfTheFirstThatCantProceedDecides) {
  XSI_ASSERTION("SEMOP-12");
  actor& client = process();
  const semid set = new_set(client, 3);
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {take(1, 1, no_wait), take(2)}), FailsWith(EAGAIN));
  EXPECT_THAT(operate(client.xsi(), set, {take(0), take(1, 1, no_wait), take(2)}), FailsWith(EAGAIN));
  EXPECT_THAT(operate(client.xsi(), set, {zero(0, no_wait), take(1)}), FailsWith(EAGAIN));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 0, 0));
}

TEST_F(SemOpArray, ItIsPerformedInItsOrderOfAddingAndTaking) {
  XSI_ASSERTION("SEMOP-13");
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client);
  EXPECT_THAT(operate(client.xsi(), set, {add(0), take(0)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  auto call = waiter.start(operating(set, {take(0), add(0)}));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1));
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1));
}

TEST_F(SemOpArray, ItIsPerformedInItsOrderOfWaitingForZeroAndAdding) {
  XSI_ASSERTION("SEMOP-14");
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client);
  ASSERT_THAT(operate(client.xsi(), set, {zero(0), add(0)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1));
  ASSERT_THAT(operate(client.xsi(), set, {take(0), zero(0)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  auto call = waiter.start(operating(set, {add(0), zero(0)}));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(zcnts_of(client.xsi(), set), ElementsAre(1));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
  ASSERT_THAT(client.xsi().remove_set(set), Succeeds());
  EXPECT_THAT(call.get(), FailsWith(EIDRM));
}

TEST_F(SemOpArray, EachStepOnOneSemaphoreIsCheckedForItself) {
  XSI_ASSERTION("SEMOP-15");
  actor& client = process();
  const semid set = new_set(client, 2);
  const int most = largest_value(client.xsi());
  ASSERT_THAT(client.xsi().set_value(set, 1, most), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {add(0, 5), take(0, 3), add(0), take(0, 2)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, most));
  EXPECT_THAT(operate(client.xsi(), set, {add(1), take(1)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(client.xsi(), set, {take(1, 2), add(1, 3), take(1)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 2, no_wait), add(0, 2)}), FailsWith(EAGAIN));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, most));
  EXPECT_THAT(operate(client.xsi(), set, {take(1), add(1)}), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {add(0, 2), add(0, 2), take(0, 4)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, most));
}

enum : int { left, right, gate, finished, cells };

// Moves 1 from one semaphore to another, many times, and says when it is done.
XSI_ROUTINE(semop_mover) {
  const auto set = static_cast<semid>(context.input.numbers[0]);
  const sem_operation enter = take(gate);
  const sem_operation move[] = {take(static_cast<int>(context.input.numbers[1])),
                                add(static_cast<int>(context.input.numbers[2]))};
  const sem_operation leave = add(finished);
  std::int64_t errors = context.xsi.operate(set, {&enter, 1}, deadline::never()) ? 0 : 1;
  for (int i = 0; i < 4000; ++i) {
    if (!context.xsi.operate(set, move, deadline::never())) ++errors;
  }
  if (!context.xsi.operate(set, {&leave, 1}, deadline::never())) ++errors;
  return {{errors}};
}

// Lets `movers` begin, and looks on until they are done: how often, and how often the sum wasn't what it was.
XSI_ROUTINE(semop_onlooker) {
  const auto set = static_cast<semid>(context.input.numbers[0]);
  const auto movers = static_cast<int>(context.input.numbers[1]);
  std::uint16_t values[cells] = {};
  if (!context.xsi.get_all(set, values)) return {{0, 1}};
  const int sum = values[left] + values[right];
  const sem_operation begin = add(gate, movers);
  std::int64_t looks = 0;
  std::int64_t surprises = context.xsi.operate(set, {&begin, 1}, deadline::never()) ? 0 : 1;
  while (values[finished] < movers) {
    if (!context.xsi.get_all(set, values) || values[left] + values[right] != sum) ++surprises;
    ++looks;
  }
  return {{looks, surprises}};
}

TEST_F(SemOpArray, NobodySeesAPartOfIt) {
  XSI_ASSERTION("SEMOP-16");
  actor& onlooker = process();
  actor& one = process();
  actor& other = process();
  const semid set = new_set(onlooker, cells);
  const std::int64_t id = static_cast<int>(set);
  ASSERT_THAT(operate(onlooker.xsi(), set, {add(left, 10), add(right, 10)}), Succeeds());
  std::vector<pending<routine_result>> movers;
  for (actor* const each : {&one, &other}) {
    movers.push_back(each->begin_thread().start_run("semop_mover", {.numbers = {id, right, left}}));
    movers.push_back(each->start_run("semop_mover", {.numbers = {id, left, right}}));
  }
  for (auto& each : movers) ASSERT_TRUE(each.blocked());
  const auto seen = onlooker.run("semop_onlooker", {.numbers = {id, std::ssize(movers)}}).numbers;
  EXPECT_THAT(seen, ElementsAre(Gt(0), 0)) << "looks, and looks that saw a part";
  for (auto& each : movers) EXPECT_THAT(each.get().numbers, ElementsAre(0));
  EXPECT_THAT(values_of(onlooker.xsi(), set), ElementsAre(10, 10, 0, std::ssize(movers)));
}

TEST_F(SemOpArray, ItIsCountedOnlyAtTheFirstOperationThatCantProceed) {
  XSI_ASSERTION("SEMOP-37");
  actor& client = process();
  const struct {
    std::vector<sem_operation> operations;
    std::vector<int> ncnts;
    std::vector<int> zcnts;
  } cases[] = {
      {{take(0), zero(1), take(2)}, {1, 0, 0}, {0, 0, 0}}, {{take(2), take(0), zero(1)}, {0, 0, 1}, {0, 0, 0}},
      {{zero(1), take(0), take(2)}, {0, 0, 0}, {0, 1, 0}}, {{add(0), zero(2), take(1), take(2)}, {0, 0, 1}, {0, 0, 0}},
      {{add(0), zero(0), take(2)}, {0, 0, 0}, {1, 0, 0}},
  };
  for (const auto& each : cases) {
    const semid set = new_set(client, 3);
    ASSERT_THAT(operate(client.xsi(), set, {add(1)}), Succeeds());
    actor& waiter = process();
    auto call = waiter.start(operating(set, each.operations));
    ASSERT_TRUE(call.blocked());
    EXPECT_EQ(ncnts_of(client.xsi(), set), each.ncnts);
    EXPECT_EQ(zcnts_of(client.xsi(), set), each.zcnts);
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 1, 0));
  }
}

TEST_F(SemOpArray, TheCountMovesToTheOperationThatItWaitsAtNext) {
  XSI_ASSERTION("SEMOP-38");
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client, 3);
  ASSERT_THAT(operate(client.xsi(), set, {add(1)}), Succeeds());
  auto call = waiter.start(operating(set, {take(0), zero(1), take(2)}));
  ASSERT_TRUE(call.blocked());
  const auto expect_counts = [&](std::vector<int> ncnts, std::vector<int> zcnts, const char* when) {
    EXPECT_EQ(ncnts_of(client.xsi(), set), ncnts) << when;
    EXPECT_EQ(zcnts_of(client.xsi(), set), zcnts) << when;
  };
  expect_counts({1, 0, 0}, {0, 0, 0}, "at first");
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  expect_counts({0, 0, 0}, {0, 1, 0}, "with 0 available");
  ASSERT_THAT(operate(client.xsi(), set, {take(0)}), Succeeds());
  expect_counts({1, 0, 0}, {0, 0, 0}, "with 0 taken away again");
  ASSERT_THAT(operate(client.xsi(), set, {take(1)}), Succeeds());
  expect_counts({1, 0, 0}, {0, 0, 0}, "with 1 at zero");
  ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
  expect_counts({0, 0, 1}, {0, 0, 0}, "with 0 available and 1 at zero");
  EXPECT_TRUE(call.blocked());
  ASSERT_THAT(operate(client.xsi(), set, {add(2)}), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  expect_counts({0, 0, 0}, {0, 0, 0}, "at the end");
}

TEST_F(SemOpArray, ItIsReleasedWhenAllItsConditionsHoldTogether) {
  XSI_ASSERTION("SEMOP-39");
  actor& client = process();
  actor& waiter = process();
  for (const auto& operations : {std::vector{take(0), zero(1)}, std::vector{zero(1), take(0)}}) {
    const semid set = new_set(client, 2);
    ASSERT_THAT(operate(client.xsi(), set, {add(1)}), Succeeds());
    auto call = waiter.start(operating(set, operations));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
    EXPECT_TRUE(call.blocked()) << "available, but not at zero";
    ASSERT_THAT(operate(client.xsi(), set, {take(0)}), Succeeds());
    ASSERT_THAT(operate(client.xsi(), set, {take(1)}), Succeeds());
    EXPECT_TRUE(call.blocked()) << "at zero, but no longer available";
    ASSERT_THAT(operate(client.xsi(), set, {add(0), add(1)}), Succeeds());
    EXPECT_TRUE(call.blocked()) << "available, but no longer at zero";
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 1));
    ASSERT_THAT(operate(client.xsi(), set, {take(1)}), Succeeds());
    EXPECT_THAT(call.get(), Succeeds());
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 0));
  }
}

TEST_F(SemOpArray, AWaiterThatWouldOverflowWhenItsTurnComesGetsErange) {
  XSI_ASSERTION("SEMOP-49");
  actor& client = process();
  actor& waiter = process();
  actor& next = process();
  const semid set = new_set(client, 2);
  const int most = largest_value(client.xsi());
  ASSERT_THAT(client.xsi().set_value(set, 1, most), Succeeds());
  auto call = waiter.start(operating(set, {take(0), add(1)}));
  ASSERT_TRUE(call.blocked());
  auto call_behind = next.start(operating(set, {take(0)}));
  ASSERT_TRUE(call_behind.blocked());
  EXPECT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds()) << "the error is the waiter's";
  EXPECT_THAT(call.get(), FailsWith(ERANGE));
  EXPECT_THAT(call_behind.get(), Succeeds()) << "what the first couldn't take is the next one's";
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, most));
  EXPECT_THAT(sempids_of(client.xsi(), set), ElementsAre(next.pid(), client.pid()));
  EXPECT_THAT(ncnts_of(client.xsi(), set), Each(0));
}

// While it waits at a later operation: the values of earlier ones may change under it.
TEST_F(SemOpArray, AnEarlierOperationThatComesToFailEndsTheWaitAtOnce) {
  XSI_ASSERTION("SEMOP-12", "SEMOP-49");
  actor& client = process();
  const int most = largest_value(client.xsi());
  const struct {
    std::vector<sem_operation> waiting;
    sem_operation change;
    int code;
  } cases[] = {
      {{take(0, 1, no_wait), take(1)}, take(0), EAGAIN},
      {{take(0), zero(0, no_wait), take(1)}, add(0), EAGAIN},
      {{add(0, most - 1), take(1)}, add(0), ERANGE},
  };
  for (const auto& each : cases) {
    const semid set = new_set(client, 2);
    ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
    auto call = process().start(operating(set, each.waiting));
    ASSERT_TRUE(call.blocked());
    EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(0, 1));
    ASSERT_THAT(operate(client.xsi(), set, {each.change}), Succeeds());
    ASSERT_FALSE(call.blocked()) << "it waits on for what it can't use any more";
    EXPECT_THAT(call.get(), FailsWith(each.code));
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1 + each.change.sem_op, 0));
    EXPECT_THAT(ncnts_of(client.xsi(), set), Each(0));
  }
}

}  // namespace
}  // namespace xsipc::conformance
