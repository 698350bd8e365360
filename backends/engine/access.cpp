#include "access.hpp"

#include <algorithm>

namespace xsipc::engine {
namespace {

bool is_in(std::uint32_t group, const credentials& who) {
  return group == who.gid || std::find(who.groups.begin(), who.groups.end(), group) != who.groups.end();
}

}  // namespace

bool is_in_group(const ownership& object, const credentials& who) {
  return is_in(object.cgid, who) || is_in(object.gid, who);
}

}  // namespace xsipc::engine
