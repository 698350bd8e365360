// shmat: where an attachment lies.
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(shmat_address)

namespace {

using testing::AnyOf;

char* address_of(std::uintptr_t number) { return reinterpret_cast<char*>(number); }

class ShmAtAddress : public conformance_test {
 protected:
  // An address in `who` behind and before which four times SHMLBA are free: something large was attached there before.
  static char* free_area(actor& who) {
    const shmid placeholder = new_segment(who, 64 * shmlba);  // what others of this program map goes to the end
    char* const begin = attach(who, placeholder);
    who.xsi().detach(begin).value();
    who.xsi().remove_segment(placeholder).value();
    return begin + 4 * shmlba;
  }
};

TEST_F(ShmAtAddress, AFreeAlignedAddressIsTaken) {
  XSI_ASSERTION("SHMAT-03");
  actor& client = process();
  const shmid segment = new_segment(client);
  char* const wanted = free_area(client);
  char* const chosen = attach(client, segment);
  for (char* const each : {wanted, wanted + 2 * shmlba, wanted - 3 * shmlba}) {
    EXPECT_THAT(client.xsi().attach(segment, {.address = each}), SucceedsWith(each));
    ASSERT_TRUE(client.poke(chosen, "here"));
    EXPECT_EQ(client.peek(each, 4), "here");
    ASSERT_TRUE(client.poke(chosen, "gone"));
  }
}

TEST_F(ShmAtAddress, AnUnalignedAddressIsRefused) {
  XSI_ASSERTION("SHMAT-04");
  actor& client = process();
  const shmid segment = new_segment(client);
  char* const wanted = free_area(client);
  for (const std::size_t offset : {std::size_t{1}, std::size_t{8}, shmlba / 2, shmlba - 1}) {
    EXPECT_THAT(client.xsi().attach(segment, {.address = wanted + offset}), FailsWith(EINVAL)) << offset;
    EXPECT_THAT(client.xsi().attach(segment, {.address = wanted + offset, .read_only = true}), FailsWith(EINVAL));
  }
  EXPECT_EQ(nattch(client, segment), 0u);
}

TEST_F(ShmAtAddress, RoundingIsDownToAMultipleOfShmlba) {
  XSI_ASSERTION("SHMAT-05");
  actor& client = process();
  const shmid segment = new_segment(client);
  char* const wanted = free_area(client);
  for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, shmlba / 2, shmlba - 1}) {
    EXPECT_THAT(client.xsi().attach(segment, {.address = wanted + offset, .round = true}), SucceedsWith(wanted));
    EXPECT_THAT(client.xsi().detach(wanted), Succeeds()) << offset;
  }
}

XSI_ROUTINE(map_pages) {
  void* const address = ::mmap(nullptr, static_cast<std::size_t>(context.input.numbers.at(0)), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return {.numbers = {address_number(address)}};
}

TEST_F(ShmAtAddress, ARangeThatIsPartlyTakenIsRefused) {
  XSI_ASSERTION("SHMAT-06");
  actor& client = process();
  const shmid segment = new_segment(client, 3 * shmlba);
  const shmid other = new_segment(client, 2 * shmlba);
  char* const wanted = free_area(client);
  ASSERT_THAT(client.xsi().attach(other, {.address = wanted}), Succeeds());
  ASSERT_TRUE(client.poke(wanted, "kept"));
  for (char* const each : {wanted, wanted + shmlba, wanted - shmlba, wanted - 2 * shmlba}) {
    EXPECT_THAT(client.xsi().attach(segment, {.address = each}), FailsWith(EINVAL));
  }
  EXPECT_EQ(nattch(client, segment), 0u);
  EXPECT_EQ(nattch(client, other), 1u);
  EXPECT_EQ(client.peek(wanted, 4), "kept");
  EXPECT_THAT(client.xsi().attach(segment, {.address = wanted - 3 * shmlba}), Succeeds());

  const auto size = static_cast<std::int64_t>(2 * shmlba);
  char* const mapped = address_of(static_cast<std::uintptr_t>(client.run("map_pages", {.numbers = {size}}).numbers[0]));
  ASSERT_TRUE(client.poke(mapped, "mine"));
  EXPECT_THAT(client.xsi().attach(segment, {.address = mapped}), FailsWith(EINVAL));
  EXPECT_EQ(client.peek(mapped, 4), "mine");
}

TEST_F(ShmAtAddress, RemapReplacesWhatLiesThere) {
  XSI_ASSERTION("SHMAT-07");
  XSI_NEEDS(capability::segment_remap);
  actor& client = process();
  const shmid below = new_segment(client, 2 * shmlba);
  const shmid above = new_segment(client, shmlba);
  char* const memory = attach(client, below);
  ASSERT_TRUE(client.poke(memory, "first"));
  ASSERT_TRUE(client.poke(memory + shmlba, "below"));
  char* const second = memory + shmlba;
  EXPECT_THAT(client.xsi().attach(above, {.address = second, .remap = true}), SucceedsWith(second));
  EXPECT_EQ(nattch(client, above), 1u);
  EXPECT_EQ(client.peek(memory, 5), "first");
  EXPECT_EQ(client.peek(second, 5), std::string(5, '\0'));
  ASSERT_TRUE(client.poke(second, "above"));
  EXPECT_EQ(client.peek(attach(client, above), 5), "above");
  EXPECT_EQ(client.peek(attach(client, below) + shmlba, 5), "below");
}

TEST_F(ShmAtAddress, RemapOfAWholeAttachmentEndsIt) {
  XSI_ASSERTION("SHMAT-07");
  XSI_NEEDS(capability::segment_remap);
  actor& client = process();
  const shmid below = new_segment(client);
  const shmid above = new_segment(client);
  char* const memory = attach(client, below);
  EXPECT_THAT(client.xsi().attach(above, {.address = memory, .remap = true}), SucceedsWith(memory));
  EXPECT_EQ(nattch(client, below), 0u);
  EXPECT_EQ(nattch(client, above), 1u);
  EXPECT_THAT(client.xsi().detach(memory), Succeeds());
  EXPECT_EQ(nattch(client, above), 0u);
}

TEST_F(ShmAtAddress, RemapNeedsAnAddress) {
  XSI_ASSERTION("SHMAT-08");
  XSI_NEEDS(capability::segment_remap);
  actor& client = process();
  const shmid segment = new_segment(client);
  EXPECT_THAT(client.xsi().attach(segment, {.remap = true}), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().attach(segment, {.address = address_of(1), .round = true, .remap = true}),
              FailsWith(EINVAL));
  EXPECT_EQ(nattch(client, segment), 0u);
}

TEST_F(ShmAtAddress, AnAddressOutsideOfUserSpaceIsRefused) {
  XSI_ASSERTION("SHMAT-15");
  actor& client = process();
  const shmid segment = new_segment(client, 2 * shmlba);
  constexpr std::uintptr_t upper_half = std::uintptr_t{1} << (8 * sizeof(std::uintptr_t) - 1);
  for (const std::uintptr_t each : {-std::uintptr_t{shmlba}, -std::uintptr_t{2 * shmlba}, upper_half}) {
    EXPECT_THAT(client.xsi().attach(segment, {.address = address_of(each)}),
                AnyOf(FailsWith(EINVAL), FailsWith(ENOMEM)))
        << std::hex << each;
  }
  EXPECT_EQ(nattch(client, segment), 0u);
  EXPECT_EQ(status_of(client.xsi(), segment).lpid, 0);
}

TEST_F(ShmAtAddress, RoundingDownToNullIsNoChoiceOfTheBackend) {
  XSI_ASSERTION("SHMAT-16");
  actor& client = process({.without_capabilities = {CAP_SYS_RAWIO}});
  const shmid segment = new_segment(client);
  EXPECT_THAT(client.xsi().attach(segment, {.address = address_of(shmlba - 1), .round = true}),
              AnyOf(FailsWith(EPERM), FailsWith(EINVAL)));
  EXPECT_EQ(nattch(client, segment), 0u);
  EXPECT_THAT(client.xsi().attach(segment, {.round = true}), Succeeds());
}

// Returns whether the heap ended where it did before an attach, and whether it could still grow after it.
XSI_ROUTINE(attach_beside_the_heap) {
  const auto segment = static_cast<shmid>(context.input.numbers.at(0));
  // Once for whatever a backend takes for itself at its first attach.
  const auto first = context.xsi.attach(segment, {});
  if (!first || !context.xsi.detach(*first)) return {};
  const void* const before = ::sbrk(0);
  const auto second = context.xsi.attach(segment, {});
  const void* const after = ::sbrk(0);
  const void* const grown = ::sbrk(65536);
  if (grown == after) ::sbrk(-65536);
  return {.numbers = {second.has_value(), before == after, grown == after}};
}

TEST_F(ShmAtAddress, TheHeapStaysWhereItIs) {
  XSI_ASSERTION("SHMAT-17");
  actor& client = process();
  const auto segment = static_cast<std::int64_t>(new_segment(client, std::size_t{1} << 20));
  EXPECT_THAT(client.run("attach_beside_the_heap", {.numbers = {segment}}).numbers, testing::ElementsAre(1, 1, 1));
}

// Attaches with an address space that has no room left; returns the error or 0.
XSI_ROUTINE(attach_without_room) {
  rlimit limit{};
  ::getrlimit(RLIMIT_AS, &limit);
  const rlimit none{.rlim_cur = 1, .rlim_max = limit.rlim_max};
  ::setrlimit(RLIMIT_AS, &none);
  const auto address = context.xsi.attach(static_cast<shmid>(context.input.numbers.at(0)), {});
  ::setrlimit(RLIMIT_AS, &limit);
  return {.numbers = {address ? 0 : address.error().code}};
}

TEST_F(ShmAtAddress, WithoutRoomInTheAddressSpaceIsEnomem) {
  XSI_ASSERTION("SHMAT-18");
  XSI_NEEDS(need::real_processes);
  actor& client = process();
  const shmid segment = new_segment(client, std::size_t{1} << 20);
  attach(client, segment);
  const auto outcome = client.run("attach_without_room", {.numbers = {static_cast<std::int64_t>(segment)}});
  EXPECT_THAT(outcome.numbers, testing::ElementsAre(ENOMEM));
  EXPECT_EQ(nattch(client, segment), 1u);
  attach(client, segment);
  EXPECT_EQ(nattch(client, segment), 2u);
}

TEST_F(ShmAtAddress, WhenTheAddressSpaceIsFullIsEnomem) {
  XSI_ASSERTION("SHMAT-18");
  constexpr std::size_t size = std::size_t{1} << 38;  // 256 GiB, of which no byte is touched
  actor& client = process();
  const auto segment =
      client.xsi().get_segment(key::ipc_private, size, creation::create_only(0600), {.no_reserve = true});
  ASSERT_THAT(segment, Succeeds());
  std::vector<void*> attached;
  auto next = client.xsi().attach(*segment, {});
  for (; next && attached.size() < 1000; next = client.xsi().attach(*segment, {})) attached.push_back(*next);
  EXPECT_THAT(next, FailsWith(ENOMEM));
  ASSERT_FALSE(attached.empty());
  EXPECT_EQ(nattch(client, *segment), attached.size());
  ASSERT_THAT(client.xsi().detach(attached.back()), Succeeds());
  EXPECT_THAT(client.xsi().attach(*segment, {}), Succeeds());
}

}  // namespace
}  // namespace xsipc::conformance
