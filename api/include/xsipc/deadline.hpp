// How long a blocking call may wait.
//
// Four kinds: not at all (IPC_NOWAIT), without end, until a point in time, for a duration. A plain value,
// safe everywhere. A wait that runs out fails as the call without waiting would: send and operate with
// EAGAIN, receive with ENOMSG, and nothing happened.
//
// Waiting for a time is beyond XSI: `operate` can where the backend has `capability::timed_semop`, send and
// receive where it has `capability::timed_messages`; elsewhere ENOSYS before anything changed.
#ifndef XSIPC_DEADLINE_HPP
#define XSIPC_DEADLINE_HPP

#include <chrono>
#include <cstdint>
#include <limits>

namespace xsipc {

class deadline {
  // Stands first, because Clang evaluates no constexpr function whose template comes later in the class.
  // Any duration as nanoseconds, the largest or smallest number if it doesn't fit (292 years).
  template <typename Rep, typename Period>
  static constexpr std::int64_t saturated_ns(std::chrono::duration<Rep, Period> d) noexcept {
    using wide = std::chrono::duration<long double, std::nano>;
    const long double ns = wide(d).count();
    if (ns >= 9.2e18L) return std::numeric_limits<std::int64_t>::max();
    if (ns <= -9.2e18L) return std::numeric_limits<std::int64_t>::min();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
  }

 public:
  enum class kind : std::uint8_t { immediate, never, at, after };

  // Does not wait.
  [[nodiscard]] static constexpr deadline immediate() noexcept { return {kind::immediate, 0}; }
  // Waits without end.
  [[nodiscard]] static constexpr deadline never() noexcept { return {kind::never, 0}; }
  // Waits until `when`; a point in the past tries once and does not wait.
  [[nodiscard]] static constexpr deadline at(std::chrono::steady_clock::time_point when) noexcept {
    return {kind::at, saturated_ns(when.time_since_epoch())};
  }
  // Waits for `how_long` from the moment of the call that it is passed to; zero or less does not wait.
  template <typename Rep, typename Period>
  [[nodiscard]] static constexpr deadline after(std::chrono::duration<Rep, Period> how_long) noexcept {
    const std::int64_t ns = saturated_ns(how_long);
    return ns <= 0 ? immediate() : deadline{kind::after, ns};
  }

  [[nodiscard]] constexpr kind which() const noexcept { return kind_; }
  [[nodiscard]] constexpr bool is_immediate() const noexcept { return kind_ == kind::immediate; }
  [[nodiscard]] constexpr bool is_never() const noexcept { return kind_ == kind::never; }
  // True if it needs a clock, that is, if a backend without timed calls must refuse it.
  [[nodiscard]] constexpr bool is_timed() const noexcept { return kind_ == kind::at || kind_ == kind::after; }

  // For backends: nanoseconds, since the epoch of steady_clock for `at`, from the call on for `after`.
  [[nodiscard]] constexpr std::int64_t nanoseconds() const noexcept { return ns_; }

  // For backends: nanoseconds that are left at `now` (of steady_clock), 0 if the time is over.
  // Only for a timed deadline.
  [[nodiscard]] constexpr std::int64_t remaining_ns(std::chrono::steady_clock::time_point now) const noexcept {
    if (kind_ == kind::after) return ns_;
    const std::int64_t now_ns = saturated_ns(now.time_since_epoch());
    return ns_ > now_ns ? ns_ - now_ns : 0;
  }

  friend constexpr bool operator==(const deadline&, const deadline&) = default;

 private:
  constexpr deadline(kind which, std::int64_t ns) noexcept : ns_(ns), kind_(which) {}

  std::int64_t ns_;
  kind kind_;
};

}  // namespace xsipc

#endif  // XSIPC_DEADLINE_HPP
