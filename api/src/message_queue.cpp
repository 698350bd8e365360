#include "xsipc/message_queue.hpp"

#include "explain.hpp"
#include "object_list.hpp"

namespace xsipc {

result<message_queue> message_queue::get(key which, creation how, spi::backend& on) {
  const auto id = on.get_queue(which, how);
  if (!id) return detail::explain_get(on, object_kind::queue, 0, id.error());
  return message_queue(on, *id);
}

result<std::vector<queue_status>> message_queue::list(spi::backend& on) {
  return detail::list_objects<queue_status>(on, object_kind::queue, xsi_call::msgctl,
                                            [&](int index) { return on.stat_queue(index, lookup::index_any); });
}

result<void> message_queue::send(message_view message, deadline until) {
  auto sent = backend_->send(id_, message, until);
  if (!sent) return detail::explain_send(*backend_, id_, message.size_bytes(), sent.error());
  return sent;
}

result<received> message_queue::receive(message_buffer into, msgtyp_selector selector, deadline until,
                                        truncation when_too_long) {
  return backend_->receive(id_, selector, into, when_too_long, until);
}

result<queue_status> message_queue::stat() const { return backend_->stat_queue(static_cast<int>(id_), lookup::id); }

result<void> message_queue::set(const queue_change& change) {
  auto changed = backend_->change_queue(id_, change);
  if (!changed) return detail::explain_queue_change(*backend_, change, changed.error());
  return changed;
}

result<void> message_queue::remove() { return backend_->remove_queue(id_); }

ipc_error message_queue::failure(int code, xsi_call call) const noexcept {
  return {.code = code, .call = call, .subject_is = subject_kind::id, .subject = static_cast<int>(id_)};
}

}  // namespace xsipc
