// What others do while a call copies a long text without the queue's lock.
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "backend.hpp"
#include "engine/mortal_substrate.hpp"
#include "page_heap.hpp"

namespace xsipc::engine {
namespace {

using test_support::mortal_substrate;
using test_support::test_arena;

// Somebody else acts when a call gives its lock back for the first time.
class interleaved_substrate : public mortal_substrate {
 public:
  using mortal_substrate::mortal_substrate;

  void meanwhile(std::function<void()> act) { meanwhile_ = std::move(act); }
  void unlock(std::uint32_t& word) {
    mortal_substrate::unlock(word);
    if (const auto act = std::exchange(meanwhile_, nullptr)) act();
  }

 private:
  std::function<void()> meanwhile_;
};
static_assert(substrate<interleaved_substrate>);

class LongCopy : public ::testing::Test {
 protected:
  static constexpr std::size_t size = longest_copy_under_lock + 1000;

  static std::vector<std::byte> text(char of) { return std::vector<std::byte>(size, static_cast<std::byte>(of)); }
  msqid new_queue() { return calls.get_queue(key::ipc_private, creation::create_only(0600)).value(); }
  result<void> send(msqid queue, char of) {
    return calls.send(queue, message_view(1, text(of)), deadline::immediate());
  }
  result<received> receive(msqid queue, std::vector<std::byte>& into) {
    return calls.receive(queue, msgtyp_selector::any(), message_buffer(into), truncation::refuse,
                         deadline::immediate());
  }
  // The queue goes, and others come that take whatever memory there is, and write to it.
  void replace(msqid queue) {
    ASSERT_TRUE(calls.remove_queue(queue));
    for (int i = 0; i < 4; ++i) {
      const msqid next = new_queue();
      ASSERT_TRUE(send(next, 'n'));
    }
  }

  test_arena memory{64, 24};
  interleaved_substrate on{memory};
  backend<interleaved_substrate> calls{on, "long copy", {}};
};

TEST_F(LongCopy, OutOfAQueueThatIsRemovedMeanwhileIsWhole) {
  const msqid queue = new_queue();
  ASSERT_TRUE(send(queue, 'm'));
  on.meanwhile([&] { replace(queue); });
  std::vector<std::byte> got(size);
  ASSERT_TRUE(receive(queue, got));
  EXPECT_EQ(got, text('m'));
}

TEST_F(LongCopy, IntoAQueueThatIsRemovedMeanwhileHarmsNoOther) {
  const msqid queue = new_queue();
  on.meanwhile([&] { replace(queue); });
  const auto sent = send(queue, 'm');
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, EIDRM);
  const int highest = calls.usage(object_kind::queue)->highest_index;
  for (int index = 0; index <= highest; ++index) {
    const auto status = calls.stat_queue(index, lookup::index);
    if (!status) continue;
    std::vector<std::byte> got(size);
    ASSERT_TRUE(receive(status->id, got));
    EXPECT_EQ(got, text('n'));
  }
}

TEST_F(LongCopy, IsTheLastThatKeepsTheQueuesMemory) {
  const std::uint32_t before = page_heap(memory.space()).free_pages();
  const msqid queue = new_queue();
  ASSERT_TRUE(send(queue, 'm'));
  std::uint32_t meanwhile = 0;
  on.meanwhile([&] {
    ASSERT_TRUE(calls.remove_queue(queue));
    meanwhile = page_heap(memory.space()).free_pages();
  });
  std::vector<std::byte> got(size);
  ASSERT_TRUE(receive(queue, got));
  EXPECT_LT(meanwhile, before);
  EXPECT_EQ(page_heap(memory.space()).free_pages(), before);
}

}  // namespace
}  // namespace xsipc::engine
