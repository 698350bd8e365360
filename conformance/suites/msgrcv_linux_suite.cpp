// msgrcv: what Linux adds, each behind its capability.
#include <limits.h>

#include <span>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(msgrcv_linux)

namespace {

class MsgRcvLinux : public conformance_test {
 protected:
  static msqid queue_of(actor_thread& owner, const std::vector<message>& messages) {
    const msqid queue = new_queue(owner);
    send_messages(owner.xsi(), queue, messages);
    return queue;
  }
};

TEST_F(MsgRcvLinux, AllButATypeTakesTheOldestOfAnother) {
  XSI_ASSERTION("MSGRCV-28");
  XSI_NEEDS(capability::except_selector);
  actor& client = process();
  const msqid queue = queue_of(client, {{5, "a"}, {5, "b"}, {6, "c"}, {5, "d"}, {4, "e"}});
  const receive_options not_5 = {.selector = msgtyp_selector::all_but(5)};
  EXPECT_THAT(receive_text(client.xsi(), queue, not_5), SucceedsWith(message{6, "c"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, not_5), SucceedsWith(message{4, "e"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, not_5), FailsWith(ENOMSG));
  expect_messages_left(client.xsi(), queue, {{5, "a"}, {5, "b"}, {5, "d"}});
}

TEST_F(MsgRcvLinux, AllButATypeWaitsForAnother) {
  XSI_ASSERTION("MSGRCV-28");
  XSI_NEEDS(capability::except_selector);
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = queue_of(sender, {{5, "there before"}});
  auto call = receiver.start(receiving(queue, {.selector = msgtyp_selector::all_but(5)}));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 5, "not this"), Succeeds());
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(send_text(sender.xsi(), queue, 6, "this"), Succeeds());
  EXPECT_THAT(call.get(), SucceedsWith(message{6, "this"}));
  expect_messages_left(sender.xsi(), queue, {{5, "there before"}, {5, "not this"}});
}

TEST_F(MsgRcvLinux, ExceptIsIgnoredUnlessATypeIsNamed) {
  XSI_ASSERTION("MSGRCV-29");
  XSI_NEEDS(capability::except_selector);
  actor& client = process();
  const msqid queue = queue_of(client, {{7, "a"}, {3, "b"}, {2, "c"}, {9, "d"}, {1, "e"}});
  const auto take = [&](long msgtyp) {
    return receive_text(client.xsi(), queue, {.selector = {.msgtyp = msgtyp, .except = true}});
  };
  EXPECT_THAT(take(0), SucceedsWith(message{7, "a"}));
  EXPECT_THAT(take(-3), SucceedsWith(message{1, "e"}));
  EXPECT_THAT(take(-1), FailsWith(ENOMSG));
  EXPECT_THAT(take(-3), SucceedsWith(message{2, "c"}));
  EXPECT_THAT(take(LONG_MIN), SucceedsWith(message{3, "b"}));
  EXPECT_THAT(take(0), SucceedsWith(message{9, "d"}));
  EXPECT_THAT(take(0), FailsWith(ENOMSG));
}

TEST_F(MsgRcvLinux, ACopyIsOfTheMessageAtAPlaceAndChangesNothing) {
  XSI_ASSERTION("MSGRCV-30");
  XSI_NEEDS(capability::copy_selector);
  actor& owner = process();
  actor& reader = process();
  const std::vector<message> all = {{5, "first"}, {1, "second, longer"}, {LONG_MAX, ""}, {5, "fourth"}};
  const msqid queue = queue_of(owner, all);
  const common_status before = queue_snapshot(owner.xsi(), queue);
  for (const long place : {3L, 0L, 1L, 2L, 1L}) {
    EXPECT_THAT(receive_text(reader.xsi(), queue, {.selector = msgtyp_selector::copy_of(place)}),
                SucceedsWith(all[static_cast<std::size_t>(place)]));
  }
  EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
  ASSERT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(all[0]));
  EXPECT_THAT(receive_text(reader.xsi(), queue, {.selector = msgtyp_selector::copy_of(0)}), SucceedsWith(all[1]));
  EXPECT_EQ(status_of(owner.xsi(), queue).lrpid, owner.pid());
  expect_messages_left(owner.xsi(), queue, {all.begin() + 1, all.end()});
}

TEST_F(MsgRcvLinux, ACopyOfAPlaceBehindTheLastIsEnomsg) {
  XSI_ASSERTION("MSGRCV-31");
  XSI_NEEDS(capability::copy_selector);
  actor& client = process();
  const msqid empty = new_queue(client);
  EXPECT_THAT(receive_text(client.xsi(), empty, {.selector = msgtyp_selector::copy_of(0)}), FailsWith(ENOMSG));
  const msqid queue = queue_of(client, {{5, "first"}, {7, "second"}});
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::copy_of(1)}), Succeeds());
  for (const long place : {2L, 5L, 7L, LONG_MAX, -1L, LONG_MIN}) {
    EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::copy_of(place)}), FailsWith(ENOMSG));
  }
}

TEST_F(MsgRcvLinux, ACopyThatMayWaitOrExcludesIsEinval) {
  XSI_ASSERTION("MSGRCV-32");
  XSI_NEEDS(capability::copy_selector);
  actor& client = process();
  const msqid queue = queue_of(client, {{5, "first"}, {7, "second"}});
  const common_status before = queue_snapshot(client.xsi(), queue);
  for (const long place : {0L, 1L, 2L}) {
    EXPECT_THAT(
        receive_text(client.xsi(), queue, {.selector = msgtyp_selector::copy_of(place), .until = deadline::never()}),
        FailsWith(EINVAL));
  }
  EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);
}

TEST_F(MsgRcvLinux, ACopyOfAllButATypeIsEinval) {
  XSI_ASSERTION("MSGRCV-32");
  XSI_NEEDS(capability::copy_selector);
  XSI_NEEDS(capability::except_selector);
  actor& client = process();
  const msqid queue = queue_of(client, {{5, "first"}, {7, "second"}});
  for (const long place : {0L, 1L, 2L}) {
    EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = {.msgtyp = place, .except = true, .copy = true}}),
                FailsWith(EINVAL));
  }
  expect_messages_left(client.xsi(), queue, {{5, "first"}, {7, "second"}});
}

TEST_F(MsgRcvLinux, ACopyIsNeverCut) {
  XSI_ASSERTION("MSGRCV-33");
  XSI_NEEDS(capability::copy_selector);
  actor& client = process();
  const msqid queue = queue_of(client, {{5, "ten bytes!"}, {6, "four"}});
  const common_status before = queue_snapshot(client.xsi(), queue);
  const auto copy = [&](long place, truncation when_too_long) {
    return receive_text(client.xsi(), queue,
                        {.selector = msgtyp_selector::copy_of(place), .room = 4, .when_too_long = when_too_long});
  };
  EXPECT_THAT(copy(0, truncation::refuse), FailsWith(E2BIG));
  EXPECT_THAT(copy(0, truncation::allow), FailsWith(EINVAL));
  EXPECT_THAT(copy(1, truncation::refuse), SucceedsWith(message{6, "four"}));
  EXPECT_THAT(copy(1, truncation::allow), SucceedsWith(message{6, "four"}));
  EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);
}

// The kernel takes the message before it finds that there is no place for it.
TEST_F(MsgRcvLinux, ABufferThatIsNoMemoryIsEfault) {
  XSI_ASSERTION("MSGRCV-35");
  XSI_NEEDS(capability::bad_address);
  actor& client = process();
  const msqid queue = queue_of(client, {{5, "first"}, {6, "second"}});
  for (void* const nowhere : {static_cast<void*>(nullptr), reinterpret_cast<void*>(64)}) {
    EXPECT_THAT(client.xsi().receive(queue, msgtyp_selector::type(7), message_buffer::framed(nowhere, 100),
                                     truncation::refuse, deadline::immediate()),
                FailsWith(ENOMSG));
    EXPECT_THAT(client.xsi().receive(queue, msgtyp_selector::type(5), message_buffer::framed(nowhere, 4),
                                     truncation::refuse, deadline::immediate()),
                FailsWith(E2BIG));
  }
  EXPECT_THAT(client.xsi().receive(queue, msgtyp_selector::type(5), message_buffer::framed(nullptr, 100),
                                   truncation::refuse, deadline::immediate()),
              FailsWith(EFAULT));
  if (!the_harness().offers(need::kernel_objects)) {
    EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{5, "first"}));
  }
  expect_messages_left(client.xsi(), queue, {{6, "second"}});
}

TEST_F(MsgRcvLinux, ATextThatIsNoMemoryIsEfaultAndKeepsTheMessage) {
  XSI_ASSERTION("MSGRCV-35");
  XSI_NEEDS(capability::bad_address);
  actor& client = process();
  const msqid queue = queue_of(client, {{5, "first"}});
  EXPECT_THAT(
      client.xsi().receive(queue, msgtyp_selector::any(), std::span<std::byte>(static_cast<std::byte*>(nullptr), 100),
                           truncation::refuse, deadline::immediate()),
      FailsWith(EFAULT));
  expect_messages_left(client.xsi(), queue, {{5, "first"}});
}

}  // namespace
}  // namespace xsipc::conformance
