#include "xsipc/capability.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace xsipc {
namespace {

constexpr capability nth(int index) { return static_cast<capability>(index); }

TEST(CapabilitySet, StartsEmpty) {
  constexpr capability_set none;
  for (int i = 0; i < capability_count; ++i) EXPECT_FALSE(none.has(nth(i))) << i;
}

TEST(CapabilitySet, WithAddsThatOneOnly) {
  for (int added = 0; added < capability_count; ++added) {
    const auto one = capability_set().with(nth(added));
    for (int i = 0; i < capability_count; ++i) EXPECT_EQ(one.has(nth(i)), i == added) << added << ' ' << i;
  }
}

TEST(CapabilitySet, WithoutTakesThatOneOnly) {
  capability_set all;
  for (int i = 0; i < capability_count; ++i) all = all.with(nth(i));
  for (int taken = 0; taken < capability_count; ++taken) {
    const auto rest = all.without(nth(taken));
    for (int i = 0; i < capability_count; ++i) EXPECT_EQ(rest.has(nth(i)), i != taken) << taken << ' ' << i;
  }
}

TEST(CapabilitySet, LeavesTheSetItWasDerivedFromAlone) {
  const capability_set none;
  static_cast<void>(none.with(capability::readiness));
  EXPECT_FALSE(none.has(capability::readiness));
}

TEST(CapabilitySet, EqualsASetOfTheSameMembers) {
  const auto both = capability_set().with(capability::timed_semop).with(capability::readiness);
  EXPECT_EQ(both, capability_set().with(capability::readiness).with(capability::timed_semop));
  EXPECT_EQ(both, both.with(capability::readiness));
  EXPECT_NE(both, both.without(capability::readiness));
}

TEST(CapabilityName, IsTheNameInTheSource) {
  constexpr std::array<std::string_view, capability_count> names = {
      "except_selector", "copy_selector",   "lookup_by_index", "timed_semop",       "timed_messages", "segment_lock",
      "segment_remap",   "segment_execute", "huge_pages",      "changeable_limits", "bad_address",    "readiness"};
  for (int i = 0; i < capability_count; ++i) EXPECT_EQ(capability_name(nth(i)), names[static_cast<std::size_t>(i)]);
  EXPECT_EQ(capability_name(capability::timed_semop), "timed_semop");
  EXPECT_EQ(capability_name(capability::readiness), "readiness");
}

}  // namespace
}  // namespace xsipc
