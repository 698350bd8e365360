// Parts of a test that need a process of their own: other users, filters that cannot be taken off, deaths.
#ifndef XSIPC_TESTS_SUPPORT_CHILD_HPP
#define XSIPC_TESTS_SUPPORT_CHILD_HPP

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <type_traits>

namespace xsipc::test_support {

// Runs `work` in a forked child, which then exits with its result. Returns the wait status.
int status_of_child(const std::function<int()>& work);

// True if `work` returned true in a child that exited in the ordinary way.
[[nodiscard]] bool holds_in_child(const std::function<bool()>& work);

// True in a child that gave up every privilege for good and is user and group `nobody_id`.
[[nodiscard]] bool become_nobody();
inline constexpr unsigned nobody_id = 65534;

namespace detail {

// Runs `fill` in a child, and copies what it left in `memory` to the parent's `memory`.
[[nodiscard]] bool bytes_from_child(const std::function<void()>& fill, std::span<std::byte> memory);

}  // namespace detail

// Returns what `make` returned in a child, or nothing if the child died.
template <typename Make>
[[nodiscard]] auto value_from_child(Make make) -> std::optional<std::invoke_result_t<Make>> {
  using value = std::invoke_result_t<Make>;
  static_assert(std::is_trivially_copyable_v<value>);
  value made{};
  const auto fill = [&] { made = make(); };
  if (!detail::bytes_from_child(fill, std::as_writable_bytes(std::span(&made, 1)))) return std::nullopt;
  return made;
}

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_SUPPORT_CHILD_HPP
