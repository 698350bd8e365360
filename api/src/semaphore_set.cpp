#include "xsipc/semaphore_set.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "explain.hpp"
#include "object_list.hpp"

namespace xsipc {

result<semaphore_set> semaphore_set::get(key which, int nsems, creation how, spi::backend& on) {
  const auto id = on.get_set(which, nsems, how);
  if (!id) {
    const std::size_t asked = nsems > 0 ? static_cast<std::size_t>(nsems) : 0;
    return detail::explain_get(on, object_kind::set, asked, id.error());
  }
  return semaphore_set(on, *id);
}

result<std::vector<set_status>> semaphore_set::list(spi::backend& on) {
  return detail::list_objects<set_status>(on, object_kind::set, xsi_call::semctl,
                                          [&](int index) { return on.stat_set(index, lookup::index_any); });
}

result<void> semaphore_set::operate(std::span<const sem_operation> operations, deadline until) {
  auto done = backend_->operate(id_, operations, until);
  if (!done) return detail::explain_operate(*backend_, operations, done.error());
  return done;
}

result<void> semaphore_set::one(std::uint16_t semnum, int sem_op, sem_flags flags, deadline until) {
  const sem_operation operation{semnum, static_cast<std::int16_t>(sem_op), flags};
  return operate({&operation, 1}, until);
}

result<void> semaphore_set::acquire(std::uint16_t semnum, int n, sem_flags flags, deadline until) {
  if (n < 1 || n > std::numeric_limits<std::int16_t>::max()) return failure(ERANGE, xsi_call::semop);
  return one(semnum, -n, flags, until);
}

result<void> semaphore_set::release(std::uint16_t semnum, int n, sem_flags flags) {
  if (n < 1 || n > std::numeric_limits<std::int16_t>::max()) return failure(ERANGE, xsi_call::semop);
  return one(semnum, n, flags, deadline::never());
}

result<void> semaphore_set::wait_for_zero(std::uint16_t semnum, sem_flags flags, deadline until) {
  return one(semnum, 0, flags, until);
}

result<int> semaphore_set::value(int semnum) const { return backend_->query_semaphore(id_, semnum, sem_query::value); }
result<ipc_pid> semaphore_set::sempid(int semnum) const {
  return backend_->query_semaphore(id_, semnum, sem_query::pid);
}
result<int> semaphore_set::ncnt(int semnum) const { return backend_->query_semaphore(id_, semnum, sem_query::ncnt); }
result<int> semaphore_set::zcnt(int semnum) const { return backend_->query_semaphore(id_, semnum, sem_query::zcnt); }

result<void> semaphore_set::set_value(int semnum, int value) {
  auto set = backend_->set_value(id_, semnum, value);
  if (set || value < 0) return set;
  return detail::explain_value(*backend_, static_cast<std::uint64_t>(value), set.error());
}

result<std::vector<std::uint16_t>> semaphore_set::values() const {
  const auto status = stat();
  if (!status) return status.error();
  std::vector<std::uint16_t> values(status->nsems);
  const auto got = backend_->get_all(id_, values);
  if (!got) return got.error();
  return values;
}

result<void> semaphore_set::set_values(std::span<const std::uint16_t> values) {
  // The call reads as many values as the set has; how many that is only the set can tell, and one that may be
  // altered but not read doesn't, so its caller is believed.
  const auto status = stat();
  if (status ? status->nsems != values.size() : status.error().code != EACCES) {
    return status ? failure(EINVAL, xsi_call::semctl) : status.error();
  }
  auto set = backend_->set_all(id_, values);
  if (set || values.empty()) return set;
  return detail::explain_value(*backend_, *std::max_element(values.begin(), values.end()), set.error());
}

result<set_status> semaphore_set::stat() const { return backend_->stat_set(static_cast<int>(id_), lookup::id); }
result<void> semaphore_set::set(const perm_change& change) { return backend_->change_set(id_, change); }
result<void> semaphore_set::remove() { return backend_->remove_set(id_); }

ipc_error semaphore_set::failure(int code, xsi_call call) const noexcept {
  return {.code = code, .call = call, .subject_is = subject_kind::id, .subject = static_cast<int>(id_)};
}

}  // namespace xsipc
