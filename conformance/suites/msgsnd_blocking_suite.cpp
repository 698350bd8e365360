// msgsnd on a queue without room: what it waits for, and what ends the waiting.
#include <signal.h>

#include <algorithm>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(msgsnd_blocking)

namespace {

using testing::UnorderedElementsAreArray;

constexpr const char* ten_bytes = "ten bytes!";

class MsgSndBlocking : public conformance_test {
 protected:
  // A queue for ten bytes that has taken `texts`.
  static msqid queue_with(actor& owner, const std::vector<std::string>& texts = {ten_bytes}, ipc_mode mode = 0600) {
    const msqid queue = new_queue(owner, mode);
    limit_queue(owner.xsi(), queue, 10).value();
    for (const std::string& text : texts) send_text(owner.xsi(), queue, 1, text).value();
    return queue;
  }
};

// Takes everything and shows that nothing comes after it.
std::vector<message> drain(actor& who, msqid queue) {
  std::vector<message> taken;
  for (;;) {
    const auto got = receive_text(who.xsi(), queue);
    if (!got) {
      EXPECT_THAT(got, FailsWith(ENOMSG));
      return taken;
    }
    taken.push_back(*got);
  }
}

TEST_F(MsgSndBlocking, AFullQueueBlocksTheCallingThreadAlone) {
  XSI_ASSERTION("MSGSND-11");
  actor& sender = process();
  const msqid queue = queue_with(sender);
  const msqid other = new_queue(sender);
  const common_status before = queue_snapshot(sender.xsi(), queue);
  actor_thread& thread = sender.begin_thread();
  auto call = thread.start(sending(queue, 2, "x"));
  ASSERT_TRUE(call.blocked());
  EXPECT_EQ(queue_snapshot(sender.xsi(), queue), before);
  EXPECT_THAT(send_text(sender.xsi(), other, 1, "elsewhere"), Succeeds());
  EXPECT_THAT(send_text(sender.xsi(), queue, 1, "x"), FailsWith(EAGAIN));
  EXPECT_TRUE(call.blocked());
  ASSERT_THAT(receive_text(sender.xsi(), queue), SucceedsWith(message{1, ten_bytes}));
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(drain(sender, queue), testing::ElementsAre(message{2, "x"}));
}

TEST_F(MsgSndBlocking, RoomForItEndsTheWaitAndIsWhenItCounts) {
  XSI_ASSERTION("MSGSND-12");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = queue_with(owner, {"six666", "4444"});
  const queue_status before = status_of(owner.xsi(), queue);
  auto call = sender.start(sending(queue, 2, "SIX666"));
  ASSERT_TRUE(call.blocked());
  wait_out_this_second();
  EXPECT_TRUE(call.blocked());
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, owner.pid());
  EXPECT_EQ(status_of(owner.xsi(), queue).stime, before.stime);

  const ipc_time earliest = now();
  ASSERT_GT(earliest, before.stime);
  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, "six666"}));
  EXPECT_THAT(call.get(), Succeeds());
  const queue_status after = status_of(owner.xsi(), queue);
  EXPECT_EQ(after.qnum, 2u);
  EXPECT_EQ(after.cbytes, 10u);
  EXPECT_EQ(after.lspid, sender.pid());
  EXPECT_GE(after.stime, earliest);
  EXPECT_EQ(after.ctime, before.ctime);
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{1, "4444"}, message{2, "SIX666"}));
}

TEST_F(MsgSndBlocking, TooLittleRoomDoesNotEndTheWait) {
  XSI_ASSERTION("MSGSND-13");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = queue_with(owner, {"1", "333", "six666"});
  auto call = sender.start(sending(queue, 2, "fives"));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, "1"}));
  EXPECT_TRUE(call.blocked());
  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, "333"}));
  EXPECT_TRUE(call.blocked());
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, owner.pid());
  EXPECT_THAT(drain(owner, queue), testing::Contains(message{1, "six666"}));
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, sender.pid());
}

TEST_F(MsgSndBlocking, RemovalEndsItWithEidrm) {
  XSI_ASSERTION("MSGSND-14");
  actor& owner = process();
  actor& first = process();
  actor& second = process();
  const msqid queue = queue_with(owner);
  auto one = first.start(sending(queue, 2, "x"));
  auto two = second.start(sending(queue, 3, ten_bytes));
  ASSERT_TRUE(one.blocked());
  ASSERT_TRUE(two.blocked());
  ASSERT_THAT(owner.xsi().remove_queue(queue), Succeeds());
  EXPECT_THAT(one.get(), FailsWith(EIDRM));
  EXPECT_THAT(two.get(), FailsWith(EIDRM));
  EXPECT_THAT(send_text(first.xsi(), queue, 2, "x", deadline::never()), FailsWith(EINVAL));
}

TEST_F(MsgSndBlocking, AHandlerEndsItWithEintrWhateverSaRestartSays) {
  XSI_ASSERTION("MSGSND-15", "MSGSND-16");
  for (const bool restart : {false, true}) {
    actor& owner = process();
    actor& sender = process();
    sender.catch_signal(SIGUSR1, restart);
    const msqid queue = queue_with(owner);
    const common_status before = queue_snapshot(owner.xsi(), queue);
    auto call = sender.start(sending(queue, 2, "x"));
    ASSERT_TRUE(call.blocked());
    sender.signal(SIGUSR1);
    EXPECT_THAT(call.get(), FailsWith(EINTR));
    EXPECT_EQ(sender.signals_caught(SIGUSR1), 1);
    EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
    EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{1, ten_bytes}));
    EXPECT_THAT(send_text(sender.xsi(), queue, 2, "again"), Succeeds());
  }
}

TEST_F(MsgSndBlocking, ASignalWithoutAHandlerDoesNotInterrupt) {
  XSI_ASSERTION("MSGSND-17");
  actor& owner = process();
  actor& sender = process();
  sender.ignore_signal(SIGUSR1);
  sender.ignore_signal(SIGINT);
  const msqid queue = queue_with(owner);
  auto call = sender.start(sending(queue, 2, "x"));
  ASSERT_TRUE(call.blocked());
  // The last three are ignored unless somebody says otherwise.
  for (const int ignored : {SIGUSR1, SIGINT, SIGCHLD, SIGURG, SIGWINCH}) {
    sender.signal(ignored);
    EXPECT_TRUE(call.blocked()) << ignored;
  }
  ASSERT_THAT(receive_text(owner.xsi(), queue), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{2, "x"}));
}

TEST_F(MsgSndBlocking, AStopDoesNotInterrupt) {
  XSI_ASSERTION("MSGSND-18");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = queue_with(owner);
  auto call = sender.start(sending(queue, 2, "x"));
  ASSERT_TRUE(call.blocked());
  sender.stop();
  sender.resume();
  ASSERT_TRUE(call.blocked());
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 1u);
  ASSERT_THAT(receive_text(owner.xsi(), queue), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{2, "x"}));
}

TEST_F(MsgSndBlocking, MoreBytesForTheQueueEndTheWaitOfThoseThatFit) {
  XSI_ASSERTION("MSGSND-19");
  actor& owner = process();
  actor& modest = process();
  actor& greedy = process();
  const msqid queue = queue_with(owner);
  auto two = modest.start(sending(queue, 2, "22"));
  auto nine = greedy.start(sending(queue, 9, "nine99999"));
  ASSERT_TRUE(two.blocked());
  ASSERT_TRUE(nine.blocked());
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 11), Succeeds());
  EXPECT_TRUE(two.blocked());
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 12), Succeeds());
  EXPECT_THAT(two.get(), Succeeds());
  EXPECT_TRUE(nine.blocked());
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 21), Succeeds());
  EXPECT_THAT(nine.get(), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).cbytes, 21u);
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, greedy.pid());
}

TEST_F(MsgSndBlocking, TooManyMessagesBlockAMessageWithoutText) {
  XSI_ASSERTION("MSGSND-20");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = queue_with(owner, {"", ""});
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 2), Succeeds());
  auto call = sender.start(sending(queue, 2, ""));
  ASSERT_TRUE(call.blocked());
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 2u);
  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, ""}));
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{1, ""}, message{2, ""}));
}

TEST_F(MsgSndBlocking, AQueueOfNoBytesBlocksEverySender) {
  XSI_ASSERTION("MSGSND-21");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = queue_with(owner, {});
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 0), Succeeds());
  auto call = sender.start(sending(queue, 2, ""));
  ASSERT_TRUE(call.blocked());
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 0u);
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 1), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{2, ""}));
}

TEST_F(MsgSndBlocking, AMessageLongerThanTheQueueWaitsForMoreBytes) {
  XSI_ASSERTION("MSGSND-22");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = queue_with(owner);
  auto call = sender.start(sending(queue, 2, "eleven byte"));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{1, ten_bytes}));
  EXPECT_TRUE(call.blocked());
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 11), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{2, "eleven byte"}));
}

TEST_F(MsgSndBlocking, AllOfSeveralGetThroughInSomeOrder) {
  XSI_ASSERTION("MSGSND-23");
  actor& owner = process();
  const msqid queue = queue_with(owner);
  std::vector<pending<result<void>>> calls;
  std::vector<message> sent = {{1, ten_bytes}};
  for (const long type : {10L, 11L, 12L, 13L, 14L}) {
    sent.push_back({type, "text of " + std::to_string(type)});
    calls.push_back(process().start(sending(queue, type, sent.back().text)));
  }
  for (auto& call : calls) ASSERT_TRUE(call.blocked());
  std::vector<message> taken;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const auto got = owner.start(receiving(queue)).get();
    ASSERT_THAT(got, Succeeds());
    taken.push_back(*got);
  }
  EXPECT_THAT(taken, UnorderedElementsAreArray(sent));
  for (auto& call : calls) EXPECT_THAT(call.get(), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 0u);
}

TEST_F(MsgSndBlocking, ManySmallOnesGoThroughTheRoomOfOneLargeMessage) {
  XSI_ASSERTION("MSGSND-23");
  actor& owner = process();
  actor& crowd = process();
  const msqid queue = queue_with(owner);
  std::vector<pending<result<void>>> calls;
  std::vector<message> sent;
  for (const long type : {2L, 3L, 4L, 5L, 6L}) {
    sent.push_back({type, "22"});
    calls.push_back(crowd.begin_thread().start(sending(queue, type, "22")));
  }
  for (auto& call : calls) ASSERT_TRUE(call.blocked());
  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, ten_bytes}));
  for (auto& call : calls) EXPECT_THAT(call.get(), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, crowd.pid());
  EXPECT_THAT(drain(owner, queue), UnorderedElementsAreArray(sent));
}

TEST_F(MsgSndBlocking, ASmallNewcomerPassesALargeOneThatWaits) {
  XSI_ASSERTION("MSGSND-24");
  actor& owner = process();
  actor& large = process();
  actor& small = process();
  const msqid queue = queue_with(owner, {"eight888"});
  auto call = large.start(sending(queue, 5, "fives"));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(send_text(small.xsi(), queue, 2, "2"), Succeeds());
  EXPECT_THAT(small.start(sending(queue, 3, "3")).get(), Succeeds());
  EXPECT_TRUE(call.blocked());
  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, "eight888"}));
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{2, "2"}, message{3, "3"}, message{5, "fives"}));
}

TEST_F(MsgSndBlocking, AKilledSenderHasSentNothingAndHoldsNothing) {
  XSI_ASSERTION("MSGSND-28");
  actor& owner = process();
  actor& doomed = process();
  actor& next = process();
  const msqid queue = queue_with(owner);
  auto on_thread = doomed.begin_thread().start(sending(queue, 3, "x"));
  auto on_main = doomed.start(sending(queue, 2, ten_bytes));
  ASSERT_TRUE(on_main.blocked());
  ASSERT_TRUE(on_thread.blocked());
  auto call = next.start(sending(queue, 4, "after it"));
  ASSERT_TRUE(call.blocked());
  const common_status before = queue_snapshot(owner.xsi(), queue);
  doomed.kill();
  EXPECT_THAT(on_main.get(), FailsWith(ESRCH));
  EXPECT_THAT(on_thread.get(), FailsWith(ESRCH));
  EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
  EXPECT_TRUE(call.blocked());

  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, ten_bytes}));
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, next.pid());
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{4, "after it"}));
  EXPECT_EQ(status_of(owner.xsi(), queue).cbytes, 0u);
}

TEST_F(MsgSndBlocking, AWaitingReceiverIsHandedTheMessage) {
  XSI_ASSERTION("MSGSND-29");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue, {.selector = msgtyp_selector::type(5)}));
  ASSERT_TRUE(call.blocked());
  const ipc_time earliest = now();
  ASSERT_THAT(send_text(sender.xsi(), queue, 5, "for you"), Succeeds());
  const queue_status status = status_of(sender.xsi(), queue);
  EXPECT_EQ(status.qnum, 0u);
  EXPECT_EQ(status.cbytes, 0u);
  EXPECT_EQ(status.lspid, sender.pid());
  EXPECT_EQ(status.lrpid, receiver.pid());
  EXPECT_GE(status.stime, earliest);
  EXPECT_GE(status.rtime, earliest);
  EXPECT_THAT(receive_text(sender.xsi(), queue), FailsWith(ENOMSG));
  EXPECT_THAT(call.get(), SucceedsWith(message{5, "for you"}));
}

TEST_F(MsgSndBlocking, AMessageThatNobodyWaitsForIsQueued) {
  XSI_ASSERTION("MSGSND-29");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue, {.selector = msgtyp_selector::type(5)}));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 4, "for others"), Succeeds());
  EXPECT_TRUE(call.blocked());
  queue_status status = status_of(sender.xsi(), queue);
  EXPECT_EQ(status.qnum, 1u);
  EXPECT_EQ(status.lspid, sender.pid());
  EXPECT_EQ(status.lrpid, 0);
  EXPECT_EQ(status.rtime, 0);
  ASSERT_THAT(send_text(sender.xsi(), queue, 5, "for you"), Succeeds());
  status = status_of(sender.xsi(), queue);
  EXPECT_EQ(status.qnum, 1u);
  EXPECT_EQ(status.lrpid, receiver.pid());
  EXPECT_THAT(call.get(), SucceedsWith(message{5, "for you"}));
  EXPECT_THAT(drain(sender, queue), testing::ElementsAre(message{4, "for others"}));
}

TEST_F(MsgSndBlocking, PermissionIsAskedForAgainWhenTheWaitEnds) {
  XSI_ASSERTION("MSGSND-30");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice});
  actor& sender = process({.uid = bob});
  const msqid queue = queue_with(owner, {ten_bytes}, 0622);
  auto call = sender.start(sending(queue, 2, "x"));
  ASSERT_TRUE(call.blocked());
  const perm_change closed{alice, alice, 0600};
  ASSERT_THAT(owner.xsi().change_queue(queue, {closed, 10}), Succeeds());
  EXPECT_TRUE(call.blocked());
  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, ten_bytes}));
  EXPECT_THAT(call.get(), FailsWith(EACCES));
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 0u);
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, owner.pid());
}

TEST_F(MsgSndBlocking, RoomAndALostPermissionAtOnceIsEacces) {
  XSI_ASSERTION("MSGSND-30");
  actor& owner = process(unprivileged());
  actor& sender = process(unprivileged());
  const msqid queue = queue_with(owner);
  perm_change change = changeable(status_of(owner.xsi(), queue).perm);
  auto call = sender.start(sending(queue, 2, "x"));
  ASSERT_TRUE(call.blocked());
  change.mode = 0422;  // the owner's bits count for an owner, even if others have more
  ASSERT_THAT(owner.xsi().change_queue(queue, {change, 11}), Succeeds());
  EXPECT_THAT(call.get(), FailsWith(EACCES));
  EXPECT_THAT(drain(owner, queue), testing::ElementsAre(message{1, ten_bytes}));
}

TEST_F(MsgSndBlocking, APermissionThatCameBackInTimeIsEnough) {
  XSI_ASSERTION("MSGSND-30");
  actor& owner = process(unprivileged());
  actor& sender = process(unprivileged());
  const msqid queue = queue_with(owner);
  perm_change change = changeable(status_of(owner.xsi(), queue).perm);
  auto call = sender.start(sending(queue, 2, "x"));
  ASSERT_TRUE(call.blocked());
  for (const ipc_mode mode : {0400U, 0600U}) {
    change.mode = mode;
    ASSERT_THAT(owner.xsi().change_queue(queue, {change, 10}), Succeeds());
    EXPECT_TRUE(call.blocked());
  }
  ASSERT_THAT(receive_text(owner.xsi(), queue), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, sender.pid());
}

TEST_F(MsgSndBlocking, AThreadThatWaitedSendsAsItsProcess) {
  XSI_ASSERTION("MSGSND-33");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = queue_with(owner);
  auto call = sender.begin_thread().start(sending(queue, 2, "x"));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(receive_text(owner.xsi(), queue), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, sender.pid());
}

}  // namespace
}  // namespace xsipc::conformance
