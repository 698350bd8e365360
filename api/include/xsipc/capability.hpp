// What a backend offers beyond XSI.
//
// XSI itself is not optional: every backend has all of it. These are the extensions of Linux and of this
// project that a backend may lack. Without one, a call that is nothing else fails with ENOSYS and a flag
// that asks for it with EINVAL, before anything changed. Plain values.
#ifndef XSIPC_CAPABILITY_HPP
#define XSIPC_CAPABILITY_HPP

#include <cstdint>
#include <string_view>

namespace xsipc {

enum class capability : std::uint8_t {
  except_selector,    // receive everything but one type (MSG_EXCEPT)
  copy_selector,      // look at a message by its place (MSG_COPY)
  lookup_by_index,    // status by index, and so lists of all objects (*_STAT, *_STAT_ANY)
  timed_semop,        // operate with a deadline (semtimedop)
  timed_messages,     // send and receive with a deadline
  segment_lock,       // keep a segment in memory (SHM_LOCK)
  segment_remap,      // attach over an existing mapping (SHM_REMAP)
  segment_execute,    // attach for execution (SHM_EXEC)
  huge_pages,         // segments of huge pages (SHM_HUGETLB)
  changeable_limits,  // limits can be changed through the interface
  bad_address,        // EFAULT instead of a crash for a pointer into nowhere
  readiness,          // a descriptor to poll for an object
};
inline constexpr int capability_count = 12;

// Returns the name as written above: "timed_semop".
[[nodiscard]] std::string_view capability_name(capability which);

// A set of capabilities.
class capability_set {
 public:
  constexpr capability_set() noexcept = default;

  [[nodiscard]] constexpr bool has(capability which) const noexcept { return (bits_ & bit(which)) != 0; }
  [[nodiscard]] constexpr capability_set with(capability which) const noexcept {
    return capability_set(bits_ | bit(which));
  }
  [[nodiscard]] constexpr capability_set without(capability which) const noexcept {
    return capability_set(bits_ & ~bit(which));
  }
  friend constexpr bool operator==(const capability_set&, const capability_set&) = default;

 private:
  constexpr explicit capability_set(std::uint32_t bits) noexcept : bits_(bits) {}
  static constexpr std::uint32_t bit(capability which) noexcept { return 1U << static_cast<unsigned>(which); }

  std::uint32_t bits_ = 0;
};

}  // namespace xsipc

#endif  // XSIPC_CAPABILITY_HPP
