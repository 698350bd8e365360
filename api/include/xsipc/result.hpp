// What every call of xsipc returns: a value, or an ipc_error.
//
// For all callers. Not absl::Status and not an exception, because errno is the contract and the error path
// must not allocate (docs/decisions/0001). A result must be looked at: it is [[nodiscard]]. Value semantics,
// no shared state: as safe in threads, after fork and in signal handlers as T itself.
#ifndef XSIPC_RESULT_HPP
#define XSIPC_RESULT_HPP

#include <cstddef>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "xsipc/ipc_error.hpp"

namespace xsipc {

namespace detail {

// Throws std::system_error for `error`; out of line, so that value() stays small.
[[noreturn]] void throw_system_error(const ipc_error& error);

// Alternative I of `state`, which must hold it (the compiler is told so: no check, no branch, no warning).
template <std::size_t I, typename State>
[[nodiscard]] constexpr auto& held(State& state) noexcept {
  auto* const there = std::get_if<I>(&state);
  if (there == nullptr) __builtin_unreachable();
  return *there;
}

}  // namespace detail

template <typename T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}               // NOLINT: implicit by design
  result(const ipc_error& error) noexcept : state_(std::in_place_index<1>, error) {}  // NOLINT: as above

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Returns the value. Throws std::system_error (generic category, code, message()) if there is none:
  // the one place where xsipc throws, always in the caller's own frame.
  [[nodiscard]] T& value() & { return checked(), **this; }
  [[nodiscard]] const T& value() const& { return checked(), **this; }
  [[nodiscard]] T&& value() && { return checked(), *std::move(*this); }

  // Returns the value, which must be there (undefined otherwise).
  T& operator*() & noexcept { return detail::held<0>(state_); }
  const T& operator*() const& noexcept { return detail::held<0>(state_); }
  T&& operator*() && noexcept { return std::move(detail::held<0>(state_)); }
  T* operator->() noexcept { return &detail::held<0>(state_); }
  const T* operator->() const noexcept { return &detail::held<0>(state_); }

  template <typename U>
  [[nodiscard]] T value_or(U&& otherwise) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(otherwise));
  }
  template <typename U>
  [[nodiscard]] T value_or(U&& otherwise) && {
    return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(otherwise));
  }

  // Returns the error, which must be there (undefined otherwise: ask has_value() first).
  [[nodiscard]] const ipc_error& error() const noexcept { return detail::held<1>(state_); }

 private:
  void checked() const {
    if (!has_value()) detail::throw_system_error(error());
  }

  std::variant<T, ipc_error> state_;
};

// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() noexcept = default;
  result(const ipc_error& error) noexcept : state_(std::in_place_index<1>, error) {}  // NOLINT: implicit by design

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Throws std::system_error if the call failed, otherwise does nothing.
  void value() const {
    if (!has_value()) detail::throw_system_error(error());
  }

  // Returns the error, which must be there (undefined otherwise).
  [[nodiscard]] const ipc_error& error() const noexcept { return detail::held<1>(state_); }

 private:
  std::variant<std::monostate, ipc_error> state_;
};

}  // namespace xsipc

#endif  // XSIPC_RESULT_HPP
