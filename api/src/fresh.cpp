#include "xsipc/fresh.hpp"

#include <cerrno>

namespace xsipc {
namespace {

// Every round that fails has seen another process remove or create in between: it got on, so the limit is only there so
// that nothing can hold a caller for ever.
constexpr int most_rounds = 1000;

bool gone(int code) { return code == EINVAL || code == EIDRM || code == ENOENT; }

// `get` finds or creates as it is told.
template <typename Object, typename Get>
result<Object> create_fresh(Get get) {
  for (int round = 0; round < most_rounds; ++round) {
    const result<Object> created = get(true);
    if (created || created.error().code != EEXIST) return created;
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
  return create_fresh<semaphore_set>([&](bool create) {
    return create ? semaphore_set::get(which, nsems, creation::create_only(mode), on)
                  : semaphore_set::get(which, 0, creation::find(), on);
  });
}

result<shared_memory> create_fresh_segment(key which, std::size_t size, ipc_mode mode, segment_options options,
                                           spi::backend& on) {
  return create_fresh<shared_memory>([&](bool create) {
    return create ? shared_memory::get(which, size, creation::create_only(mode), options, on)
                  : shared_memory::get(which, 0, creation::find(), {}, on);
  });
}

}  // namespace xsipc
