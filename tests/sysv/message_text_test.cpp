// Texts on their way through the backend: framed and apart, short, and longer than its stack frame.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"
#include "support/threads.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::changed_limits;
using test_support::FailsWith;
using test_support::into;
using test_support::posix_thread;
using test_support::Succeeds;

constexpr std::byte untouched{0xee};

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> text(size);
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<std::byte>(i * 7 + i / 251);
  return text;
}

// A frame of the caller's own: the type, the text, and some bytes that nobody may write.
class own_frame {
 public:
  explicit own_frame(std::size_t text_bytes) : memory_(sizeof(long) + text_bytes + 16, untouched) {}
  own_frame(long type, const std::vector<std::byte>& text) : own_frame(text.size()) {
    std::memcpy(memory_.data(), &type, sizeof type);
    if (!text.empty()) std::memcpy(memory_.data() + sizeof type, text.data(), text.size());
  }
  [[nodiscard]] std::byte* data() { return memory_.data(); }
  [[nodiscard]] long type() const {
    long type = 0;
    std::memcpy(&type, memory_.data(), sizeof type);
    return type;
  }
  [[nodiscard]] std::vector<std::byte> text(std::size_t size) const {
    const auto begin = memory_.begin() + sizeof(long);
    return {begin, begin + static_cast<std::ptrdiff_t>(size)};
  }
  [[nodiscard]] bool untouched_from(std::size_t text_offset) const {
    for (std::size_t i = sizeof(long) + text_offset; i < memory_.size(); ++i) {
      if (memory_[i] != untouched) return false;
    }
    return true;
  }

 private:
  std::vector<std::byte> memory_;
};

class message_text_test : public test_support::sysv_test {
 protected:
  // Sends `size` bytes in both layouts and receives each in both, with `spare` bytes more room than needed.
  void expect_to_arrive(std::size_t size, std::size_t spare) {
    SCOPED_TRACE(size);
    const auto text = pattern(size);
    own_frame framed(5, text);
    auto queue = new_queue();
    for (const bool receive_framed : {false, true}) {
      ASSERT_THAT(on().send(queue.id(), {5, text}, at_once), Succeeds());
      receive_one(queue, text, spare, receive_framed);
      ASSERT_THAT(on().send(queue.id(), message_view::framed(framed.data(), size), at_once), Succeeds());
      receive_one(queue, text, spare, receive_framed);
    }
  }

 private:
  void receive_one(const message_queue& queue, const std::vector<std::byte>& text, std::size_t spare, bool framed) {
    own_frame room(text.size() + spare);
    const std::span apart(room.data() + sizeof(long), text.size() + spare);
    const message_buffer place = framed ? message_buffer::framed(room.data(), apart.size()) : message_buffer(apart);
    const auto got = on().receive(queue.id(), {}, place, truncation::refuse, at_once);
    ASSERT_THAT(got, Succeeds());
    EXPECT_EQ(got->type, 5);
    EXPECT_EQ(got->size_bytes, text.size());
    EXPECT_EQ(room.text(text.size()), text);
    EXPECT_TRUE(room.untouched_from(text.size()));
    if (framed) {
      EXPECT_EQ(room.type(), 5);
    }
  }
};

TEST_F(message_text_test, TextsUpToTheUsualMsgmaxArriveWhole) {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 64U, 4095U, 4096U, 8191U, 8192U}) {
    expect_to_arrive(size, 0);
    expect_to_arrive(size, 10);
    expect_to_arrive(size, 100'000);
  }
}

TEST_F(message_text_test, TextsAboveTheUsualMsgmaxArriveWhole) {
  const changed_limits raised(on(), [](ipc_limits& limits) { limits.msgmax = limits.msgmnb = 300'000; });
  if (!raised.in_force()) GTEST_SKIP() << raised.why_not();
  for (const std::size_t size : {8192U, 8193U, 65536U, 300'000U}) {
    expect_to_arrive(size, 0);
    expect_to_arrive(size, 1);
  }
}

TEST_F(message_text_test, ATextAboveARaisedMsgmaxIsEinval) {
  const changed_limits raised(on(), [](ipc_limits& limits) { limits.msgmax = limits.msgmnb = 10'000; });
  if (!raised.in_force()) GTEST_SKIP() << raised.why_not();
  const auto queue = new_queue();
  EXPECT_THAT(on().send(queue.id(), {1, pattern(10'001)}, at_once), FailsWith(EINVAL));
  EXPECT_THAT(on().send(queue.id(), {1, pattern(10'000)}, at_once), Succeeds());
  EXPECT_THAT(on().send(queue.id(), {1, pattern(10'000)}, at_once), FailsWith(EAGAIN));
}

TEST_F(message_text_test, ALongTextThatIsNotThereIsEfault) {
  const changed_limits raised(on(), [](ipc_limits& limits) { limits.msgmax = limits.msgmnb = 10'000; });
  if (!raised.in_force()) GTEST_SKIP() << raised.why_not();
  const auto queue = new_queue();
  const message_view nothing(1, {static_cast<const std::byte*>(nullptr), std::size_t{9000}});
  EXPECT_THAT(on().send(queue.id(), nothing, at_once), FailsWith(EFAULT));
  EXPECT_EQ(queue.stat()->qnum, 0U);
}

TEST_F(message_text_test, ALongTextIsCutToAShortBuffer) {
  const changed_limits raised(on(), [](ipc_limits& limits) { limits.msgmax = limits.msgmnb = 30'000; });
  if (!raised.in_force()) GTEST_SKIP() << raised.why_not();
  const auto queue = new_queue();
  const auto text = pattern(20'000);
  for (const std::size_t room : {0U, 5U, 8192U, 10'000U}) {
    ASSERT_THAT(on().send(queue.id(), {1, text}, at_once), Succeeds());
    std::vector<std::byte> memory(room + 8, untouched);
    const std::span place(memory.data(), room);
    EXPECT_THAT(on().receive(queue.id(), {}, place, truncation::refuse, at_once), FailsWith(E2BIG));
    const auto got = on().receive(queue.id(), {}, place, truncation::allow, at_once);
    ASSERT_THAT(got, Succeeds());
    EXPECT_EQ(got->size_bytes, room);
    EXPECT_TRUE(std::equal(place.begin(), place.end(), text.begin()));
    EXPECT_EQ(memory[room], untouched);
  }
}

TEST_F(message_text_test, ARefusedMessageLeavesTheBufferAlone) {
  auto queue = new_queue();
  ASSERT_THAT(queue.send(1, pattern(32), at_once), Succeeds());
  own_frame room(8);
  EXPECT_THAT(on().receive(queue.id(), {}, message_buffer::framed(room.data(), 8), truncation::refuse, at_once),
              FailsWith(E2BIG));
  EXPECT_THAT(on().receive(queue.id(), {}, std::span(room.data(), 8), truncation::refuse, at_once), FailsWith(E2BIG));
  EXPECT_TRUE(room.untouched_from(0));
}

TEST_F(message_text_test, TheTypeOfAFrameIsReadAtTheCall) {
  own_frame framed(5, pattern(4));
  const message_view view = message_view::framed(framed.data(), 4);
  const long later = 6;
  std::memcpy(framed.data(), &later, sizeof later);
  EXPECT_EQ(view.type(), 6);
  const auto queue = new_queue();
  ASSERT_THAT(on().send(queue.id(), view, at_once), Succeeds());
  EXPECT_EQ(on().receive(queue.id(), {}, message_buffer::framed(framed.data(), 4), truncation::refuse, at_once)->type,
            6);
}

TEST_F(message_text_test, TheHighestTypeArrives) {
  const auto queue = new_queue();
  constexpr long highest = std::numeric_limits<long>::max();
  ASSERT_THAT(on().send(queue.id(), {highest, {}}, at_once), Succeeds());
  const auto got =
      on().receive(queue.id(), msgtyp_selector::type(highest), std::span<std::byte>(), truncation::refuse, at_once);
  ASSERT_THAT(got, Succeeds());
  EXPECT_EQ(got->type, highest);
}

TEST_F(message_text_test, ASenderWaitsForRoom) {
  auto queue = new_queue();
  queue.set({changeable(queue.stat()->perm), 10}).value();
  ASSERT_THAT(queue.send(1, pattern(10), at_once), Succeeds());
  posix_thread sender([&] { EXPECT_THAT(queue.send(2, pattern(4)), Succeeds()); });
  ASSERT_TRUE(sender.blocks_in(SYS_msgsnd));
  std::array<std::byte, 10> room{};
  EXPECT_EQ(queue.receive(into(room), {}, at_once)->type, 1);
  sender.join();
  EXPECT_EQ(queue.receive(into(room), {}, at_once)->type, 2);
}

TEST_F(message_text_test, AReceiverWaitsForItsType) {
  auto queue = new_queue();
  posix_thread receiver([&] {
    std::array<std::byte, 10> room{};
    EXPECT_EQ(queue.receive(into(room), msgtyp_selector::type(3))->type, 3);
  });
  ASSERT_TRUE(receiver.blocks_in(SYS_msgrcv));
  ASSERT_THAT(queue.send(2, {}, at_once), Succeeds());
  ASSERT_THAT(queue.send(3, {}, at_once), Succeeds());
  receiver.join();
  EXPECT_EQ(queue.stat()->qnum, 1U);
}

}  // namespace
}  // namespace xsipc
