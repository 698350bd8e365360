#include "page_heap.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

#include "engine/test_arena.hpp"

namespace xsipc::engine {
namespace {

using test_support::test_arena;

constexpr object_ref queue{object_kind::queue, 3, 7};
constexpr object_ref set{object_kind::set, 3, 7};

class page_heap_test : public testing::Test {
 protected:
  std::vector<std::uint32_t> runs() {
    std::vector<std::uint32_t> found;
    heap.for_each_run(chain, [&found](std::uint32_t first, const page_owner&) { found.push_back(first); });
    return found;
  }

  test_arena memory{64, 64};
  page_heap heap{memory.space()};
  std::uint32_t chain = nil;
};

TEST_F(page_heap_test, ARunBelongsToItsObjectAndHangsInItsChain) {
  const std::uint32_t run = heap.take(queue, 3, 1, false, chain);
  ASSERT_NE(run, nil);
  heap.name(run, page_use::blocks);
  EXPECT_EQ(runs(), std::vector{run});
  for (std::uint32_t place = 0; place < 3; ++place) {
    const page_owner owner = heap.owner_of(run + place);
    EXPECT_EQ(owner.object, queue);
    EXPECT_EQ(owner.place, place);
    EXPECT_EQ(owner.length, 3u);
  }
  EXPECT_EQ(heap.owner_of(run).use, page_use::blocks);
  EXPECT_EQ(heap.free_pages(), 61u);
  heap.give(run, chain);
  EXPECT_EQ(heap.free_pages(), 64u);
  EXPECT_EQ(chain, nil);
}

TEST_F(page_heap_test, RunsAreAlignedAsAsked) {
  const std::uint32_t one = heap.take(queue, 1, 1, false, chain);
  const std::uint32_t aligned = heap.take(queue, 16, 16, false, chain);
  ASSERT_NE(one, nil);
  ASSERT_NE(aligned, nil);
  EXPECT_EQ(aligned % 16, 0u);
}

TEST_F(page_heap_test, AClearedRunReadsAsZeros) {
  const std::uint32_t run = heap.take(queue, 1, 1, false, chain);
  std::memset(memory.space().page(run), 0xff, page_bytes);
  heap.give(run, chain);
  const std::uint32_t again = heap.take(queue, 64, 1, true, chain);
  ASSERT_EQ(again, 0u);
  EXPECT_EQ(*memory.space().page(run), std::byte{0});
}

TEST_F(page_heap_test, WhenPagesRunOutThereIsNilAndNothingIsLost) {
  ASSERT_NE(heap.take(queue, 40, 1, false, chain), nil);
  std::uint32_t other = nil;
  EXPECT_EQ(heap.take(set, 40, 1, false, other), nil);
  EXPECT_EQ(other, nil);
  EXPECT_NE(heap.take(set, 24, 1, false, other), nil);
  EXPECT_EQ(heap.free_pages(), 0u);
  heap.give_all(set, other);
  EXPECT_EQ(heap.free_pages(), 24u);
}

// As when two bury an object, and its slot is used anew before the second is done.
TEST_F(page_heap_test, GivingAllBackLeavesTheChainOfALaterObjectAlone) {
  constexpr object_ref earlier{object_kind::queue, 3, 6};
  const std::uint32_t run = heap.take(queue, 2, 1, false, chain);
  heap.give_all(earlier, chain);
  EXPECT_EQ(runs(), std::vector{run});
  EXPECT_EQ(heap.free_pages(), 62u);
}

TEST_F(page_heap_test, WhenTheSubstrateHasNoMemoryThereIsNil) {
  memory.exhaust(true);
  EXPECT_EQ(heap.take(queue, 1, 1, false, chain), nil);
  memory.exhaust(false);
  EXPECT_NE(heap.take(queue, 1, 1, false, chain), nil);
}

TEST_F(page_heap_test, RecoveryFindsWhatWasNamedAndGivesBackTheRest) {
  const std::uint32_t named = heap.take(queue, 2, 1, false, chain);
  heap.name(named, page_use::nodes);
  ASSERT_NE(heap.take(queue, 3, 1, false, chain), nil);  // never named
  std::uint32_t others = nil;
  const std::uint32_t other = heap.take(set, 1, 1, false, others);
  heap.name(other, page_use::values);
  chain = 12345;  // derived: whatever it says
  heap.recover(queue, chain);
  EXPECT_EQ(runs(), std::vector{named});
  EXPECT_EQ(heap.free_pages(), 64u - 3u);
  EXPECT_EQ(heap.owner_of(other).object, set);
}

TEST_F(page_heap_test, AChainThatLoopsOrLeadsOutsideEndsTheWalk) {
  const std::uint32_t run = heap.take(queue, 1, 1, false, chain);
  memory.space().at<std::uint32_t>(memory.space().layout().chains, run) = run;
  EXPECT_LE(runs().size(), 64u);
  memory.space().at<std::uint32_t>(memory.space().layout().chains, run) = 4000000;
  EXPECT_EQ(runs().size(), 1u);
}

}  // namespace
}  // namespace xsipc::engine
