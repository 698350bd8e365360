#include "xsipc/semaphore_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <vector>

#include "support/child.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"
#include "support/threads.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::error_on_id;
using test_support::error_on_key;
using test_support::FailsAs;
using test_support::FailsWith;
using test_support::Holds;
using test_support::posix_thread;
using test_support::Succeeds;
using test_support::unused_key;

using values = std::vector<std::uint16_t>;

class semaphore_set_test : public test_support::sysv_test {
 protected:
  semaphore_set set_of(const values& start) {
    semaphore_set set = new_set(static_cast<int>(start.size()));
    set.set_values(start).value();
    return set;
  }
};

TEST_F(semaphore_set_test, GetFindsWhatGetCreated) {
  const key name = unused_key();
  const auto made = semaphore_set::get(name, 3, creation::create_only(0640), on()).value();
  adopt(made.id());
  EXPECT_EQ(semaphore_set::get(name, 0, creation::find(), on()).value(), made);
  EXPECT_EQ(semaphore_set::get(name, 3, creation::open_or_create(0), on()).value(), made);
  EXPECT_EQ(made.stat()->nsems, 3U);
  EXPECT_EQ(made.stat()->perm.mode, 0640U);
}

TEST_F(semaphore_set_test, GetSaysWhatIsWrong) {
  const key name = unused_key();
  const int raw = static_cast<int>(name);
  EXPECT_THAT(semaphore_set::get(name, 0, creation::find(), on()),
              FailsAs(error_on_key(ENOENT, xsi_call::semget, raw)));
  EXPECT_THAT(semaphore_set::get(name, 0, creation::create_only(0600), on()),
              FailsAs(error_on_key(EINVAL, xsi_call::semget, raw)));
  EXPECT_THAT(semaphore_set::get(name, -1, creation::create_only(0600), on()),
              FailsAs(error_on_key(EINVAL, xsi_call::semget, raw)));
  adopt(semaphore_set::get(name, 2, creation::create_only(0600), on())->id());
  EXPECT_THAT(semaphore_set::get(name, 2, creation::create_only(0600), on()),
              FailsAs(error_on_key(EEXIST, xsi_call::semget, raw)));
  EXPECT_THAT(semaphore_set::get(name, 3, creation::find(), on()),
              FailsAs(error_on_key(EINVAL, xsi_call::semget, raw)));
}

TEST_F(semaphore_set_test, IsAnIdAndABackend) {
  const auto set = new_set(1);
  const semaphore_set again(set.backend(), set.id());
  EXPECT_EQ(again, set);
  EXPECT_EQ(&again.backend(), &on());
  EXPECT_NE(new_set(1), set);
}

TEST_F(semaphore_set_test, ValuesStartAtZeroAndAreSetAsOne) {
  auto set = new_set(3);
  EXPECT_THAT(set.values(), Holds(values{0, 0, 0}));
  const values wanted{1, 2, 32767};
  ASSERT_THAT(set.set_values(wanted), Succeeds());
  EXPECT_THAT(set.values(), Holds(wanted));
  EXPECT_THAT(set.value(2), Holds(32767));
}

TEST_F(semaphore_set_test, SetValueSetsOne) {
  auto set = set_of({1, 2, 3});
  ASSERT_THAT(set.set_value(1, 9), Succeeds());
  EXPECT_THAT(set.values(), Holds(values{1, 9, 3}));
}

TEST_F(semaphore_set_test, SetValuesWantsOneForEachSemaphore) {
  auto set = set_of({1, 2, 3});
  const auto einval = error_on_id(EINVAL, xsi_call::semctl, static_cast<int>(set.id()));
  EXPECT_THAT(set.set_values(values{7, 7}), FailsAs(einval));
  EXPECT_THAT(set.set_values(values{7, 7, 7, 7}), FailsAs(einval));
  EXPECT_THAT(set.set_values({}), FailsAs(einval));
  EXPECT_THAT(set.values(), Holds(values{1, 2, 3}));
}

TEST_F(semaphore_set_test, SetValuesNeedsNoReadPermission) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  auto set = new_set(2, 0602);
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    return set.stat().error().code == EACCES && set.set_values(values{4, 5}).has_value();
  }));
  EXPECT_THAT(set.values(), Holds(values{4, 5}));
}

TEST_F(semaphore_set_test, OperateDoesAllOrNothing) {
  auto set = set_of({1, 1});
  const std::array<sem_operation, 2> both{{{0, -1, sem_flags::none}, {1, -1, sem_flags::none}}};
  ASSERT_THAT(set.operate(both), Succeeds());
  EXPECT_THAT(set.values(), Holds(values{0, 0}));
  ASSERT_THAT(set.set_value(0, 1), Succeeds());
  EXPECT_THAT(set.operate(both, at_once), FailsAs(error_on_id(EAGAIN, xsi_call::semop, static_cast<int>(set.id()))));
  EXPECT_THAT(set.values(), Holds(values{1, 0}));
}

TEST_F(semaphore_set_test, NoWaitOfAnOperationIsEagain) {
  auto set = new_set(1);
  const sem_operation take{0, -1, sem_flags::no_wait};
  EXPECT_THAT(set.operate({&take, 1}), FailsWith(EAGAIN));
}

TEST_F(semaphore_set_test, AcquireTakesAndReleaseGives) {
  auto set = new_set(2);
  ASSERT_THAT(set.release(1, 5), Succeeds());
  ASSERT_THAT(set.acquire(1, 2), Succeeds());
  ASSERT_THAT(set.acquire(1), Succeeds());
  EXPECT_THAT(set.values(), Holds(values{0, 2}));
  EXPECT_THAT(set.acquire(1, 3, sem_flags::none, at_once), FailsWith(EAGAIN));
  EXPECT_THAT(set.acquire(1, 3, sem_flags::no_wait), FailsWith(EAGAIN));
  ASSERT_THAT(set.release(1), Succeeds());
  ASSERT_THAT(set.acquire(1, 3, sem_flags::none, at_once), Succeeds());
}

TEST_F(semaphore_set_test, AcquireAndReleaseOfACountThatNoSemaphoreHasAreErange) {
  auto set = set_of({5});
  const auto erange = error_on_id(ERANGE, xsi_call::semop, static_cast<int>(set.id()));
  for (const int n : {0, -1, 32768, 65535, 65537, INT_MAX, INT_MIN}) {
    EXPECT_THAT(set.acquire(0, n), FailsAs(erange)) << n;
    EXPECT_THAT(set.release(0, n), FailsAs(erange)) << n;
  }
  EXPECT_THAT(set.value(0), Holds(5));
}

TEST_F(semaphore_set_test, ReleaseAboveTheLargestValueIsErange) {
  auto set = set_of({1});
  EXPECT_THAT(set.release(0, 32767), FailsWith(ERANGE));
  EXPECT_THAT(set.value(0), Holds(1));
  EXPECT_THAT(set.release(0, 32766), Succeeds());
  EXPECT_THAT(set.value(0), Holds(32767));
}

TEST_F(semaphore_set_test, WaitForZeroReturnsAtZeroOnly) {
  auto set = set_of({0, 1});
  EXPECT_THAT(set.wait_for_zero(0), Succeeds());
  EXPECT_THAT(set.wait_for_zero(1, sem_flags::none, at_once), FailsWith(EAGAIN));
  EXPECT_THAT(set.wait_for_zero(1, sem_flags::no_wait), FailsWith(EAGAIN));
}

TEST_F(semaphore_set_test, NcntCountsWhoWaitsForMore) {
  auto set = new_set(2);
  posix_thread waiter([&] { EXPECT_THAT(set.acquire(1, 2), Succeeds()); });
  ASSERT_TRUE(waiter.blocks_in(SYS_semop));
  EXPECT_THAT(set.ncnt(1), Holds(1));
  EXPECT_THAT(set.zcnt(1), Holds(0));
  EXPECT_THAT(set.ncnt(0), Holds(0));
  ASSERT_THAT(set.release(1, 2), Succeeds());
  waiter.join();
  EXPECT_THAT(set.ncnt(1), Holds(0));
}

TEST_F(semaphore_set_test, ZcntCountsWhoWaitsForZero) {
  auto set = set_of({3});
  posix_thread waiter([&] { EXPECT_THAT(set.wait_for_zero(0), Succeeds()); });
  ASSERT_TRUE(waiter.blocks_in(SYS_semop));
  EXPECT_THAT(set.zcnt(0), Holds(1));
  EXPECT_THAT(set.ncnt(0), Holds(0));
  ASSERT_THAT(set.acquire(0, 3), Succeeds());
  waiter.join();
  EXPECT_THAT(set.zcnt(0), Holds(0));
}

TEST_F(semaphore_set_test, RemovalEndsAWaitWithEidrm) {
  auto set = new_set(1);
  const auto eidrm = error_on_id(EIDRM, xsi_call::semop, static_cast<int>(set.id()));
  posix_thread waiter([&] { EXPECT_THAT(set.acquire(0), FailsAs(eidrm)); });
  ASSERT_TRUE(waiter.blocks_in(SYS_semop));
  ASSERT_THAT(set.remove(), Succeeds());
  waiter.join();
}

TEST_F(semaphore_set_test, SempidIsTheProcessOfTheLastOperation) {
  auto set = new_set(2);
  EXPECT_THAT(set.sempid(1), Holds(0));
  ASSERT_THAT(set.release(1), Succeeds());
  EXPECT_THAT(set.sempid(1), Holds(::getpid()));
  EXPECT_THAT(set.sempid(0), Holds(0));
  EXPECT_TRUE(test_support::holds_in_child([&] { return set.release(0).has_value(); }));
  EXPECT_GT(set.sempid(0).value(), 0);
  EXPECT_NE(set.sempid(0).value(), ::getpid());
}

TEST_F(semaphore_set_test, UndoIsDoneWhenTheProcessEnds) {
  auto set = set_of({5});
  EXPECT_TRUE(test_support::holds_in_child(
      [&] { return set.acquire(0, 2, sem_flags::undo).has_value() && set.value(0).value() == 3; }));
  EXPECT_THAT(set.value(0), Holds(5));
}

TEST_F(semaphore_set_test, StatTellsWhatHappened) {
  auto set = new_set(4, 0620);
  const auto fresh = set.stat().value();
  EXPECT_EQ(fresh.id, set.id());
  EXPECT_EQ(fresh.nsems, 4U);
  EXPECT_EQ(fresh.perm.mode, 0620U);
  EXPECT_EQ(fresh.perm.cuid, ::geteuid());
  EXPECT_EQ(fresh.otime, 0);
  EXPECT_GT(fresh.ctime, 0);
  ASSERT_THAT(set.release(0), Succeeds());
  EXPECT_GE(set.stat()->otime, fresh.ctime);
}

TEST_F(semaphore_set_test, SetChangesTheMode) {
  auto set = new_set(1);
  auto change = changeable(set.stat()->perm);
  change.mode = 0644;
  ASSERT_THAT(set.set(change), Succeeds());
  EXPECT_EQ(set.stat()->perm.mode, 0644U);
}

TEST_F(semaphore_set_test, ARemovedSetIsEinvalForEveryFunction) {
  auto set = new_set(1);
  ASSERT_THAT(set.remove(), Succeeds());
  const auto ctl = error_on_id(EINVAL, xsi_call::semctl, static_cast<int>(set.id()));
  EXPECT_THAT(set.release(0), FailsAs(error_on_id(EINVAL, xsi_call::semop, static_cast<int>(set.id()))));
  EXPECT_THAT(set.value(0), FailsAs(ctl));
  EXPECT_THAT(set.sempid(0), FailsAs(ctl));
  EXPECT_THAT(set.ncnt(0), FailsAs(ctl));
  EXPECT_THAT(set.zcnt(0), FailsAs(ctl));
  EXPECT_THAT(set.set_value(0, 1), FailsAs(ctl));
  EXPECT_THAT(set.values(), FailsAs(ctl));
  EXPECT_THAT(set.set_values(values{1}), FailsAs(ctl));
  EXPECT_THAT(set.stat(), FailsAs(ctl));
  EXPECT_THAT(set.set({}), FailsAs(ctl));
  EXPECT_THAT(set.remove(), FailsAs(ctl));
}

TEST_F(semaphore_set_test, ListNamesEverySet) {
  const auto one = new_set(1);
  const auto two = new_set(7);
  const auto listed = semaphore_set::list(on()).value();
  const auto find = [&](semid id) { return std::ranges::find(listed, id, &set_status::id); };
  ASSERT_NE(find(one.id()), listed.end());
  ASSERT_NE(find(two.id()), listed.end());
  EXPECT_EQ(find(one.id())->nsems, 1U);
  EXPECT_EQ(find(two.id())->nsems, 7U);
}

}  // namespace
}  // namespace xsipc
