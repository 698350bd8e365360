#include "xsipc/retry.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace xsipc {
namespace {

constexpr ipc_error interrupted{.code = EINTR, .call = xsi_call::semop};
constexpr ipc_error full{.code = EAGAIN, .call = xsi_call::semop};

// A call that gives its answers one after the other.
class scripted {
 public:
  explicit scripted(std::vector<result<int>> answers) : answers_(std::move(answers)) {}
  result<int> operator()() { return answers_.at(calls_++); }
  [[nodiscard]] std::size_t calls() const { return calls_; }

 private:
  std::vector<result<int>> answers_;
  std::size_t calls_ = 0;
};

TEST(RetryOnInterrupt, CallsOnceIfNothingInterrupts) {
  scripted call({5, 6});
  EXPECT_EQ(retry_on_interrupt(call).value(), 5);
  EXPECT_EQ(call.calls(), 1U);
}

TEST(RetryOnInterrupt, GoesOnUntilACallSucceeds) {
  scripted call({interrupted, interrupted, interrupted, 5, 6});
  EXPECT_EQ(retry_on_interrupt(call).value(), 5);
  EXPECT_EQ(call.calls(), 4U);
}

TEST(RetryOnInterrupt, StopsAtTheFirstOtherError) {
  scripted call({interrupted, full, 5});
  const auto outcome = retry_on_interrupt(call);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error(), full);
  EXPECT_EQ(call.calls(), 2U);
}

TEST(RetryOnInterrupt, ServesCallsWithoutAValue) {
  int calls = 0;
  const auto outcome = retry_on_interrupt([&]() -> result<void> {
    if (++calls < 3) return interrupted;
    return {};
  });
  EXPECT_TRUE(outcome.has_value());
  EXPECT_EQ(calls, 3);
}

TEST(RetryOnInterrupt, HandsOnAMoveOnlyValue) {
  const auto outcome = retry_on_interrupt([]() -> result<std::unique_ptr<int>> { return std::make_unique<int>(5); });
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(**outcome, 5);
}

}  // namespace
}  // namespace xsipc
