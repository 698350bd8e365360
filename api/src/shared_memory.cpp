#include "xsipc/shared_memory.hpp"

#include "explain.hpp"
#include "object_list.hpp"

namespace xsipc {

result<void> shared_memory_attachment::detach() {
  if (address_ == nullptr) return {};
  return backend_->detach(release());
}

result<shared_memory> shared_memory::get(key which, std::size_t size, creation how, segment_options options,
                                         spi::backend& on) {
  const auto id = on.get_segment(which, size, how, options);
  if (!id) return detail::explain_get(on, object_kind::segment, size, id.error());
  return shared_memory(on, *id);
}

result<std::vector<segment_status>> shared_memory::list(spi::backend& on) {
  return detail::list_objects<segment_status>(on, object_kind::segment, xsi_call::shmctl,
                                              [&](int index) { return on.stat_segment(index, lookup::index_any); });
}

result<shared_memory_attachment> shared_memory::attach(const attach_options& options) const {
  const auto address = backend_->attach(id_, options);
  if (!address) return address.error();
  shared_memory_attachment attachment(*backend_, *address, 0, options.read_only);
  // Asked afterwards: an attached segment can't be destroyed and its id not be used again meanwhile.
  const auto status = stat();
  if (!status) return status.error();
  return shared_memory_attachment(*backend_, attachment.release(), status->segsz, options.read_only);
}

result<segment_status> shared_memory::stat() const { return backend_->stat_segment(static_cast<int>(id_), lookup::id); }
result<void> shared_memory::set(const perm_change& change) { return backend_->change_segment(id_, change); }
result<void> shared_memory::remove() { return backend_->remove_segment(id_); }
result<void> shared_memory::lock() { return backend_->lock_segment(id_, true); }
result<void> shared_memory::unlock() { return backend_->lock_segment(id_, false); }

}  // namespace xsipc
