// SEM_UNDO and the life of processes: how they end, fork, exec and threads, and who waits for what they give back.
#include <sched.h>
#include <signal.h>

#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semundo_death)

namespace {

using testing::Each;
using testing::ElementsAre;

class SemUndoDeath : public semaphore_test {};

TEST_F(SemUndoDeath, ItHappensHoweverTheProcessEnds) {
  XSI_ASSERTION("SEMUNDO-05");
  const struct {
    const char* name;
    void (*end)(actor&);
    ending how;
  } ways[] = {
      {"exit", [](actor& who) { who.exit(3); }, {.exited = true, .code = 3}},
      {"_exit", [](actor& who) { who.exit_at_once(4); }, {.exited = true, .code = 4}},
      {"SIGKILL", [](actor& who) { who.kill(); }, {.signal = SIGKILL}},
      {"abort", [](actor& who) { who.signal(SIGABRT); }, {.signal = SIGABRT}},
      {"SIGTERM", [](actor& who) { who.signal(SIGTERM); }, {.signal = SIGTERM}},
      {"SIGSEGV", [](actor& who) { who.poke(nullptr, "x"); }, {.signal = SIGSEGV}},
  };
  actor& observer = process();
  for (const auto& way : ways) {
    actor& worker = process();
    const semid set = set_of(observer, {5, 5});
    ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo), add(1, 1, undo)}), Succeeds());
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3, 6));
    way.end(worker);
    const ending how = worker.await_end();
    EXPECT_EQ(how.exited, way.how.exited) << way.name;
    EXPECT_EQ(how.code, way.how.code) << way.name;
    EXPECT_EQ(how.signal, way.how.signal) << way.name;
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5, 5)) << way.name;
  }
}

TEST_F(SemUndoDeath, ItHappensAlsoWhileThreadsWaitInOtherSets) {
  XSI_ASSERTION("SEMUNDO-05");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {5});
  const semid elsewhere = set_of(observer, {0, 5});
  actor_thread& thread = worker.begin_thread();
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), elsewhere, {take(1, 1, undo)}), Succeeds());
  auto first = worker.start(operating(elsewhere, {take(0, 1, undo)}));
  auto second = thread.start(operating(elsewhere, {take(1, 2, undo), take(0, 1)}));
  ASSERT_TRUE(first.blocked());
  ASSERT_TRUE(second.blocked());
  worker.kill();
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5));
  EXPECT_THAT(values_of(observer.xsi(), elsewhere), ElementsAre(0, 5));
  EXPECT_THAT(ncnts_of(observer.xsi(), elsewhere), Each(0));
}

TEST_F(SemUndoDeath, TheLockOfADeadHolderIsTheNextOnes) {
  XSI_ASSERTION("SEMUNDO-06");
  actor& observer = process();
  actor& first = process();
  actor& second = process();
  actor& third = process();
  const semid lock = set_of(observer, {1});
  ASSERT_THAT(operate(first.xsi(), lock, {take(0, 1, undo)}), Succeeds());
  auto next = second.start(operating(lock, {take(0, 1, undo)}));
  ASSERT_TRUE(next.blocked());
  auto last = third.start(operating(lock, {take(0, 1, undo)}));
  ASSERT_TRUE(last.blocked());
  first.kill();
  EXPECT_THAT(next.get(), Succeeds());
  EXPECT_TRUE(last.blocked());
  EXPECT_THAT(values_of(observer.xsi(), lock), ElementsAre(0));
  second.exit_at_once(1);
  EXPECT_THAT(last.get(), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), lock), ElementsAre(0));
  EXPECT_THAT(ncnts_of(observer.xsi(), lock), ElementsAre(0));
  third.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), lock), ElementsAre(1));
}

TEST_F(SemUndoDeath, WhoeverWaitedForWhatItGivesBackProceeds) {
  XSI_ASSERTION("SEMUNDO-06");
  actor& observer = process();
  const std::vector<sem_operation> arrays[] = {{zero(0)}, {take(1)}, {zero(0), take(1)}, {take(1), zero(0), add(2)}};
  for (const auto& operations : arrays) {
    actor& worker = process();
    actor& waiter = process();
    const semid set = set_of(observer, {0, 1, 0});
    ASSERT_THAT(operate(worker.xsi(), set, {add(0, 2, undo), take(1, 1, undo)}), Succeeds());
    auto call = waiter.start(operating(set, operations));
    ASSERT_TRUE(call.blocked());
    worker.kill();
    EXPECT_THAT(call.get(), Succeeds());
    EXPECT_THAT(ncnts_of(observer.xsi(), set), Each(0));
    EXPECT_THAT(zcnts_of(observer.xsi(), set), Each(0));
    EXPECT_EQ(values_of(observer.xsi(), set)[0], 0);
  }
}

TEST_F(SemUndoDeath, AChildInheritsNoAdjustments) {
  XSI_ASSERTION("SEMUNDO-07");
  actor& observer = process();
  actor& parent = process();
  const semid set = set_of(observer, {5, 5});
  ASSERT_THAT(operate(parent.xsi(), set, {take(0, 2, undo)}), Succeeds());
  actor& idle = parent.fork();
  actor& busy = parent.fork();
  actor& killed = parent.fork();
  ASSERT_THAT(operate(busy.xsi(), set, {take(0, 1, undo), take(1, 1, undo)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(2, 4));
  idle.exit(0);
  killed.kill();
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(2, 4));
  busy.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3, 5)) << "only what it took itself";
  parent.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5, 5));
}

TEST_F(SemUndoDeath, AParentThatEndsGivesBackNothingOfItsChild) {
  XSI_ASSERTION("SEMUNDO-07");
  actor& observer = process();
  actor& parent = process();
  const semid set = set_of(observer, {5});
  ASSERT_THAT(operate(parent.xsi(), set, {take(0, 2, undo)}), Succeeds());
  actor& child = parent.fork();
  ASSERT_THAT(operate(child.xsi(), set, {take(0, 1, undo)}), Succeeds());
  parent.exit(0);
  EXPECT_THAT(values_of(child.xsi(), set), ElementsAre(4));
  child.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5));
}

TEST_F(SemUndoDeath, AdjustmentsSurviveExec) {
  XSI_ASSERTION("SEMUNDO-08");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {5, 5});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo)}), Succeeds());
  worker.exec();
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3, 5));
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo), take(1, 1), take(1, 2, undo)}), Succeeds());
  worker.exec();
  EXPECT_THAT(values_of(worker.xsi(), set), ElementsAre(2, 2));
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5, 4));
}

TEST_F(SemUndoDeath, AdjustmentsOfThreadsSurviveExecToo) {
  XSI_ASSERTION("SEMUNDO-08", "SEMUNDO-09");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {5});
  ASSERT_THAT(operate(worker.begin_thread().xsi(), set, {take(0, 2, undo)}), Succeeds());
  worker.exec();
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3)) << "the thread is gone, its process isn't";
  worker.kill();
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5));
}

TEST_F(SemUndoDeath, TheAdjustmentsOfAllThreadsAreTheProcesss) {
  XSI_ASSERTION("SEMUNDO-09");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {9, 9});
  actor_thread& first = worker.begin_thread();
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo), take(1, 4, undo)}), Succeeds());
  actor_thread& second = worker.begin_thread();
  ASSERT_THAT(operate(first.xsi(), set, {take(0, 2, undo), add(1, 3, undo)}), Succeeds());
  ASSERT_THAT(operate(second.xsi(), set, {take(0, 3, undo), add(1, 1, undo)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3, 9));
  ASSERT_THAT(operate(observer.xsi(), set, {add(0, 10)}), Succeeds());
  first.end();
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(13, 9)) << "a thread that ends gives nothing back";
  second.end();
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(13, 9));
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(19, 9));
}

TEST_F(SemUndoDeath, WhatOneThreadTookAnotherMayGiveBack) {
  XSI_ASSERTION("SEMUNDO-09");
  actor& observer = process();
  actor& worker = process();
  const semid set = set_of(observer, {5});
  actor_thread& thread = worker.begin_thread();
  ASSERT_THAT(operate(thread.xsi(), set, {take(0, 1, undo)}), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {add(0, 1, undo)}), Succeeds());
  thread.end();
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5));
}

TEST_F(SemUndoDeath, AWaiterThatNeverProceededLeavesNothing) {
  XSI_ASSERTION("SEMUNDO-16");
  actor& observer = process();
  const std::vector<sem_operation> operations = {take(1, 2, undo), add(2, 1, undo), take(0, 1, undo)};
  for (const bool killed : {true, false}) {
    actor& waiter = process();
    waiter.catch_signal(SIGUSR1, false);
    const semid set = set_of(observer, {0, 5, 0});
    auto call = waiter.start(operating(set, operations));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(operate(observer.xsi(), set, {add(2, 4)}), Succeeds());
    if (killed) {
      waiter.kill();
    } else {
      waiter.signal(SIGUSR1);
      EXPECT_THAT(call.get(), FailsWith(EINTR));
      waiter.exit(0);
    }
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(0, 5, 4)) << killed;
    EXPECT_THAT(sempids_of(observer.xsi(), set), Each(observer.pid())) << killed;
  }
}

TEST_F(SemUndoDeath, AWaiterThatProceededGivesBackEvenIfItDiesAtOnce) {
  XSI_ASSERTION("SEMUNDO-16");
  actor& observer = process();
  for (const bool by_setval : {false, true}) {
    actor& waiter = process();
    const semid set = set_of(observer, {0, 5});
    auto call = waiter.start(operating(set, {take(0, 1, undo), add(1, 2, undo)}));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(by_setval ? observer.xsi().set_value(set, 0, 1) : operate(observer.xsi(), set, {add(0)}), Succeeds());
    waiter.kill();
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(1, 5)) << by_setval;
    EXPECT_THAT(sempids_of(observer.xsi(), set), Each(waiter.pid())) << by_setval;
  }
}

TEST_F(SemUndoDeath, OfARemovedSetNothingIsGivenBackToTheNextOfItsKey) {
  XSI_ASSERTION("SEMUNDO-17");
  actor& observer = process();
  actor& worker = process();
  actor& bystander = process();
  const key name = fresh_key();
  const semid kept = set_of(observer, {5});
  const auto old = observer.xsi().get_set(name, 2, creation::create_only(0600));
  ASSERT_THAT(old, Succeeds());
  for (actor* const each : {&worker, &bystander}) {
    ASSERT_THAT(operate(each->xsi(), *old, {add(0, 9), take(0, 2, undo), add(1, 3, undo)}), Succeeds());
    ASSERT_THAT(operate(each->xsi(), kept, {take(0, 1, undo)}), Succeeds());
  }
  ASSERT_THAT(observer.xsi().remove_set(*old), Succeeds());
  const auto next = observer.xsi().get_set(name, 2, creation::create_only(0600));
  ASSERT_THAT(next, Succeeds());
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), *next), Each(0));
  EXPECT_THAT(sempids_of(observer.xsi(), *next), Each(0));
  EXPECT_EQ(status_of(observer.xsi(), *next).otime, 0);
  EXPECT_THAT(values_of(observer.xsi(), kept), ElementsAre(4));

  ASSERT_THAT(operate(observer.xsi(), *next, {add(0, 7), add(1, 7)}), Succeeds());
  ASSERT_THAT(operate(bystander.xsi(), *next, {take(1, 1, undo)}), Succeeds());
  bystander.kill();
  EXPECT_THAT(values_of(observer.xsi(), *next), ElementsAre(7, 7)) << "what it took of this one, nothing else";
  EXPECT_THAT(values_of(observer.xsi(), kept), ElementsAre(5));
}

TEST_F(SemUndoDeath, ItNeedsNoPermissionAnyMore) {
  XSI_ASSERTION("SEMUNDO-21");
  actor& owner = process(unprivileged());
  actor& worker = process(unprivileged());
  const semid set = set_of(owner, {5});
  perm_change change = changeable(status_of(owner.xsi(), set).perm);
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo)}), Succeeds());
  change.mode = 0400;
  ASSERT_THAT(owner.xsi().change_set(set, change), Succeeds());
  EXPECT_THAT(operate(worker.xsi(), set, {add(0, 2, undo)}), FailsWith(EACCES));
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(3));
  worker.kill();
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(5));
  EXPECT_THAT(sempids_of(owner.xsi(), set), ElementsAre(worker.pid()));
}

TEST_F(SemUndoDeath, ItDoesNotMatterWhoTheProcessIsMeanwhile) {
  XSI_ASSERTION("SEMUNDO-21");
  XSI_NEEDS(need::other_users);
  actor& observer = process();
  for (const bool by_exit : {true, false}) {
    actor& worker = process();
    const semid set = set_of(observer, {5});
    ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo)}), Succeeds());
    worker.become({.uid = bob, .gid = bob});
    EXPECT_THAT(operate(worker.xsi(), set, {add(0)}), FailsWith(EACCES));
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3));
    if (by_exit) {
      worker.exit(0);
    } else {
      worker.kill();
    }
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5)) << by_exit;
  }
}

TEST_F(SemUndoDeath, ItIsDoneWhenTheParentsWaitReturns) {
  XSI_ASSERTION("SEMUNDO-22");
  actor& parent = process();
  const semid set = set_of(parent, {5, 0});
  for (int round = 0; round < 20; ++round) {
    actor& child = parent.fork();
    const bool has_thread = round % 4 >= 2;
    actor_thread& doing = has_thread ? child.begin_thread() : child;
    ASSERT_THAT(operate(doing.xsi(), set, {take(0, 3, undo), add(1, 1, undo)}), Succeeds());
    ASSERT_THAT(values_of(parent.xsi(), set), ElementsAre(2, 1));
    if (round % 2 == 0) {
      child.signal(SIGKILL);  // unlike kill(), it may still be dying when the parent begins to wait
      EXPECT_EQ(parent.wait_for(child).signal, SIGKILL);
    } else {
      child.exit(7);
      EXPECT_EQ(parent.wait_for(child).code, 7);
    }
    ASSERT_THAT(values_of(parent.xsi(), set), ElementsAre(5, 0)) << round;
  }
}

// Leaves the kernel's adjustments of this process; returns the error.
XSI_ROUTINE(semundo_unshare) { return {{::unshare(CLONE_SYSVSEM) == 0 ? 0 : errno}}; }

// Only the kernel's own semaphores know of it: elsewhere the adjustments stay the process's.
TEST_F(SemUndoDeath, UnsharingGivesBackAtOnceOnTheKernel) {
  XSI_ASSERTION("SEMUNDO-24");
  const bool native = the_harness().offers(need::kernel_objects);
  actor& observer = process();
  actor& worker = process();
  actor& waiter = process();
  const semid set = set_of(observer, {5});
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 2, undo)}), Succeeds());
  auto call = waiter.start(operating(set, {take(0, 4)}));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(worker.run("semundo_unshare").numbers, ElementsAre(0));
  if (native) {
    EXPECT_THAT(call.get(), Succeeds());
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(1));
    EXPECT_THAT(sempids_of(observer.xsi(), set), ElementsAre(waiter.pid()));
  } else {
    EXPECT_TRUE(call.blocked());
    EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3));
  }
  ASSERT_THAT(operate(worker.xsi(), set, {take(0, 1, undo)}), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(native ? 0 : 2));
  worker.exit(0);
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(1)) << "with a new list as without, all is back";
}

}  // namespace
}  // namespace xsipc::conformance
