// msgget: what a new queue is like. Keys, flags and permissions are those of all kinds of object.
#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(msgget)

namespace {

class MsgGet : public conformance_test {};

void expect_untouched(const queue_status& status) {
  EXPECT_EQ(status.qnum, 0u);
  EXPECT_EQ(status.cbytes, 0u);
  EXPECT_EQ(status.lspid, 0);
  EXPECT_EQ(status.lrpid, 0);
  EXPECT_EQ(status.stime, 0);
  EXPECT_EQ(status.rtime, 0);
}

// Leaves traces in every member of the status that sends and receives write.
void use_queue(actor& who, msqid queue) {
  for (const char* const text : {"taken", "left"}) ASSERT_THAT(send_text(who.xsi(), queue, 7, text), Succeeds());
  ASSERT_THAT(receive_text(who.xsi(), queue), SucceedsWith(message{7, "taken"}));
  const queue_status status = status_of(who.xsi(), queue);
  ASSERT_EQ(status.qnum, 1u);
  ASSERT_EQ(status.cbytes, 4u);
  ASSERT_EQ(status.lspid, who.pid());
  ASSERT_EQ(status.lrpid, who.pid());
  ASSERT_NE(status.stime, 0);
  ASSERT_NE(status.rtime, 0);
}

// Puts MSGMNB in force for the queues to come.
void change_msgmnb(spi::backend& xsi, std::uint64_t msgmnb) {
  auto limits = xsi.limits();
  ASSERT_THAT(limits, Succeeds());
  limits->msgmnb = msgmnb;
  ASSERT_THAT(xsi.change_limits(*limits), Succeeds());
  ASSERT_EQ(xsi.limits().value().msgmnb, msgmnb);
}

TEST_F(MsgGet, ANewQueueIsEmptyAndNobodyHasUsedIt) {
  XSI_ASSERTION("MSGGET-01", "MSGGET-03");
  actor& creator = process();
  actor& observer = process();
  const auto by_private_key = creator.xsi().get_queue(key::ipc_private, creation::find(0600));
  const auto by_new_key = creator.xsi().get_queue(fresh_key(), creation::open_or_create(0600));
  const auto exclusively = creator.xsi().get_queue(fresh_key(), creation::create_only(0600));
  for (const auto& queue : {by_private_key, by_new_key, exclusively}) {
    ASSERT_THAT(queue, Succeeds());
    expect_untouched(status_of(observer.xsi(), *queue));
    EXPECT_THAT(receive_text(observer.xsi(), *queue), FailsWith(ENOMSG));
  }
}

TEST_F(MsgGet, AQueueMadeAfterARemovalKeepsNothingOfTheOldOne) {
  XSI_ASSERTION("MSGGET-01", "MSGGET-02", "MSGGET-03");
  actor& creator = process();
  const key name = fresh_key();
  const auto old = creator.xsi().get_queue(name, creation::create_only(0600));
  ASSERT_THAT(old, Succeeds());
  ASSERT_NO_FATAL_FAILURE(use_queue(creator, *old));
  const std::uint64_t qbytes = status_of(creator.xsi(), *old).qbytes;
  ASSERT_THAT(limit_queue(creator.xsi(), *old, 10), Succeeds());
  ASSERT_THAT(creator.xsi().remove_queue(*old), Succeeds());

  const auto fresh = creator.xsi().get_queue(name, creation::create_only(0600));
  ASSERT_THAT(fresh, Succeeds());
  const queue_status status = status_of(creator.xsi(), *fresh);
  expect_untouched(status);
  EXPECT_EQ(status.qbytes, qbytes);
}

TEST_F(MsgGet, FindingAQueueIsNotMakingOne) {
  XSI_ASSERTION("MSGGET-01", "MSGGET-03");
  actor& creator = process();
  actor& finder = process();
  const key name = fresh_key();
  const auto made = creator.xsi().get_queue(name, creation::create_only(0600));
  ASSERT_THAT(made, Succeeds());
  ASSERT_NO_FATAL_FAILURE(use_queue(creator, *made));
  ASSERT_THAT(finder.xsi().get_queue(name, creation::open_or_create(0600)), SucceedsWith(*made));
  const queue_status status = status_of(finder.xsi(), *made);
  EXPECT_EQ(status.qnum, 1u);
  EXPECT_EQ(status.cbytes, 4u);
  EXPECT_EQ(status.lspid, creator.pid());
  EXPECT_EQ(status.lrpid, creator.pid());
  EXPECT_NE(status.stime, 0);
  EXPECT_NE(status.rtime, 0);
  EXPECT_THAT(receive_text(finder.xsi(), *made), SucceedsWith(message{7, "left"}));
}

TEST_F(MsgGet, ANewQueueHoldsAsManyBytesAsTheSystemLimitSays) {
  XSI_ASSERTION("MSGGET-02");
  actor& creator = process();
  const auto limits = creator.xsi().limits();
  ASSERT_THAT(limits, Succeeds());
  ASSERT_GT(limits->msgmnb, 0u);
  EXPECT_EQ(status_of(creator.xsi(), new_queue(creator)).qbytes, limits->msgmnb);
}

TEST_F(MsgGet, TheLimitAtCreationIsTheOneThatCounts) {
  XSI_ASSERTION("MSGGET-02");
  XSI_NEEDS(need::private_namespace);
  actor& creator = process();
  const std::uint64_t usual = creator.xsi().limits().value().msgmnb;
  for (const std::uint64_t msgmnb : {std::uint64_t{10}, usual + 1, usual}) {
    ASSERT_NO_FATAL_FAILURE(change_msgmnb(creator.xsi(), msgmnb));
    const msqid queue = new_queue(creator);
    EXPECT_EQ(status_of(creator.xsi(), queue).qbytes, msgmnb);
  }
}

TEST_F(MsgGet, TheBytesThatANewQueueIsGivenAreWhatItHolds) {
  XSI_ASSERTION("MSGGET-02");
  XSI_NEEDS(need::private_namespace);
  actor& creator = process();
  ASSERT_NO_FATAL_FAILURE(change_msgmnb(creator.xsi(), 10));
  const msqid queue = new_queue(creator);
  EXPECT_THAT(send_text(creator.xsi(), queue, 1, "eleven byte"), FailsWith(EAGAIN));
  EXPECT_THAT(send_text(creator.xsi(), queue, 1, "ten bytes!"), Succeeds());
  EXPECT_THAT(send_text(creator.xsi(), queue, 1, "x"), FailsWith(EAGAIN));
}

TEST_F(MsgGet, AQueueKeepsItsBytesWhenTheLimitChanges) {
  XSI_ASSERTION("MSGGET-04");
  XSI_NEEDS(need::private_namespace);
  actor& creator = process();
  const key name = fresh_key();
  const auto queue = creator.xsi().get_queue(name, creation::create_only(0600));
  ASSERT_THAT(queue, Succeeds());
  const std::uint64_t usual = status_of(creator.xsi(), *queue).qbytes;
  ASSERT_GT(usual, 10u);

  ASSERT_NO_FATAL_FAILURE(change_msgmnb(creator.xsi(), 10));
  EXPECT_EQ(status_of(creator.xsi(), *queue).qbytes, usual);
  EXPECT_THAT(send_text(creator.xsi(), *queue, 1, "eleven byte"), Succeeds());
  EXPECT_THAT(creator.xsi().get_queue(name, creation::open_or_create(0600)), SucceedsWith(*queue));
  EXPECT_EQ(status_of(creator.xsi(), *queue).qbytes, usual);

  const msqid small = new_queue(creator);
  ASSERT_NO_FATAL_FAILURE(change_msgmnb(creator.xsi(), 2 * usual));
  EXPECT_EQ(status_of(creator.xsi(), *queue).qbytes, usual);
  EXPECT_EQ(status_of(creator.xsi(), small).qbytes, 10u);
  EXPECT_THAT(send_text(creator.xsi(), small, 1, "eleven byte"), FailsWith(EAGAIN));
  EXPECT_EQ(status_of(creator.xsi(), new_queue(creator)).qbytes, 2 * usual);
}

}  // namespace
}  // namespace xsipc::conformance
