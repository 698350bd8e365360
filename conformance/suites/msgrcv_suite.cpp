// msgrcv: which message it takes, what it leaves, when it blocks.
#include <signal.h>

#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(msgrcv)

namespace {

using testing::ElementsAre;

class MsgRcv : public conformance_test {};

TEST_F(MsgRcv, AnyTakesTheOldestWhateverItsType) {
  XSI_ASSERTION("MSGRCV-01");
  actor& client = process();
  const msqid queue = new_queue(client);
  ASSERT_THAT(send_text(client.xsi(), queue, 9, "first"), Succeeds());
  ASSERT_THAT(send_text(client.xsi(), queue, 1, "second"), Succeeds());
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{9, "first"}));
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{1, "second"}));
}

TEST_F(MsgRcv, TooLongWithoutNoerrorIsE2bigAndKeepsTheMessage) {
  XSI_ASSERTION("MSGRCV-07");
  actor& client = process();
  const msqid queue = new_queue(client);
  ASSERT_THAT(send_text(client.xsi(), queue, 5, "ten bytes!"), Succeeds());
  const queue_status before = status_of(client.xsi(), queue);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 4}), FailsWith(E2BIG));
  const queue_status after = status_of(client.xsi(), queue);
  EXPECT_EQ(after.qnum, before.qnum);
  EXPECT_EQ(after.cbytes, before.cbytes);
  EXPECT_EQ(after.lrpid, before.lrpid);
  EXPECT_EQ(after.rtime, before.rtime);
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{5, "ten bytes!"}));
}

TEST_F(MsgRcv, ABlockedReceiverGetsWhatIsSent) {
  XSI_ASSERTION("MSGRCV-16", "MSGRCV-17");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "hello"), Succeeds());
  EXPECT_THAT(call.get(), SucceedsWith(message{3, "hello"}));
}

TEST_F(MsgRcv, AHandlerEndsItWithEintrWhateverSaRestartSays) {
  XSI_ASSERTION("MSGRCV-20", "MSGRCV-21");
  for (const bool restart : {false, true}) {
    actor& receiver = process();
    receiver.catch_signal(SIGUSR1, restart);
    const msqid queue = new_queue(receiver);
    auto call = receiver.start(receiving(queue));
    ASSERT_TRUE(call.blocked());
    receiver.signal(SIGUSR1);
    EXPECT_THAT(call.get(), FailsWith(EINTR));
    EXPECT_EQ(receiver.signals_caught(SIGUSR1), 1);
    EXPECT_EQ(status_of(receiver.xsi(), queue).qnum, 0u);
  }
}

TEST_F(MsgRcv, AStopDoesNotInterrupt) {
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

TEST_F(MsgRcv, AKilledReceiverTakesNothing) {
  XSI_ASSERTION("MSGRCV-38");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  auto call = receiver.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  receiver.kill();
  EXPECT_THAT(call.get(), FailsWith(ESRCH));
  ASSERT_THAT(send_text(sender.xsi(), queue, 3, "kept"), Succeeds());
  EXPECT_EQ(status_of(sender.xsi(), queue).qnum, 1u);
}

}  // namespace
}  // namespace xsipc::conformance
