// The engine as a backend: the SPI over a substrate.
//
// An object of it is one process, as its substrate is. Wants checked_backend in front. Threads: all functions at once.
// Fork and signal handlers: as the substrate says.
#ifndef XSIPC_ENGINE_BACKEND_HPP
#define XSIPC_ENGINE_BACKEND_HPP

#include "queue_calls.hpp"
#include "segment_calls.hpp"
#include "set_calls.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc::engine {

template <substrate S>
class backend final : public spi::backend {
 public:
  // `on` must live longer. `offers` is what the substrate makes possible, `name` must live as long as the program.
  backend(S& on, std::string_view name, capability_set offers)
      : on_(on), name_(name), offers_(offers), queues_(on), sets_(on), segments_(on) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] capability_set capabilities() const override { return offers_; }

  result<ipc_limits> limits() override { return limits_of(on_.space()); }
  result<void> change_limits(const ipc_limits& wanted) override;
  result<ipc_usage> usage(object_kind kind) override {
    switch (kind) {
      case object_kind::queue: return queues_.usage();
      case object_kind::set: return sets_.usage();
      case object_kind::segment: return segments_.usage();
    }
    return failure(EINVAL, {xsi_call::limits});
  }
  result<int> readiness(object_kind, int id) override { return failure(ENOSYS, subject::of(xsi_call::readiness, id)); }

  // send, receive and operate are flat, so that nothing that the functions of a call tell each other goes through
  // memory: a load that has to wait for its store costs as much as the rest of the call.
  result<msqid> get_queue(key which, creation how) override { return queues_.get(which, how); }
  [[gnu::flatten]] result<void> send(msqid id, message_view message, deadline until) override {
    return queues_.send(id, message, until);
  }
  [[gnu::flatten]] result<received> receive(msqid id, msgtyp_selector selector, message_buffer into,
                                            truncation when_too_long, deadline until) override {
    return queues_.receive(id, selector, into, when_too_long, until);
  }
  result<queue_status> stat_queue(int id_or_index, lookup how) override { return queues_.stat(id_or_index, how); }
  result<void> change_queue(msqid id, const queue_change& change) override { return queues_.change(id, change); }
  result<void> remove_queue(msqid id) override { return queues_.remove(id); }

  result<semid> get_set(key which, int nsems, creation how) override { return sets_.get(which, nsems, how); }
  [[gnu::flatten]] result<void> operate(semid id, std::span<const sem_operation> operations, deadline until) override {
    return sets_.operate(id, operations, until);
  }
  result<int> query_semaphore(semid id, int semnum, sem_query what) override { return sets_.query(id, semnum, what); }
  result<void> set_value(semid id, int semnum, int value) override { return sets_.set_value(id, semnum, value); }
  result<void> get_all(semid id, std::span<std::uint16_t> values) override { return sets_.get_all(id, values); }
  result<void> set_all(semid id, std::span<const std::uint16_t> values) override { return sets_.set_all(id, values); }
  result<set_status> stat_set(int id_or_index, lookup how) override { return sets_.stat(id_or_index, how); }
  result<void> change_set(semid id, const perm_change& change) override { return sets_.change(id, change); }
  result<void> remove_set(semid id) override { return sets_.remove(id); }

  result<shmid> get_segment(key which, std::size_t size, creation how, segment_options options) override {
    return segments_.get(which, size, how, options);
  }
  result<void*> attach(shmid id, const attach_options& options) override { return segments_.attach(id, options); }
  result<void> detach(const void* address) override { return segments_.detach(address); }
  result<segment_status> stat_segment(int id_or_index, lookup how) override { return segments_.stat(id_or_index, how); }
  result<void> change_segment(shmid id, const perm_change& change) override { return segments_.change(id, change); }
  result<void> remove_segment(shmid id) override { return segments_.remove(id); }
  result<void> lock_segment(shmid id, bool locked) override { return segments_.set_locked(id, locked); }

  // For what a substrate does beside calls: deaths, forks, reports.
  [[nodiscard]] queue_calls<S>& queues() { return queues_; }
  [[nodiscard]] set_calls<S>& sets() { return sets_; }
  [[nodiscard]] segment_calls<S>& segments() { return segments_; }

 private:
  S& on_;
  std::string_view name_;
  capability_set offers_;
  queue_calls<S> queues_;
  set_calls<S> sets_;
  segment_calls<S> segments_;
};

template <substrate S>
result<void> backend<S>::change_limits(const ipc_limits& wanted) {
  const subject about{xsi_call::limits};
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const arena& space = on_.space();
  if (!on_.may_set_limits()) return failure(EPERM, about);
  if (!can_keep(wanted, space.layout().slot_count)) return failure(EINVAL, about);
  // Recovery has nothing to do: the copy that was being written is not in force.
  const section<S> lock(on_, space.header().limits_lock, nullptr, {}, [](void*, const object_ref&, wake_list&) {});
  if (lock.code() != 0) return failure(lock.code(), about);
  ipc_limits next = wanted;
  const ipc_limits now = limits_of(space);
  next.semvmx = now.semvmx;
  next.shmmin = now.shmmin;
  set_limits(space, next);
  return {};
}

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_BACKEND_HPP
