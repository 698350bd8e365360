#include "robust_lock.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace xsipc::posix {
namespace {

constexpr int most_spins = 200;
constexpr std::int64_t slice_ns = 20'000'000;  // between looks whether the holder still lives

void pause_a_moment() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

int spins() {
  static const int chosen = ::sysconf(_SC_NPROCESSORS_ONLN) > 1 ? most_spins : 0;
  return chosen;
}

// The thread sanitizer doesn't see what the kernel stores.
#if defined(__SANITIZE_THREAD__)
constexpr bool kernel_unlocks = false;
#else
constexpr bool kernel_unlocks = true;
#endif

// A frame that never counts as left: that of whoever is about to park is known once it does.
const void* const not_left = reinterpret_cast<const void*>(UINTPTR_MAX);

// False only if there is no thread of that number. The kernel marks the word of a dead holder itself; this is for one
// whose robust list it did not know.
bool thread_exists(std::uint32_t tid) { return raw_syscall(SYS_kill, tid, 0) != -ESRCH; }

}  // namespace

lock_outcome lock_contended(thread_state& me, std::uint32_t& word, std::uint32_t seen) {
  std::atomic_ref at(word);
  std::uint32_t mine = me.tid;  // with FUTEX_WAITERS once this thread has slept: others may sleep as well
  for (int left = spins();;) {
    if ((seen & FUTEX_TID_MASK) == 0) {
      const bool died = (seen & FUTEX_OWNER_DIED) != 0;
      if (!at.compare_exchange_strong(seen, mine | (seen & FUTEX_WAITERS), std::memory_order_acquire)) continue;
      return died ? lock_outcome::owner_died : lock_outcome::taken;
    }
    if (left > 0 && (seen & FUTEX_WAITERS) == 0) {
      --left;
      pause_a_moment();
      seen = at.load(std::memory_order_relaxed);
      continue;
    }
    const std::uint32_t waited_for = seen | FUTEX_WAITERS;
    if (seen != waited_for && !at.compare_exchange_strong(seen, waited_for, std::memory_order_relaxed)) continue;
    mine = me.tid | FUTEX_WAITERS;
    const long why = futex_wait(word, waited_for, monotonic_ns() + slice_ns, false);
    seen = at.load(std::memory_order_relaxed);
    if (why == -ETIMEDOUT && seen == waited_for && !thread_exists(seen & FUTEX_TID_MASK)) {
      if (at.compare_exchange_strong(seen, mine, std::memory_order_acquire)) return lock_outcome::owner_died;
    }
  }
}

lock_outcome lock_again(thread_state& me, std::uint32_t& word) {
  const void* const here = __builtin_frame_address(0);
  if (!was_left(me.held, here)) return lock_outcome::would_deadlock;
  std::uint32_t& left = *me.held.word;
  me.held = {};
  const bool holds = (std::atomic_ref(left).load(std::memory_order_relaxed) & FUTEX_TID_MASK) == me.tid;
  if (holds && &left == &word) {
    me.held = {&word, here, nullptr};
    me.announce(&word);
    return lock_outcome::owner_died;
  }
  if (holds) {
    // As the kernel would have left it: whoever comes next puts right what it guards.
    std::atomic_ref(left).store(FUTEX_OWNER_DIED, std::memory_order_release);
    futex_wake(left);
  }
  return lock(word);
}

void drop_left_waiters(thread_state& me, const void* here) {
  while (me.parked_count != 0 && was_left(me.parked[me.parked_count - 1], here)) {
    std::uint32_t& death = *me.parked[--me.parked_count].word;
    std::uint32_t mine = me.tid;
    std::atomic_ref(death).compare_exchange_strong(mine, engine::death_mark);
  }
}

void unlock_and_wake(std::uint32_t& word, std::uint32_t& sleeping) {
  thread_state& me = current_thread();
  // *word = 0, and a waiter for the lock is woken if the old value was negative: FUTEX_WAITERS is the sign.
  constexpr long set_to_0 = FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_LT, 0);
  std::atomic_thread_fence(std::memory_order_release);
  if (!kernel_unlocks ||
      raw_syscall(SYS_futex, word_of(&sleeping), FUTEX_WAKE_OP, 1, 1, word_of(&word), set_to_0) < 0) {
    futex_wake(sleeping);
    unlock(word);
    return;
  }
  me.announce_parked();
  me.held = {};
}

void unlock_and_watch(std::uint32_t& word, std::uint32_t& death) {
  thread_state& me = current_thread();
  std::atomic_ref(death).store(me.tid, std::memory_order_relaxed);
  if (me.parked_count < thread_state::most_parked) me.parked[me.parked_count++] = {&death, not_left, nullptr};
  unlock(word);
}

void stop_watching(std::uint32_t& death) {
  thread_state& me = current_thread();
  if (me.parked_count == 0 || me.parked[me.parked_count - 1].word != &death) return;
  --me.parked_count;
  me.announce_parked();
}

}  // namespace xsipc::posix
