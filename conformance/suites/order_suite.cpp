// When two errors apply, which one is reported: docs/error-precedence.md. Rules of this kind that belong to one call
// alone stand in that call's suite.
#include <array>
#include <cstdint>
#include <vector>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(order)

namespace {

constexpr int unused_id = 12345;

class Order : public conformance_test {
 protected:
  // Somebody without any right to `bob`'s objects.
  actor& stranger() { return process({.uid = alice, .gid = alice}); }
  actor& owner() { return process({.uid = bob, .gid = bob}); }
};

message_view nowhere(std::size_t size, long type = 1) {
  return {type, std::span(static_cast<const std::byte*>(nullptr), size)};
}

result<void> operate(spi::backend& xsi, semid id, const std::vector<sem_operation>& operations) {
  return xsi.operate(id, operations, deadline::immediate());
}

TEST_F(Order, SendLooksAtSizeIdAndTypeBeforeTheText) {
  XSI_ASSERTION("ORDER-01");
  actor& one = process();
  const msqid queue = new_queue(one);
  const std::size_t too_long = one.xsi().limits().value().msgmax + 1;
  EXPECT_THAT(one.xsi().send(queue, nowhere(too_long), deadline::immediate()), FailsWith(EINVAL));
  EXPECT_THAT(one.xsi().send(msqid{-1}, nowhere(1), deadline::immediate()), FailsWith(EINVAL));
  EXPECT_THAT(one.xsi().send(queue, nowhere(1, 0), deadline::immediate()), FailsWith(EINVAL));
  EXPECT_THAT(one.xsi().send(queue, nowhere(1), deadline::immediate()), FailsWith(EFAULT));
  EXPECT_EQ(status_of(one.xsi(), queue).qnum, 0U);
}

TEST_F(Order, SendLooksAtTheTextBeforeTheQueue) {
  XSI_ASSERTION("ORDER-02");
  actor& one = process();
  EXPECT_THAT(one.xsi().send(msqid{unused_id}, nowhere(1), deadline::immediate()), FailsWith(EFAULT));
  EXPECT_THAT(send_text(one.xsi(), msqid{unused_id}, 1, "x"), FailsWith(EINVAL));
}

TEST_F(Order, SendLooksAtPermissionBeforeRoom) {
  XSI_ASSERTION("ORDER-03");
  XSI_NEEDS(need::other_users);
  actor& one = owner();
  const msqid queue = new_queue(one);
  ASSERT_THAT(limit_queue(one.xsi(), queue, 1), Succeeds());
  ASSERT_THAT(send_text(one.xsi(), queue, 1, "x"), Succeeds());
  EXPECT_THAT(send_text(one.xsi(), queue, 1, "x"), FailsWith(EAGAIN));
  EXPECT_THAT(send_text(stranger().xsi(), queue, 1, "x"), FailsWith(EACCES));
}

TEST_F(Order, ReceiveLooksAtSizeThenPermissionThenMessages) {
  XSI_ASSERTION("ORDER-04");
  XSI_NEEDS(need::other_users);
  actor& one = owner();
  actor& other = stranger();
  const msqid queue = new_queue(one);
  EXPECT_THAT(receive_text(other.xsi(), queue), FailsWith(EACCES));
  ASSERT_THAT(send_text(one.xsi(), queue, 1, "long"), Succeeds());
  EXPECT_THAT(receive_text(one.xsi(), queue, {.room = 1}), FailsWith(E2BIG));
  EXPECT_THAT(receive_text(other.xsi(), queue, {.room = 1}), FailsWith(EACCES));
  std::byte some{};
  EXPECT_THAT(other.xsi().receive(queue, msgtyp_selector::any(), std::span(&some, SIZE_MAX), truncation::refuse,
                                  deadline::immediate()),
              FailsWith(EINVAL));
}

TEST_F(Order, OperateCountsBeforeItLooksAtTheId) {
  XSI_ASSERTION("ORDER-05");
  actor& one = process();
  const std::vector<sem_operation> too_many(one.xsi().limits().value().semopm + 1);
  const std::span nothing(static_cast<const sem_operation*>(nullptr), 1);
  for (const int id : {unused_id, -1}) {
    EXPECT_THAT(operate(one.xsi(), semid{id}, too_many), FailsWith(E2BIG)) << id;
    EXPECT_THAT(operate(one.xsi(), semid{id}, {}), FailsWith(EINVAL)) << id;
    EXPECT_THAT(one.xsi().operate(semid{id}, nothing, deadline::immediate()), FailsWith(EFAULT)) << id;
    EXPECT_THAT(operate(one.xsi(), semid{id}, {{}}), FailsWith(EINVAL)) << id;
  }
}

TEST_F(Order, OperateLooksAtPermissionBeforeValues) {
  XSI_ASSERTION("ORDER-06");
  XSI_NEEDS(need::other_users);
  actor& one = owner();
  actor& other = stranger();
  const semid set = new_set(one, 1);
  ASSERT_THAT(one.xsi().set_value(set, 0, 32767), Succeeds());
  EXPECT_THAT(operate(one.xsi(), set, {{0, 1, sem_flags::no_wait}}), FailsWith(ERANGE));
  EXPECT_THAT(operate(other.xsi(), set, {{0, 1, sem_flags::no_wait}}), FailsWith(EACCES));
  EXPECT_THAT(operate(one.xsi(), set, {{0, 0, sem_flags::no_wait}}), FailsWith(EAGAIN));
  EXPECT_THAT(operate(other.xsi(), set, {{0, 0, sem_flags::no_wait}}), FailsWith(EACCES));
}

TEST_F(Order, OperateReportsTheEarlierOperation) {
  XSI_ASSERTION("ORDER-07");
  actor& one = process();
  const semid set = new_set(one, 2);
  ASSERT_THAT(one.xsi().set_value(set, 0, 32767), Succeeds());
  const sem_operation over{0, 1, sem_flags::no_wait};
  const sem_operation blocks{1, -1, sem_flags::no_wait};
  EXPECT_THAT(operate(one.xsi(), set, {over, blocks}), FailsWith(ERANGE));
  EXPECT_THAT(operate(one.xsi(), set, {blocks, over}), FailsWith(EAGAIN));
}

TEST_F(Order, SetValueLooksAtTheValueFirst) {
  XSI_ASSERTION("ORDER-08");
  XSI_NEEDS(need::other_users);
  actor& one = owner();
  actor& other = stranger();
  const semid set = new_set(one, 2);
  EXPECT_THAT(one.xsi().set_value(semid{-1}, 0, 32768), FailsWith(EINVAL));
  EXPECT_THAT(one.xsi().set_value(semid{unused_id}, 0, 32768), FailsWith(ERANGE));
  EXPECT_THAT(one.xsi().set_value(semid{unused_id}, 0, -1), FailsWith(ERANGE));
  EXPECT_THAT(one.xsi().set_value(set, 2, 32768), FailsWith(ERANGE));
  EXPECT_THAT(other.xsi().set_value(set, 0, 32768), FailsWith(ERANGE));
  EXPECT_THAT(other.xsi().set_value(set, 2, 1), FailsWith(EINVAL));
  EXPECT_THAT(other.xsi().set_value(set, 0, 1), FailsWith(EACCES));
}

TEST_F(Order, QueriesLookAtPermissionBeforeSemnum) {
  XSI_ASSERTION("ORDER-09");
  XSI_NEEDS(need::other_users);
  actor& one = owner();
  actor& other = stranger();
  const semid set = new_set(one, 2);
  for (const auto what : {sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt}) {
    EXPECT_THAT(one.xsi().query_semaphore(set, 2, what), FailsWith(EINVAL));
    EXPECT_THAT(other.xsi().query_semaphore(set, 2, what), FailsWith(EACCES));
  }
  const std::array<std::uint16_t, 2> too_large = {0, 40000};
  EXPECT_THAT(one.xsi().set_all(set, too_large), FailsWith(ERANGE));
  EXPECT_THAT(other.xsi().set_all(set, too_large), FailsWith(EACCES));
}

TEST_F(Order, AttachLooksAtAlignmentThenPermissionThenTheAddress) {
  XSI_ASSERTION("ORDER-10");
  XSI_NEEDS(need::other_users);
  actor& one = owner();
  actor& other = stranger();
  const shmid segment = new_segment(one);
  const shmid own = new_segment(other);
  const auto taken = other.xsi().attach(own, {});
  ASSERT_THAT(taken, Succeeds());
  const auto unaligned = static_cast<char*>(*taken) + 1;
  EXPECT_THAT(other.xsi().attach(segment, {.address = unaligned}), FailsWith(EINVAL));
  EXPECT_THAT(other.xsi().attach(segment, {.address = *taken}), FailsWith(EACCES));
  EXPECT_THAT(other.xsi().attach(own, {.address = *taken}), FailsWith(EINVAL));
}

class OrderOfKinds : public each_kind {};

TEST_P(OrderOfKinds, ChangeLooksAtOwnershipBeforeIds) {
  XSI_ASSERTION("ORDER-11");
  XSI_NEEDS(need::other_users);
  actor& one = process({.uid = bob, .gid = bob});
  actor& other = process({.uid = alice, .gid = alice});
  const int id = new_object(one, 0666);
  const perm_change nobody_there{static_cast<ipc_user>(-1), bob, 0600};
  EXPECT_THAT(kind().change(other.xsi(), id, nobody_there), FailsWith(EPERM));
  EXPECT_THAT(kind().change(one.xsi(), id, nobody_there), FailsWith(EINVAL));
}

XSI_FOR_EACH_KIND(OrderOfKinds);

TEST_F(Order, ADeadlineThatCanNotBeKeptComesFirst) {
  XSI_ASSERTION("ORDER-12");
  actor& one = process();
  const msqid queue = new_queue(one);
  const auto soon = deadline::after(std::chrono::milliseconds(1));
  if (!the_harness().capabilities().has(capability::timed_messages)) {
    EXPECT_THAT(send_text(one.xsi(), queue, 0, "x", soon), FailsWith(ENOSYS));
    EXPECT_THAT(receive_text(one.xsi(), msqid{-1}, {.until = soon}), FailsWith(ENOSYS));
    EXPECT_EQ(status_of(one.xsi(), queue).qnum, 0U);
  } else {
    EXPECT_THAT(send_text(one.xsi(), queue, 0, "x", soon), FailsWith(EINVAL));
    EXPECT_THAT(receive_text(one.xsi(), msqid{-1}, {.until = soon}), FailsWith(EINVAL));
  }
  if (!the_harness().capabilities().has(capability::timed_semop)) {
    EXPECT_THAT(one.xsi().operate(semid{-1}, {}, soon), FailsWith(ENOSYS));
  } else {
    EXPECT_THAT(one.xsi().operate(semid{-1}, {}, soon), FailsWith(EINVAL));
  }
}

}  // namespace
}  // namespace xsipc::conformance
