// Who may do what: decisions without side effects.
#ifndef XSIPC_ENGINE_ACCESS_HPP
#define XSIPC_ENGINE_ACCESS_HPP

#include <cstdint>
#include <span>

namespace xsipc::engine {

// Who calls. A view: valid during one call.
struct credentials {
  std::uint32_t uid = 0;  // effective
  std::uint32_t gid = 0;  // effective
  std::span<const std::uint32_t> groups;
  bool ipc_owner = false;     // passes every permission check
  bool sys_admin = false;     // changes and removes what others own
  bool sys_resource = false;  // exceeds limits
};

// Of an object: the ids and the mode that decide.
struct ownership {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t cuid = 0;
  std::uint32_t cgid = 0;
  std::uint32_t mode = 0;
};

inline constexpr std::uint32_t may_read = 4;
inline constexpr std::uint32_t may_write = 2;  // of a set: alter
inline constexpr std::uint32_t may_execute = 1;

// What a get call asks of an existing object: the union of the three classes of its mode. Execute bits mean nothing.
[[nodiscard]] constexpr std::uint32_t asked_by(std::uint32_t mode) {
  return (mode >> 6U | mode >> 3U | mode) & (may_read | may_write);
}

// True if the group of owner or creator is one of the caller's.
[[nodiscard]] bool is_in_group(const ownership& object, const credentials& who);

// True if `who` may do all of `wanted`: the bits of the first class that he is in decide - owner or creator, group of
// either, others - or privilege.
[[nodiscard]] inline bool permits(const ownership& object, std::uint32_t wanted, const credentials& who) {
  std::uint32_t granted = object.mode;
  if (who.uid == object.uid || who.uid == object.cuid) {
    granted >>= 6U;
  } else if (is_in_group(object, who)) {
    granted >>= 3U;
  }
  return (wanted & ~granted) == 0 || who.ipc_owner;
}

// True if `who` may change and remove the object: owner, creator, or privileged.
[[nodiscard]] inline bool owns(const ownership& object, const credentials& who) {
  return who.uid == object.uid || who.uid == object.cuid || who.sys_admin;
}

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_ACCESS_HPP
