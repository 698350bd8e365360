// The bridge to absl::Status and absl::Time, for programs that live in that world. Target xsipc::status.
//
// absl::Status cannot carry XSI's errors by its code alone (EINVAL and E2BIG share one, EIDRM has none), so the
// errno travels as a payload. Everything here allocates; nothing is safe in a signal handler.
#ifndef XSIPC_STATUS_HPP
#define XSIPC_STATUS_HPP

#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "xsipc/deadline.hpp"
#include "xsipc/result.hpp"

namespace xsipc {

// Under this URL a converted status carries its errno, as a decimal number.
inline constexpr std::string_view status_errno_url = "xsipc/errno";

// Converts: code by absl's errno table (EIDRM: NotFound, ENOMSG: Unavailable), message() as message, errno as payload.
[[nodiscard]] absl::Status to_status(const ipc_error& error);

[[nodiscard]] inline absl::Status to_status(const result<void>& outcome) {
  return outcome ? absl::OkStatus() : to_status(outcome.error());
}

template <typename T>
[[nodiscard]] absl::StatusOr<T> to_status_or(result<T> outcome) {
  if (!outcome) return to_status(outcome.error());
  return *std::move(outcome);
}

// Returns the errno that to_status put into `status`; none for another status.
[[nodiscard]] std::optional<int> status_errno(const absl::Status& status);

// Converts: InfinitePast and non-positive durations wait not at all, InfiniteFuture and InfiniteDuration without end.
// An absl::Time is realtime: it is turned into steady_clock now, and later steps of the realtime clock don't move it.
[[nodiscard]] deadline to_deadline(absl::Time when);
[[nodiscard]] deadline to_deadline(absl::Duration how_long);

}  // namespace xsipc

#endif  // XSIPC_STATUS_HPP
