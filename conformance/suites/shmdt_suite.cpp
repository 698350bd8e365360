// shmdt: which attachment goes, and what stays.
#include <sys/mman.h>
#include <sys/shm.h>

#include <cstdint>
#include <string_view>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(shmdt)

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

constexpr std::string_view mark = "attached";

class ShmDt : public conformance_test {
 protected:
  // True if what was marked at an address can't be read there any more. Something else of the program may lie there by
  // now, or be put there by the child that looks: that need not kill, and is not written to.
  static bool is_out_of_reach(actor& who, const char* address) {
    actor& child = who.fork();
    const auto found = child.peek(address, mark.size());
    return found ? found != mark : who.wait_for(child).signal == SIGSEGV;
  }
};

TEST_F(ShmDt, CountsDownAndSetsLpidAndDtimeAndNoOtherTime) {
  XSI_ASSERTION("SHMDT-01");
  actor& creator = process();
  actor& client = process();
  const shmid segment = new_segment(creator);
  char* const memory = attach(client, segment);
  attach(creator, segment);
  const segment_status old = status_of(creator.xsi(), segment);
  ASSERT_EQ(old.nattch, 2u);
  ASSERT_EQ(old.lpid, creator.pid());
  ASSERT_EQ(old.dtime, 0);
  wait_out_this_second();
  const ipc_time before = now();
  EXPECT_THAT(client.xsi().detach(memory), Succeeds());
  const segment_status status = status_of(creator.xsi(), segment);
  EXPECT_EQ(status.nattch, 1u);
  EXPECT_EQ(status.lpid, client.pid());
  EXPECT_THAT(status.dtime, AllOf(Ge(before), Le(now())));
  EXPECT_EQ(status.atime, old.atime);
  EXPECT_EQ(status.ctime, old.ctime);
}

TEST_F(ShmDt, OnlyTheAddressOfAnAttachmentDetaches) {
  XSI_ASSERTION("SHMDT-02");
  actor& creator = process();
  actor& client = process();
  const shmid segment = new_segment(creator, 3 * shmlba);
  char* const placeholder = attach(client, segment);
  char* const memory = attach(client, segment);
  ASSERT_THAT(client.xsi().detach(placeholder), Succeeds());
  const common_status before = segment_snapshot(creator.xsi(), segment);
  for (const char* const each : {memory + 1, memory + 8, memory + shmlba, memory + 2 * shmlba, memory + 3 * shmlba - 1,
                                 memory - 1, static_cast<char*>(nullptr), placeholder, placeholder + shmlba}) {
    EXPECT_THAT(client.xsi().detach(each), FailsWith(EINVAL)) << static_cast<const void*>(each);
  }
  EXPECT_THAT(creator.xsi().detach(memory), FailsWith(EINVAL));
  EXPECT_EQ(segment_snapshot(creator.xsi(), segment), before);
  ASSERT_TRUE(client.poke(memory, "begin"));
  ASSERT_TRUE(client.poke(memory + 3 * shmlba - 3, "end"));
}

TEST_F(ShmDt, TheSecondTimeFails) {
  XSI_ASSERTION("SHMDT-03");
  actor& client = process();
  actor& other = process();
  const shmid segment = new_segment(client);
  attach(other, segment);
  char* const memory = attach(client, segment);
  EXPECT_THAT(client.xsi().detach(memory), Succeeds());
  const common_status before = segment_snapshot(other.xsi(), segment);
  EXPECT_THAT(client.xsi().detach(memory), FailsWith(EINVAL));
  EXPECT_EQ(segment_snapshot(other.xsi(), segment), before);
  EXPECT_EQ(nattch(other, segment), 1u);
}

TEST_F(ShmDt, TheMemoryIsOutOfReachAfterwards) {
  XSI_ASSERTION("SHMDT-04");
  actor& client = process();
  const shmid segment = new_segment(client, 3 * shmlba);
  char* const memory = attach(client, segment);
  char* const places[] = {memory, memory + shmlba, memory + 3 * shmlba - mark.size()};
  for (char* const each : places) ASSERT_TRUE(client.poke(each, mark));
  EXPECT_FALSE(is_out_of_reach(client, memory));
  ASSERT_THAT(client.xsi().detach(memory), Succeeds());
  for (char* const each : places) EXPECT_TRUE(is_out_of_reach(client, each));
}

TEST_F(ShmDt, OfSeveralAttachmentsOnlyTheNamedOneGoes) {
  XSI_ASSERTION("SHMDT-05");
  actor& client = process();
  const shmid segment = new_segment(client);
  const shmid other = new_segment(client);
  char* const first = attach(client, segment);
  char* const second = attach(client, segment);
  char* const third = attach(client, segment, {.read_only = true});
  char* const apart = attach(client, other);
  ASSERT_TRUE(client.poke(second, mark));
  EXPECT_THAT(client.xsi().detach(second), Succeeds());
  EXPECT_EQ(nattch(client, segment), 2u);
  EXPECT_EQ(nattch(client, other), 1u);
  EXPECT_TRUE(is_out_of_reach(client, second));
  ASSERT_TRUE(client.poke(first, "still here"));
  EXPECT_EQ(client.peek(third, 10), "still here");
  ASSERT_TRUE(client.poke(apart, "untouched"));
  EXPECT_EQ(client.peek(first, 10), "still here");
}

TEST_F(ShmDt, NeedsNoPermission) {
  XSI_ASSERTION("SHMDT-06");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = bob, .gid = bob});
  actor& client = process({.uid = alice, .gid = alice});
  const shmid segment = new_segment(owner, 4096, 0666);
  char* const memory = attach(client, segment);
  char* const readable = attach(client, segment, {.read_only = true});
  ASSERT_THAT(owner.xsi().change_segment(segment, {carol, carol, 0}), Succeeds());
  ASSERT_THAT(client.xsi().attach(segment, {.read_only = true}), FailsWith(EACCES));
  ASSERT_TRUE(client.poke(memory, "access stays"));
  EXPECT_EQ(client.peek(readable, 12), "access stays");
  EXPECT_THAT(client.xsi().detach(memory), Succeeds());
  EXPECT_THAT(client.xsi().detach(readable), Succeeds());
  ASSERT_THAT(owner.xsi().change_segment(segment, {bob, bob, 0600}), Succeeds());
  EXPECT_EQ(nattch(owner, segment), 0u);
}

// Detaches memory that was mapped otherwise; returns the error and whether the memory is still there.
XSI_ROUTINE(detach_what_mmap_gave) {
  const auto size = static_cast<std::size_t>(context.input.numbers.at(0));
  const int visible = static_cast<int>(context.input.numbers.at(1));
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, visible | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return {};
  auto* const last = static_cast<volatile char*>(memory) + size - 1;
  *last = 'x';
  const auto outcome = context.xsi.detach(memory);
  return {.numbers = {outcome ? 0 : outcome.error().code, *last == 'x'}};
}

TEST_F(ShmDt, OtherMappingsAreNotDetached) {
  XSI_ASSERTION("SHMDT-07");
  actor& client = process();
  const auto size = static_cast<std::int64_t>(2 * shmlba);
  for (const int visible : {MAP_PRIVATE, MAP_SHARED}) {
    EXPECT_THAT(client.run("detach_what_mmap_gave", {.numbers = {size, visible}}).numbers, ElementsAre(EINVAL, 1));
  }
}

XSI_ROUTINE(unmap) {
  auto* const address = reinterpret_cast<void*>(context.input.numbers.at(0));
  return {.numbers = {::munmap(address, static_cast<std::size_t>(context.input.numbers.at(1)))}};
}

XSI_ROUTINE(protect) {
  auto* const address = reinterpret_cast<void*>(context.input.numbers.at(0));
  return {.numbers = {::mprotect(address, static_cast<std::size_t>(context.input.numbers.at(1)), PROT_READ)}};
}

TEST_F(ShmDt, WhatMunmapLeftOfAnAttachmentIsStillDetached) {
  XSI_ASSERTION("SHMDT-08");
  actor& client = process();
  const shmid segment = new_segment(client, 4 * shmlba);
  const auto part = static_cast<std::int64_t>(shmlba);
  for (const std::size_t gone : {0U, 1U, 3U}) {
    char* const memory = attach(client, segment);
    for (const std::size_t each : {0U, 1U, 2U, 3U}) ASSERT_TRUE(client.poke(memory + each * shmlba, mark));
    const routine_input hole{.numbers = {address_number(memory + gone * shmlba), part}};
    ASSERT_THAT(client.run("unmap", hole).numbers, ElementsAre(0));
    EXPECT_THAT(client.xsi().detach(memory), Succeeds()) << gone;
    EXPECT_EQ(nattch(client, segment), 0u);
    for (const std::size_t each : {0U, 1U, 2U, 3U}) EXPECT_TRUE(is_out_of_reach(client, memory + each * shmlba));
  }
}

TEST_F(ShmDt, APartOfAnAttachmentCountsAsOneOnlyOnTheKernel) {
  XSI_ASSERTION("SHMDT-09");
  const bool counts_mappings = the_harness().offers(need::kernel_objects);
  actor& client = process();
  const shmid segment = new_segment(client, 3 * shmlba);
  const auto part = static_cast<std::int64_t>(shmlba);

  char* const with_hole = attach(client, segment);
  ASSERT_THAT(client.run("unmap", {.numbers = {address_number(with_hole + shmlba), part}}).numbers, ElementsAre(0));
  EXPECT_EQ(nattch(client, segment), counts_mappings ? 2u : 1u);
  EXPECT_THAT(client.xsi().detach(with_hole), Succeeds());
  EXPECT_EQ(nattch(client, segment), 0u);

  char* const protected_in_part = attach(client, segment);
  ASSERT_THAT(client.run("protect", {.numbers = {address_number(protected_in_part + shmlba), part}}).numbers,
              ElementsAre(0));
  EXPECT_EQ(nattch(client, segment), counts_mappings ? 3u : 1u);
  EXPECT_THAT(client.xsi().detach(protected_in_part), Succeeds());
  EXPECT_EQ(nattch(client, segment), 0u);
}

TEST_F(ShmDt, DataStayWhenEverybodyHasDetached) {
  XSI_ASSERTION("SHMDT-10");
  actor& writer = process();
  const shmid segment = new_segment(writer, 10000);
  char* const memory = attach(writer, segment);
  ASSERT_TRUE(writer.poke(memory + 9990, "persistent"));
  ASSERT_THAT(writer.xsi().detach(memory), Succeeds());
  ASSERT_EQ(nattch(writer, segment), 0u);
  EXPECT_EQ(writer.peek(attach(writer, segment) + 9990, 10), "persistent");
  actor& reader = process();
  EXPECT_EQ(reader.peek(attach(reader, segment, {.read_only = true}) + 9990, 10), "persistent");
}

}  // namespace
}  // namespace xsipc::conformance
