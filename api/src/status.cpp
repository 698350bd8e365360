#include "xsipc/status.hpp"

#include <cerrno>
#include <chrono>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"

namespace xsipc {
namespace {

constexpr absl::string_view errno_url(status_errno_url.data(), status_errno_url.size());

absl::StatusCode status_code(int code) {
  switch (code) {
    case EIDRM: return absl::StatusCode::kNotFound;
    case ENOMSG: return absl::StatusCode::kUnavailable;
    default: return absl::ErrnoToStatusCode(code);
  }
}

}  // namespace

absl::Status to_status(const ipc_error& error) {
  absl::Status status(status_code(error.code), error.message());
  status.SetPayload(errno_url, absl::Cord(std::to_string(error.code)));
  return status;
}

std::optional<int> status_errno(const absl::Status& status) {
  const auto payload = status.GetPayload(errno_url);
  int code = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &code)) return std::nullopt;
  return code;
}

deadline to_deadline(absl::Duration how_long) {
  if (how_long == absl::InfiniteDuration()) return deadline::never();
  return deadline::after(absl::ToChronoNanoseconds(how_long));
}

deadline to_deadline(absl::Time when) {
  if (when == absl::InfiniteFuture()) return deadline::never();
  const absl::Duration left = when - absl::Now();
  if (left <= absl::ZeroDuration()) return deadline::immediate();
  using time_point = std::chrono::steady_clock::time_point;
  const time_point now = std::chrono::steady_clock::now();
  const auto left_ns = absl::ToChronoNanoseconds(left);  // the largest number if it doesn't fit
  return deadline::at(left_ns > time_point::max() - now ? time_point::max() : now + left_ns);
}

}  // namespace xsipc
