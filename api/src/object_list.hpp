// The loop over lookup::index_any that lists all objects of a kind; the portable types share it.
#ifndef XSIPC_SRC_OBJECT_LIST_HPP
#define XSIPC_SRC_OBJECT_LIST_HPP

#include <cerrno>
#include <vector>

#include "xsipc/spi/backend.hpp"

namespace xsipc::detail {

// Returns what `stat(index)` reports for every index in use. An index without an object is passed over: most are,
// and any object may go meanwhile.
template <typename Status, typename Stat>
[[nodiscard]] result<std::vector<Status>> list_objects(spi::backend& on, object_kind kind, xsi_call call, Stat stat) {
  if (!on.capabilities().has(capability::lookup_by_index)) return ipc_error{.code = ENOSYS, .call = call};
  const auto usage = on.usage(kind);
  if (!usage) return usage.error();
  std::vector<Status> objects;
  for (int index = 0; index <= usage->highest_index; ++index) {
    const result<Status> status = stat(index);
    if (status) objects.push_back(*status);
  }
  return objects;
}

}  // namespace xsipc::detail

#endif  // XSIPC_SRC_OBJECT_LIST_HPP
