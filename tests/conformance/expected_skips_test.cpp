#include "expected_skips.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "assertions.hpp"

namespace xsipc::conformance {
namespace {

TEST(ExpectedSkips, NamesTheReasonForRuleAndNeed) {
  const expected_skips skips("# a comment\n\nA-01 other_users root only: A-02 shows it\n");
  ASSERT_NE(skips.reason("A-01", "other_users"), nullptr);
  EXPECT_EQ(*skips.reason("A-01", "other_users"), "root only: A-02 shows it");
}

TEST(ExpectedSkips, AllowsNoOtherRuleAndNoOtherNeed) {
  const expected_skips skips("A-01 other_users why");
  EXPECT_EQ(skips.reason("A-02", "other_users"), nullptr);
  EXPECT_EQ(skips.reason("A-01", "c_calls"), nullptr);
}

TEST(ExpectedSkips, RefusesALineWithoutAReason) {
  EXPECT_THROW(expected_skips("A-01 other_users"), std::invalid_argument);
  EXPECT_THROW(expected_skips("A-01 other_users   "), std::invalid_argument);
}

TEST(Selected, KnowsIdsAndPatterns) {
  EXPECT_TRUE(selected("MSGRCV-07", {}));
  EXPECT_TRUE(selected("MSGRCV-07", {"KEY-01", "MSGRCV-07"}));
  EXPECT_TRUE(selected("MSGRCV-07", {"MSG*-0*"}));
  EXPECT_TRUE(selected("MSGRCV-07", {"*"}));
  EXPECT_FALSE(selected("MSGRCV-07", {"MSGRCV-0"}));
  EXPECT_FALSE(selected("MSGRCV-07", {"MSGSND-*"}));
  EXPECT_FALSE(selected("MSGRCV-07", {"*-08"}));
}

TEST(FindProof, IgnoresHowATestIsInstantiated) {
  ASSERT_FALSE(all_proofs().empty());
  const proof& first = all_proofs().front();
  const std::string suite(first.suite);
  const std::string test(first.test);
  EXPECT_EQ(find_proof(suite, test), &first);
  EXPECT_EQ(find_proof("Kinds/" + suite, test + "/queue"), &first);
  EXPECT_EQ(find_proof(suite, "NoSuchTest"), nullptr);
}

}  // namespace
}  // namespace xsipc::conformance
