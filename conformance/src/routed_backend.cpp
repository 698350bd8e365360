#include "routed_backend.hpp"

#include <cerrno>
#include <optional>
#include <type_traits>

namespace xsipc::conformance {

template <typename Call>
auto routed_backend::routed(const Call& call, deadline until) {
  using outcome_type = std::invoke_result_t<Call, spi::backend&>;
  std::optional<outcome_type> outcome;
  const bool made = route([&](spi::backend& by) { outcome.emplace(call(by)); }, until);
  return made && outcome ? *outcome : outcome_type(ipc_error{.code = ESRCH});
}

result<ipc_limits> routed_backend::limits() {
  return routed([&](spi::backend& by) { return by.limits(); });
}
result<void> routed_backend::change_limits(const ipc_limits& wanted) {
  return routed([&](spi::backend& by) { return by.change_limits(wanted); });
}
result<ipc_usage> routed_backend::usage(object_kind kind) {
  return routed([&](spi::backend& by) { return by.usage(kind); });
}
result<int> routed_backend::readiness(object_kind kind, int id) {
  return routed([&](spi::backend& by) { return by.readiness(kind, id); });
}

result<msqid> routed_backend::get_queue(key which, creation how) {
  return routed([&](spi::backend& by) { return by.get_queue(which, how); });
}
result<void> routed_backend::send(msqid id, message_view message, deadline until) {
  return routed([&](spi::backend& by) { return by.send(id, message, until); }, until);
}
result<received> routed_backend::receive(msqid id, msgtyp_selector selector, message_buffer into,
                                         truncation when_too_long, deadline until) {
  return routed([&](spi::backend& by) { return by.receive(id, selector, into, when_too_long, until); }, until);
}
result<queue_status> routed_backend::stat_queue(int id_or_index, lookup how) {
  return routed([&](spi::backend& by) { return by.stat_queue(id_or_index, how); });
}
result<void> routed_backend::change_queue(msqid id, const queue_change& change) {
  return routed([&](spi::backend& by) { return by.change_queue(id, change); });
}
result<void> routed_backend::remove_queue(msqid id) {
  return routed([&](spi::backend& by) { return by.remove_queue(id); });
}

result<semid> routed_backend::get_set(key which, int nsems, creation how) {
  return routed([&](spi::backend& by) { return by.get_set(which, nsems, how); });
}
result<void> routed_backend::operate(semid id, std::span<const sem_operation> operations, deadline until) {
  return routed([&](spi::backend& by) { return by.operate(id, operations, until); }, until);
}
result<int> routed_backend::query_semaphore(semid id, int semnum, sem_query what) {
  return routed([&](spi::backend& by) { return by.query_semaphore(id, semnum, what); });
}
result<void> routed_backend::set_value(semid id, int semnum, int value) {
  return routed([&](spi::backend& by) { return by.set_value(id, semnum, value); });
}
result<void> routed_backend::get_all(semid id, std::span<std::uint16_t> values) {
  return routed([&](spi::backend& by) { return by.get_all(id, values); });
}
result<void> routed_backend::set_all(semid id, std::span<const std::uint16_t> values) {
  return routed([&](spi::backend& by) { return by.set_all(id, values); });
}
result<set_status> routed_backend::stat_set(int id_or_index, lookup how) {
  return routed([&](spi::backend& by) { return by.stat_set(id_or_index, how); });
}
result<void> routed_backend::change_set(semid id, const perm_change& change) {
  return routed([&](spi::backend& by) { return by.change_set(id, change); });
}
result<void> routed_backend::remove_set(semid id) {
  return routed([&](spi::backend& by) { return by.remove_set(id); });
}

result<shmid> routed_backend::get_segment(key which, std::size_t size, creation how, segment_options options) {
  return routed([&](spi::backend& by) { return by.get_segment(which, size, how, options); });
}
result<void*> routed_backend::attach(shmid id, const attach_options& options) {
  return routed([&](spi::backend& by) { return by.attach(id, options); });
}
result<void> routed_backend::detach(const void* address) {
  return routed([&](spi::backend& by) { return by.detach(address); });
}
result<segment_status> routed_backend::stat_segment(int id_or_index, lookup how) {
  return routed([&](spi::backend& by) { return by.stat_segment(id_or_index, how); });
}
result<void> routed_backend::change_segment(shmid id, const perm_change& change) {
  return routed([&](spi::backend& by) { return by.change_segment(id, change); });
}
result<void> routed_backend::remove_segment(shmid id) {
  return routed([&](spi::backend& by) { return by.remove_segment(id); });
}
result<void> routed_backend::lock_segment(shmid id, bool locked) {
  return routed([&](spi::backend& by) { return by.lock_segment(id, locked); });
}

}  // namespace xsipc::conformance
