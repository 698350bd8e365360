// semget, semop and semctl over a substrate. As queue_calls: decide, then block.
#ifndef XSIPC_ENGINE_SET_CALLS_HPP
#define XSIPC_ENGINE_SET_CALLS_HPP

#include <algorithm>
#include <memory>
#include <new>

#include "blocking.hpp"
#include "object_calls.hpp"
#include "semaphore_layout.hpp"
#include "semaphore_store.hpp"

namespace xsipc::engine {

template <substrate S>
class set_calls : private object_calls<S> {
  using base = object_calls<S>;
  using base::on_;
  using base::registry_;
  using base::space_;

 public:
  explicit set_calls(S& on) : base(on, object_kind::set) {}

  result<semid> get(key which, int nsems, creation how);
  result<void> operate(semid id, std::span<const sem_operation> operations, deadline until);
  result<int> query(semid id, int semnum, sem_query what);
  result<void> set_value(semid id, int semnum, int value);
  result<void> get_all(semid id, std::span<std::uint16_t> values);
  result<void> set_all(semid id, std::span<const std::uint16_t> values);
  result<set_status> stat(int id_or_index, lookup how);
  result<void> change(semid id, const perm_change& wanted);
  result<void> remove(semid id);
  result<ipc_usage> usage();

  // A process has ended: what it did with sem_flags::undo is given back.
  void sweep();
  // This very process ends: the same, although it still lives.
  void end(const identity& who);

  // Visits every set, under its lock: visit(store, wakes).
  template <typename Visitor>
  void each(Visitor visit) {
    for (int index = 0; index <= static_cast<int>(registry_.highest_index()); ++index) {
      const auto set = registry_.by_index(index);
      if (!set) continue;
      section<S> lock = lock_set(*set);
      if (lock.code() != 0 || !registry_.is_live(*set)) continue;
      semaphore_store store = store_of(*set);
      visit(store, lock.wakes());
    }
  }

 private:
  [[nodiscard]] semaphore_store store_of(const object_ref& set) {
    return {space_, set, registry_.slot(set).page_chain};
  }
  [[nodiscard]] section<S> lock_set(const object_ref& set);
  void recover(const object_ref& set, wake_list& wakes) {
    const bool live = registry_.is_live(set);
    if (live || base::is_dying(set)) store_of(set).recover(!live, on_.now(), wakes);
  }
  [[nodiscard]] int admission(const section<S>& lock, const object_ref& set, std::uint32_t wanted = 0) {
    if (lock.code() != 0) return lock.code();
    if (!registry_.is_live(set)) return EINVAL;
    return wanted == 0 || base::permitted(set, wanted) ? 0 : EACCES;
  }

  // Whether there may be a new set of so many semaphores.
  [[nodiscard]] ipc_error admit(std::uint64_t nsems, const subject& about) const;

  result<void> operate_later(section<S>& lock, const subject& about, const object_ref& set,
                             std::span<const sem_operation> wanted, deadline until);

  // Removed sets whose last waiters died before they could notice.
  void bury_the_dead();
  void bury_if_deserted(section<S>& lock, const object_ref& set) {
    if (lock.code() == 0 && base::is_dying(set) && store_of(set).deserted()) base::bury(lock, set);
  }
};

}  // namespace xsipc::engine

#include "set_calls.ipp"

#endif  // XSIPC_ENGINE_SET_CALLS_HPP
