// shmget: sizes, what a new segment is like, the order of its errors.
#include <unistd.h>

#include <limits>

#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(shmget)

namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Ge;
using testing::Le;
using testing::Ne;

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

class ShmGet : public conformance_test {
 protected:
  static result<shmid> get(actor_thread& who, key which, std::size_t size, creation how, segment_options options = {}) {
    return who.xsi().get_segment(which, size, how, options);
  }
  static result<shmid> get_private(actor_thread& who, std::size_t size) {
    return get(who, key::ipc_private, size, creation::create_only(0600));
  }

  // Puts a limit in force; fails the test and throws if that can't be.
  static void limit(actor_thread& who, std::uint64_t ipc_limits::*which, std::uint64_t value) {
    ipc_limits wanted = who.xsi().limits().value();
    wanted.*which = value;
    who.xsi().change_limits(wanted).value();
  }
};

TEST_F(ShmGet, SizeZeroMakesNoSegment) {
  XSI_ASSERTION("SHMGET-01");
  actor& client = process();
  const key name = fresh_key();
  EXPECT_THAT(get_private(client, 0), FailsWith(EINVAL));
  EXPECT_THAT(get(client, name, 0, creation::open_or_create(0600)), FailsWith(EINVAL));
  EXPECT_THAT(get(client, name, 0, creation::create_only(0600)), FailsWith(EINVAL));
  EXPECT_THAT(get(client, name, 0, creation::find()), FailsWith(ENOENT));
  const auto smallest = get(client, name, 1, creation::create_only(0600));
  ASSERT_THAT(smallest, Succeeds());
  EXPECT_EQ(status_of(client.xsi(), *smallest).segsz, 1u);
}

TEST_F(ShmGet, MoreThanShmmaxMakesNoSegment) {
  XSI_ASSERTION("SHMGET-02");
  constexpr std::size_t largest_size = std::numeric_limits<std::size_t>::max();
  actor& client = process();
  const key name = fresh_key();
  const std::uint64_t shmmax = client.xsi().limits().value().shmmax;
  ASSERT_LT(shmmax, largest_size);
  for (const std::size_t size : {static_cast<std::size_t>(shmmax + 1), largest_size}) {
    EXPECT_THAT(get_private(client, size), FailsWith(EINVAL));
    EXPECT_THAT(get(client, name, size, creation::open_or_create(0600)), FailsWith(EINVAL));
  }
  EXPECT_THAT(get(client, name, 0, creation::find()), FailsWith(ENOENT));
}

TEST_F(ShmGet, ShmmaxItselfIsAllowedAndLimitsOnlyNewSegments) {
  XSI_ASSERTION("SHMGET-02");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  const key name = fresh_key();
  const auto older = get(client, name, 20000, creation::create_only(0600));
  ASSERT_THAT(older, Succeeds());
  limit(client, &ipc_limits::shmmax, 10000);
  EXPECT_THAT(get_private(client, 10000), Succeeds());
  EXPECT_THAT(get_private(client, 10001), FailsWith(EINVAL));
  EXPECT_THAT(get(client, name, 20000, creation::find()), SucceedsWith(*older));
}

TEST_F(ShmGet, AnExistingSegmentIsFoundBySizesUpToItsOwn) {
  XSI_ASSERTION("SHMGET-03", "SHMGET-04");
  actor& creator = process();
  actor& client = process();
  const key name = fresh_key();
  const auto made = get(creator, name, 5000, creation::create_only(0600));
  ASSERT_THAT(made, Succeeds());
  for (const std::size_t size : {0U, 1U, 4096U, 4999U, 5000U}) {
    EXPECT_THAT(get(client, name, size, creation::find(0600)), SucceedsWith(*made)) << size;
    EXPECT_THAT(get(client, name, size, creation::open_or_create(0600)), SucceedsWith(*made)) << size;
  }
  EXPECT_EQ(status_of(creator.xsi(), *made).segsz, 5000u);
}

TEST_F(ShmGet, AnExistingSegmentIsNotFoundByALargerSizeEvenWithinItsPage) {
  XSI_ASSERTION("SHMGET-05");
  actor& client = process();
  const key name = fresh_key();
  const auto made = get(client, name, 100, creation::create_only(0600));
  ASSERT_THAT(made, Succeeds());
  for (const std::size_t size : {std::size_t{101}, page_size(), page_size() + 1, std::size_t{1} << 40}) {
    EXPECT_THAT(get(client, name, size, creation::find()), FailsWith(EINVAL)) << size;
    EXPECT_THAT(get(client, name, size, creation::open_or_create(0600)), FailsWith(EINVAL)) << size;
  }
  EXPECT_THAT(get(client, name, 100, creation::find()), SucceedsWith(*made));
}

TEST_F(ShmGet, SizeIsCheckedBeforeAccessAndExistenceBeforeBoth) {
  XSI_ASSERTION("SHMGET-06");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  const key name = fresh_key();
  const auto made = get(owner, name, 4096, creation::create_only(0600));
  ASSERT_THAT(made, Succeeds());
  EXPECT_THAT(get(stranger, name, 4096, creation::find(0600)), FailsWith(EACCES));
  EXPECT_THAT(get(stranger, name, 4097, creation::find(0600)), FailsWith(EINVAL));
  EXPECT_THAT(get(stranger, name, 4097, creation::open_or_create(0600)), FailsWith(EINVAL));
  for (const std::size_t size : {0U, 4096U, 4097U}) {
    EXPECT_THAT(get(stranger, name, size, creation::create_only(0600)), FailsWith(EEXIST)) << size;
    EXPECT_THAT(get(owner, name, size, creation::create_only(0600)), FailsWith(EEXIST)) << size;
  }
}

TEST_F(ShmGet, ANewSegmentIsZeroAlsoWhereOthersHaveWrittenBefore) {
  XSI_ASSERTION("SHMGET-07");
  constexpr std::size_t size = 300001;
  actor& client = process();
  for (int round = 0; round < 3; ++round) {
    const shmid segment = new_segment(client, size);
    char* const memory = attach(client, segment);
    EXPECT_EQ(client.peek(memory, size), std::string(size, '\0'));
    ASSERT_TRUE(client.poke(memory, std::string(size, 'x')));
    ASSERT_THAT(client.xsi().detach(memory), Succeeds());
    ASSERT_THAT(client.xsi().remove_segment(segment), Succeeds());
  }
}

TEST_F(ShmGet, SegszIsTheSizeAskedFor) {
  XSI_ASSERTION("SHMGET-08");
  actor& client = process();
  for (const std::size_t size : {1U, 7U, 4095U, 4096U, 4097U, 100000U}) {
    EXPECT_EQ(status_of(client.xsi(), new_segment(client, size)).segsz, size);
  }
}

TEST_F(ShmGet, NobodyHasUsedANewSegment) {
  XSI_ASSERTION("SHMGET-09");
  actor& creator = process();
  actor& reader = process();
  const ipc_time before = now();
  const shmid segment = new_segment(creator);
  const segment_status status = status_of(reader.xsi(), segment);
  EXPECT_EQ(status.id, segment);
  EXPECT_EQ(status.lpid, 0);
  EXPECT_EQ(status.nattch, 0u);
  EXPECT_EQ(status.atime, 0);
  EXPECT_EQ(status.dtime, 0);
  EXPECT_THAT(status.ctime, AllOf(Ge(before), Le(now())));
  EXPECT_EQ(status.cpid, creator.pid());
  EXPECT_FALSE(status.removed);
  EXPECT_FALSE(status.locked);
}

TEST_F(ShmGet, ShmallLimitsThePagesOfAllSegments) {
  XSI_ASSERTION("SHMGET-10");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  const key name = fresh_key();
  limit(client, &ipc_limits::shmall, 4);
  const auto three_pages = get_private(client, 2 * page_size() + 1);
  ASSERT_THAT(three_pages, Succeeds());
  EXPECT_THAT(get(client, name, page_size() + 1, creation::create_only(0600)), FailsWith(ENOSPC));
  EXPECT_THAT(get(client, name, 0, creation::find()), FailsWith(ENOENT));
  EXPECT_THAT(get_private(client, page_size()), Succeeds());
  EXPECT_THAT(get_private(client, 1), FailsWith(ENOSPC));
  ASSERT_THAT(client.xsi().remove_segment(*three_pages), Succeeds());
  EXPECT_THAT(get_private(client, 3 * page_size()), Succeeds());
}

TEST_F(ShmGet, ASegmentMadeAnewUnderItsKeyIsZeroAgain) {
  XSI_ASSERTION("SHMGET-11");
  actor& client = process();
  const key name = fresh_key();
  const auto first = get(client, name, 8192, creation::create_only(0600));
  ASSERT_THAT(first, Succeeds());
  char* const memory = attach(client, *first);
  ASSERT_TRUE(client.poke(memory, std::string(8192, 'x')));
  ASSERT_THAT(client.xsi().detach(memory), Succeeds());
  ASSERT_THAT(client.xsi().remove_segment(*first), Succeeds());
  const auto second = get(client, name, 8192, creation::create_only(0600));
  ASSERT_THAT(second, SucceedsWith(Ne(*first)));
  EXPECT_EQ(client.peek(attach(client, *second), 8192), std::string(8192, '\0'));
}

TEST_F(ShmGet, MemoryIsNotTakenBeforeItIsTouched) {
  XSI_ASSERTION("SHMGET-12");
  XSI_NEEDS(need::private_namespace);
  constexpr std::size_t large = std::size_t{256} << 20;
  actor& client = process();
  const auto usage = [&] { return client.xsi().usage(object_kind::segment).value(); };
  ASSERT_EQ(usage().pages_resident, 0u);
  ASSERT_THAT(get_private(client, large), Succeeds());
  EXPECT_EQ(usage().pages, large / page_size());
  EXPECT_LE(usage().pages_resident, 4u);
  const std::size_t small = 10 * page_size();
  char* const memory = attach(client, new_segment(client, small));
  ASSERT_TRUE(client.poke(memory, std::string(small, 'x')));
  EXPECT_GE(usage().pages_resident, 10u);
}

// A backend that never has any says EINVAL, as it does to any request for what it lacks.
TEST_F(ShmGet, HugePagesThatThereAreNotAreAnError) {
  XSI_ASSERTION("SHMGET-13");
  // 16 TiB: more than any machine sets aside for huge pages.
  constexpr std::size_t size = std::size_t{1} << 44;
  actor& client = process();
  const key name = fresh_key();
  if (!the_harness().capabilities().has(capability::huge_pages)) {
    EXPECT_THAT(get(client, name, size, creation::create_only(0600), {.huge_pages = true}), FailsWith(EINVAL));
  }
  EXPECT_THAT(get(client, name, size, creation::create_only(0600), {.huge_pages = true}),
              AnyOf(FailsWith(ENOMEM), FailsWith(EPERM), FailsWith(EINVAL)));
  // No machine has pages of 8 KiB for it.
  EXPECT_THAT(get(client, name, 8192, creation::create_only(0600), {.huge_pages = true, .huge_page_log2 = 13}),
              FailsWith(EINVAL));
  EXPECT_THAT(get(client, name, 0, creation::find()), FailsWith(ENOENT));
}

TEST_F(ShmGet, ASegmentWithoutReservedSwapIsLikeAnyOther) {
  XSI_ASSERTION("SHMGET-14");
  actor& client = process();
  const auto made = get(client, key::ipc_private, 5000, creation::create_only(0640), {.no_reserve = true});
  ASSERT_THAT(made, Succeeds());
  const segment_status status = status_of(client.xsi(), *made);
  EXPECT_EQ(status.segsz, 5000u);
  EXPECT_EQ(status.perm.mode, 0640u);
  char* const memory = attach(client, *made);
  ASSERT_TRUE(client.poke(memory + 4990, "the end"));
  EXPECT_EQ(client.peek(memory + 4990, 7), "the end");
}

}  // namespace
}  // namespace xsipc::conformance
