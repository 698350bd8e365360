// msgsnd: what it puts on a queue, and what it refuses. How it blocks is msgsnd_blocking.
#include <limits.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(msgsnd)

namespace {

class MsgSnd : public conformance_test {};

constexpr std::size_t most_that_travels = 1 << 20;  // a longer span reaches the actor as a short buffer

// A message as C programs have it.
std::string framed(long type, std::string_view text) {
  std::string frame(sizeof type, '\0');
  std::memcpy(frame.data(), &type, sizeof type);
  return frame.append(text);
}

std::string every_byte() {
  std::string bytes;
  for (int value = 0; value <= UCHAR_MAX; ++value) bytes.push_back(static_cast<char>(value));
  return bytes;
}

// A text that claims to have `size` bytes.
message_view claiming(std::size_t size) {
  static const std::vector<std::byte> bytes(most_that_travels);
  return {1, std::span(bytes.data(), size)};
}

void* memory_in(actor& owner, shmid segment) { return owner.xsi().attach(segment, {}).value(); }

TEST_F(MsgSnd, ATypeBelowOneIsEinvalAndChangesNothing) {
  XSI_ASSERTION("MSGSND-01");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = new_queue(owner);
  ASSERT_THAT(send_text(owner.xsi(), queue, 1, "there before"), Succeeds());
  const common_status before = queue_snapshot(owner.xsi(), queue);
  for (const long type : {0L, -1L, LONG_MIN, -LONG_MAX, -5L}) {
    EXPECT_THAT(send_text(sender.xsi(), queue, type, "text"), FailsWith(EINVAL)) << type;
    EXPECT_THAT(send_text(sender.xsi(), queue, type, ""), FailsWith(EINVAL)) << type;
    EXPECT_THAT(send_text(sender.xsi(), queue, type, "text", deadline::never()), FailsWith(EINVAL)) << type;
  }
  EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
  EXPECT_THAT(send_text(sender.xsi(), queue, 1, "good"), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).lspid, sender.pid());
}

TEST_F(MsgSnd, EveryPositiveTypeArrivesUnchanged) {
  XSI_ASSERTION("MSGSND-02");
  actor& client = process();
  const msqid queue = new_queue(client);
  const std::vector<long> types = {LONG_MAX, LONG_MAX - 1, (1L << 32) + 1, 1L << 31, INT_MAX, 1};
  for (const long type : types) ASSERT_THAT(send_text(client.xsi(), queue, type, std::to_string(type)), Succeeds());
  for (auto type = types.rbegin(); type != types.rend(); ++type) {
    EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::type(*type)}),
                SucceedsWith(message{*type, std::to_string(*type)}));
  }
}

TEST_F(MsgSnd, TheLongestMessageIsMsgmaxBytes) {
  XSI_ASSERTION("MSGSND-03");
  actor& client = process();
  const msqid queue = new_queue(client);
  const std::size_t msgmax = client.xsi().limits().value().msgmax;
  const std::size_t longest = std::min({msgmax, std::size_t{status_of(client.xsi(), queue).qbytes}, most_that_travels});
  const common_status before = queue_snapshot(client.xsi(), queue);
  EXPECT_THAT(client.xsi().send(queue, claiming(msgmax + 1), deadline::immediate()), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().send(queue, claiming(msgmax + 1), deadline::never()), FailsWith(EINVAL));
  EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);

  std::string text(longest, 'a');
  text.back() = 'z';
  EXPECT_THAT(send_text(client.xsi(), queue, 1, text), Succeeds());
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = longest}), SucceedsWith(message{1, text}));
}

TEST_F(MsgSnd, MsgmaxIsTheLimitInForceEvenIfTheQueueHasNoRoom) {
  XSI_ASSERTION("MSGSND-03");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  const msqid queue = new_queue(client);
  ipc_limits limits = client.xsi().limits().value();
  for (const std::size_t msgmax : {std::size_t{10}, std::size_t{9000}, std::size_t{13}}) {
    limits.msgmax = msgmax;
    ASSERT_THAT(client.xsi().change_limits(limits), Succeeds());
    EXPECT_THAT(send_text(client.xsi(), queue, 1, std::string(msgmax + 1, 'x')), FailsWith(EINVAL));
    EXPECT_EQ(status_of(client.xsi(), queue).qnum, 0u);
    EXPECT_THAT(send_text(client.xsi(), queue, 1, std::string(msgmax, 'x')), Succeeds());
    EXPECT_THAT(receive_text(client.xsi(), queue, {.room = msgmax}),
                SucceedsWith(message{1, std::string(msgmax, 'x')}));
  }
  ASSERT_THAT(limit_queue(client.xsi(), queue, 0), Succeeds());
  EXPECT_THAT(send_text(client.xsi(), queue, 1, std::string(14, 'x')), FailsWith(EINVAL));
  EXPECT_THAT(send_text(client.xsi(), queue, 1, std::string(13, 'x')), FailsWith(EAGAIN));
}

TEST_F(MsgSnd, ASizeWithTheSignBitIsEinval) {
  XSI_ASSERTION("MSGSND-04");
  actor& client = process();
  const msqid queue = new_queue(client);
  const common_status before = queue_snapshot(client.xsi(), queue);
  constexpr std::size_t sign_bit = std::size_t{1} << 63;
  // The last two are harmless sizes to whoever looks at 32 bits only.
  for (const std::size_t size : {SIZE_MAX, sign_bit, sign_bit + 4, (std::size_t{1} << 32) + 4}) {
    EXPECT_THAT(client.xsi().send(queue, claiming(size), deadline::immediate()), FailsWith(EINVAL)) << size;
  }
  EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);
}

XSI_ROUTINE(msgsnd_size_minus_one) {
  struct {
    long type = 1;
    char text[16] = {};
  } frame;
  const int outcome = context.c->msgsnd(static_cast<int>(context.input.numbers.at(0)), &frame,
                                        static_cast<std::size_t>(-1), IPC_NOWAIT);
  return {.numbers = {outcome, errno}};
}

TEST_F(MsgSnd, ASizeOfMinusOneIsEinvalForCProgramsToo) {
  XSI_ASSERTION("MSGSND-04");
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  const msqid queue = new_queue(client);
  const auto outcome = client.run("msgsnd_size_minus_one", {.numbers = {static_cast<int>(queue)}});
  EXPECT_THAT(outcome.numbers, testing::ElementsAre(-1, EINVAL));
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 0u);
}

TEST_F(MsgSnd, AMessageMayHaveNoText) {
  XSI_ASSERTION("MSGSND-05");
  actor& client = process();
  const msqid queue = new_queue(client);
  ASSERT_THAT(send_text(client.xsi(), queue, 2, "text"), Succeeds());
  for (const long type : {6L, 7L}) ASSERT_THAT(client.xsi().send(queue, {type, {}}, deadline::immediate()), Succeeds());
  queue_status status = status_of(client.xsi(), queue);
  EXPECT_EQ(status.qnum, 3u);
  EXPECT_EQ(status.cbytes, 4u);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::type(7), .room = 0}),
              SucceedsWith(message{7, ""}));
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{2, "text"}));
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{6, ""}));
  status = status_of(client.xsi(), queue);
  EXPECT_EQ(status.qnum, 0u);
  EXPECT_EQ(status.cbytes, 0u);
}

TEST_F(MsgSnd, OnlySuccessIsRecordedAndOnlyWhereItBelongs) {
  XSI_ASSERTION("MSGSND-01", "MSGSND-06", "MSGSND-09");
  actor& owner = process();
  actor& receiver = process();
  actor& sender = process();
  const msqid queue = new_queue(owner);
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 10), Succeeds());
  for (const char* const text : {"four", "sixsix"}) ASSERT_THAT(send_text(owner.xsi(), queue, 1, text), Succeeds());
  ASSERT_THAT(receive_text(receiver.xsi(), queue), Succeeds());
  const common_status everything = queue_snapshot(owner.xsi(), queue);
  const queue_status before = status_of(owner.xsi(), queue);
  wait_out_this_second();

  EXPECT_THAT(send_text(sender.xsi(), queue, 1, "fives"), FailsWith(EAGAIN));
  EXPECT_THAT(send_text(sender.xsi(), queue, 0, "type"), FailsWith(EINVAL));
  EXPECT_EQ(queue_snapshot(owner.xsi(), queue), everything);

  const ipc_time earliest = now();
  ASSERT_GT(earliest, before.stime);
  EXPECT_THAT(send_text(sender.xsi(), queue, 1, "4444"), Succeeds());
  const queue_status after = status_of(owner.xsi(), queue);
  EXPECT_EQ(after.qnum, before.qnum + 1);
  EXPECT_EQ(after.lspid, sender.pid());
  EXPECT_GE(after.stime, earliest);
  EXPECT_LE(after.stime, now());
  EXPECT_EQ(after.lrpid, receiver.pid());
  EXPECT_EQ(after.rtime, before.rtime);
  EXPECT_EQ(after.ctime, before.ctime);
  EXPECT_EQ(after.qbytes, before.qbytes);
}

TEST_F(MsgSnd, SendingSetsTheSendersMembersAlone) {
  XSI_ASSERTION("MSGSND-06");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = new_queue(owner);
  for (const std::uint64_t number : {1u, 2u}) {
    const ipc_time earliest = now();
    ASSERT_THAT(send_text(sender.xsi(), queue, 3, "text"), Succeeds());
    const queue_status status = status_of(owner.xsi(), queue);
    EXPECT_EQ(status.qnum, number);
    EXPECT_EQ(status.lspid, sender.pid());
    EXPECT_GE(status.stime, earliest);
    EXPECT_EQ(status.lrpid, 0);
    EXPECT_EQ(status.rtime, 0);
  }
}

TEST_F(MsgSnd, TheBytesOfAQueueAreThoseOfItsTexts) {
  XSI_ASSERTION("MSGSND-07");
  actor& client = process();
  const msqid queue = new_queue(client);
  std::uint64_t bytes = 0;
  for (const std::size_t size : {1u, 3u, 8u, 0u, 13u, 1000u, 4097u}) {
    ASSERT_THAT(send_text(client.xsi(), queue, 1, std::string(size, 'x')), Succeeds());
    bytes += size;
    EXPECT_EQ(status_of(client.xsi(), queue).cbytes, bytes);
  }
}

TEST_F(MsgSnd, TheTextIsCopiedAtTheCall) {
  XSI_ASSERTION("MSGSND-08");
  actor& client = process();
  const msqid queue = new_queue(client);
  void* const frame = memory_in(client, new_segment(client));
  ASSERT_TRUE(client.poke(frame, framed(4, "as it was")));
  ASSERT_THAT(client.xsi().send(queue, message_view::framed(frame, 9), deadline::immediate()), Succeeds());
  ASSERT_TRUE(client.poke(frame, framed(5, "different")));
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{4, "as it was"}));
  EXPECT_EQ(client.peek(frame, sizeof(long) + 9), framed(5, "different"));
}

TEST_F(MsgSnd, EveryByteOfTheTextIsKept) {
  XSI_ASSERTION("MSGSND-08", "MSGSND-32");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  const std::string zeros(5, '\0');
  for (const std::string& text : {every_byte(), zeros, "a" + zeros + "b" + zeros, framed(-1, framed(LONG_MIN, ""))}) {
    ASSERT_THAT(send_text(sender.xsi(), queue, 1, text), Succeeds());
    EXPECT_EQ(status_of(sender.xsi(), queue).cbytes, text.size());
    EXPECT_THAT(receive_text(receiver.xsi(), queue), SucceedsWith(message{1, text}));
  }
}

TEST_F(MsgSnd, TheSizeCountsTheTextAlone) {
  XSI_ASSERTION("MSGSND-32");
  actor& client = process();
  const msqid queue = new_queue(client);
  ASSERT_THAT(limit_queue(client.xsi(), queue, 8), Succeeds());
  void* const frame = memory_in(client, new_segment(client));
  ASSERT_TRUE(client.poke(frame, framed(4, "12345678and what nobody sends")));
  EXPECT_THAT(client.xsi().send(queue, message_view::framed(frame, 9), deadline::immediate()), FailsWith(EAGAIN));
  ASSERT_THAT(client.xsi().send(queue, message_view::framed(frame, 8), deadline::immediate()), Succeeds());
  EXPECT_EQ(status_of(client.xsi(), queue).cbytes, 8u);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 7}), FailsWith(E2BIG));
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 8}), SucceedsWith(message{4, "12345678"}));
}

TEST_F(MsgSnd, WithoutRoomItIsEagainAndNothingChanges) {
  XSI_ASSERTION("MSGSND-09", "MSGSND-10");
  actor& owner = process();
  actor& sender = process();
  const msqid queue = new_queue(owner);
  ASSERT_THAT(limit_queue(owner.xsi(), queue, 10), Succeeds());
  ASSERT_THAT(send_text(owner.xsi(), queue, 1, "sixsix"), Succeeds());
  common_status before = queue_snapshot(owner.xsi(), queue);
  EXPECT_THAT(send_text(sender.xsi(), queue, 1, "fives"), FailsWith(EAGAIN));
  EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);

  EXPECT_THAT(send_text(owner.xsi(), queue, 2, "four"), Succeeds());
  before = queue_snapshot(owner.xsi(), queue);
  EXPECT_THAT(send_text(sender.xsi(), queue, 1, "x"), FailsWith(EAGAIN));
  EXPECT_EQ(queue_snapshot(owner.xsi(), queue), before);
  EXPECT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, "sixsix"}));
  EXPECT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{2, "four"}));
  EXPECT_THAT(receive_text(owner.xsi(), queue), FailsWith(ENOMSG));
}

TEST_F(MsgSnd, OneMessageMayTakeExactlyAllBytes) {
  XSI_ASSERTION("MSGSND-10");
  actor& client = process();
  const msqid queue = new_queue(client);
  ASSERT_THAT(limit_queue(client.xsi(), queue, 10), Succeeds());
  EXPECT_THAT(send_text(client.xsi(), queue, 1, "eleven byte"), FailsWith(EAGAIN));
  EXPECT_THAT(send_text(client.xsi(), queue, 1, "ten bytes!"), Succeeds());
  EXPECT_THAT(send_text(client.xsi(), queue, 1, "x"), FailsWith(EAGAIN));
  EXPECT_THAT(send_text(client.xsi(), queue, 1, ""), Succeeds());
  EXPECT_EQ(status_of(client.xsi(), queue).cbytes, 10u);
}

TEST_F(MsgSnd, AsManyMessagesAsBytesAtMost) {
  XSI_ASSERTION("MSGSND-20");
  actor& client = process();
  const msqid queue = new_queue(client);
  ASSERT_THAT(limit_queue(client.xsi(), queue, 3), Succeeds());
  for (int i = 0; i < 2; ++i) {
    for (const char* const text : {"", "x", ""}) ASSERT_THAT(send_text(client.xsi(), queue, 1, text), Succeeds());
    const common_status before = queue_snapshot(client.xsi(), queue);
    EXPECT_THAT(send_text(client.xsi(), queue, 1, ""), FailsWith(EAGAIN));
    EXPECT_THAT(send_text(client.xsi(), queue, 1, "x"), FailsWith(EAGAIN));
    EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);
    for (int taken = 0; taken < 3; ++taken) ASSERT_THAT(receive_text(client.xsi(), queue), Succeeds());
  }
}

TEST_F(MsgSnd, AQueueOfNoBytesTakesNothing) {
  XSI_ASSERTION("MSGSND-21");
  actor& client = process();
  actor& receiver = process();
  const msqid queue = new_queue(client);
  ASSERT_THAT(limit_queue(client.xsi(), queue, 0), Succeeds());
  EXPECT_THAT(send_text(client.xsi(), queue, 1, ""), FailsWith(EAGAIN));
  EXPECT_THAT(send_text(client.xsi(), queue, 1, "x"), FailsWith(EAGAIN));
  auto waiting = receiver.start(receiving(queue));
  ASSERT_TRUE(waiting.blocked());
  EXPECT_THAT(send_text(client.xsi(), queue, 1, ""), FailsWith(EAGAIN));
  EXPECT_TRUE(waiting.blocked());
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 0u);
}

TEST_F(MsgSnd, LongerThanTheQueueButNotThanMsgmaxIsEagain) {
  XSI_ASSERTION("MSGSND-22");
  actor& client = process();
  const msqid queue = new_queue(client);
  const ipc_limits limits = client.xsi().limits().value();
  ASSERT_GT(limits.msgmax, 10u);
  ASSERT_THAT(limit_queue(client.xsi(), queue, 10), Succeeds());
  const std::size_t longest = std::min<std::size_t>(limits.msgmax, most_that_travels);
  EXPECT_THAT(send_text(client.xsi(), queue, 1, std::string(11, 'x')), FailsWith(EAGAIN));
  EXPECT_THAT(send_text(client.xsi(), queue, 1, std::string(longest, 'x')), FailsWith(EAGAIN));
  EXPECT_THAT(client.xsi().send(queue, claiming(limits.msgmax + 1), deadline::immediate()), FailsWith(EINVAL));
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 0u);
}

TEST_F(MsgSnd, OneSendersMessagesKeepTheirOrder) {
  XSI_ASSERTION("MSGSND-25");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  std::vector<message> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back({1 + (i * 7) % 4, std::string(static_cast<std::size_t>(i * 5) % 11, '.') + std::to_string(i)});
  }
  for (const message& each : sent) ASSERT_THAT(send_text(sender.xsi(), queue, each.type, each.text), Succeeds());
  for (const message& each : sent) EXPECT_THAT(receive_text(receiver.xsi(), queue), SucceedsWith(each));
  for (const message& each : sent) ASSERT_THAT(send_text(sender.xsi(), queue, each.type, each.text), Succeeds());
  for (const long type : {3L, 1L, 4L, 2L}) {
    for (const message& each : sent) {
      if (each.type != type) continue;
      EXPECT_THAT(receive_text(receiver.xsi(), queue, {.selector = msgtyp_selector::type(type)}), SucceedsWith(each));
    }
  }
}

// Sends from where nothing can be read: no pointer at all, a type out of reach, a text that begins in reach.
XSI_ROUTINE(send_from_nowhere) {
  const auto queue = static_cast<msqid>(context.input.numbers.at(0));
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  auto* const memory =
      static_cast<std::byte*>(::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED || ::mprotect(memory + page, page, PROT_NONE) != 0) return {};
  std::byte* const at_the_edge = memory + page - sizeof(long) - 4;
  const long type = 1;
  std::memcpy(at_the_edge, &type, sizeof type);
  routine_result codes;
  const auto send = [&](const void* frame, std::size_t size) {
    const auto outcome = context.xsi.send(queue, message_view::framed(frame, size), deadline::immediate());
    codes.numbers.push_back(outcome ? 0 : outcome.error().code);
  };
  send(nullptr, 4);
  send(memory + page, 4);
  send(memory + page, 0);
  send(at_the_edge, 5);
  send(at_the_edge, 4);
  ::munmap(memory, 2 * page);
  return codes;
}

TEST_F(MsgSnd, APointerIntoNowhereIsEfault) {
  XSI_ASSERTION("MSGSND-26");
  XSI_NEEDS(capability::bad_address);
  actor& client = process();
  const msqid queue = new_queue(client);
  const auto codes = client.run("send_from_nowhere", {.numbers = {static_cast<int>(queue)}});
  EXPECT_THAT(codes.numbers, testing::ElementsAre(EFAULT, EFAULT, EFAULT, EFAULT, 0));
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 1u);
  EXPECT_EQ(status_of(client.xsi(), queue).cbytes, 4u);
}

TEST_F(MsgSnd, BadArgumentsComeBeforeAMissingPermission) {
  XSI_ASSERTION("MSGSND-27");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice});
  actor& stranger = process({.uid = bob});
  const msqid queue = new_queue(owner, 0600);
  const std::size_t msgmax = stranger.xsi().limits().value().msgmax;
  EXPECT_THAT(send_text(stranger.xsi(), queue, 1, "text"), FailsWith(EACCES));
  EXPECT_THAT(send_text(stranger.xsi(), queue, 0, "text"), FailsWith(EINVAL));
  EXPECT_THAT(send_text(stranger.xsi(), queue, -1, "text"), FailsWith(EINVAL));
  EXPECT_THAT(stranger.xsi().send(queue, claiming(msgmax + 1), deadline::immediate()), FailsWith(EINVAL));
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 0u);
}

// Sends a message without text once for each bit of the flag word, beside `numbers[1]`.
XSI_ROUTINE(msgsnd_with_each_flag) {
  const long frame[2] = {1, 0};
  routine_result codes;
  for (unsigned bit = 0; bit < 32; ++bit) {
    const auto flags = static_cast<int>(1U << bit) | IPC_NOWAIT;
    const int outcome = context.c->msgsnd(static_cast<int>(context.input.numbers.at(0)), frame, 0, flags);
    codes.numbers.push_back(outcome == 0 ? 0 : errno);
  }
  return codes;
}

XSI_ROUTINE(msgsnd_with_all_flags_but_nowait) {
  const long frame[2] = {2, 0};
  const int outcome = context.c->msgsnd(static_cast<int>(context.input.numbers.at(0)), frame, 0, ~IPC_NOWAIT);
  return {.numbers = {outcome}};
}

TEST_F(MsgSnd, UnknownFlagBitsAreIgnored) {
  XSI_ASSERTION("MSGSND-31");
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  actor& observer = process();
  const msqid queue = new_queue(client);
  const routine_input of_the_queue{.numbers = {static_cast<int>(queue)}};
  ASSERT_THAT(limit_queue(client.xsi(), queue, 32), Succeeds());
  EXPECT_THAT(client.run("msgsnd_with_each_flag", of_the_queue).numbers, testing::Each(0));
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 32u);
  EXPECT_THAT(client.run("msgsnd_with_each_flag", of_the_queue).numbers, testing::Each(EAGAIN));

  auto waiting = client.start_run("msgsnd_with_all_flags_but_nowait", of_the_queue);
  ASSERT_TRUE(waiting.blocked());
  ASSERT_THAT(receive_text(observer.xsi(), queue), SucceedsWith(message{1, ""}));
  EXPECT_THAT(waiting.get().numbers, testing::ElementsAre(0));
  EXPECT_EQ(status_of(observer.xsi(), queue).qnum, 32u);
}

TEST_F(MsgSnd, TheLastSenderIsAProcessNotAThread) {
  XSI_ASSERTION("MSGSND-33");
  actor& parent = process();
  const msqid queue = new_queue(parent);
  ASSERT_THAT(send_text(parent.begin_thread().xsi(), queue, 1, "thread"), Succeeds());
  EXPECT_EQ(status_of(parent.xsi(), queue).lspid, parent.pid());
  actor& child = parent.fork();
  ASSERT_THAT(send_text(child.begin_thread().xsi(), queue, 1, "child's thread"), Succeeds());
  EXPECT_EQ(status_of(parent.xsi(), queue).lspid, child.pid());
  EXPECT_NE(child.pid(), parent.pid());
}

}  // namespace
}  // namespace xsipc::conformance
