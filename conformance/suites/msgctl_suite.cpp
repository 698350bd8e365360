// msgctl: what IPC_SET does to msg_qbytes, IPC_RMID to messages and waiters, and what IPC_STAT counts.
#include <linux/capability.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(msgctl)

namespace {

class MsgCtl : public conformance_test {
 protected:
  // Somebody who may not exceed limits.
  actor& modest_process() {
    identity who = unprivileged();
    who.without_capabilities.push_back(CAP_SYS_RESOURCE);
    return process(who);
  }
};

std::uint64_t msgmnb_of(actor& who) { return who.xsi().limits().value().msgmnb; }

queue_change as_it_is(actor& who, msqid queue) {
  const queue_status status = status_of(who.xsi(), queue);
  return {changeable(status.perm), status.qbytes};
}

TEST_F(MsgCtl, FewerBytesThanAreQueuedLeaveTheMessagesAndStopNewOnes) {
  XSI_ASSERTION("MSGCTL-01");
  actor& owner = modest_process();
  actor& sender = process();
  const msqid queue = new_queue(owner, 0666);
  const std::vector<std::string> texts = {"four", "sixsix", "ten bytes!"};
  for (const std::string& text : texts) ASSERT_THAT(send_text(owner.xsi(), queue, 1, text), Succeeds());
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 5), Succeeds());
  const queue_status status = status_of(owner.xsi(), queue);
  EXPECT_EQ(status.qbytes, 5u);
  EXPECT_EQ(status.qnum, 3u);
  EXPECT_EQ(status.cbytes, 20u);
  EXPECT_THAT(send_text(sender.xsi(), queue, 2, ""), FailsWith(EAGAIN));
  auto waiting = sender.start(sending(queue, 2, "fives"));
  for (const std::string& text : texts) {
    EXPECT_TRUE(waiting.blocked());
    EXPECT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, text}));
  }
  EXPECT_THAT(waiting.get(), Succeeds());
  EXPECT_THAT(send_text(owner.xsi(), queue, 2, "x"), FailsWith(EAGAIN));
  EXPECT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{2, "fives"}));
}

TEST_F(MsgCtl, OwnerAndCreatorMayLowerTheBytesAndNobodyElse) {
  XSI_ASSERTION("MSGCTL-01");
  XSI_NEEDS(need::other_users);
  actor& creator = process({.uid = alice});
  actor& owner = process({.uid = bob});
  actor& stranger = process({.uid = carol});
  const msqid queue = new_queue(creator, 0666);
  const perm_change given_away{bob, bob, 0666};
  ASSERT_THAT(creator.xsi().change_queue(queue, {given_away, 100}), Succeeds());
  EXPECT_THAT(limit_queue(owner.xsi(), queue, 50), Succeeds());
  EXPECT_EQ(status_of(stranger.xsi(), queue).qbytes, 50u);
  EXPECT_THAT(limit_queue(creator.xsi(), queue, 20), Succeeds());
  EXPECT_EQ(status_of(stranger.xsi(), queue).qbytes, 20u);
  EXPECT_THAT(limit_queue(stranger.xsi(), queue, 10), FailsWith(EPERM));
  EXPECT_EQ(status_of(stranger.xsi(), queue).qbytes, 20u);
}

TEST_F(MsgCtl, MoreBytesThanMsgmnbNeedPrivilegeElseNothingChanges) {
  XSI_ASSERTION("MSGCTL-02");
  actor& owner = modest_process();
  const msqid queue = new_queue(owner, 0600);
  const std::uint64_t msgmnb = msgmnb_of(owner);
  for (const std::uint64_t qbytes : {msgmnb, std::uint64_t{10}}) {
    ASSERT_THAT(limit_queue(owner.xsi(), queue, qbytes), Succeeds());
    const common_status before = queue_snapshot(owner.xsi(), queue);
    queue_change change = as_it_is(owner, queue);
    change.perm.mode = 0640;
    for (const std::uint64_t too_many : {msgmnb + 1, 2 * msgmnb}) {
      change.qbytes = too_many;
      EXPECT_THAT(owner.xsi().change_queue(queue, change), FailsWith(EPERM));
      EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
    }
  }
  EXPECT_THAT(send_text(owner.xsi(), queue, 1, "eleven byte"), FailsWith(EAGAIN));
}

TEST_F(MsgCtl, TooManyBytesKeepTheOwnerAsWell) {
  XSI_ASSERTION("MSGCTL-02");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice});
  const msqid queue = new_queue(owner, 0600);
  const common_status before = queue_snapshot(owner.xsi(), queue);
  const perm_change given_away{bob, bob, 0666};
  EXPECT_THAT(owner.xsi().change_queue(queue, {given_away, msgmnb_of(owner) + 1}), FailsWith(EPERM));
  EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
}

TEST_F(MsgCtl, TheLimitInForceIsTheOneThatCounts) {
  XSI_ASSERTION("MSGCTL-02", "MSGCTL-03");
  XSI_NEEDS(need::private_namespace);
  actor& administrator = process();
  actor& owner = modest_process();
  const msqid queue = new_queue(owner);
  ipc_limits limits = administrator.xsi().limits().value();
  const std::uint64_t usual = limits.msgmnb;
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 10), Succeeds());
  for (const std::uint64_t msgmnb : {std::uint64_t{20}, usual + 5}) {
    limits.msgmnb = msgmnb;
    ASSERT_THAT(administrator.xsi().change_limits(limits), Succeeds());
    EXPECT_THAT(limit_queue(owner.xsi(), queue, msgmnb + 1), FailsWith(EPERM));
    EXPECT_THAT(limit_queue(owner.xsi(), queue, msgmnb), Succeeds());
    EXPECT_EQ(status_of(owner.xsi(), queue).qbytes, msgmnb);
  }
}

TEST_F(MsgCtl, AnOwnerMayRaiseTheBytesUpToMsgmnb) {
  XSI_ASSERTION("MSGCTL-03");
  actor& owner = modest_process();
  const msqid queue = new_queue(owner);
  const std::uint64_t msgmnb = msgmnb_of(owner);
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 10), Succeeds());
  ASSERT_THAT(send_text(owner.xsi(), queue, 1, "eleven byte"), FailsWith(EAGAIN));
  for (const std::uint64_t qbytes : {std::uint64_t{11}, msgmnb - 1, msgmnb}) {
    EXPECT_THAT(limit_queue(owner.xsi(), queue, qbytes), Succeeds());
    EXPECT_EQ(status_of(owner.xsi(), queue).qbytes, qbytes);
    EXPECT_THAT(send_text(owner.xsi(), queue, 1, "eleven byte"), Succeeds());
    EXPECT_THAT(receive_text(owner.xsi(), queue), Succeeds());
  }
}

TEST_F(MsgCtl, PrivilegeRaisesTheBytesAboveMsgmnb) {
  XSI_ASSERTION("MSGCTL-04");
  XSI_NEEDS(need::cap_sys_resource);
  actor& privileged = process();
  actor& modest = process({.without_capabilities = {CAP_SYS_RESOURCE}});
  const msqid queue = new_queue(privileged);
  const std::uint64_t msgmnb = msgmnb_of(privileged);
  EXPECT_THAT(limit_queue(modest.xsi(), queue, msgmnb + 100), FailsWith(EPERM));
  ASSERT_THAT(limit_queue(privileged.xsi(), queue, msgmnb + 100), Succeeds());
  EXPECT_EQ(status_of(modest.xsi(), queue).qbytes, msgmnb + 100);

  const std::string text(std::min<std::uint64_t>(privileged.xsi().limits().value().msgmax, 4096), 'x');
  while (status_of(modest.xsi(), queue).cbytes + text.size() <= msgmnb) {
    ASSERT_THAT(send_text(modest.xsi(), queue, 1, text), Succeeds());
  }
  const std::uint64_t room = msgmnb + 100 - status_of(modest.xsi(), queue).cbytes;
  for (std::uint64_t left = room; left > 0;) {
    const std::uint64_t size = std::min<std::uint64_t>(left, text.size());
    ASSERT_THAT(send_text(modest.xsi(), queue, 1, text.substr(0, size)), Succeeds());
    left -= size;
  }
  EXPECT_EQ(status_of(modest.xsi(), queue).cbytes, msgmnb + 100);
  EXPECT_THAT(send_text(modest.xsi(), queue, 1, "x"), FailsWith(EAGAIN));
  EXPECT_THAT(limit_queue(modest.xsi(), queue, msgmnb + 99), FailsWith(EPERM));
  EXPECT_THAT(limit_queue(modest.xsi(), queue, msgmnb), Succeeds());
}

TEST_F(MsgCtl, RemovalDiscardsTheMessagesForTheNextQueueOfTheKey) {
  XSI_ASSERTION("MSGCTL-05");
  actor& owner = process();
  actor& client = process();
  const key name = fresh_key();
  const auto old = owner.xsi().get_queue(name, creation::create_only(0600));
  ASSERT_THAT(old, Succeeds());
  for (const long type : {1L, 2L, 3L}) ASSERT_THAT(send_text(owner.xsi(), *old, type, "old"), Succeeds());
  ASSERT_THAT(owner.xsi().remove_queue(*old), Succeeds());
  EXPECT_THAT(client.xsi().get_queue(name, creation::find()), FailsWith(ENOENT));

  const auto next = owner.xsi().get_queue(name, creation::create_only(0600));
  ASSERT_THAT(next, Succeeds());
  EXPECT_EQ(status_of(client.xsi(), *next).qnum, 0u);
  EXPECT_EQ(status_of(client.xsi(), *next).cbytes, 0u);
  EXPECT_THAT(receive_text(client.xsi(), *next), FailsWith(ENOMSG));
  EXPECT_THAT(receive_text(client.xsi(), *old), FailsWith(EINVAL));
  EXPECT_THAT(send_text(client.xsi(), *next, 4, "new"), Succeeds());
  EXPECT_THAT(receive_text(client.xsi(), *next), SucceedsWith(message{4, "new"}));
}

TEST_F(MsgCtl, DiscardedMessagesTakeNoSpaceInTheSystem) {
  XSI_ASSERTION("MSGCTL-05", "MSGCTL-10");
  XSI_NEEDS(need::private_namespace);
  actor& owner = process();
  const msqid kept = new_queue(owner);
  const msqid removed = new_queue(owner);
  ASSERT_THAT(send_text(owner.xsi(), kept, 1, "kept"), Succeeds());
  for (const char* const text : {"ten bytes!", "and seven"}) {
    ASSERT_THAT(send_text(owner.xsi(), removed, 1, text), Succeeds());
  }
  EXPECT_EQ(owner.xsi().usage(object_kind::queue).value().messages, 3u);
  ASSERT_THAT(owner.xsi().remove_queue(removed), Succeeds());
  const ipc_usage usage = owner.xsi().usage(object_kind::queue).value();
  EXPECT_EQ(usage.objects, 1u);
  EXPECT_EQ(usage.messages, 1u);
  EXPECT_EQ(usage.bytes, 4u);
  EXPECT_THAT(receive_text(owner.xsi(), kept), SucceedsWith(message{1, "kept"}));
}

TEST_F(MsgCtl, RemovalWakesEverybodyWhoWaitsWithEidrm) {
  XSI_ASSERTION("MSGCTL-06");
  actor& owner = process();
  actor& threads = process();
  const msqid queue = new_queue(owner);
  const msqid other = new_queue(owner);
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 4), Succeeds());
  ASSERT_THAT(send_text(owner.xsi(), queue, 9, "full"), Succeeds());
  std::vector<pending<result<void>>> senders;
  for (const char* const text : {"x", "full", "longer than the queue"}) {
    senders.push_back(process().start(sending(queue, 9, text)));
    senders.push_back(threads.begin_thread().start(sending(queue, 8, text)));
  }
  std::vector<pending<result<message>>> receivers;
  for (const auto selector : {msgtyp_selector::type(1), msgtyp_selector::type(2), msgtyp_selector::lowest_up_to(7)}) {
    receivers.push_back(process().start(receiving(queue, {.selector = selector})));
    receivers.push_back(threads.begin_thread().start(receiving(queue, {.selector = selector})));
  }
  auto elsewhere = process().start(receiving(other));
  for (auto& call : senders) ASSERT_TRUE(call.blocked());
  for (auto& call : receivers) ASSERT_TRUE(call.blocked());
  ASSERT_TRUE(elsewhere.blocked());
  ASSERT_THAT(owner.xsi().remove_queue(queue), Succeeds());
  for (auto& call : senders) EXPECT_THAT(call.get(), FailsWith(EIDRM));
  for (auto& call : receivers) EXPECT_THAT(call.get(), FailsWith(EIDRM));
  EXPECT_TRUE(elsewhere.blocked());
  EXPECT_THAT(receive_text(threads.xsi(), queue), FailsWith(EINVAL));
}

TEST_F(MsgCtl, BytesBeyond32BitsAreCutOffOnTheKernel) {
  XSI_ASSERTION("MSGCTL-07");
  actor& owner = modest_process();
  constexpr std::uint64_t two_to_the_32 = std::uint64_t{1} << 32;
  for (const std::uint64_t rest : {0U, 5U}) {
    const msqid queue = new_queue(owner);
    const common_status before = queue_snapshot(owner.xsi(), queue);
    const auto outcome = limit_queue(owner.xsi(), queue, two_to_the_32 + rest);
    if (the_harness().offers(need::kernel_objects)) {
      EXPECT_THAT(outcome, Succeeds());
      EXPECT_EQ(status_of(owner.xsi(), queue).qbytes, rest);
      EXPECT_THAT(send_text(owner.xsi(), queue, 1, std::string(rest + 1, 'x')), FailsWith(EAGAIN));
      EXPECT_EQ(send_text(owner.xsi(), queue, 1, std::string(rest, 'x')).has_value(), rest > 0);
    } else {
      EXPECT_THAT(outcome, FailsWith(EPERM));
      EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
    }
  }
}

// A queue as it should be after the same calls.
class model_queue {
 public:
  void send(message what) { messages_.push_back(std::move(what)); }

  // What a receiver of `wanted` (a type, or 0 for any) is to get; nothing is taken if the text is longer than `room`.
  std::optional<message> receive(long wanted, std::size_t room) {
    const auto first = std::find_if(messages_.begin(), messages_.end(),
                                    [&](const message& each) { return wanted == 0 || each.type == wanted; });
    if (first == messages_.end() || first->text.size() > room) return std::nullopt;
    message taken = std::move(*first);
    messages_.erase(first);
    return taken;
  }

  [[nodiscard]] std::uint64_t messages() const { return messages_.size(); }
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t bytes = 0;
    for (const message& each : messages_) bytes += each.text.size();
    return bytes;
  }

 private:
  std::deque<message> messages_;
};

TEST_F(MsgCtl, TheNumberOfMessagesIsTheNumberThatCanBeReceived) {
  XSI_ASSERTION("MSGCTL-08");
  actor& client = process();
  spi::backend& xsi = client.xsi();
  const msqid queue = new_queue(client);
  std::mt19937 random(20260708);
  const auto below = [&](int limit) { return std::uniform_int_distribution(0, limit - 1)(random); };
  constexpr std::uint64_t qbytes = 40;
  ASSERT_THAT(limit_queue(xsi, queue, qbytes), Succeeds());
  for (int round = 0; round < 5; ++round) {
    model_queue model;
    for (int step = 0; step < 60; ++step) {
      if (below(5) < 3) {
        const message what{1 + below(3), std::string(static_cast<std::size_t>(below(12)), 'x')};
        const bool fits = model.bytes() + what.text.size() <= qbytes && model.messages() < qbytes;
        ASSERT_EQ(send_text(xsi, queue, what.type, what.text).has_value(), fits);
        if (fits) model.send(what);
      } else {
        const long wanted = below(4);
        const auto room = static_cast<std::size_t>(4 + below(9));
        const auto expected = model.receive(wanted, room);
        const auto got = receive_text(xsi, queue, {.selector = {wanted}, .room = room});
        ASSERT_EQ(got ? std::optional(*got) : std::nullopt, expected);
      }
      const queue_status status = status_of(xsi, queue);
      ASSERT_EQ(status.qnum, model.messages());
      ASSERT_EQ(status.cbytes, model.bytes());
    }
    std::uint64_t receivable = 0;
    while (receive_text(xsi, queue)) ++receivable;
    EXPECT_EQ(receivable, model.messages());
    EXPECT_EQ(status_of(xsi, queue).qnum, 0u);
    EXPECT_EQ(status_of(xsi, queue).cbytes, 0u);
  }
}

TEST_F(MsgCtl, WaitersAreNotCountedAsMessages) {
  XSI_ASSERTION("MSGCTL-08");
  actor& owner = process();
  actor& receiver = process();
  actor& sender = process();
  const msqid queue = new_queue(owner);
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 4), Succeeds());
  auto taking = receiver.start(receiving(queue, {.selector = msgtyp_selector::type(2)}));
  ASSERT_TRUE(taking.blocked());
  ASSERT_THAT(send_text(owner.xsi(), queue, 1, "full"), Succeeds());
  auto putting = sender.start(sending(queue, 1, "x"));
  ASSERT_TRUE(putting.blocked());
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 1u);
  EXPECT_THAT(receive_text(owner.xsi(), queue, {.room = 3}), FailsWith(E2BIG));
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 1u);
  EXPECT_THAT(receive_text(owner.xsi(), queue, {.room = 3, .when_too_long = truncation::allow}),
              SucceedsWith(message{1, "ful"}));
  EXPECT_THAT(putting.get(), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).cbytes, 1u);
  ASSERT_THAT(send_text(owner.xsi(), queue, 2, "2"), Succeeds());
  EXPECT_THAT(taking.get(), SucceedsWith(message{2, "2"}));
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 1u);
  EXPECT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, "x"}));
  EXPECT_THAT(receive_text(owner.xsi(), queue), FailsWith(ENOMSG));
}

TEST_F(MsgCtl, TheChangeTimeIsThatOfCreationAndIpcSet) {
  XSI_ASSERTION("MSGCTL-09");
  actor& owner = modest_process();
  const ipc_time earliest = now();
  const msqid queue = new_queue(owner);
  const ipc_time created = status_of(owner.xsi(), queue).ctime;
  EXPECT_GE(created, earliest);
  EXPECT_LE(created, now());
  wait_out_this_second();

  ASSERT_THAT(send_text(owner.xsi(), queue, 1, "text"), Succeeds());
  EXPECT_GT(status_of(owner.xsi(), queue).stime, created);
  EXPECT_THAT(receive_text(owner.xsi(), queue, {.room = 1}), FailsWith(E2BIG));
  ASSERT_THAT(receive_text(owner.xsi(), queue), Succeeds());
  EXPECT_GT(status_of(owner.xsi(), queue).rtime, created);
  EXPECT_THAT(limit_queue(owner.xsi(), queue, msgmnb_of(owner) + 1), FailsWith(EPERM));
  EXPECT_EQ(status_of(owner.xsi(), queue).ctime, created);

  const ipc_time before_set = now();
  ASSERT_GT(before_set, created);
  ASSERT_THAT(owner.xsi().change_queue(queue, as_it_is(owner, queue)), Succeeds());
  EXPECT_GE(status_of(owner.xsi(), queue).ctime, before_set);
  EXPECT_LE(status_of(owner.xsi(), queue).ctime, now());
}

TEST_F(MsgCtl, AFullQueueIsRemovedAsItIs) {
  XSI_ASSERTION("MSGCTL-10");
  actor& owner = process();
  actor& client = process();
  const msqid queue = new_queue(owner);
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 1000), Succeeds());
  while (send_text(client.xsi(), queue, 1, std::string(90, 'x'))) continue;
  ASSERT_EQ(status_of(owner.xsi(), queue).qnum, 11u);
  EXPECT_THAT(owner.xsi().remove_queue(queue), Succeeds());
  EXPECT_THAT(client.xsi().stat_queue(static_cast<int>(queue), lookup::id), FailsWith(EINVAL));
  EXPECT_THAT(receive_text(client.xsi(), queue), FailsWith(EINVAL));
  EXPECT_THAT(send_text(client.xsi(), queue, 1, "x"), FailsWith(EINVAL));
  EXPECT_THAT(owner.xsi().remove_queue(queue), FailsWith(EINVAL));
}

}  // namespace
}  // namespace xsipc::conformance
