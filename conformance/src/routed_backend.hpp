// A spi::backend whose calls are made by another one, at a place and in a way that whoever derives decides.
#ifndef XSIPC_CONFORMANCE_ROUTED_BACKEND_HPP
#define XSIPC_CONFORMANCE_ROUTED_BACKEND_HPP

#include <functional>

#include "xsipc/spi/backend.hpp"

namespace xsipc::conformance {

class routed_backend : public spi::backend {
 public:
  [[nodiscard]] std::string_view name() const override { return model_.name(); }
  [[nodiscard]] capability_set capabilities() const override { return model_.capabilities(); }
  result<ipc_limits> limits() override;
  result<void> change_limits(const ipc_limits& wanted) override;
  result<ipc_usage> usage(object_kind kind) override;
  result<int> readiness(object_kind kind, int id) override;

  result<msqid> get_queue(key which, creation how) override;
  result<void> send(msqid id, message_view message, deadline until) override;
  result<received> receive(msqid id, msgtyp_selector selector, message_buffer into, truncation when_too_long,
                           deadline until) override;
  result<queue_status> stat_queue(int id_or_index, lookup how) override;
  result<void> change_queue(msqid id, const queue_change& change) override;
  result<void> remove_queue(msqid id) override;

  result<semid> get_set(key which, int nsems, creation how) override;
  result<void> operate(semid id, std::span<const sem_operation> operations, deadline until) override;
  result<int> query_semaphore(semid id, int semnum, sem_query what) override;
  result<void> set_value(semid id, int semnum, int value) override;
  result<void> get_all(semid id, std::span<std::uint16_t> values) override;
  result<void> set_all(semid id, std::span<const std::uint16_t> values) override;
  result<set_status> stat_set(int id_or_index, lookup how) override;
  result<void> change_set(semid id, const perm_change& change) override;
  result<void> remove_set(semid id) override;

  result<shmid> get_segment(key which, std::size_t size, creation how, segment_options options) override;
  result<void*> attach(shmid id, const attach_options& options) override;
  result<void> detach(const void* address) override;
  result<segment_status> stat_segment(int id_or_index, lookup how) override;
  result<void> change_segment(shmid id, const perm_change& change) override;
  result<void> remove_segment(shmid id) override;
  result<void> lock_segment(shmid id, bool locked) override;

 protected:
  // `model` says name and capabilities.
  explicit routed_backend(const spi::backend& model) : model_(model) {}

  using one_call = std::function<void(spi::backend&)>;
  // Makes the call. False if it can't be made or does not return: it then returns ESRCH. `until` is the call's
  // deadline, never() for those that have none.
  virtual bool route(const one_call& call, deadline until) = 0;

 private:
  template <typename Call>
  auto routed(const Call& call, deadline until = deadline::never());

  const spi::backend& model_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_ROUTED_BACKEND_HPP
