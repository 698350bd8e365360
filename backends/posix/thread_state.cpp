#include "thread_state.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unwind.h>

#include "system.hpp"

namespace xsipc::posix {
namespace {

constexpr std::uint32_t not_prepared = 0;
std::atomic<std::uint32_t> last_generation{0};

struct stack_walk {
  bool in_handler = false;
  bool to_its_end = false;
};

_Unwind_Reason_Code look_at_frame(_Unwind_Context* frame, void* walk) {
  auto& seen = *static_cast<stack_walk*>(walk);
  int interrupted = 0;
  seen.to_its_end = _Unwind_GetIPInfo(frame, &interrupted) == 0;  // whom nobody called
  seen.in_handler = interrupted != 0;
  return seen.in_handler ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

// True if no signal handler is among the callers: then whatever call of this thread began earlier is over. False if
// one is, or if there are callers that can't be known, as those of code without unwind tables.
bool outside_of_handlers() {
  stack_walk walk;
  _Unwind_Backtrace(look_at_frame, &walk);
  return !walk.in_handler && walk.to_its_end;
}

}  // namespace

thread_local constinit thread_state this_thread;
const std::uint32_t* generation_page = &not_prepared;

void prepare_generations() {
  static const bool once = [] {
    constexpr std::size_t page = 4096;
    void* const memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    ::madvise(memory, page, MADV_WIPEONFORK);
    auto* const number = static_cast<std::uint32_t*>(memory);
    *number = ++last_generation;
    generation_page = number;
    return true;
  }();
  static_cast<void>(once);
}

void refresh(thread_state& thread) {
  auto& number = const_cast<std::uint32_t&>(*generation_page);
  if (generation_page != &not_prepared && std::atomic_ref(number).load() == 0) {
    std::atomic_ref(number).store(++last_generation);  // a forked child, which has this one thread
  }
  if (thread.generation != 0) {
    thread.held = {};  // the parent's: it still works with them
    thread.parked_count = 0;
  }
  thread.tid = own_tid();
  robust_list_head* registered = nullptr;
  std::size_t size = 0;
  raw_syscall(SYS_get_robust_list, 0, word_of(&registered), word_of(&size));
  if (registered == nullptr) {
    // A raw fork took it away - what is in it is the parent's -, or the C library registers none before it needs one.
    thread.raw_forked = thread.list != nullptr;
    registered = thread.raw_forked ? thread.list : &thread.own_list;
    registered->list.next = &registered->list;
    registered->list_op_pending = nullptr;
    raw_syscall(SYS_set_robust_list, word_of(registered), sizeof *registered);
  }
  thread.list = registered;
  thread.generation = generation();
}

// What lies there may be any frame's memory by now.
__attribute__((no_sanitize("address", "thread"))) bool was_left(const watched_word& which, const void* here) {
  for (std::size_t i = 0; which.mark != nullptr && i < frame_marks; ++i) {
    if (which.mark[i] != frame_mark) return true;
  }
  // The stack grows downwards; but a handler may have one of its own.
  if (reinterpret_cast<std::uintptr_t>(which.frame) <= reinterpret_cast<std::uintptr_t>(here)) {
    stack_t alternative{};
    if (::sigaltstack(nullptr, &alternative) != 0 || (alternative.ss_flags & SS_ONSTACK) == 0) return true;
  }
  return outside_of_handlers();
}

}  // namespace xsipc::posix
