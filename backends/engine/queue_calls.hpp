// msgget, msgsnd, msgrcv and msgctl over a substrate.
//
// Decide, then block: what a call does is decided by message_store under the queue's lock; this file takes the lock,
// asks for permission, and parks. Errors come in the order of docs/error-precedence.md.
#ifndef XSIPC_ENGINE_QUEUE_CALLS_HPP
#define XSIPC_ENGINE_QUEUE_CALLS_HPP

#include <climits>
#include <cstring>

#include "blocking.hpp"
#include "message_layout.hpp"
#include "message_store.hpp"
#include "object_calls.hpp"

namespace xsipc::engine {

// Longer texts are copied without the lock: measured, where the copy begins to cost others more than a second lock.
inline constexpr std::size_t longest_copy_under_lock = 4096;

template <substrate S>
class queue_calls : private object_calls<S> {
  using base = object_calls<S>;
  using base::on_;
  using base::registry_;
  using base::space_;

 public:
  explicit queue_calls(S& on) : base(on, object_kind::queue) {}

  result<msqid> get(key which, creation how);
  result<void> send(msqid id, const message_view& message, deadline until);
  result<received> receive(msqid id, const msgtyp_selector& selector, const message_buffer& into,
                           truncation when_too_long, deadline until);
  result<queue_status> stat(int id_or_index, lookup how);
  result<void> change(msqid id, const queue_change& wanted);
  result<void> remove(msqid id);
  result<ipc_usage> usage();

  // A process has ended: whom it kept waiting goes on.
  void sweep();

  // Visits every queue, under its lock.
  template <typename Visitor>
  void each(Visitor visit) {
    for (int index = 0; index <= static_cast<int>(registry_.highest_index()); ++index) {
      const auto queue = registry_.by_index(index);
      if (!queue) continue;
      section<S> lock = lock_queue(*queue);
      if (lock.code() != 0 || !registry_.is_live(*queue)) continue;
      message_store store = store_of(*queue);
      visit(store);
    }
  }

 private:
  [[nodiscard]] message_store store_of(const object_ref& queue) {
    return {space_, queue, registry_.slot(queue).page_chain};
  }
  [[nodiscard]] section<S> lock_queue(const object_ref& queue);
  void recover(const object_ref& queue, wake_list& wakes) {
    const bool live = registry_.is_live(queue);
    if (live || base::is_dying(queue)) store_of(queue).recover(registry_.fields(queue).qbytes, !live, wakes);
  }
  // Under the lock: 0 if the queue is still there and may be used.
  [[nodiscard]] int admission(const section<S>& lock, const object_ref& queue, std::uint32_t wanted) {
    if (lock.code() != 0) return lock.code();
    if (!registry_.is_live(queue)) return EINVAL;
    return wanted == 0 || base::permitted(queue, wanted) ? 0 : EACCES;
  }
  [[nodiscard]] ipc_error full(const subject& about, const object_ref& queue, const message_store& store,
                               std::size_t size) const;

  [[nodiscard]] bool is_writable(const message_buffer& into, std::size_t room) {
    if (into.is_framed()) return on_.writable(into.frame(), sizeof(long) + room);
    return room == 0 || on_.writable(into.text(), room);
  }
  [[nodiscard]] received copy_out(const message_store& store, std::uint32_t message, const message_buffer& into);

  // A caller that was cancelled while it slept leaves nothing behind.
  void abandon(const object_ref& queue, std::uint32_t waiter);

  // The text is copied without the lock; room is looked for afterwards, as the queue then is.
  result<void> send_large(section<S>& lock, const subject& about, const object_ref& queue, std::uint32_t staged,
                          const message_view& message, deadline until);

  result<void> send_later(section<S>& lock, const subject& about, const object_ref& queue, std::uint32_t staged,
                          std::size_t size, deadline until);

  result<received> receive_later(section<S>& lock, const subject& about, const object_ref& queue,
                                 const msgtyp_selector& selector, const message_buffer& into, truncation when_too_long,
                                 deadline until);
  // The message is this caller's alone: its text is copied without the lock, which is taken to give the message up.
  received collect_message(section<S>& lock, const object_ref& queue, std::uint32_t waiter, const message_buffer& into);

  void bury_if_deserted(section<S>& lock, const object_ref& queue) {
    if (lock.code() == 0 && base::is_dying(queue) && store_of(queue).deserted()) base::bury(lock, queue);
  }
  // Removed queues whose last waiters died before they could notice.
  void bury_the_dead();
};

}  // namespace xsipc::engine

#include "queue_calls.ipp"

#endif  // XSIPC_ENGINE_QUEUE_CALLS_HPP
