#include "xsipc/deadline.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>

namespace xsipc {
namespace {

using namespace std::chrono_literals;
using time_point = std::chrono::steady_clock::time_point;

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

TEST(Deadline, ImmediateIsNotTimed) {
  constexpr deadline until = deadline::immediate();
  EXPECT_EQ(until.which(), deadline::kind::immediate);
  EXPECT_TRUE(until.is_immediate());
  EXPECT_FALSE(until.is_never());
  EXPECT_FALSE(until.is_timed());
}

TEST(Deadline, NeverIsNotTimed) {
  constexpr deadline until = deadline::never();
  EXPECT_EQ(until.which(), deadline::kind::never);
  EXPECT_TRUE(until.is_never());
  EXPECT_FALSE(until.is_immediate());
  EXPECT_FALSE(until.is_timed());
}

TEST(Deadline, AtKeepsItsPointInTime) {
  constexpr deadline until = deadline::at(time_point(1500ns));
  EXPECT_EQ(until.which(), deadline::kind::at);
  EXPECT_TRUE(until.is_timed());
  EXPECT_FALSE(until.is_immediate());
  EXPECT_FALSE(until.is_never());
  EXPECT_EQ(until.nanoseconds(), 1500);
}

TEST(Deadline, AfterKeepsItsDurationInNanoseconds) {
  constexpr deadline until = deadline::after(3ms);
  EXPECT_EQ(until.which(), deadline::kind::after);
  EXPECT_TRUE(until.is_timed());
  EXPECT_FALSE(until.is_immediate());
  EXPECT_FALSE(until.is_never());
  EXPECT_EQ(until.nanoseconds(), 3'000'000);
}

TEST(Deadline, AfterZeroDoesNotWait) { EXPECT_EQ(deadline::after(0s), deadline::immediate()); }

TEST(Deadline, AfterLessThanZeroDoesNotWait) {
  EXPECT_EQ(deadline::after(-1ns), deadline::immediate());
  EXPECT_EQ(deadline::after(std::chrono::hours::min()), deadline::immediate());
}

TEST(Deadline, AfterTheShortestTimeIsTimed) { EXPECT_EQ(deadline::after(1ns).which(), deadline::kind::after); }

TEST(Deadline, AfterTakesFractions) {
  EXPECT_EQ(deadline::after(std::chrono::duration<double>(0.25)).nanoseconds(), 250'000'000);
}

TEST(Deadline, AfterMoreThanNanosecondsCanCountSaturates) {
  EXPECT_EQ(deadline::after(std::chrono::hours::max()).nanoseconds(), most);
  EXPECT_EQ(deadline::after(std::chrono::duration<double>(1e300)).nanoseconds(), most);
  EXPECT_EQ(deadline::after(24h * 365 * 400).nanoseconds(), most);
}

TEST(Deadline, AfterAHundredYearsIsExact) {
  EXPECT_EQ(deadline::after(24h * 36500).nanoseconds(), 3'153'600'000'000'000'000);
}

TEST(Deadline, AtTheEndsOfTimeSaturates) {
  EXPECT_EQ(deadline::at(time_point::max()).nanoseconds(), most);
  EXPECT_EQ(deadline::at(time_point::min()).nanoseconds(), std::numeric_limits<std::int64_t>::min());
}

TEST(Deadline, WhatIsLeftUntilAPointShrinks) {
  constexpr deadline until = deadline::at(time_point(10s));
  EXPECT_EQ(until.remaining_ns(time_point(4s)), 6'000'000'000);
  EXPECT_EQ(until.remaining_ns(time_point(10s - 1ns)), 1);
}

TEST(Deadline, NothingIsLeftAtAndPastAPoint) {
  constexpr deadline until = deadline::at(time_point(10s));
  EXPECT_EQ(until.remaining_ns(time_point(10s)), 0);
  EXPECT_EQ(until.remaining_ns(time_point(11s)), 0);
  EXPECT_EQ(deadline::at(time_point::min()).remaining_ns(time_point(1s)), 0);
}

TEST(Deadline, WhatIsLeftUntilTheLastPointIsNotCutOff) {
  EXPECT_EQ(deadline::at(time_point::max()).remaining_ns(time_point(1ns)), most - 1);
}

TEST(Deadline, ADurationIsLeftWholeAtEachCall) {
  constexpr deadline until = deadline::after(5s);
  EXPECT_EQ(until.remaining_ns(time_point(1s)), 5'000'000'000);
  EXPECT_EQ(until.remaining_ns(time_point(100s)), 5'000'000'000);
}

TEST(Deadline, EqualsOneOfTheSameKindAndTime) {
  EXPECT_EQ(deadline::after(1s), deadline::after(1000ms));
  EXPECT_NE(deadline::after(1s), deadline::after(2s));
  EXPECT_NE(deadline::after(1s), deadline::at(time_point(1s)));
  EXPECT_NE(deadline::never(), deadline::immediate());
}

}  // namespace
}  // namespace xsipc
