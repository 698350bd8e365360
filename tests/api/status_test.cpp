#include "xsipc/status.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace xsipc {
namespace {

using steady = std::chrono::steady_clock;

ipc_error failed(int code) {
  return {.code = code, .call = xsi_call::msgrcv, .subject_is = subject_kind::id, .subject = 7};
}

TEST(ToStatus, MapsEveryErrnoOfXsi) {
  const std::pair<int, absl::StatusCode> mapped[] = {
      {EACCES, absl::StatusCode::kPermissionDenied},  {EPERM, absl::StatusCode::kPermissionDenied},
      {EAGAIN, absl::StatusCode::kUnavailable},       {EEXIST, absl::StatusCode::kAlreadyExists},
      {ENOENT, absl::StatusCode::kNotFound},          {EIDRM, absl::StatusCode::kNotFound},
      {ENOMSG, absl::StatusCode::kUnavailable},       {EINTR, absl::StatusCode::kUnavailable},
      {EINVAL, absl::StatusCode::kInvalidArgument},   {E2BIG, absl::StatusCode::kInvalidArgument},
      {ERANGE, absl::StatusCode::kOutOfRange},        {EFBIG, absl::StatusCode::kOutOfRange},
      {ENOSPC, absl::StatusCode::kResourceExhausted}, {ENOMEM, absl::StatusCode::kResourceExhausted},
      {ENOSYS, absl::StatusCode::kUnimplemented}};
  for (const auto& [code, status] : mapped) EXPECT_EQ(to_status(failed(code)).code(), status) << errno_name(code);
}

TEST(ToStatus, CarriesMessageAndErrno) {
  const absl::Status status = to_status(failed(EIDRM));
  EXPECT_EQ(std::string(status.message()), failed(EIDRM).message());
  const auto payload = status.GetPayload("xsipc/errno");
  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(std::string(*payload), std::to_string(EIDRM));
}

TEST(ToStatus, KeepsApartWhatSharesACode) {
  EXPECT_EQ(status_errno(to_status(failed(EINVAL))), EINVAL);
  EXPECT_EQ(status_errno(to_status(failed(E2BIG))), E2BIG);
}

TEST(ToStatus, ConvertsResultsWithoutAValue) {
  EXPECT_TRUE(to_status(result<void>()).ok());
  EXPECT_EQ(status_errno(to_status(result<void>(failed(EAGAIN)))), EAGAIN);
}

TEST(StatusErrno, IsNoneForOtherStatuses) {
  EXPECT_EQ(status_errno(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(status_errno(absl::NotFoundError("elsewhere")), std::nullopt);
}

TEST(ToStatusOr, HandsOnTheValue) {
  EXPECT_EQ(to_status_or(result<int>(5)).value(), 5);
  auto moved = to_status_or(result<std::unique_ptr<int>>(std::make_unique<int>(6)));
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(**moved, 6);
}

TEST(ToStatusOr, HandsOnTheError) {
  const auto outcome = to_status_or(result<int>(failed(EIDRM)));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.status(), to_status(failed(EIDRM)));
}

TEST(ToDeadline, TakesAnyDuration) {
  EXPECT_EQ(to_deadline(absl::Milliseconds(5)), deadline::after(std::chrono::milliseconds(5)));
  EXPECT_EQ(to_deadline(absl::ZeroDuration()), deadline::immediate());
  EXPECT_EQ(to_deadline(absl::Seconds(-1)), deadline::immediate());
  EXPECT_EQ(to_deadline(-absl::InfiniteDuration()), deadline::immediate());
  EXPECT_EQ(to_deadline(absl::InfiniteDuration()), deadline::never());
}

TEST(ToDeadline, ALongDurationSaturates) {
  EXPECT_EQ(to_deadline(absl::Hours(24 * 365 * 1000)).nanoseconds(), std::numeric_limits<std::int64_t>::max());
}

TEST(ToDeadline, TakesTheEndsOfTime) {
  EXPECT_EQ(to_deadline(absl::InfiniteFuture()), deadline::never());
  EXPECT_EQ(to_deadline(absl::InfinitePast()), deadline::immediate());
}

TEST(ToDeadline, AMomentThatIsOverDoesNotWait) {
  EXPECT_EQ(to_deadline(absl::UnixEpoch()), deadline::immediate());
  EXPECT_EQ(to_deadline(absl::Now() - absl::Seconds(1)), deadline::immediate());
}

TEST(ToDeadline, AMomentToComeIsAPointOfTheSteadyClock) {
  const auto before = steady::now();
  const deadline until = to_deadline(absl::Now() + absl::Hours(1));
  EXPECT_EQ(until.which(), deadline::kind::at);
  // The realtime clock may be adjusted while this runs, though hardly by a minute.
  const std::int64_t left = until.remaining_ns(before);
  EXPECT_GE(left, absl::ToInt64Nanoseconds(absl::Minutes(59)));
  EXPECT_LE(left, absl::ToInt64Nanoseconds(absl::Minutes(61)));
}

TEST(ToDeadline, AMomentBeyondTheSteadyClockSaturates) {
  const deadline until = to_deadline(absl::FromUnixSeconds(std::int64_t{1} << 40));
  EXPECT_EQ(until.which(), deadline::kind::at);
  EXPECT_EQ(until.nanoseconds(), std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace xsipc
