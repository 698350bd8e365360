// SEM_UNDO: which operations are recorded, what a process gives back when it ends, and what clears the record.
#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semundo)

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

class SemUndo : public semaphore_test {};

TEST_F(SemUndo, WhatAProcessTookIsGivenBackWhenItExits) {
  XSI_ASSERTION("SEMUNDO-01");
  actor& observer = process();
  actor& one = process();
  actor& other = process();
  const semid set = set_of(observer, {5, 5});
  ASSERT_THAT(operate(one.xsi(), set, {take(0, 2, undo)}), Succeeds());
  ASSERT_THAT(operate(other.xsi(), set, {take(0, 1, undo), take(1, 5, undo)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(2, 0));
  ASSERT_THAT(operate(observer.xsi(), set, {add(0, 7)}), Succeeds());
  one.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(11, 0)) << "added to what there is now, not put back";
  other.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(12, 5));
}

TEST_F(SemUndo, WhatAProcessAddedIsSubtractedWhenItExits) {
  XSI_ASSERTION("SEMUNDO-02");
  actor& observer = process();
  actor& one = process();
  actor& other = process();
  const semid set = set_of(observer, {1, 0});
  ASSERT_THAT(operate(one.xsi(), set, {add(0, 3, undo), add(1, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(other.xsi(), set, {add(0, 4, undo)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(8, 1));
  ASSERT_THAT(operate(observer.xsi(), set, {take(0, 1)}), Succeeds());
  one.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(4, 0));
  other.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(0, 0));
}

TEST_F(SemUndo, AdjustmentsOfSeveralOperationsAddUp) {
  XSI_ASSERTION("SEMUNDO-03");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {10, 10});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo), add(1, 4, undo)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo), take(1, 9, undo), add(0, 2, undo)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(8, 5));
  ASSERT_THAT(operate(observer.xsi(), set, {take(0, 3)}), Succeeds());
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(7, 10));
}

TEST_F(SemUndo, WhatWasGivenBackAlreadyIsNotGivenBackAgain) {
  XSI_ASSERTION("SEMUNDO-03");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {5, 5});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {add(0, 1, undo), take(1, 2, undo), add(1, 2, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {add(0, 3), take(1)}), Succeeds());
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(8, 4));
  EXPECT_THAT(sempids_of(observer.xsi(), set), ElementsAre(observer.pid(), observer.pid()));
}

TEST_F(SemUndo, OperationsWithoutTheFlagAreNotGivenBack) {
  XSI_ASSERTION("SEMUNDO-04");
  actor& observer = process();
  actor& plain = process();
  actor& worker = process();
  const semid set = set_of(observer, {9, 5, 5});
  ASSERT_THAT(operate(plain.xsi(), set, {take(0, 2), add(1)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {add(1, 3), take(2, 1, no_wait)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(4, 9, 4));
  plain.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(4, 9, 4));
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(6, 9, 4));
}

TEST_F(SemUndo, SetvalClearsTheAdjustmentsOfThatSemaphoreInAllProcesses) {
  XSI_ASSERTION("SEMUNDO-10");
  actor& observer = process();
  actor& one = process();
  actor& other = process();
  const semid set = set_of(observer, {5, 5, 5});
  const semid elsewhere = set_of(observer, {5});
  ASSERT_THAT(operate(one.xsi(), set, {take(0, 1, undo), take(1, 1, undo), take(2, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(one.xsi(), elsewhere, {take(0, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(other.xsi(), set, {take(0, 2, undo), take(1, 2, undo), add(2, 2, undo)}), Succeeds());
  ASSERT_THAT(one.xsi().set_value(set, 1, 3), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(2, 3, 6));
  one.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3, 3, 7));
  EXPECT_THAT(values_of(observer.xsi(), elsewhere), ElementsAre(5));
  other.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5, 3, 5));
}

TEST_F(SemUndo, SettingWhatTheValueIsAnywayClearsItsAdjustmentsToo) {
  XSI_ASSERTION("SEMUNDO-10", "SEMUNDO-11");
  actor& observer = process();
  for (const bool all : {false, true}) {
    actor& worker = process();
    const semid set = set_of(observer, {5});
    const std::uint16_t same[] = {3};
    ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo)}), Succeeds());
    ASSERT_THAT(all ? observer.xsi().set_all(set, same) : observer.xsi().set_value(set, 0, same[0]), Succeeds());
    ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo)}), Succeeds());
    worker.exit(0);
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3)) << "only what was taken after it: " << all;
  }
}

TEST_F(SemUndo, SetallClearsTheAdjustmentsOfTheSetInAllProcesses) {
  XSI_ASSERTION("SEMUNDO-11");
  actor& observer = process();
  actor& one = process();
  actor& other = process();
  const semid set = set_of(observer, {5, 5, 5});
  const semid elsewhere = set_of(observer, {5, 5, 5});
  for (const semid each : {set, elsewhere}) {
    ASSERT_THAT(operate(one.xsi(), each, {take(0, 1, undo), take(1, 1, undo)}), Succeeds());
    ASSERT_THAT(operate(other.xsi(), each, {take(1, 2, undo), add(2, 2, undo)}), Succeeds());
  }
  const std::uint16_t values[] = {7, 2, 9};
  ASSERT_THAT(other.xsi().set_all(set, values), Succeeds());
  one.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(7, 2, 9));
  EXPECT_THAT(values_of(observer.xsi(), elsewhere), ElementsAre(5, 3, 7));
  other.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(7, 2, 9));
  EXPECT_THAT(values_of(observer.xsi(), elsewhere), ElementsAre(5, 5, 5));
}

TEST_F(SemUndo, SettingValuesInVainClearsNothing) {
  XSI_ASSERTION("SEMUNDO-10", "SEMUNDO-11");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {5, 5});
  const int most = largest_value(observer.xsi());
  const std::uint16_t too_large[] = {4, static_cast<std::uint16_t>(most + 1)};
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo), take(1, 1, undo)}), Succeeds());
  EXPECT_THAT(observer.xsi().set_value(set, 0, -1), FailsWith(ERANGE));
  EXPECT_THAT(observer.xsi().set_value(set, 0, most + 1), FailsWith(ERANGE));
  EXPECT_THAT(observer.xsi().set_value(set, 2, 4), FailsWith(EINVAL));
  EXPECT_THAT(observer.xsi().set_all(set, too_large), FailsWith(ERANGE));
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3, 4));
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5, 5));
}

TEST_F(SemUndo, BelowZeroItStopsAtZero) {
  XSI_ASSERTION("SEMUNDO-12");
  actor& observer = process();
  actor& waiter = process();
  actor& worker = process();
  const semid set = set_of(observer, {0, 0, 0});
  ASSERT_THAT(operate(worker.xsi(), set, {add(0, 5, undo), add(1, 5, undo), add(2, 5, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {take(0, 1), take(1, 5)}), Succeeds());
  auto call = waiter.start(operating(set, {zero(0)}));
  ASSERT_TRUE(call.blocked());
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(0, 0, 0));
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(operate(observer.xsi(), set, {add(0), add(1)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(1, 1, 0)) << "nothing is owed";
}

TEST_F(SemUndo, AboveSemvmxItStopsThere) {
  XSI_ASSERTION("SEMUNDO-13");
  actor& observer = process();
  actor& worker = process();
  const int most = largest_value(observer.xsi());
  const auto full = static_cast<std::uint16_t>(most);
  const semid set = set_of(observer, {full, full, 3});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 5, undo), take(1, most, undo), take(2, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {add(0, 4), add(1, most)}), Succeeds());
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(most, most, 3));
}

TEST_F(SemUndo, AnAdjustmentAboveItsRangeIsErangeAndAppliesNothing) {
  XSI_ASSERTION("SEMUNDO-14");
  actor& observer = process();
  actor& worker = process();
  const int most = largest_value(observer.xsi());
  const semid set = set_of(observer, {static_cast<std::uint16_t>(most), 0});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, most, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {add(0, 3)}), Succeeds());
  EXPECT_THAT(operate(worker.xsi(), set, {take(0, 1, undo)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(worker.xsi(), set, {take(0, 1, undo | no_wait)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(worker.xsi(), set, {add(1), take(0, 3, undo)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(worker.xsi(), set, {take(0), take(0, 1, undo)}), FailsWith(ERANGE));
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3, 0));
  EXPECT_THAT(sempids_of(observer.xsi(), set), ElementsAre(observer.pid(), observer.pid()));

  EXPECT_THAT(operate(worker.xsi(), set, {take(0)}), Succeeds()) << "it isn't to be recorded";
  EXPECT_THAT(operate(worker.xsi(), set, {add(0, 1, undo)}), Succeeds());
  EXPECT_THAT(operate(worker.xsi(), set, {take(0, 1, undo)}), Succeeds()) << "there is room for 1 again";
  EXPECT_THAT(operate(worker.xsi(), set, {add(0, most - 5, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {take(0, most - 5)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(2, 0));
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(7, 0));
}

TEST_F(SemUndo, AnAdjustmentBelowItsRangeIsErangeAndAppliesNothing) {
  XSI_ASSERTION("SEMUNDO-14");
  actor& observer = process();
  actor& worker = process();
  const int most = largest_value(observer.xsi());
  const semid set = set_of(observer, {0, 0});
  ASSERT_THAT(operate(worker.xsi(), set, {add(0, most, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {take(0, most)}), Succeeds());
  EXPECT_THAT(operate(worker.xsi(), set, {add(0, 2, undo)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(worker.xsi(), set, {add(0, 1, undo)}), Succeeds()) << "it goes as far as -SEMVMX - 1";
  EXPECT_THAT(operate(worker.xsi(), set, {add(0, 1, undo)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(worker.xsi(), set, {add(1), add(0, 1, undo)}), FailsWith(ERANGE));
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(1, 0));

  EXPECT_THAT(operate(worker.xsi(), set, {take(0, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {add(0, most)}), Succeeds());
  EXPECT_THAT(operate(worker.xsi(), set, {take(0, most - 4, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {add(0, 6)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(10, 0));
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(6, 0));
}

TEST_F(SemUndo, AFailedArrayLeavesTheAdjustmentsAsTheyWere) {
  XSI_ASSERTION("SEMUNDO-15");
  actor& observer = process();
  actor& worker = process();
  const int most = largest_value(observer.xsi());
  const auto full = static_cast<std::uint16_t>(most);
  enum : int { some, highest, empty, spent, beyond };
  const semid set = set_of(observer, {5, full, 0, full});
  ASSERT_THAT(operate(worker.xsi(), set, {take(some, 1, undo), take(spent, most, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {add(spent, 2)}), Succeeds());
  const struct {
    std::vector<sem_operation> operations;
    int code;
  } failures[] = {
      {{take(some, 1, undo), take(empty, 1, no_wait)}, EAGAIN},
      {{take(some, 1, undo), take(empty, 1, no_wait | undo)}, EAGAIN},
      {{add(some, 2, undo), zero(some, no_wait)}, EAGAIN},
      {{take(some, 1, undo), take(some, 1, undo), take(some, 3, undo | no_wait)}, EAGAIN},
      {{take(some, 1, undo), add(highest)}, ERANGE},
      {{take(some, 1, undo), take(some, 1, undo), add(highest, 1, undo)}, ERANGE},
      {{take(some, 1, undo), take(spent, 1, undo)}, ERANGE},
      {{take(some, 1, undo), add(some, 3, undo), take(spent, 1, undo)}, ERANGE},
      {{take(some, 1, undo), add(beyond)}, EFBIG},
  };
  for (const auto& failure : failures) {
    EXPECT_THAT(operate(worker.xsi(), set, failure.operations), FailsWith(failure.code));
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(4, most, 0, 2)) << errno_name(failure.code);
  }
  ASSERT_THAT(operate(observer.xsi(), set, {add(some, 10), take(highest, 20), add(empty, 10), take(spent, 2)}),
              Succeeds());
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(15, most - 20, 10, most));
}

TEST_F(SemUndo, SempidOfWhatIsGivenBackIsTheProcessThatEnded) {
  XSI_ASSERTION("SEMUNDO-18");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {5, 5, 5, 5});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo), add(1, 1, undo), take(2, 1), take(3, 1, undo)}),
              Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {add(3, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(observer.xsi(), set, {add(0), add(1), add(2), add(3)}), Succeeds());
  const ipc_pid observers = observer.pid();
  EXPECT_THAT(sempids_of(observer.xsi(), set), ElementsAre(observers, observers, observers, observers));
  worker.exit(0);
  EXPECT_THAT(sempids_of(observer.xsi(), set), ElementsAre(worker.pid(), worker.pid(), observers, observers));
}

// The one test of this file that lets a second pass.
TEST_F(SemUndo, OtimeIsThatOfTheEnding) {
  XSI_ASSERTION("SEMUNDO-19");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {5});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo)}), Succeeds());
  const set_status taken = status_of(observer.xsi(), set);
  wait_out_this_second();
  const ipc_time before = now();
  ASSERT_LT(taken.otime, before);
  EXPECT_EQ(status_of(observer.xsi(), set).otime, taken.otime);
  worker.exit(0);
  EXPECT_THAT(status_of(observer.xsi(), set).otime, AllOf(Ge(before), Le(now())));
  EXPECT_EQ(status_of(observer.xsi(), set).ctime, taken.ctime);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5));
}

TEST_F(SemUndo, OfAMixedArrayOnlyOperationsWithTheFlagAreRecorded) {
  XSI_ASSERTION("SEMUNDO-20");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {9, 5, 5, 5});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo), take(1, 1), add(2, 1, undo), add(3)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1), take(0, 2, undo), add(0, 1), take(3, 2, undo)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(6, 4, 6, 4));
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(9, 4, 5, 6));
}

TEST_F(SemUndo, WhatWasTakenOfSeveralSetsIsAllGivenBack) {
  XSI_ASSERTION("SEMUNDO-23");
  actor& observer = process();
  actor& worker = process();
  std::vector<semid> sets;
  for (int i = 0; i < 6; ++i) {
    sets.push_back(set_of(observer, std::vector<std::uint16_t>(static_cast<std::size_t>(i) + 1, 20)));
    ASSERT_THAT(operate(worker.xsi(), sets.back(), {take(i, i + 1, undo)}), Succeeds());
  }
  ASSERT_THAT(operate(worker.xsi(), sets[2], {add(0, 9, undo)}), Succeeds());
  ASSERT_THAT(observer.xsi().remove_set(sets[3]), Succeeds());
  worker.exit(0);
  sets.erase(sets.begin() + 3);
  for (const semid each : sets) EXPECT_THAT(values_of(observer.xsi(), each), testing::Each(20));
}

}  // namespace
}  // namespace xsipc::conformance
