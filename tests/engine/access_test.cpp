#include "access.hpp"

#include <gtest/gtest.h>

#include <array>

namespace xsipc::engine {
namespace {

constexpr std::uint32_t owner = 10;
constexpr std::uint32_t creator = 11;
constexpr std::uint32_t stranger = 12;
constexpr std::uint32_t group = 20;
constexpr std::uint32_t creators_group = 21;
constexpr std::uint32_t other_group = 22;

ownership object(std::uint32_t mode) { return {owner, group, creator, creators_group, mode}; }

TEST(access_test, AGetAsksForTheUnionOfTheThreeClassesWithoutExecution) {
  EXPECT_EQ(asked_by(0), 0u);
  EXPECT_EQ(asked_by(0400), may_read);
  EXPECT_EQ(asked_by(0020), may_write);
  EXPECT_EQ(asked_by(0402), may_read | may_write);
  EXPECT_EQ(asked_by(0111), 0u);
}

TEST(access_test, OwnerAndCreatorAreJudgedByTheOwnersBitsAlone) {
  for (const std::uint32_t uid : {owner, creator}) {
    const credentials who{.uid = uid, .gid = group};
    EXPECT_TRUE(permits(object(0400), may_read, who));
    EXPECT_TRUE(permits(object(0200), may_write, who));
    EXPECT_FALSE(permits(object(0077), may_read, who)) << "the bits of other classes don't help";
    EXPECT_FALSE(permits(object(0400), may_read | may_write, who));
  }
}

TEST(access_test, EitherGroupAndSupplementaryGroupsAreJudgedByTheGroupsBits) {
  for (const std::uint32_t gid : {group, creators_group}) {
    EXPECT_TRUE(permits(object(0040), may_read, {.uid = stranger, .gid = gid}));
    EXPECT_FALSE(permits(object(0707), may_read, {.uid = stranger, .gid = gid}));
    const std::array groups{other_group, gid};
    EXPECT_TRUE(permits(object(0020), may_write, {.uid = stranger, .gid = other_group, .groups = groups}));
  }
}

TEST(access_test, OthersAreJudgedByTheLastThreeBits) {
  const credentials who{.uid = stranger, .gid = other_group};
  EXPECT_TRUE(permits(object(0004), may_read, who));
  EXPECT_FALSE(permits(object(0770), may_read, who));
  EXPECT_TRUE(permits(object(0000), 0, who)) << "nothing is always granted";
}

TEST(access_test, PrivilegePassesWhateverTheBits) {
  EXPECT_TRUE(permits(object(0), may_read | may_write, {.uid = stranger, .gid = other_group, .ipc_owner = true}));
  EXPECT_FALSE(permits(object(0), may_read, {.uid = stranger, .gid = other_group, .sys_admin = true}));
}

TEST(access_test, OwnerCreatorAndPrivilegeMayChangeAndGroupsMayNot) {
  EXPECT_TRUE(owns(object(0), {.uid = owner}));
  EXPECT_TRUE(owns(object(0), {.uid = creator}));
  EXPECT_FALSE(owns(object(0777), {.uid = stranger, .gid = group}));
  EXPECT_TRUE(owns(object(0), {.uid = stranger, .sys_admin = true}));
  EXPECT_FALSE(owns(object(0), {.uid = stranger, .ipc_owner = true}));
}

}  // namespace
}  // namespace xsipc::engine
