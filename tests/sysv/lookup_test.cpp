// Status by index, usage and limits, against what the kernel's own calls say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "support/child.hpp"
#include "support/ipc_namespace.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::error_on_id;
using test_support::FailsAs;

class lookup_test : public test_support::sysv_test {
 protected:
  // The index of the object with this id, by the loop that usage() is for; -1 if no index has it.
  template <typename Stat, typename Id>
  int index_of(Id id, object_kind kind, Stat stat) {
    const int highest = on().usage(kind)->highest_index;
    for (int index = 0; index <= highest; ++index) {
      const auto status = stat(index);
      if (status && status->id == id) return index;
    }
    return -1;
  }
  int index_of(const message_queue& queue, lookup how = lookup::index_any) {
    return index_of(queue.id(), object_kind::queue, [&](int index) { return on().stat_queue(index, how); });
  }
  int index_of(const semaphore_set& set, lookup how = lookup::index_any) {
    return index_of(set.id(), object_kind::set, [&](int index) { return on().stat_set(index, how); });
  }
  int index_of(const shared_memory& segment, lookup how = lookup::index_any) {
    return index_of(segment.id(), object_kind::segment, [&](int index) { return on().stat_segment(index, how); });
  }
};

TEST_F(lookup_test, EveryQueueHasAnIndex) {
  auto one = new_queue(), two = new_queue(), three = new_queue();
  two.send(1, test_support::bytes_of("text"), at_once).value();
  for (const lookup how : {lookup::index, lookup::index_any}) {
    EXPECT_EQ(on().stat_queue(index_of(one, how), how)->cbytes, 0U);
    EXPECT_EQ(on().stat_queue(index_of(two, how), how)->cbytes, 4U);
    EXPECT_EQ(on().stat_queue(index_of(three, how), how)->id, three.id());
  }
}

TEST_F(lookup_test, EverySetHasAnIndex) {
  const auto one = new_set(1), two = new_set(2);
  for (const lookup how : {lookup::index, lookup::index_any}) {
    EXPECT_EQ(on().stat_set(index_of(one, how), how)->nsems, 1U);
    EXPECT_EQ(on().stat_set(index_of(two, how), how)->nsems, 2U);
  }
}

TEST_F(lookup_test, EverySegmentHasAnIndex) {
  const auto one = new_segment(10), two = new_segment(20);
  for (const lookup how : {lookup::index, lookup::index_any}) {
    EXPECT_EQ(on().stat_segment(index_of(one, how), how)->segsz, 10U);
    EXPECT_EQ(on().stat_segment(index_of(two, how), how)->segsz, 20U);
  }
}

TEST_F(lookup_test, AnIndexWithoutAnObjectIsEinval) {
  auto gone = new_queue();
  [[maybe_unused]] const auto last = new_queue();
  const int hole = index_of(gone);
  gone.remove().value();
  for (const lookup how : {lookup::index, lookup::index_any}) {
    for (const int index : {hole, -1, INT_MIN, INT_MAX}) {
      EXPECT_THAT(on().stat_queue(index, how), FailsAs(error_on_id(EINVAL, xsi_call::msgctl, index)));
    }
    for (const int index : {-1, INT_MIN, INT_MAX}) {
      EXPECT_THAT(on().stat_set(index, how), FailsAs(error_on_id(EINVAL, xsi_call::semctl, index)));
      EXPECT_THAT(on().stat_segment(index, how), FailsAs(error_on_id(EINVAL, xsi_call::shmctl, index)));
    }
  }
}

TEST_F(lookup_test, IndexAnyNeedsNoPermissionAndIndexDoes) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const auto queue = new_queue();
  const auto set = new_set(1);
  const auto segment = new_segment(1);
  const int q = index_of(queue), s = index_of(set), m = index_of(segment);
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    return on().stat_queue(q, lookup::index).error() == error_on_id(EACCES, xsi_call::msgctl, q) &&
           on().stat_set(s, lookup::index).error() == error_on_id(EACCES, xsi_call::semctl, s) &&
           on().stat_segment(m, lookup::index).error() == error_on_id(EACCES, xsi_call::shmctl, m) &&
           on().stat_queue(q, lookup::index_any)->id == queue.id() &&
           on().stat_set(s, lookup::index_any)->id == set.id() &&
           on().stat_segment(m, lookup::index_any)->id == segment.id();
  }));
}

TEST_F(lookup_test, UsageOfQueuesCountsMessagesAndBytes) {
  if (!test_support::has_private_namespace()) GTEST_SKIP() << "others change these figures";
  const auto none = on().usage(object_kind::queue).value();
  EXPECT_EQ(none.objects + none.messages + none.bytes, 0U);
  auto one = new_queue(), two = new_queue();
  one.send(1, test_support::bytes_of("12345"), at_once).value();
  two.send(1, test_support::bytes_of("678"), at_once).value();
  two.send(1, {}, at_once).value();
  const auto usage = on().usage(object_kind::queue).value();
  EXPECT_EQ(usage.objects, 2U);
  EXPECT_EQ(usage.messages, 3U);
  EXPECT_EQ(usage.bytes, 8U);
  EXPECT_EQ(usage.highest_index, std::max(index_of(one), index_of(two)));
  EXPECT_EQ(usage.semaphores + usage.pages + usage.pages_resident + usage.pages_swapped, 0U);
}

TEST_F(lookup_test, UsageOfSetsCountsSemaphores) {
  if (!test_support::has_private_namespace()) GTEST_SKIP() << "others change these figures";
  const auto one = new_set(3), two = new_set(4);
  const auto usage = on().usage(object_kind::set).value();
  EXPECT_EQ(usage.objects, 2U);
  EXPECT_EQ(usage.semaphores, 7U);
  EXPECT_EQ(usage.highest_index, std::max(index_of(one), index_of(two)));
  EXPECT_EQ(usage.messages + usage.bytes + usage.pages, 0U);
}

TEST_F(lookup_test, UsageOfSegmentsCountsPages) {
  if (!test_support::has_private_namespace()) GTEST_SKIP() << "others change these figures";
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto one = new_segment(3 * page), two = new_segment(1);
  const auto attachment = one.attach().value();
  attachment.as_span<char>()[0] = 1;
  attachment.as_span<char>()[page] = 1;
  const auto usage = on().usage(object_kind::segment).value();
  EXPECT_EQ(usage.objects, 2U);
  EXPECT_EQ(usage.pages, 4U);
  EXPECT_EQ(usage.pages_resident, 2U);
  EXPECT_EQ(usage.highest_index, std::max(index_of(one), index_of(two)));
  EXPECT_EQ(usage.messages + usage.bytes + usage.semaphores, 0U);
}

TEST_F(lookup_test, LimitsAreThoseOfIpcInfo) {
  const auto limits = on().limits().value();
  msginfo msg{};
  seminfo sem{};
  shminfo shm{};
  ASSERT_GE(::msgctl(0, IPC_INFO, reinterpret_cast<msqid_ds*>(&msg)), 0);
  ASSERT_GE(::semctl(0, 0, IPC_INFO, &sem), 0);
  ASSERT_GE(::shmctl(0, IPC_INFO, reinterpret_cast<shmid_ds*>(&shm)), 0);
  const auto wide = [](int number) { return static_cast<std::uint64_t>(number); };
  const ipc_limits expected{.msgmax = wide(msg.msgmax),
                            .msgmnb = wide(msg.msgmnb),
                            .msgmni = wide(msg.msgmni),
                            .semmsl = wide(sem.semmsl),
                            .semmns = wide(sem.semmns),
                            .semopm = wide(sem.semopm),
                            .semmni = wide(sem.semmni),
                            .semvmx = wide(sem.semvmx),
                            .shmmax = shm.shmmax,
                            .shmmin = shm.shmmin,
                            .shmall = shm.shmall,
                            .shmmni = shm.shmmni};
  EXPECT_EQ(limits, expected);
  EXPECT_EQ(limits.semvmx, 32767U);
  EXPECT_EQ(limits.shmmin, 1U);
}

TEST_F(lookup_test, EachLimitCanBeChangedAlone) {
  const ipc_limits before = on().limits().value();
  std::uint64_t ipc_limits::*const changeable_limits[] = {
      &ipc_limits::msgmax, &ipc_limits::msgmnb, &ipc_limits::msgmni, &ipc_limits::semmsl, &ipc_limits::semmns,
      &ipc_limits::semopm, &ipc_limits::semmni, &ipc_limits::shmmax, &ipc_limits::shmall, &ipc_limits::shmmni};
  for (auto member : changeable_limits) {
    ipc_limits expected = before;
    expected.*member = 77;
    const test_support::changed_limits lowered(on(), [&](ipc_limits& limits) { limits.*member = 77; });
    if (!lowered.in_force()) GTEST_SKIP() << lowered.why_not();
    EXPECT_EQ(on().limits().value(), expected);
  }
  EXPECT_EQ(on().limits().value(), before);
}

TEST_F(lookup_test, LimitsThatCannotChangeAreIgnored) {
  const ipc_limits before = on().limits().value();
  ipc_limits wanted = before;
  wanted.semvmx = 1;
  wanted.shmmin = 100;
  EXPECT_THAT(on().change_limits(wanted), test_support::Succeeds());
  EXPECT_EQ(on().limits().value(), before);
}

TEST_F(lookup_test, AnExistingQueueKeepsItsSize) {
  const auto queue = new_queue();
  const auto qbytes = queue.stat()->qbytes;
  const test_support::changed_limits lowered(on(), [](ipc_limits& limits) { limits.msgmnb = 100; });
  if (!lowered.in_force()) GTEST_SKIP() << lowered.why_not();
  EXPECT_EQ(queue.stat()->qbytes, qbytes);
  EXPECT_EQ(new_queue().stat()->qbytes, 100U);
}

TEST_F(lookup_test, ReadinessIsEnosys) {
  const auto queue = new_queue();
  const int id = static_cast<int>(queue.id());
  EXPECT_THAT(on().readiness(object_kind::queue, id), FailsAs(error_on_id(ENOSYS, xsi_call::readiness, id)));
}

}  // namespace
}  // namespace xsipc
