// Waiting: the states of a waiter, and how the woken are collected.
//
// A blocked call leaves a waiter in the object, in the order of tickets. Whoever changes the object completes waiters
// ON THEIR BEHALF, under the object's lock: it does what they asked for and sets their status. So no transient value
// and no message is missed, and first come is first served. The waiter then collects its outcome.
//
//   awake    parked; its thread is about to sleep, or looking
//   asleep   parked; its thread sleeps on the status
//   nudged   parked; its thread is to look again at what it waits for, instead of sleeping (on)
//   busy     not parked: its text is being copied without the lock
//   done     completed; `detail` of the cell says with what
//   failed   completed with an error; `detail` is the errno (EIDRM, E2BIG, ERANGE, EAGAIN)
#ifndef XSIPC_ENGINE_WAIT_QUEUE_HPP
#define XSIPC_ENGINE_WAIT_QUEUE_HPP

#include <cstdint>
#include <utility>

#include "arena.hpp"

namespace xsipc::engine {

enum wait_status : std::uint32_t { unused = 0, awake = 1, asleep = 2, busy = 3, done = 4, failed = 5, nudged = 6 };

[[nodiscard]] constexpr bool is_parked(std::uint32_t status) {
  return status == awake || status == asleep || status == nudged;
}

// The waiters that one critical section has completed. All but the last are woken at once, under the lock; the last is
// left for the unlock, which wakes and unlocks in one step where the substrate can: whoever dies before it still holds
// the lock, and recovery wakes every completed waiter again.
class wake_list {
 public:
  explicit wake_list(substrate_calls& calls) : calls_(&calls) {}

  // Completes `waiter`: stores detail and status, and remembers to wake it if it slept.
  void complete(wait_cell& waiter, wait_status with, std::uint32_t detail) {
    std::atomic_ref(waiter.detail).store(detail, std::memory_order_relaxed);
    if (std::atomic_ref(waiter.status).exchange(with, std::memory_order_acq_rel) == asleep) add(waiter);
  }
  // Has a parked waiter look again at what it waits for.
  void nudge(wait_cell& waiter) {
    std::uint32_t seen = load(waiter.status);
    while ((seen == awake || seen == asleep) && !std::atomic_ref(waiter.status).compare_exchange_weak(seen, nudged)) {
      continue;
    }
    if (seen == asleep) add(waiter);
  }
  // The waiter that the unlock has to wake, null if there is none; the list is empty then.
  [[nodiscard]] wait_cell* take_last() { return std::exchange(last_, nullptr); }

 private:
  void add(wait_cell& waiter) {
    if (last_ != nullptr) calls_->wake(*last_);
    last_ = &waiter;
  }

  substrate_calls* calls_;
  wait_cell* last_ = nullptr;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_WAIT_QUEUE_HPP
