// The blocking loop: the one place in which a call sleeps.
//
// Everything else decides. A call that can't proceed has left a waiter under the object's lock; here it sleeps on the
// waiter's cell and, each time it wakes, lets the call look whether it is over.
#ifndef XSIPC_ENGINE_BLOCKING_HPP
#define XSIPC_ENGINE_BLOCKING_HPP

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "section.hpp"

namespace xsipc::engine {

// Sleeps until look(why) returns an outcome, and returns that. Begins with the lock held; look is called without it and
// must hold it when it returns nothing. Not called when the process has ended: `at_end` is the outcome then, and the
// arena is touched no more. If the thread is cancelled, unwound() runs, without the lock, before the unwinding goes on;
// without one the sleep can't be cancelled. look may change `until`.
template <substrate S, typename Outcome, typename Look, typename Unwound = std::nullptr_t>
Outcome block(S& on, section<S>& lock, wait_cell& cell, const due& until, Outcome at_end, Look look,
              Unwound unwound = nullptr) {
  constexpr bool cancellable = !std::is_same_v<Unwound, std::nullptr_t>;
  for (;;) {
    // Under the lock nobody else changes the state of a parked waiter but its own thread, which is here.
    if (is_parked(load(cell.status))) commit(cell.status, awake);
    lock.leave_to_park(cell);
    wake_reason why = wake_reason::woken;
    if constexpr (cancellable) {
      try {
        why = on.park(cell, until, true);
      } catch (...) {
        unwound();
        throw;
      }
    } else {
      why = on.park(cell, until, false);
    }
    if (why == wake_reason::ended) return at_end;
    if (std::optional<Outcome> outcome = look(why)) return *std::move(outcome);
  }
}

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_BLOCKING_HPP
