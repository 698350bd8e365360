// msgrcv: which message it takes and what it leaves. How it blocks is msgrcv_blocking.
#include <limits.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(msgrcv)

namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;

class MsgRcv : public conformance_test {};

constexpr std::size_t frame_text_bytes = 24;
constexpr char untouched = '#';

// Receives into a struct of type and text, full of `untouched` before. In: id, msgtyp, msgsz, truncation. Out: errno or
// 0, the size and the type of the result, the type in the struct; as bytes the text in the struct.
XSI_ROUTINE(msgrcv_into_a_frame) {
  const auto& in = context.input.numbers;
  struct {
    long type = -1;
    char text[frame_text_bytes];
  } frame;
  std::memset(frame.text, untouched, sizeof frame.text);
  const auto got = context.xsi.receive(static_cast<msqid>(in[0]), {static_cast<long>(in[1])},
                                       message_buffer::framed(&frame, static_cast<std::size_t>(in[2])),
                                       static_cast<truncation>(in[3]), deadline::immediate());
  routine_result out{{got ? 0 : got.error().code, 0, 0, frame.type}, std::string(frame.text, sizeof frame.text)};
  if (got) out.numbers[1] = static_cast<std::int64_t>(got->size_bytes);
  if (got) out.numbers[2] = got->type;
  return out;
}

routine_input into_a_frame(msqid queue, long msgtyp, std::size_t msgsz, truncation when_too_long = truncation::refuse) {
  return {.numbers = {static_cast<int>(queue), msgtyp, static_cast<std::int64_t>(msgsz),
                      static_cast<std::int64_t>(when_too_long)}};
}

// What the routine tells of `got` in its frame.
void expect_framed(const routine_result& result, const message& got) {
  const auto size = static_cast<std::int64_t>(got.text.size());
  EXPECT_THAT(result.numbers, testing::ElementsAre(0, size, got.type, got.type));
  EXPECT_EQ(result.bytes, got.text + std::string(frame_text_bytes - got.text.size(), untouched));
}

TEST_F(MsgRcv, AnyTakesTheOldestWhateverItsType) {
  XSI_ASSERTION("MSGRCV-01");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{9, "first"}, {1, "second"}, {LONG_MAX, "third"}, {1, "fourth"}});
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{9, "first"}));
  expect_messages_left(client.xsi(), queue, {{1, "second"}, {LONG_MAX, "third"}, {1, "fourth"}});
}

TEST_F(MsgRcv, ATypeTakesTheOldestOfExactlyThatType) {
  XSI_ASSERTION("MSGRCV-02");
  actor& client = process();
  const msqid queue = new_queue(client);
  constexpr long wide_3 = 3 + (1L << 32);
  send_messages(client.xsi(), queue,
                {{5, "a"}, {2, "b"}, {3, "c"}, {wide_3, "d"}, {5, "e"}, {3, "f"}, {4, "g"}, {wide_3, "h"}});
  const receive_options threes = {.selector = msgtyp_selector::type(3)};
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::type(wide_3)}),
              SucceedsWith(message{wide_3, "d"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, threes), SucceedsWith(message{3, "c"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, threes), SucceedsWith(message{3, "f"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, threes), FailsWith(ENOMSG));
  expect_messages_left(client.xsi(), queue, {{5, "a"}, {2, "b"}, {5, "e"}, {4, "g"}, {wide_3, "h"}});
}

TEST_F(MsgRcv, ANegativeTypeTakesTheLowestNotTheFirstThatIsLowEnough) {
  XSI_ASSERTION("MSGRCV-03");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{7, "seven"}, {4, "four"}, {9, "nine"}, {2, "two"}, {8, "eight"}});
  const receive_options up_to_8 = {.selector = msgtyp_selector::lowest_up_to(8)};
  EXPECT_THAT(receive_text(client.xsi(), queue, up_to_8), SucceedsWith(message{2, "two"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, up_to_8), SucceedsWith(message{4, "four"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, up_to_8), SucceedsWith(message{7, "seven"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, up_to_8), SucceedsWith(message{8, "eight"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, up_to_8), FailsWith(ENOMSG));
  expect_messages_left(client.xsi(), queue, {{9, "nine"}});
}

TEST_F(MsgRcv, OfSeveralOfTheLowestTypeTheOldest) {
  XSI_ASSERTION("MSGRCV-04");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{5, "five"}, {3, "first"}, {4, "four"}, {3, "second"}, {3, "third"}});
  const receive_options up_to_5 = {.selector = msgtyp_selector::lowest_up_to(5)};
  for (const char* const text : {"first", "second", "third"}) {
    EXPECT_THAT(receive_text(client.xsi(), queue, up_to_5), SucceedsWith(message{3, text}));
  }
  expect_messages_left(client.xsi(), queue, {{5, "five"}, {4, "four"}});
}

TEST_F(MsgRcv, WithNothingLowEnoughIsEnomsg) {
  XSI_ASSERTION("MSGRCV-05");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{6, "six"}, {5, "five"}, {LONG_MAX, "most"}});
  const common_status before = queue_snapshot(client.xsi(), queue);
  for (const long highest : {1L, 4L}) {
    EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::lowest_up_to(highest)}),
                FailsWith(ENOMSG));
  }
  EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);
  expect_messages_left(client.xsi(), queue, {{6, "six"}, {5, "five"}, {LONG_MAX, "most"}});
}

TEST_F(MsgRcv, TheMostNegativeTypeTakesAnyLowestFirst) {
  XSI_ASSERTION("MSGRCV-06");
  actor& client = process();
  const msqid queue = new_queue(client);
  for (const long msgtyp : {LONG_MIN, -LONG_MAX}) {
    send_messages(client.xsi(), queue, {{LONG_MAX, "most"}, {7, "seven"}, {3, "three"}});
    const receive_options all = {.selector = {msgtyp}};
    EXPECT_THAT(receive_text(client.xsi(), queue, all), SucceedsWith(message{3, "three"}));
    EXPECT_THAT(receive_text(client.xsi(), queue, all), SucceedsWith(message{7, "seven"}));
    EXPECT_THAT(receive_text(client.xsi(), queue, all), SucceedsWith(message{LONG_MAX, "most"}));
    EXPECT_THAT(receive_text(client.xsi(), queue, all), FailsWith(ENOMSG));
  }
}

TEST_F(MsgRcv, TooLongWithoutNoerrorIsE2bigAndKeepsTheMessage) {
  XSI_ASSERTION("MSGRCV-07");
  actor& client = process();
  const msqid queue = new_queue(client);
  const std::vector<message> all = {{5, "ten bytes!"}, {6, "six"}, {5, "ten again!"}, {4, "four"}};
  send_messages(client.xsi(), queue, all);
  const common_status before = queue_snapshot(client.xsi(), queue);
  for (const auto selector : {msgtyp_selector::any(), msgtyp_selector::type(5)}) {
    for (const std::size_t room : {1U, 4U, 9U}) {
      EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = selector, .room = room}), FailsWith(E2BIG));
    }
  }
  EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 10}), SucceedsWith(all.front()));
  expect_messages_left(client.xsi(), queue, {all.begin() + 1, all.end()});
}

TEST_F(MsgRcv, TheLowestTypeIsTooLongEvenIfTheNextWouldFit) {
  XSI_ASSERTION("MSGRCV-42");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{3, "x"}, {2, "too long"}, {2, "y"}});
  const common_status before = queue_snapshot(client.xsi(), queue);
  const auto up_to_5 = msgtyp_selector::lowest_up_to(5);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = up_to_5, .room = 4}), FailsWith(E2BIG));
  EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = up_to_5}), SucceedsWith(message{2, "too long"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = up_to_5, .room = 4}), SucceedsWith(message{2, "y"}));
}

TEST_F(MsgRcv, NoerrorCutsTheTextToTheBuffer) {
  XSI_ASSERTION("MSGRCV-08");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{5, "ten bytes!"}, {5, "ten more.."}, {6, "after"}});
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 4, .when_too_long = truncation::allow}),
              SucceedsWith(message{5, "ten "}));
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 2u);
  expect_framed(client.run("msgrcv_into_a_frame", into_a_frame(queue, 0, 9, truncation::allow)), {5, "ten more."});
  expect_messages_left(client.xsi(), queue, {{6, "after"}});
}

TEST_F(MsgRcv, NoerrorLeavesAloneWhatFits) {
  XSI_ASSERTION("MSGRCV-08", "MSGRCV-14");
  actor& client = process();
  const msqid queue = new_queue(client);
  const receive_options cutting = {.room = 4, .when_too_long = truncation::allow};
  EXPECT_THAT(receive_text(client.xsi(), queue, cutting), FailsWith(ENOMSG));
  send_messages(client.xsi(), queue, {{5, "four"}, {6, "two"}});
  EXPECT_THAT(receive_text(client.xsi(), queue, cutting), SucceedsWith(message{5, "four"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, cutting), SucceedsWith(message{6, "two"}));
}

TEST_F(MsgRcv, ACutMessageFreesAllItsBytes) {
  XSI_ASSERTION("MSGRCV-09");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{5, "ten bytes!"}, {5, "ten again!"}, {6, "six"}});
  ASSERT_EQ(status_of(client.xsi(), queue).cbytes, 23u);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 4, .when_too_long = truncation::allow}), Succeeds());
  EXPECT_EQ(status_of(client.xsi(), queue).cbytes, 13u);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 0, .when_too_long = truncation::allow}), Succeeds());
  EXPECT_EQ(status_of(client.xsi(), queue).cbytes, 3u);
}

TEST_F(MsgRcv, ReturnsSizeAndTypeAndTouchesNothingBehindThem) {
  XSI_ASSERTION("MSGRCV-10");
  actor& client = process();
  const msqid queue = new_queue(client);
  std::string bytes;
  for (int value = 0; value <= UCHAR_MAX; ++value) bytes.push_back(static_cast<char>(value));
  send_messages(client.xsi(), queue, {{77, "hello"}, {LONG_MAX, bytes}, {1, std::string("a\0b", 3)}, {78, "framed"}});
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 100}), SucceedsWith(message{77, "hello"}));
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = bytes.size()}), SucceedsWith(message{LONG_MAX, bytes}));
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{1, std::string("a\0b", 3)}));
  expect_framed(client.run("msgrcv_into_a_frame", into_a_frame(queue, 0, frame_text_bytes)), {78, "framed"});
}

TEST_F(MsgRcv, ABufferMayBeLargerThanAnyMessage) {
  XSI_ASSERTION("MSGRCV-10");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{2, "small"}});
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 1 << 20}), SucceedsWith(message{2, "small"}));
}

TEST_F(MsgRcv, AMessageWithoutTextHasATypeAndTheSizeZero) {
  XSI_ASSERTION("MSGRCV-11");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{3, ""}, {4, "text"}, {LONG_MAX, ""}, {5, ""}});
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{3, ""}));
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 3u);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::type(LONG_MAX)}),
              SucceedsWith(message{LONG_MAX, ""}));
  expect_framed(client.run("msgrcv_into_a_frame", into_a_frame(queue, 5, frame_text_bytes)), {5, ""});
  expect_messages_left(client.xsi(), queue, {{4, "text"}});
}

TEST_F(MsgRcv, WithoutRoomOnlyAMessageWithoutTextFits) {
  XSI_ASSERTION("MSGRCV-12");
  actor& client = process();
  const msqid queue = new_queue(client);
  send_messages(client.xsi(), queue, {{3, "x"}, {4, ""}, {5, "long text"}, {6, "last"}});
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 0}), FailsWith(E2BIG));
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 4u);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 0, .when_too_long = truncation::allow}),
              SucceedsWith(message{3, ""}));
  EXPECT_EQ(status_of(client.xsi(), queue).qnum, 3u);
  EXPECT_THAT(receive_text(client.xsi(), queue, {.room = 0}), SucceedsWith(message{4, ""}));
  expect_framed(client.run("msgrcv_into_a_frame", into_a_frame(queue, 0, 0, truncation::allow)), {5, ""});
  expect_messages_left(client.xsi(), queue, {{6, "last"}});
}

// The rules on times share this test because it lets a second pass.
TEST_F(MsgRcv, OnlyASuccessMovesTheReceiversFieldsAndNoOthers) {
  XSI_ASSERTION("MSGRCV-13", "MSGRCV-15");
  actor& sender = process();
  actor& receiver = process();
  actor& failing = process();
  const msqid queue = new_queue(sender);
  send_messages(sender.xsi(), queue, {{5, "ten bytes!"}, {6, "six"}, {7, "seven"}});
  const queue_status sent = status_of(sender.xsi(), queue);
  ASSERT_EQ(sent.lrpid, 0);
  ASSERT_EQ(sent.rtime, 0);
  ASSERT_THAT(receive_text(receiver.xsi(), queue, {.selector = msgtyp_selector::type(6)}), Succeeds());
  const queue_status first = status_of(sender.xsi(), queue);
  const common_status all_of_first = queue_snapshot(sender.xsi(), queue);
  EXPECT_THAT(first.rtime, AllOf(Ge(sent.stime), Le(now() + 1)));
  EXPECT_EQ(first.lrpid, receiver.pid());
  EXPECT_EQ(first.qnum, 2u);
  EXPECT_EQ(first.cbytes, 15u);

  wait_out_this_second();
  EXPECT_THAT(receive_text(failing.xsi(), queue, {.selector = msgtyp_selector::type(6)}), FailsWith(ENOMSG));
  EXPECT_THAT(receive_text(failing.xsi(), queue, {.selector = msgtyp_selector::lowest_up_to(4)}), FailsWith(ENOMSG));
  EXPECT_THAT(receive_text(failing.xsi(), queue, {.room = 9}), FailsWith(E2BIG));
  EXPECT_EQ(queue_snapshot(sender.xsi(), queue), all_of_first);

  const ipc_time before = now();
  ASSERT_THAT(receive_text(sender.xsi(), queue), SucceedsWith(message{5, "ten bytes!"}));
  const queue_status second = status_of(receiver.xsi(), queue);
  EXPECT_THAT(second.rtime, AllOf(Ge(before), Le(now() + 1)));
  EXPECT_EQ(second.lrpid, sender.pid());
  EXPECT_EQ(second.qnum, 1u);
  EXPECT_EQ(second.cbytes, 5u);
  EXPECT_EQ(second.qbytes, sent.qbytes);
  EXPECT_EQ(second.stime, sent.stime);
  EXPECT_EQ(second.lspid, sent.lspid);
  EXPECT_EQ(second.ctime, sent.ctime);
  EXPECT_EQ(second.perm.mode, sent.perm.mode);
}

TEST_F(MsgRcv, WithoutAMatchIsEnomsg) {
  XSI_ASSERTION("MSGRCV-14");
  actor& client = process();
  const msqid queue = new_queue(client);
  const auto selectors = {msgtyp_selector::any(), msgtyp_selector::type(3), msgtyp_selector::lowest_up_to(3),
                          msgtyp_selector{LONG_MIN}};
  for (const auto selector : selectors) {
    EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = selector}), FailsWith(ENOMSG));
    EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = selector, .room = 0}), FailsWith(ENOMSG));
  }
  send_messages(client.xsi(), queue, {{4, "four"}});
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::type(3)}), FailsWith(ENOMSG));
  EXPECT_THAT(receive_text(client.xsi(), queue, {.selector = msgtyp_selector::type(3), .room = 0}), FailsWith(ENOMSG));
  expect_messages_left(client.xsi(), queue, {{4, "four"}});
}

TEST_F(MsgRcv, WithoutPermissionChangesNothing) {
  XSI_ASSERTION("MSGRCV-15");
  actor& owner = process(unprivileged());
  actor& receiver = process(unprivileged());
  const msqid queue = new_queue(owner);
  send_messages(owner.xsi(), queue, {{1, "text"}});
  const queue_status before = status_of(owner.xsi(), queue);
  const auto grant = [&](ipc_mode mode) {
    return owner.xsi().change_queue(queue, {{before.perm.uid, before.perm.gid, mode}, before.qbytes});
  };
  const auto fields = queue_snapshot(owner.xsi(), queue).rest;
  ASSERT_THAT(grant(0266), Succeeds());
  EXPECT_THAT(receive_text(receiver.xsi(), queue), FailsWith(EACCES));
  EXPECT_THAT(receive_text(receiver.xsi(), queue, {.room = 0}), FailsWith(EACCES));
  EXPECT_THAT(receive_text(receiver.xsi(), queue, {.until = deadline::never()}), FailsWith(EACCES));
  ASSERT_THAT(grant(0600), Succeeds());
  EXPECT_EQ(queue_snapshot(owner.xsi(), queue).rest, fields);
  expect_messages_left(receiver.xsi(), queue, {{1, "text"}});
}

TEST_F(MsgRcv, ASizeWithTheSignBitIsEinval) {
  XSI_ASSERTION("MSGRCV-34");
  actor& client = process();
  const msqid queue = new_queue(client);
  constexpr std::size_t sign_bit = std::size_t{1} << 63;
  std::byte few[16];
  const auto receive = [&](std::size_t msgsz, truncation when_too_long) {
    return client.xsi().receive(queue, msgtyp_selector::any(), std::span(few, msgsz), when_too_long,
                                deadline::immediate());
  };
  for (const bool empty : {true, false}) {
    if (!empty) send_messages(client.xsi(), queue, {{1, "text"}});
    const common_status before = queue_snapshot(client.xsi(), queue);
    for (const std::size_t msgsz : {SIZE_MAX, sign_bit, sign_bit + 8}) {
      EXPECT_THAT(receive(msgsz, truncation::refuse), FailsWith(EINVAL)) << msgsz;
      EXPECT_THAT(receive(msgsz, truncation::allow), FailsWith(EINVAL)) << msgsz;
      EXPECT_EQ(client.run("msgrcv_into_a_frame", into_a_frame(queue, 0, msgsz)).numbers.at(0), EINVAL) << msgsz;
    }
    EXPECT_EQ(queue_snapshot(client.xsi(), queue), before);
  }
  expect_messages_left(client.xsi(), queue, {{1, "text"}});
}

// A message of type and serial number, and a text that both determine: type, serial number, then any number of bytes.
struct stamped {
  long type;
  long serial;

  [[nodiscard]] std::string text() const {
    std::string bytes(sizeof *this + static_cast<std::size_t>(serial) % 180, '\0');
    std::memcpy(bytes.data(), this, sizeof *this);
    for (std::size_t i = sizeof *this; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>(type * 7 + serial * 31 + static_cast<long>(i));
    }
    return bytes;
  }
  // To be added up: equal sums mean, with good reason, equal sets.
  [[nodiscard]] std::uint64_t mark() const {
    auto mixed = static_cast<std::uint64_t>(type * 1'000'003 + serial);
    mixed = (mixed ^ mixed >> 31) * 0x9e3779b97f4a7c15U;
    return mixed ^ mixed >> 29;
  }
};

// Sends messages 0 to count - 1 of one type, by two ways. In: id, type, count.
XSI_ROUTINE(msgrcv_send_stamped) {
  const auto& in = context.input.numbers;
  for (long serial = 0; serial < in[2]; ++serial) {
    const std::string text = stamped{in[1], serial}.text();
    std::string frame(reinterpret_cast<const char*>(&in[1]), sizeof(long));
    frame += text;
    const auto message = serial % 2 == 0 ? message_view(in[1], std::as_bytes(std::span(text)))
                                         : message_view::framed(frame.data(), text.size());
    context.xsi.send(static_cast<msqid>(in[0]), message, deadline::never()).value();
  }
  return {};
}

// Receives `count` messages by one selector. In: id, msgtyp, count. Out: bad messages, the sum of the marks.
XSI_ROUTINE(msgrcv_receive_stamped) {
  const auto& in = context.input.numbers;
  std::int64_t bad = 0;
  std::uint64_t sum = 0;
  for (long i = 0; i < in[2]; ++i) {
    const auto got = receive_text(context.xsi, static_cast<msqid>(in[0]),
                                  {.selector = {static_cast<long>(in[1])}, .until = deadline::never()})
                         .value();
    stamped stamp{};
    std::memcpy(&stamp, got.text.data(), std::min(sizeof stamp, got.text.size()));
    if (stamp.type != got.type || stamp.serial < 0 || stamp.text() != got.text) ++bad;
    sum += stamp.mark();
  }
  return {.numbers = {bad, static_cast<std::int64_t>(sum)}};
}

TEST_F(MsgRcv, AMessageIsNeverAMixOfTwo) {
  XSI_ASSERTION("MSGRCV-41");
  actor& first = process();
  actor& second = process();
  actor_thread* const senders[] = {&first, &first.begin_thread(), &second, &second.begin_thread()};
  actor& third = process();
  actor_thread* const receivers[] = {&third, &third.begin_thread(), &process()};
  const msqid queue = new_queue(first);
  constexpr long each_sends = 1500;
  std::uint64_t expected = 0;
  std::vector<pending<routine_result>> sending;
  std::vector<pending<routine_result>> receiving;
  for (actor_thread* const each : receivers) {
    const long msgtyp = each == receivers[0] ? 0 : LONG_MIN;
    receiving.push_back(
        each->start_run("msgrcv_receive_stamped", {.numbers = {static_cast<int>(queue), msgtyp, each_sends * 4 / 3}}));
  }
  for (long type = 1; type <= 4; ++type) {
    sending.push_back(
        senders[type - 1]->start_run("msgrcv_send_stamped", {.numbers = {static_cast<int>(queue), type, each_sends}}));
    for (long serial = 0; serial < each_sends; ++serial) expected += stamped{type, serial}.mark();
  }
  for (auto& call : sending) static_cast<void>(call.get());
  std::uint64_t sum = 0;
  for (auto& call : receiving) {
    const routine_result result = call.get();
    EXPECT_EQ(result.numbers.at(0), 0);
    sum += static_cast<std::uint64_t>(result.numbers.at(1));
  }
  EXPECT_EQ(sum, expected);
  expect_messages_left(first.xsi(), queue, {});
}

}  // namespace
}  // namespace xsipc::conformance
