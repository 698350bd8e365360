// A lock between processes that survives the death of its holder.
//
// The word is TID | FUTEX_WAITERS | FUTEX_OWNER_DIED, as in the kernel's robust futexes; 0: free. Before it takes a
// lock, a thread puts the word's place into list_op_pending of the robust list that the C library has registered: if
// the thread dies, by whatever means, the kernel marks the word and wakes a waiter. So no pointer lies in shared
// memory, and taking and releasing an uncontended lock costs two atomic operations and no system call.
//
// A thread holds one lock at a time. A thread that finds itself holding one is a handler that has interrupted the
// holder - would_deadlock - or has left the holder's frame by a jump: then what the lock guards may be half changed, as
// after a death, and is treated so.
//
// Known gap: a jump out of a holder - a handler that interrupted it in these few nanoseconds - whose next call happens
// deeper in the stack is taken for a handler's.
#ifndef XSIPC_POSIX_ROBUST_LOCK_HPP
#define XSIPC_POSIX_ROBUST_LOCK_HPP

#include <atomic>
#include <cstdint>

#include "../engine/substrate.hpp"
#include "system.hpp"
#include "thread_state.hpp"

namespace xsipc::posix {

using engine::lock_outcome;

// What lock() does when it finds the lock taken, or itself a holder.
[[nodiscard]] lock_outcome lock_contended(thread_state& me, std::uint32_t& word, std::uint32_t seen);
[[nodiscard]] lock_outcome lock_again(thread_state& me, std::uint32_t& word);
// Frames that parked and were left by a jump: their waiters are as good as dead.
void drop_left_waiters(thread_state& me, const void* here);

[[gnu::always_inline]] inline lock_outcome lock(std::uint32_t& word) {
  thread_state& me = current_thread();
  if (me.held.word != nullptr) [[unlikely]]
    return lock_again(me, word);
  me.held = {&word, __builtin_frame_address(0), nullptr};
  me.announce(&word);
  std::uint32_t free = 0;
  if (std::atomic_ref(word).compare_exchange_strong(free, me.tid, std::memory_order_acquire)) [[likely]] {
    return lock_outcome::taken;
  }
  return lock_contended(me, word, free);
}

// The word is announced until a waiter has been woken: if the thread dies in between, the kernel wakes one.
[[gnu::always_inline]] inline void unlock(std::uint32_t& word) {
  thread_state& me = current_thread();
  const std::uint32_t was = std::atomic_ref(word).exchange(0, std::memory_order_release);
  if ((was & FUTEX_WAITERS) != 0) [[unlikely]]
    futex_wake(word);
  me.announce_parked();
  me.held = {};
}

// Unlocks and wakes who sleeps on `sleeping`, in one system call.
void unlock_and_wake(std::uint32_t& word, std::uint32_t& sleeping);

// Unlocks; from then on the kernel marks `death` when the thread ends. stop_watching() ends that.
void unlock_and_watch(std::uint32_t& word, std::uint32_t& death);
void stop_watching(std::uint32_t& death);

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_ROBUST_LOCK_HPP
