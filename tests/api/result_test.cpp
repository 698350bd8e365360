#include "xsipc/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace xsipc {
namespace {

constexpr ipc_error removed{.code = EIDRM, .call = xsi_call::msgrcv, .subject_is = subject_kind::id, .subject = 7};

static_assert(!std::is_copy_constructible_v<result<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<result<std::unique_ptr<int>>>);
static_assert(std::is_trivially_copyable_v<result<int>>);

TEST(Result, HoldsTheValueItWasMadeFrom) {
  const result<int> outcome = 5;
  EXPECT_TRUE(outcome.has_value());
  EXPECT_TRUE(static_cast<bool>(outcome));
  EXPECT_EQ(*outcome, 5);
  EXPECT_EQ(outcome.value(), 5);
}

TEST(Result, ZeroIsAValueLikeAnyOther) {
  const result<int> outcome = 0;
  EXPECT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome.value_or(9), 0);
}

TEST(Result, HoldsTheErrorItWasMadeFrom) {
  const result<int> outcome = removed;
  EXPECT_FALSE(outcome.has_value());
  EXPECT_FALSE(static_cast<bool>(outcome));
  EXPECT_EQ(outcome.error(), removed);
}

TEST(Result, ValueOfAnErrorThrowsCodeAndMessage) {
  const result<int> outcome = removed;
  try {
    static_cast<void>(outcome.value());
    FAIL() << "value() did not throw";
  } catch (const std::system_error& thrown) {
    EXPECT_EQ(thrown.code(), std::error_code(EIDRM, std::generic_category()));
    EXPECT_EQ(std::string(thrown.what()).find(removed.message()), 0U) << thrown.what();
  }
}

TEST(Result, ValueOfAnErrorThrowsForEveryKindOfReference) {
  result<int> outcome = removed;
  EXPECT_THROW(static_cast<void>(outcome.value()), std::system_error);
  EXPECT_THROW(static_cast<void>(std::as_const(outcome).value()), std::system_error);
  EXPECT_THROW(static_cast<void>(std::move(outcome).value()), std::system_error);
}

TEST(Result, ValueOrGivesTheOtherOnlyForAnError) {
  EXPECT_EQ(result<int>(5).value_or(9), 5);
  EXPECT_EQ(result<int>(removed).value_or(9), 9);
}

TEST(Result, ValueOrConvertsTheOther) {
  const result<std::string> outcome = removed;
  EXPECT_EQ(outcome.value_or("nothing"), "nothing");
}

TEST(Result, ValueCanBeChangedInPlace) {
  result<int> outcome = 5;
  *outcome = 6;
  EXPECT_EQ(outcome.value(), 6);
  outcome.value() = 7;
  EXPECT_EQ(*outcome, 7);
}

TEST(Result, ArrowReachesMembers) {
  result<std::string> outcome = std::string("text");
  outcome->push_back('s');
  EXPECT_EQ(std::as_const(outcome)->size(), 5U);
}

TEST(Result, CanBeAssignedAnError) {
  result<int> outcome = 5;
  outcome = removed;
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, EIDRM);
}

TEST(Result, MovesOutAMoveOnlyValue) {
  result<std::unique_ptr<int>> outcome = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = std::move(outcome).value();
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(*taken, 5);
  result<std::unique_ptr<int>> other = std::make_unique<int>(6);
  EXPECT_EQ(*(*std::move(other)), 6);
}

TEST(Result, ValueOrMovesOutAMoveOnlyValue) {
  result<std::unique_ptr<int>> outcome = std::make_unique<int>(5);
  EXPECT_EQ(*std::move(outcome).value_or(nullptr), 5);
  EXPECT_EQ(result<std::unique_ptr<int>>(removed).value_or(nullptr), nullptr);
}

TEST(Result, OfVoidIsSuccessByDefault) {
  const result<void> outcome;
  EXPECT_TRUE(outcome.has_value());
  EXPECT_TRUE(static_cast<bool>(outcome));
  EXPECT_NO_THROW(outcome.value());
}

TEST(Result, OfVoidHoldsAnErrorAndThrowsIt) {
  const result<void> outcome = removed;
  EXPECT_FALSE(outcome.has_value());
  EXPECT_FALSE(static_cast<bool>(outcome));
  EXPECT_EQ(outcome.error(), removed);
  EXPECT_THROW(outcome.value(), std::system_error);
}

}  // namespace
}  // namespace xsipc
