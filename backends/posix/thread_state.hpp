// What a thread has to know of itself to hold locks that survive its death: kept, because to ask costs a system call.
//
// For backends/posix only. Each thread uses its own, signal handlers of it included. A fork, raw ones too, is noticed
// by a page that the kernel wipes in the child: thread() then finds out anew.
#ifndef XSIPC_POSIX_THREAD_STATE_HPP
#define XSIPC_POSIX_THREAD_STATE_HPP

#include <linux/futex.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "noticing_sleep.hpp"

namespace xsipc::posix {

// A word that the kernel marks when the thread ends, and the frame that works with it: if that was left by a jump,
// nobody does any more. `mark`, if there is one, lies in that frame and is full of frame_mark as long as it is there;
// other frames that come to lie there write over some of it.
struct watched_word {
  std::uint32_t* word = nullptr;
  const void* frame = nullptr;
  const volatile std::uint64_t* mark = nullptr;
};
inline constexpr std::uint64_t frame_mark = 0x70a12ced5eed5a17;
inline constexpr std::size_t frame_marks = 64;

struct thread_state {
  static constexpr int most_parked = 8;  // handlers that interrupt each other's calls

  robust_list_head* list = nullptr;  // the C library's, or `own_list`
  std::uint32_t tid = 0;
  std::uint32_t generation = 0;  // for which all this holds
  watched_word held;             // the lock that it holds, takes or gives back
  watched_word parked[most_parked];
  int parked_count = 0;
  std::uint32_t spin_budget = 0;  // parking.hpp
  held_signals signals;           // between two sleeps of a call
  bool raw_forked = false;        // the C library takes it for its parent's thread
  robust_list_head own_list{};

  // Tells the kernel which word to mark should the thread end now: one, besides those of the C library's list.
  void announce(const std::uint32_t* word) {
    robust_list* const entry =
        word == nullptr ? nullptr
                        : reinterpret_cast<robust_list*>(reinterpret_cast<std::intptr_t>(word) - list->futex_offset);
    std::atomic_ref(list->list_op_pending).store(entry, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  void announce_parked() { announce(parked_count == 0 ? nullptr : parked[parked_count - 1].word); }
};

// A number that differs in a forked child; never 0 once prepare_generations() has returned.
extern const std::uint32_t* generation_page;
[[nodiscard]] inline std::uint32_t generation() {
  return std::atomic_ref(const_cast<std::uint32_t&>(*generation_page)).load(std::memory_order_relaxed);
}
// Before anything else here, once a process.
void prepare_generations();

extern thread_local constinit thread_state this_thread;
// Finds out about a thread that is new, or forked.
void refresh(thread_state& thread);

[[nodiscard]] inline thread_state& current_thread() {
  thread_state& mine = this_thread;
  if (mine.generation != generation() || mine.generation == 0) [[unlikely]]
    refresh(mine);
  return mine;
}

// True if the frame that works with it is certainly gone: something else lies there now, it lies deeper in the stack
// than `here`, a frame that is there, or no handler is at work, and only one could have interrupted it.
[[nodiscard]] bool was_left(const watched_word& which, const void* here);

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_THREAD_STATE_HPP
