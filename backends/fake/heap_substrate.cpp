#include "heap_substrate.hpp"

#include "../caller_memory.hpp"
#include "fake_world.hpp"
#include "simulated.hpp"

namespace xsipc::detail {

const engine::arena& heap_substrate::space() const { return world_.space(); }

engine::wake_reason heap_substrate::park(engine::wait_cell& cell, const engine::due& until, bool cancellable) {
  return world_.park(*process_, cell, until, cancellable);
}

engine::identity heap_substrate::self() const { return process_->who(); }
engine::credentials heap_substrate::credentials() const { return process_->credentials(); }
std::int64_t heap_substrate::now() const { return world_.now(); }
engine::due heap_substrate::due_at(deadline until) const { return world_.due_at(until); }

// Memory of a segment that this process has not attached is nowhere for it, though another has it at this address.
bool heap_substrate::readable(const void* address, std::size_t bytes) {
  {
    const std::lock_guard lock(world_.mutex());
    address_space& memory = world_.memory();
    if (memory.touches(address, bytes)) return memory.has(process_->pid(), address, bytes, false);
  }
  return reaches(address, bytes, false);
}
bool heap_substrate::writable(const void* address, std::size_t bytes) {
  {
    const std::lock_guard lock(world_.mutex());
    address_space& memory = world_.memory();
    if (memory.touches(address, bytes)) return memory.has(process_->pid(), address, bytes, true);
  }
  return reaches(address, bytes, true);
}

int heap_substrate::enter() { return process_->enter(); }
void heap_substrate::leave() { process_->leave(); }

int heap_substrate::make_data(const engine::object_ref& segment, std::uint64_t bytes) {
  const std::lock_guard lock(world_.mutex());
  world_.memory().make(segment, bytes);
  return 0;
}
void heap_substrate::drop_data(const engine::object_ref& segment) {
  const std::lock_guard lock(world_.mutex());
  world_.memory().drop(segment);
}

engine::mapping_result heap_substrate::map(const engine::object_ref& segment, std::uint64_t bytes, bool,
                                           const attach_options& options) {
  std::vector<engine::object_ref> replaced;
  engine::mapping_result made;
  {
    const std::lock_guard lock(world_.mutex());
    made = world_.memory().map(process_->pid(), segment, bytes, options, replaced);
  }
  process_->detach_replaced(replaced);
  return made;
}
std::optional<engine::object_ref> heap_substrate::mapped(const void* address) const {
  const std::lock_guard lock(world_.mutex());
  return world_.memory().mapped(process_->pid(), address);
}
void heap_substrate::unmap(const void* address) {
  const std::lock_guard lock(world_.mutex());
  world_.memory().unmap(process_->pid(), address);
}

std::uint64_t heap_substrate::resident_pages() const {
  const std::lock_guard lock(world_.mutex());
  return world_.memory().resident_pages();
}

// Nothing is really locked: only the limit of this program says no.
int heap_substrate::may_lock(std::uint64_t bytes) const {
  return may_keep_in_memory(bytes, process_->credentials().sys_resource);
}

}  // namespace xsipc::detail
