// msgrcv: when it blocks, and how it ends then.
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(msgrcv_blocking)

namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;

class MsgRcvBlocking : public conformance_test {};

using pending_message = pending<result<message>>;

TEST_F(MsgRcvBlocking, BlocksTheCallingThreadAndNoOther) {
  XSI_ASSERTION("MSGRCV-16");
  actor& client = process();
  actor_thread& second = client.begin_thread();
  const msqid empty = new_queue(client);
  const msqid other = new_queue(client);
  for (const auto& [blocks, runs] : {std::pair<actor_thread&, actor_thread&>{client, second}, {second, client}}) {
    auto call = blocks.start(receiving(empty));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(send_text(runs.xsi(), other, 1, "works"), Succeeds());
    EXPECT_THAT(receive_text(runs.xsi(), other), SucceedsWith(message{1, "works"}));
    EXPECT_THAT(receive_text(runs.xsi(), empty), FailsWith(ENOMSG));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(send_text(runs.xsi(), empty, 1, "go on"), Succeeds());
    EXPECT_THAT(call.get(), SucceedsWith(message{1, "go on"}));
  }
}

TEST_F(MsgRcvBlocking, ABlockedReceiverGetsWhatIsSent) {
  XSI_ASSERTION("MSGRCV-16", "MSGRCV-17", "MSGRCV-13");
  actor& sender = process();
  actor& receiver = process();
  for (const auto selector : {msgtyp_selector::any(), msgtyp_selector::type(3), msgtyp_selector::lowest_up_to(3)}) {
    const msqid queue = new_queue(sender);
    const ipc_time before = now();
    auto call = receiver.start(receiving(queue, {.selector = selector}));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(send_text(sender.xsi(), queue, 3, "hello"), Succeeds());
    EXPECT_THAT(call.get(), SucceedsWith(message{3, "hello"}));
    const queue_status after = status_of(sender.xsi(), queue);
    EXPECT_EQ(after.qnum, 0u);
    EXPECT_EQ(after.cbytes, 0u);
    EXPECT_EQ(after.lspid, sender.pid());
    EXPECT_EQ(after.lrpid, receiver.pid());
    EXPECT_THAT(after.stime, AllOf(Ge(before), Le(now() + 1)));
    EXPECT_THAT(after.rtime, AllOf(Ge(before), Le(now() + 1)));
  }
}

TEST_F(MsgRcvBlocking, EveryByteOfALongAndOfAnEmptyMessageIsHandedOver) {
  XSI_ASSERTION("MSGRCV-17", "MSGRCV-10", "MSGRCV-11");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes.push_back(static_cast<char>(i * i % 251));
  for (const std::string& text : {bytes, std::string(), std::string(1, '\0')}) {
    auto call = receiver.start(receiving(queue, {.room = bytes.size()}));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(send_text(sender.xsi(), queue, LONG_MAX, text), Succeeds());
    EXPECT_THAT(call.get(), SucceedsWith(message{LONG_MAX, text}));
  }
}

TEST_F(MsgRcvBlocking, AMessageOfAnotherTypeStaysAndWakesNobody) {
  XSI_ASSERTION("MSGRCV-18");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue, {.selector = msgtyp_selector::type(3)}));
  ASSERT_TRUE(call.blocked());
  std::vector<message> sent;
  for (const long type : {2L, 4L, 3L + (1L << 32), LONG_MAX}) {
    sent.push_back({type, "not this"});
    ASSERT_THAT(send_text(sender.xsi(), queue, type, sent.back().text), Succeeds());
    ASSERT_TRUE(call.blocked());
    EXPECT_EQ(status_of(sender.xsi(), queue).qnum, sent.size());
  }
  EXPECT_EQ(status_of(sender.xsi(), queue).lrpid, 0);
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "this"), Succeeds());
  EXPECT_THAT(call.get(), SucceedsWith(message{3, "this"}));
  expect_messages_left(sender.xsi(), queue, sent);
}

TEST_F(MsgRcvBlocking, EachMessageGoesToTheReceiverThatItSuits) {
  XSI_ASSERTION("MSGRCV-18", "MSGRCV-17");
  actor& sender = process();
  const msqid queue = new_queue(sender);
  std::vector<pending_message> calls;
  for (const long type : {1L, 2L, 3L}) {
    calls.push_back(process().start(receiving(queue, {.selector = msgtyp_selector::type(type)})));
    ASSERT_TRUE(calls.back().blocked());
  }
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "three"), Succeeds());
  EXPECT_THAT(calls[2].get(), SucceedsWith(message{3, "three"}));
  ASSERT_THAT(send_text(sender.xsi(), queue, 2, "two"), Succeeds());
  EXPECT_THAT(calls[1].get(), SucceedsWith(message{2, "two"}));
  EXPECT_TRUE(calls[0].blocked());
}

TEST_F(MsgRcvBlocking, RemovalEndsAllWithEidrm) {
  XSI_ASSERTION("MSGRCV-19");
  actor& owner = process();
  const msqid queue = new_queue(owner);
  ASSERT_THAT(send_text(owner.xsi(), queue, 9, "suits nobody"), Succeeds());
  actor& receiver = process();
  actor_thread& second_thread = receiver.begin_thread();
  std::vector<pending_message> calls;
  const auto block = [&](actor_thread& who, msgtyp_selector selector) {
    calls.push_back(who.start(receiving(queue, {.selector = selector})));
    return calls.back().blocked();
  };
  ASSERT_TRUE(block(receiver, msgtyp_selector::type(3)));
  ASSERT_TRUE(block(second_thread, msgtyp_selector::type(4)));
  ASSERT_TRUE(block(process(), msgtyp_selector::lowest_up_to(8)));
  ASSERT_TRUE(block(process(), msgtyp_selector::type(3)));
  ASSERT_THAT(owner.xsi().remove_queue(queue), Succeeds());
  for (auto& call : calls) EXPECT_THAT(call.get(), FailsWith(EIDRM));
  EXPECT_THAT(receive_text(receiver.xsi(), queue), FailsWith(EINVAL));
}

TEST_F(MsgRcvBlocking, AHandlerEndsItWithEintrWhateverSaRestartSays) {
  XSI_ASSERTION("MSGRCV-20", "MSGRCV-21", "MSGRCV-15");
  actor& owner = process();
  for (const bool restart : {false, true}) {
    actor& receiver = process();
    receiver.catch_signal(SIGUSR1, restart);
    const msqid queue = new_queue(owner);
    send_messages(owner.xsi(), queue, {{9, "not asked for"}});
    const common_status before = queue_snapshot(owner.xsi(), queue);
    auto call = receiver.start(receiving(queue, {.selector = msgtyp_selector::type(3)}));
    ASSERT_TRUE(call.blocked());
    receiver.signal(SIGUSR1);
    EXPECT_THAT(call.get(), FailsWith(EINTR));
    EXPECT_EQ(receiver.signals_caught(SIGUSR1), 1);
    EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
    send_messages(owner.xsi(), queue, {{3, "too late"}});
    expect_messages_left(owner.xsi(), queue, {{9, "not asked for"}, {3, "too late"}});
  }
}

TEST_F(MsgRcvBlocking, ASignalForOneLeavesTheOthersBlocked) {
  XSI_ASSERTION("MSGRCV-20");
  actor& sender = process();
  actor& interrupted = process();
  const msqid queue = new_queue(sender);
  interrupted.catch_signal(SIGUSR1, false);
  auto first = interrupted.start(receiving(queue));
  ASSERT_TRUE(first.blocked());
  auto second = process().start(receiving(queue));
  ASSERT_TRUE(second.blocked());
  interrupted.signal(SIGUSR1);
  EXPECT_THAT(first.get(), FailsWith(EINTR));
  ASSERT_TRUE(second.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "for the second"), Succeeds());
  EXPECT_THAT(second.get(), SucceedsWith(message{3, "for the second"}));
}

TEST_F(MsgRcvBlocking, AnIgnoredSignalDoesNotInterrupt) {
  XSI_ASSERTION("MSGRCV-22");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  receiver.ignore_signal(SIGUSR1);
  auto call = receiver.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  // The second is ignored by default.
  for (const int number : {SIGUSR1, SIGWINCH}) {
    receiver.signal(number);
    ASSERT_TRUE(call.blocked());
  }
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "after"), Succeeds());
  EXPECT_THAT(call.get(), SucceedsWith(message{3, "after"}));
}

TEST_F(MsgRcvBlocking, AStopDoesNotInterrupt) {
  XSI_ASSERTION("MSGRCV-23");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  receiver.stop();
  receiver.resume();
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "after"), Succeeds());
  EXPECT_THAT(call.get(), SucceedsWith(message{3, "after"}));
}

TEST_F(MsgRcvBlocking, AMessageForAStoppedReceiverIsThereWhenItGoesOn) {
  XSI_ASSERTION("MSGRCV-23", "MSGRCV-17");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  receiver.stop();
  send_messages(sender.xsi(), queue, {{3, "meanwhile"}, {4, "one more"}});
  receiver.resume();
  EXPECT_THAT(call.get(), SucceedsWith(message{3, "meanwhile"}));
  expect_messages_left(sender.xsi(), queue, {{4, "one more"}});
}

TEST_F(MsgRcvBlocking, ReceiversWithOneSelectorAreServedInTheOrderOfBlocking) {
  XSI_ASSERTION("MSGRCV-24");
  actor& sender = process();
  actor* const receivers[] = {&process(), &process(), &process(), &process()};
  for (const auto selector : {msgtyp_selector::any(), msgtyp_selector::type(3), msgtyp_selector::lowest_up_to(3)}) {
    const msqid queue = new_queue(sender);
    std::vector<pending_message> calls;
    for (const std::size_t who : {2U, 0U, 3U, 1U}) {
      calls.push_back(receivers[who]->start(receiving(queue, {.selector = selector})));
      ASSERT_TRUE(calls.back().blocked());
    }
    send_messages(sender.xsi(), queue, {{3, "1st"}, {3, "2nd"}, {3, "3rd"}, {3, "4th"}});
    EXPECT_THAT(calls[0].get(), SucceedsWith(message{3, "1st"}));
    EXPECT_THAT(calls[1].get(), SucceedsWith(message{3, "2nd"}));
    EXPECT_THAT(calls[2].get(), SucceedsWith(message{3, "3rd"}));
    EXPECT_THAT(calls[3].get(), SucceedsWith(message{3, "4th"}));
  }
}

TEST_F(MsgRcvBlocking, ANegativeTypeTakesTheFirstThatArrivesAndIsLowEnough) {
  XSI_ASSERTION("MSGRCV-25");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  for (const long suits : {5L, 4L, 1L}) {
    auto call = receiver.start(receiving(queue, {.selector = msgtyp_selector::lowest_up_to(5)}));
    ASSERT_TRUE(call.blocked());
    for (const long too_high : {6L, 9L}) {
      ASSERT_THAT(send_text(sender.xsi(), queue, too_high, "too high"), Succeeds());
      ASSERT_TRUE(call.blocked());
    }
    send_messages(sender.xsi(), queue, {{suits, "first"}, {1, "lower, but later"}});
    EXPECT_THAT(call.get(), SucceedsWith(message{suits, "first"}));
    expect_messages_left(sender.xsi(), queue, {{6, "too high"}, {9, "too high"}, {1, "lower, but later"}});
  }
}

TEST_F(MsgRcvBlocking, TheMostNegativeTypeWaitsForAny) {
  XSI_ASSERTION("MSGRCV-06", "MSGRCV-25");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  for (const long type : {LONG_MAX, 1L}) {
    auto call = receiver.start(receiving(queue, {.selector = {LONG_MIN}}));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(send_text(sender.xsi(), queue, type, "any"), Succeeds());
    EXPECT_THAT(call.get(), SucceedsWith(message{type, "any"}));
  }
}

TEST_F(MsgRcvBlocking, TooSmallABufferIsE2bigWhenTheMessageComesAndTheNextGetsIt) {
  XSI_ASSERTION("MSGRCV-26");
  actor& sender = process();
  const msqid queue = new_queue(sender);
  auto small = process().start(receiving(queue, {.room = 4}));
  ASSERT_TRUE(small.blocked());
  actor& next = process();
  auto large = next.start(receiving(queue, {.room = 10}));
  ASSERT_TRUE(large.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "ten bytes!"), Succeeds());
  EXPECT_THAT(small.get(), FailsWith(E2BIG));
  EXPECT_THAT(large.get(), SucceedsWith(message{3, "ten bytes!"}));
  EXPECT_EQ(status_of(sender.xsi(), queue).qnum, 0u);
  EXPECT_EQ(status_of(sender.xsi(), queue).lrpid, next.pid());
}

TEST_F(MsgRcvBlocking, AMessageTooLongForAllWhoWaitStaysOnTheQueue) {
  XSI_ASSERTION("MSGRCV-26", "MSGRCV-15");
  actor& sender = process();
  const msqid queue = new_queue(sender);
  auto first = process().start(receiving(queue, {.room = 4}));
  ASSERT_TRUE(first.blocked());
  auto second = process().start(receiving(queue, {.selector = msgtyp_selector::type(3), .room = 0}));
  ASSERT_TRUE(second.blocked());
  auto other_type = process().start(receiving(queue, {.selector = msgtyp_selector::type(4), .room = 4}));
  ASSERT_TRUE(other_type.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "ten bytes!"), Succeeds());
  EXPECT_THAT(first.get(), FailsWith(E2BIG));
  EXPECT_THAT(second.get(), FailsWith(E2BIG));
  EXPECT_TRUE(other_type.blocked());
  const queue_status after = status_of(sender.xsi(), queue);
  EXPECT_EQ(after.lrpid, 0);
  EXPECT_EQ(after.rtime, 0);
  expect_messages_left(sender.xsi(), queue, {{3, "ten bytes!"}});
}

TEST_F(MsgRcvBlocking, NoerrorCutsAMessageThatIsHandedOver) {
  XSI_ASSERTION("MSGRCV-27");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  for (const std::size_t room : {4U, 0U}) {
    auto call = receiver.start(receiving(queue, {.room = room, .when_too_long = truncation::allow}));
    ASSERT_TRUE(call.blocked());
    ASSERT_THAT(send_text(sender.xsi(), queue, 3, "ten bytes!"), Succeeds());
    EXPECT_THAT(call.get(), SucceedsWith(message{3, std::string("ten bytes!").substr(0, room)}));
    EXPECT_EQ(status_of(sender.xsi(), queue).qnum, 0u);
    EXPECT_EQ(status_of(sender.xsi(), queue).cbytes, 0u);
  }
}

TEST_F(MsgRcvBlocking, LosingReadPermissionEndsItWithEacces) {
  XSI_ASSERTION("MSGRCV-36");
  actor& owner = process(unprivileged());
  const msqid queue = new_queue(owner);
  const queue_status before = status_of(owner.xsi(), queue);
  auto threes = process(unprivileged()).start(receiving(queue, {.selector = msgtyp_selector::type(3)}));
  ASSERT_TRUE(threes.blocked());
  auto any = process(unprivileged()).start(receiving(queue));
  ASSERT_TRUE(any.blocked());
  ASSERT_THAT(owner.xsi().change_queue(queue, {{before.perm.uid, before.perm.gid, 0266}, before.qbytes}), Succeeds());
  EXPECT_THAT(threes.get(), FailsWith(EACCES));
  EXPECT_THAT(any.get(), FailsWith(EACCES));
  ASSERT_THAT(send_text(owner.xsi(), queue, 3, "for nobody"), Succeeds());
  ASSERT_THAT(owner.xsi().change_queue(queue, {changeable(before.perm), before.qbytes}), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).lrpid, 0);
  expect_messages_left(owner.xsi(), queue, {{3, "for nobody"}});
}

TEST_F(MsgRcvBlocking, LosingReadPermissionEndsItForThoseWhoLoseIt) {
  XSI_ASSERTION("MSGRCV-36");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  const msqid queue = new_queue(owner, 0666);
  const queue_status before = status_of(owner.xsi(), queue);
  auto loses = process({.uid = bob, .gid = bob}).start(receiving(queue));
  ASSERT_TRUE(loses.blocked());
  auto keeps = process({.uid = carol, .gid = alice}).start(receiving(queue));
  ASSERT_TRUE(keeps.blocked());
  const perm_change without_others{before.perm.uid, before.perm.gid, 0662};
  ASSERT_THAT(owner.xsi().change_queue(queue, {without_others, before.qbytes}), Succeeds());
  EXPECT_THAT(loses.get(), FailsWith(EACCES));
  ASSERT_TRUE(keeps.blocked());
  ASSERT_THAT(send_text(owner.xsi(), queue, 3, "for who may"), Succeeds());
  EXPECT_THAT(keeps.get(), SucceedsWith(message{3, "for who may"}));
}

TEST_F(MsgRcvBlocking, AChangeThatKeepsPermissionLeavesReceiversBlocked) {
  XSI_ASSERTION("MSGRCV-37");
  actor& owner = process();
  const msqid queue = new_queue(owner);
  const queue_status before = status_of(owner.xsi(), queue);
  auto threes = process().start(receiving(queue, {.selector = msgtyp_selector::type(3)}));
  ASSERT_TRUE(threes.blocked());
  auto fours = process().start(receiving(queue, {.selector = msgtyp_selector::type(4)}));
  ASSERT_TRUE(fours.blocked());
  for (const ipc_mode mode : {0640U, 0666U, 0600U}) {
    const perm_change other_mode{before.perm.uid, before.perm.gid, mode};
    ASSERT_THAT(owner.xsi().change_queue(queue, {other_mode, before.qbytes - 1}), Succeeds());
    ASSERT_TRUE(threes.blocked());
    ASSERT_TRUE(fours.blocked());
  }
  send_messages(owner.xsi(), queue, {{4, "four"}, {3, "three"}, {4, "left"}});
  EXPECT_THAT(threes.get(), SucceedsWith(message{3, "three"}));
  EXPECT_THAT(fours.get(), SucceedsWith(message{4, "four"}));
  expect_messages_left(owner.xsi(), queue, {{4, "left"}});
}

TEST_F(MsgRcvBlocking, AKilledReceiverTakesNothing) {
  XSI_ASSERTION("MSGRCV-38");
  actor& sender = process();
  actor& receiver = process();
  actor_thread& second_thread = receiver.begin_thread();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  auto in_thread = second_thread.start(receiving(queue));
  ASSERT_TRUE(in_thread.blocked());
  receiver.kill();
  EXPECT_THAT(call.get(), FailsWith(ESRCH));
  EXPECT_THAT(in_thread.get(), FailsWith(ESRCH));
  send_messages(sender.xsi(), queue, {{3, "kept"}, {4, "kept too"}});
  EXPECT_EQ(status_of(sender.xsi(), queue).lrpid, 0);
  expect_messages_left(sender.xsi(), queue, {{3, "kept"}, {4, "kept too"}});
}

TEST_F(MsgRcvBlocking, WhatAKilledReceiverWaitedForGoesToTheNext) {
  XSI_ASSERTION("MSGRCV-38");
  actor& sender = process();
  actor& killed = process();
  const msqid queue = new_queue(sender);
  auto first = killed.start(receiving(queue));
  ASSERT_TRUE(first.blocked());
  auto second = process().start(receiving(queue));
  ASSERT_TRUE(second.blocked());
  killed.kill();
  ASSERT_TRUE(second.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "for the next"), Succeeds());
  EXPECT_THAT(second.get(), SucceedsWith(message{3, "for the next"}));
}

// In the kernel it is gone: who is killed has it. Where it comes back, nobody can tell that it was away.
TEST_F(MsgRcvBlocking, WhatAKilledReceiverWasHandedIsGoneOrInItsPlace) {
  XSI_ASSERTION("MSGRCV-38");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  receiver.stop();
  send_messages(sender.xsi(), queue, {{3, "handed over"}, {4, "next"}, {5, "last"}});
  receiver.kill();
  EXPECT_THAT(call.get(), FailsWith(ESRCH));
  const auto first = receive_text(sender.xsi(), queue);
  ASSERT_THAT(first, SucceedsWith(testing::AnyOf(message{3, "handed over"}, message{4, "next"})));
  std::vector<message> left = {{5, "last"}};
  if (first->type == 3) left.insert(left.begin(), {4, "next"});
  expect_messages_left(sender.xsi(), queue, left);
}

XSI_ROUTINE(msgrcv_thread_id) { return {.numbers = {::gettid()}}; }

TEST_F(MsgRcvBlocking, LrpidIsTheProcessWhicheverThreadReceives) {
  XSI_ASSERTION("MSGRCV-39");
  actor& sender = process();
  actor& receiver = process();
  actor_thread& second = receiver.begin_thread();
  const msqid queue = new_queue(sender);
  ASSERT_THAT(send_text(sender.xsi(), queue, 1, "at once"), Succeeds());
  ASSERT_THAT(receive_text(second.xsi(), queue), Succeeds());
  EXPECT_EQ(status_of(sender.xsi(), queue).lrpid, receiver.pid());
  ASSERT_THAT(send_text(sender.xsi(), queue, 1, "by the sender"), Succeeds());
  ASSERT_THAT(receive_text(sender.xsi(), queue), Succeeds());
  ASSERT_EQ(status_of(sender.xsi(), queue).lrpid, sender.pid());

  auto call = second.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 1, "handed over"), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
  if (the_harness().offers(need::kernel_objects)) {
    const auto thread_id = second.run("msgrcv_thread_id").numbers.at(0);
    EXPECT_NE(thread_id, receiver.pid());
    EXPECT_EQ(status_of(sender.xsi(), queue).lrpid, thread_id);
  } else {
    EXPECT_EQ(status_of(sender.xsi(), queue).lrpid, receiver.pid());
  }
}

TEST_F(MsgRcvBlocking, WakesEverySenderThatFitsNow) {
  XSI_ASSERTION("MSGRCV-40");
  actor& owner = process();
  const msqid queue = new_queue(owner);
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 100), Succeeds());
  for (const bool cut : {false, true}) {
    ASSERT_THAT(send_text(owner.xsi(), queue, 1, std::string(100, 'x')), Succeeds());
    auto never_fits = process().start(sending(queue, 2, std::string(101, 'y')));
    ASSERT_TRUE(never_fits.blocked());
    std::vector<pending<result<void>>> calls;
    for (const char* const text : {"one", "two", "three", ""}) {
      calls.push_back(process().start(sending(queue, 3, text + std::string(20, '.'))));
      ASSERT_TRUE(calls.back().blocked());
    }
    const receive_options how = {.room = cut ? 1U : 100U, .when_too_long = truncation::allow};
    ASSERT_THAT(receive_text(owner.xsi(), queue, how), Succeeds());
    for (auto& call : calls) EXPECT_THAT(call.get(), Succeeds());
    EXPECT_TRUE(never_fits.blocked());
    EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 4u);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(receive_text(owner.xsi(), queue).value().type, 3);
  }
}

}  // namespace
}  // namespace xsipc::conformance
