#include "shared_substrate.hpp"

#include "../caller_memory.hpp"
#include "../engine/segment_calls.hpp"

namespace xsipc::posix {

shared_substrate::shared_substrate(const namespace_object& in)
    : object_(in),
      space_(object_.arena_base(), object_.layout().in_arena, *this),
      processes_(object_),
      attachments_(object_) {
  begin_generation();
}

void shared_substrate::begin_generation() {
  static_cast<void>(current_thread());
  generation_ = generation();
  processes_.begin();
}

engine::due shared_substrate::due_at(deadline until) const {
  if (!until.is_timed()) return {};
  const std::int64_t begin = until.which() == deadline::kind::after ? monotonic_ns() : 0;
  std::int64_t at = 0;
  if (__builtin_add_overflow(begin, until.nanoseconds(), &at)) return {};
  return {.never = false, .at_ns = at};
}

engine::mapping_result shared_substrate::map(const engine::object_ref& segment, std::uint64_t bytes, bool reserved,
                                             const attach_options& options) {
  std::vector<engine::object_ref> replaced;
  const engine::mapping_result made = attachments_.map(segment, bytes, reserved, options, replaced);
  detach(replaced);
  return made;
}

// What SHM_REMAP has mapped over.
void shared_substrate::detach(const std::vector<engine::object_ref>& segments) {
  engine::segment_calls calls(*this);
  for (const engine::object_ref& each : segments) calls.leave(each, image(), {self().pid, now()});
}

int shared_substrate::may_lock(std::uint64_t bytes) const {
  return detail::may_keep_in_memory(bytes, credentials().sys_resource);
}

}  // namespace xsipc::posix
