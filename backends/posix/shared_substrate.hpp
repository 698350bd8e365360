// The substrate between processes: memory, locks, waiting, identity of a namespace, for one process.
//
// There is one for each namespace that a process has opened, and it is never destroyed. Threads: all functions at once.
// Fork: a child goes on with it; before_fork() and after_fork_*() stand around fork, and a raw fork is noticed at the
// next call. Signal handlers: calls from one that interrupted another never deadlock; lock() tells them so.
#ifndef XSIPC_POSIX_SHARED_SUBSTRATE_HPP
#define XSIPC_POSIX_SHARED_SUBSTRATE_HPP

#include <time.h>

#include <atomic>
#include <cstdint>

#include "../engine/substrate.hpp"
#include "../engine/wait_queue.hpp"
#include "attachments.hpp"
#include "caller_credentials.hpp"
#include "known_pages.hpp"
#include "namespace_object.hpp"
#include "parking.hpp"
#include "process_table.hpp"
#include "robust_lock.hpp"

namespace xsipc::posix {

class shared_substrate final : public engine::substrate_calls {
 public:
  explicit shared_substrate(const namespace_object& in);
  shared_substrate(const shared_substrate&) = delete;
  shared_substrate& operator=(const shared_substrate&) = delete;

  [[nodiscard]] const engine::arena& space() const { return space_; }

  [[nodiscard]] engine::lock_outcome lock(std::uint32_t& word) { return posix::lock(word); }
  void unlock(std::uint32_t& word) { posix::unlock(word); }
  void unlock_and_wake(std::uint32_t& word, engine::wait_cell& cell) { posix::unlock_and_wake(word, cell.status); }
  void unlock_to_park(std::uint32_t& word, engine::wait_cell& cell) { unlock_and_watch(word, cell.death); }
  [[nodiscard]] engine::wake_reason park(engine::wait_cell& cell, const engine::due& until, bool cancellable) {
    return posix::park(cell, until, cancellable);
  }

  [[nodiscard]] const engine::identity& self() const { return processes_.self(); }
  [[nodiscard]] const engine::identity& image() const { return processes_.image(); }
  [[nodiscard]] const engine::credentials& credentials() const { return caller_credentials::current(); }
  [[nodiscard]] bool may_set_limits() const {
    return credentials().sys_resource || credentials().uid == object_.owner();  // the namespace is his
  }
  [[nodiscard]] std::int64_t now() const { return ::time(nullptr); }
  [[nodiscard]] engine::due due_at(deadline until) const;

  [[nodiscard]] bool readable(const void* address, std::size_t bytes) {
    return known_pages::reach(address, bytes, false);
  }
  [[nodiscard]] bool writable(const void* address, std::size_t bytes) {
    return known_pages::reach(address, bytes, true);
  }

  [[nodiscard]] int enter() {
    thread_state& me = current_thread();
    if (me.parked_count != 0) [[unlikely]]
      drop_left_waiters(me, __builtin_frame_address(0));
    if (is_another_process()) [[unlikely]]
      begin_generation();
    processes_.stand_in();
    return 0;
  }
  void leave() {
    thread_state& me = this_thread;
    if (me.signals.held) [[unlikely]]
      let_in(me.signals);
  }

  [[nodiscard]] int make_data(const engine::object_ref& segment, std::uint64_t bytes) {
    return attachments_.make_data(segment, bytes);
  }
  void drop_data(const engine::object_ref& segment) { attachments_.drop_data(segment); }
  [[nodiscard]] engine::mapping_result map(const engine::object_ref& segment, std::uint64_t bytes, bool reserved,
                                           const attach_options& options);
  [[nodiscard]] std::optional<engine::object_ref> mapped(const void* address) { return attachments_.mapped(address); }
  void unmap(const void* address) { attachments_.unmap(address); }
  [[nodiscard]] std::uint64_t resident_pages() const { return attachments_.resident_pages(); }
  [[nodiscard]] int may_lock(std::uint64_t bytes) const;

  // substrate_calls
  bool reserve(std::uint64_t offset, std::uint64_t bytes) override {
    return object_.reserve(object_.layout().arena + offset, bytes);
  }
  [[nodiscard]] bool alive(const engine::identity& who) override { return processes_.alive(who); }
  [[nodiscard]] bool alive(const engine::wait_cell& waiter) override {
    return (engine::load(waiter.death) & engine::death_mark) == 0 && processes_.alive(waiter.who);
  }
  void wake(engine::wait_cell& waiter) override { futex_wake(waiter.status); }

  [[nodiscard]] const namespace_object& object() const { return object_; }
  [[nodiscard]] attachments& attached() { return attachments_; }
  // A forked child's first act: it is somebody else from now on.
  void begin_generation();
  // A forked child that hasn't begun yet.
  [[nodiscard]] bool is_another_process() const { return generation_.load(std::memory_order_relaxed) != generation(); }

 private:
  void detach(const std::vector<engine::object_ref>& segments);

  namespace_object object_;
  engine::arena space_;
  process_table processes_;
  attachments attachments_;
  std::atomic<std::uint32_t> generation_{0};
};
static_assert(engine::substrate<shared_substrate>);

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_SHARED_SUBSTRATE_HPP
