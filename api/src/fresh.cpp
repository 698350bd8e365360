#include "xsipc/fresh.hpp"

#include <cerrno>

#include "explain.hpp"

namespace xsipc {
namespace {

// Every round that fails has seen another process remove or create in between: it got on, so the limit is only there so
// that nothing can hold a caller for ever.
constexpr int most_rounds = 1000;

bool gone(int code) { return code == EINVAL || code == EIDRM || code == ENOENT; }

ipc_error invalid(key which, xsi_call call) {
  return {.code = EINVAL, .call = call, .subject_is = subject_kind::key, .subject = static_cast<std::int32_t>(which)};
}

// `get` finds or creates as it is told.
template <typename Object, typename Get>
result<Object> create_fresh(Get get) {
  int last_code = EEXIST;
  for (int round = 0; round < most_rounds; ++round) {
    const result<Object> created = get(true);
    if (created) return created;
    // That something is gone, and be it in the middle of creating, is believed when it is said twice.
    const int code = created.error().code;
    if (code != EEXIST && (!gone(code) || code == last_code)) return created;
    last_code = code;
    if (code != EEXIST) continue;
    result<Object> old = get(false);
    if (!old) {
      if (gone(old.error().code)) continue;
      return old;
    }
    const auto removed = old->remove();
    if (!removed && !gone(removed.error().code)) return removed.error();
  }
  return ipc_error{.code = EAGAIN};
}

}  // namespace

result<message_queue> create_fresh_queue(key which, ipc_mode mode, spi::backend& on) {
  return create_fresh<message_queue>([&](bool create) {
    return message_queue::get(which, create ? creation::create_only(mode) : creation::find(), on);
  });
}

result<semaphore_set> create_fresh_set(key which, int nsems, ipc_mode mode, spi::backend& on) {
  // Checked beforehand: with an object there, creating says EEXIST first, and it would be removed for nothing.
  if (nsems < 1) return invalid(which, xsi_call::semget);
  return create_fresh<semaphore_set>([&](bool create) {
    return create ? semaphore_set::get(which, nsems, creation::create_only(mode), on)
                  : semaphore_set::get(which, 0, creation::find(), on);
  });
}

result<shared_memory> create_fresh_segment(key which, std::size_t size, ipc_mode mode, segment_options options,
                                           spi::backend& on) {
  // As above.
  const auto limits = on.limits();
  if (size == 0 || (limits && size > limits->shmmax)) {
    return detail::explain_get(on, object_kind::segment, size, invalid(which, xsi_call::shmget));
  }
  return create_fresh<shared_memory>([&](bool create) {
    return create ? shared_memory::get(which, size, creation::create_only(mode), options, on)
                  : shared_memory::get(which, 0, creation::find(), {}, on);
  });
}

}  // namespace xsipc
