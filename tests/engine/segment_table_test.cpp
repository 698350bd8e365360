#include "segment_table.hpp"

#include <gtest/gtest.h>

#include "engine/test_arena.hpp"

namespace xsipc::engine {
namespace {

using test_support::test_arena;

constexpr object_ref segment{object_kind::segment, 2, 1};

identity process(std::int32_t pid) { return {.pid = pid, .hint = 0, .start = static_cast<std::uint64_t>(pid) + 1000}; }

class segment_table_test : public testing::Test {
 protected:
  segment_table_test() { table.make(true); }

  test_arena memory{64, 8};
  std::uint32_t chain = nil;
  segment_table table{memory.space(), segment, chain};
};

TEST_F(segment_table_test, CountsAttachmentsOfEachProcess) {
  ASSERT_TRUE(table.attach(process(1)));
  ASSERT_TRUE(table.attach(process(1)));
  ASSERT_TRUE(table.attach(process(2)));
  EXPECT_EQ(table.counts().nattch, 3u);
  EXPECT_TRUE(table.detach(process(1)));
  EXPECT_TRUE(table.detach(process(1)));
  EXPECT_FALSE(table.detach(process(1))) << "there is no third";
  EXPECT_EQ(table.counts().nattch, 1u);
}

TEST_F(segment_table_test, TellsAProcessFromALaterOneOfTheSamePid) {
  ASSERT_TRUE(table.attach(process(1)));
  EXPECT_FALSE(table.detach({.pid = 1, .hint = 0, .start = 7}));
  EXPECT_EQ(table.counts().nattch, 1u);
}

TEST_F(segment_table_test, StampsTimesAndPid) {
  table.stamp_attach({.pid = 5, .now = 100});
  EXPECT_EQ(table.counts().atime, 100);
  EXPECT_EQ(table.counts().lpid, 5);
  table.stamp_detach({.pid = 6, .now = 200});
  EXPECT_EQ(table.counts().atime, 100);
  EXPECT_EQ(table.counts().dtime, 200);
  EXPECT_EQ(table.counts().lpid, 6);
}

TEST_F(segment_table_test, TheDeadAreSweptAsIfTheyHadDetached) {
  ASSERT_TRUE(table.attach(process(1)));
  ASSERT_TRUE(table.attach(process(2)));
  memory.kill_process(1);
  table.sweep(300);
  EXPECT_EQ(table.counts().nattch, 1u);
  EXPECT_EQ(table.counts().lpid, 1);
  EXPECT_EQ(table.counts().dtime, 300);
}

TEST_F(segment_table_test, GrowsByPagesAndTellsWhenThereIsNoMemory) {
  constexpr int most = static_cast<int>(rows_inline + 8 * rows_per_page);
  for (int pid = 1; pid <= most; ++pid) ASSERT_TRUE(table.attach(process(pid))) << pid;
  EXPECT_FALSE(table.attach(process(most + 1)));
  EXPECT_TRUE(table.attach(process(most))) << "it has a row";
  EXPECT_EQ(table.counts().nattch, static_cast<std::uint64_t>(most) + 1);
  chain = nil;  // derived
  table.recover();
  EXPECT_EQ(table.counts().nattch, static_cast<std::uint64_t>(most) + 1);
  for (int pid = 1; pid <= most; ++pid) EXPECT_TRUE(table.detach(process(pid))) << pid;
  EXPECT_TRUE(table.attach(process(1))) << "freed rows are used again";
}

}  // namespace
}  // namespace xsipc::engine
