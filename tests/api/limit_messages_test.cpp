// Errors that name the limit they hit, with the figures, on real objects.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/ipc_namespace.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::changed_limits;
using test_support::FailsSaying;
using test_support::FailsWith;
using test_support::Succeeds;

constexpr std::size_t page = 4096;

std::string number(std::uint64_t value) { return std::to_string(value); }

class limit_messages_test : public test_support::sysv_test {
 protected:
  message_queue queue_of_16384_bytes() {
    message_queue queue = new_queue();
    queue.set({changeable(queue.stat()->perm), 16384}).value();
    return queue;
  }
  static std::string id_of(const message_queue& queue) { return std::to_string(static_cast<int>(queue.id())); }
  static std::string id_of(const semaphore_set& set) { return std::to_string(static_cast<int>(set.id())); }

  result<message_queue> another_queue() {
    return message_queue::get(key::ipc_private, creation::create_only(0600), on());
  }
  result<semaphore_set> another_set(int nsems) {
    return semaphore_set::get(key::ipc_private, nsems, creation::create_only(0600), on());
  }
  result<shared_memory> another_segment(std::size_t size) {
    return shared_memory::get(key::ipc_private, size, creation::create_only(0600), {}, on());
  }
};

TEST_F(limit_messages_test, AQueueFullOfBytesSaysSo) {
  auto queue = queue_of_16384_bytes();
  const std::vector<std::byte> half(8192);
  ASSERT_THAT(queue.send(1, half, at_once), Succeeds());
  ASSERT_THAT(queue.send(1, half, at_once), Succeeds());
  const std::string message = "msgsnd: EAGAIN (queue " + id_of(queue) + " is full: 16384 of 16384 bytes)";
  EXPECT_THAT(queue.send(1, half, at_once), FailsSaying(message));
  EXPECT_THAT(queue.send_value(1, 'x', at_once), FailsSaying(message));
}

TEST_F(limit_messages_test, AMessageThatDoesNotFitTheRestSaysHowMuchIsTaken) {
  auto queue = queue_of_16384_bytes();
  ASSERT_THAT(queue.send(1, std::vector<std::byte>(8191), at_once), Succeeds());
  ASSERT_THAT(queue.send(1, std::vector<std::byte>(8192), at_once), Succeeds());
  EXPECT_THAT(queue.send(1, std::vector<std::byte>(2), at_once),
              FailsSaying("msgsnd: EAGAIN (queue " + id_of(queue) + " is full: 16383 of 16384 bytes)"));
}

TEST_F(limit_messages_test, AQueueFullOfEmptyMessagesCountsThem) {
  auto queue = queue_of_16384_bytes();
  for (int i = 0; i < 16384; ++i) queue.send(1, {}, at_once).value();
  const std::string message = "msgsnd: EAGAIN (queue " + id_of(queue) + " is full: 16384 of 16384 messages)";
  EXPECT_THAT(queue.send(1, {}, at_once), FailsSaying(message));
  EXPECT_THAT(queue.send_value(1, 'x', at_once), FailsSaying(message));
}

TEST_F(limit_messages_test, AMessageAboveMsgmaxNamesIt) {
  auto queue = new_queue();
  const std::uint64_t msgmax = on().limits()->msgmax;
  EXPECT_THAT(queue.send(1, std::vector<std::byte>(msgmax + 1), at_once),
              FailsSaying("msgsnd: EINVAL (queue " + id_of(queue) + ": " + number(msgmax + 1) + " bytes, MSGMAX is " +
                          number(msgmax) + ")"));
  EXPECT_EQ(queue.stat()->qnum, 0U);
}

TEST_F(limit_messages_test, OtherInvalidMessagesNameNoLimit) {
  auto queue = new_queue();
  EXPECT_THAT(queue.send(0, {}, at_once), FailsSaying("msgsnd: EINVAL (queue " + id_of(queue) +
                                                      ": no such object, or an argument is out of range)"));
}

TEST_F(limit_messages_test, AQueueSizeAboveMsgmnbNamesIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  auto queue = new_queue();
  const std::uint64_t msgmnb = on().limits()->msgmnb;
  ASSERT_THAT(queue.set({{test_support::nobody_id, test_support::nobody_id, 0600}, 1000}), Succeeds());
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    const auto set = queue.set({{test_support::nobody_id, test_support::nobody_id, 0600}, msgmnb + 1});
    return !set && set.error().message() == "msgctl: EPERM (queue " + id_of(queue) + ": " + number(msgmnb + 1) +
                                                " bytes for msg_qbytes, MSGMNB is " + number(msgmnb) + ")";
  }));
  EXPECT_EQ(queue.stat()->qbytes, 1000U);
}

TEST_F(limit_messages_test, OneQueueTooManyNamesMsgmni) {
  [[maybe_unused]] const auto first = new_queue();
  const changed_limits lowered(on(), [](ipc_limits& limits) { limits.msgmni = 1; });
  if (!lowered.in_force()) GTEST_SKIP() << lowered.why_not();
  EXPECT_THAT(another_queue(), FailsSaying("msgget: ENOSPC (new queue: MSGMNI is reached: 1 of 1 queues)"));
}

TEST_F(limit_messages_test, ASetAboveSemmslNamesIt) {
  const std::uint64_t semmsl = on().limits()->semmsl;
  EXPECT_THAT(another_set(static_cast<int>(semmsl) + 1), FailsSaying("semget: EINVAL (new set: " + number(semmsl + 1) +
                                                                     " semaphores, SEMMSL is " + number(semmsl) + ")"));
  EXPECT_THAT(another_set(0), FailsSaying("semget: EINVAL (new set: an argument is out of range)"));
}

TEST_F(limit_messages_test, OneSetTooManyNamesSemmni) {
  [[maybe_unused]] const auto first = new_set(1);
  const changed_limits lowered(on(), [](ipc_limits& limits) { limits.semmni = 1; });
  if (!lowered.in_force()) GTEST_SKIP() << lowered.why_not();
  EXPECT_THAT(another_set(1), FailsSaying("semget: ENOSPC (new set: SEMMNI is reached: 1 of 1 sets)"));
}

TEST_F(limit_messages_test, OneSemaphoreTooManyNamesSemmns) {
  [[maybe_unused]] const auto first = new_set(8);
  const changed_limits lowered(on(), [](ipc_limits& limits) { limits.semmns = 10; });
  if (!lowered.in_force()) GTEST_SKIP() << lowered.why_not();
  EXPECT_THAT(another_set(3), FailsSaying("semget: ENOSPC (new set: SEMMNS is reached: 8 of 10 semaphores)"));
  EXPECT_EQ(new_set(2).stat()->nsems, 2U);
}

TEST_F(limit_messages_test, OperationsAboveSemopmNameIt) {
  auto set = new_set(1);
  const changed_limits usual(on(), [](ipc_limits& limits) { limits.semopm = 500; });
  if (!usual.in_force() && on().limits()->semopm != 500) GTEST_SKIP() << usual.why_not();
  const std::vector<sem_operation> operations(501, sem_operation{0, 1, sem_flags::none});
  EXPECT_THAT(set.operate(operations),
              FailsSaying("semop: E2BIG (set " + id_of(set) + ": 501 operations, SEMOPM is 500)"));
  EXPECT_THAT(set.value(0), test_support::Holds(0));
  EXPECT_THAT(set.operate(std::span(operations).first(500)), Succeeds());
}

TEST_F(limit_messages_test, AValueAboveSemvmxNamesIt) {
  auto set = new_set(2);
  const std::string start = "semctl: ERANGE (set " + id_of(set) + ": ";
  EXPECT_THAT(set.set_value(0, 32768), FailsSaying(start + "32768 as a value, SEMVMX is 32767)"));
  EXPECT_THAT(set.set_value(0, 100000), FailsSaying(start + "100000 as a value, SEMVMX is 32767)"));
  EXPECT_THAT(set.set_values(std::array<std::uint16_t, 2>{1, 40000}),
              FailsSaying(start + "40000 as a value, SEMVMX is 32767)"));
  EXPECT_THAT(set.set_value(0, -1), FailsSaying(start + "value out of range)"));
  EXPECT_THAT(set.values(), test_support::Holds(std::vector<std::uint16_t>{0, 0}));
}

TEST_F(limit_messages_test, ASegmentAboveShmmaxNamesIt) {
  const std::uint64_t shmmax = on().limits()->shmmax;
  EXPECT_THAT(
      another_segment(SIZE_MAX),
      FailsSaying("shmget: EINVAL (new segment: 18446744073709551615 bytes, SHMMAX is " + number(shmmax) + ")"));
  const changed_limits lowered(on(), [](ipc_limits& limits) { limits.shmmax = page; });
  if (!lowered.in_force()) GTEST_SKIP() << lowered.why_not();
  EXPECT_THAT(another_segment(page + 1), FailsSaying("shmget: EINVAL (new segment: 4097 bytes, SHMMAX is 4096)"));
  EXPECT_EQ(new_segment(page).stat()->segsz, page);
}

TEST_F(limit_messages_test, ASegmentOfNoBytesNamesShmmin) {
  EXPECT_THAT(another_segment(0), FailsSaying("shmget: EINVAL (new segment: 0 bytes, SHMMIN is 1)"));
}

TEST_F(limit_messages_test, OneSegmentTooManyNamesShmmni) {
  [[maybe_unused]] const auto first = new_segment(1);
  const changed_limits lowered(on(), [](ipc_limits& limits) { limits.shmmni = 1; });
  if (!lowered.in_force()) GTEST_SKIP() << lowered.why_not();
  EXPECT_THAT(another_segment(1), FailsSaying("shmget: ENOSPC (new segment: SHMMNI is reached: 1 of 1 segments)"));
}

TEST_F(limit_messages_test, OnePageTooManyNamesShmall) {
  [[maybe_unused]] const auto first = new_segment(2 * page);
  const changed_limits lowered(on(), [](ipc_limits& limits) { limits.shmall = 3; });
  if (!lowered.in_force()) GTEST_SKIP() << lowered.why_not();
  EXPECT_THAT(another_segment(2 * page), FailsSaying("shmget: ENOSPC (new segment: SHMALL is reached: 2 of 3 pages)"));
  EXPECT_EQ(new_segment(page).stat()->segsz, page);
}

TEST_F(limit_messages_test, ChangingLimitsIsForThePrivileged) {
  if (!test_support::has_private_namespace() || ::geteuid() != 0) GTEST_SKIP() << "needs root, and limits of its own";
  const auto before = on().limits().value();
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    ipc_limits wanted = before;
    if (!on().change_limits(wanted)) return false;  // nothing to change needs no permission
    wanted.msgmni = 1;
    const auto changed = on().change_limits(wanted);
    return !changed && changed.error().call == xsi_call::limits &&
           (changed.error().code == EACCES || changed.error().code == EPERM);
  }));
  EXPECT_EQ(on().limits().value(), before);
}

TEST_F(limit_messages_test, LimitsOutOfRangeAreEinval) {
  if (!test_support::has_private_namespace()) GTEST_SKIP() << "needs limits of its own";
  const changed_limits too_large(on(), [](ipc_limits& limits) { limits.msgmax = std::uint64_t{1} << 40; });
  EXPECT_EQ(too_large.why_not(), "limits: EINVAL (an argument is out of range)");
}

}  // namespace
}  // namespace xsipc
