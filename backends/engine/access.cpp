#include "access.hpp"

#include <algorithm>

namespace xsipc::engine {
namespace {

bool is_in(std::uint32_t group, const credentials& who) {
  return group == who.gid || std::find(who.groups.begin(), who.groups.end(), group) != who.groups.end();
}

}  // namespace

bool permits(const ownership& object, std::uint32_t wanted, const credentials& who) {
  std::uint32_t granted = object.mode;
  if (who.uid == object.uid || who.uid == object.cuid) {
    granted >>= 6U;
  } else if (is_in(object.cgid, who) || is_in(object.gid, who)) {
    granted >>= 3U;
  }
  return (wanted & ~granted) == 0 || who.ipc_owner;
}

bool owns(const ownership& object, const credentials& who) {
  return who.uid == object.uid || who.uid == object.cuid || who.sys_admin;
}

}  // namespace xsipc::engine
