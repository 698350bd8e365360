#include "parking.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "../engine/wait_queue.hpp"
#include "robust_lock.hpp"

namespace xsipc::posix {
namespace {

using engine::wait_cell;
using engine::wake_reason;

// What a waiter that sleeps does not notice by itself is that a holder of the lock has died who was to wake it.
constexpr std::int64_t usual_slice_ns = 1'000'000'000;

constexpr std::uint32_t most_spins = 4000;  // about 20 us: what a wake-up costs
constexpr std::uint32_t least_spins = 20;   // enough to notice that it would pay again

bool has_other_processors() {
  static const bool has = ::sysconf(_SC_NPROCESSORS_ONLN) > 1;
  return has;
}

std::uint32_t status_of(const wait_cell& cell) { return engine::load(cell.status); }

// True if the status changed meanwhile. Spends more on it if that succeeds, less if it doesn't.
bool changes_soon(thread_state& me, const wait_cell& cell) {
  if (!has_other_processors()) return false;
  std::uint32_t& budget = me.spin_budget;
  for (std::uint32_t left = std::max(budget, least_spins); left > 0; --left) {
    if (status_of(cell) != engine::awake) {
      budget = std::min(2 * std::max(budget, least_spins), most_spins);
      return true;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  budget /= 2;
  return false;
}

// While it lives the calling thread is parked on the cell; a cancellation unwinds through it.
class parked {
 public:
  parked(thread_state& me, wait_cell& cell) : cell_(cell) {
    if (me.parked_count != 0 && me.parked[me.parked_count - 1].word == &cell.death) {
      me.parked[me.parked_count - 1] = {&cell.death, __builtin_frame_address(0), mark_};
    }
    for (volatile std::uint64_t& each : mark_) each = frame_mark;
  }
  ~parked() {
    mark_[0] = 0;
    stop_watching(cell_.death);
  }
  parked(const parked&) = delete;
  parked& operator=(const parked&) = delete;

 private:
  wait_cell& cell_;
  volatile std::uint64_t mark_[frame_marks];
};

}  // namespace

wake_reason park(wait_cell& cell, const engine::due& until, bool cancellable) {
  thread_state& me = current_thread();
  const parked here(me, cell);
  if (changes_soon(me, cell)) return wake_reason::woken;
  std::uint32_t expected = engine::awake;
  if (!std::atomic_ref(cell.status).compare_exchange_strong(expected, engine::asleep)) return wake_reason::woken;
  const std::int64_t slice = until.look_after_ns != 0 ? until.look_after_ns : usual_slice_ns;
  const std::int64_t look_at = monotonic_ns() + slice;
  const std::int64_t wake_at = until.never ? look_at : std::min(look_at, until.at_ns);
  const std::int64_t at_ns = std::max<std::int64_t>(wake_at, 0);
  // A wait that can be cancelled takes the C library's functions, whose frames lie where a handler's would.
  const long why = cancellable ? futex_wait(cell.status, engine::asleep, at_ns, true)
                               : noticing_futex_wait(me.signals, cell.status, engine::asleep, at_ns);
  if (status_of(cell) != engine::asleep) return wake_reason::woken;
  if (why == -EINTR) return wake_reason::interrupted;
  return !until.never && monotonic_ns() >= until.at_ns ? wake_reason::timed_out : wake_reason::woken;
}

}  // namespace xsipc::posix
