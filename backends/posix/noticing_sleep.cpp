#include "noticing_sleep.hpp"

#include <cerrno>
#include <csignal>

#include "system.hpp"

namespace xsipc::posix {
namespace {

constexpr std::size_t mask_bytes = sizeof(std::uint64_t);

// All that may be held back; the C library's own (32: cancellation, 33) may not.
constexpr std::uint64_t all_signals = ~(std::uint64_t{3} << 31U);

// Where a handler's frame comes to lie: below the stack pointer and what the function may use beneath it. A frame is
// larger than a kilobyte.
constexpr std::uintptr_t red_zone_bytes = 128;
constexpr std::size_t marks = 512;
constexpr std::uintptr_t mark = 0x5ca1ab1e0ddba11;

[[gnu::always_inline]] inline volatile std::uintptr_t* below_stack() {
  std::uintptr_t top = 0;
#if defined(__x86_64__)
  asm volatile("mov %%rsp, %0" : "=r"(top));
#elif defined(__aarch64__)
  asm volatile("mov %0, sp" : "=r"(top));
#else
  return nullptr;
#endif
  return reinterpret_cast<volatile std::uintptr_t*>(top - red_zone_bytes - marks * sizeof(std::uintptr_t));
}

[[gnu::always_inline]] inline bool is_marked(const volatile std::uintptr_t* at) {
  for (std::size_t i = 0; at != nullptr && i < marks; ++i) {
    if (at[i] != mark) return false;
  }
  return true;
}

}  // namespace

// Calls nothing: a call's frame would lie where a handler's does.
__attribute__((noinline, no_sanitize("address", "undefined"))) long noticing_futex_wait(held_signals& signals,
                                                                                       std::uint32_t& word,
                                                                                       std::uint32_t expected,
                                                                                       std::int64_t at_ns) {
  const timespec until{.tv_sec = at_ns / 1'000'000'000, .tv_nsec = at_ns % 1'000'000'000};
  volatile std::uintptr_t* const at = below_stack();
  for (std::size_t i = 0; at != nullptr && i < marks; ++i) at[i] = mark;
  if (signals.held) {
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, word_of(&signals.before), 0, mask_bytes);
    signals.held = false;
    if (!is_marked(at)) return -EINTR;
  }
  const long result = raw_syscall(SYS_futex, word_of(&word), FUTEX_WAIT_BITSET, expected, word_of(&until), 0,
                                  FUTEX_BITSET_MATCH_ANY);
  if (result != -ETIMEDOUT) return result;
  raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, word_of(&all_signals), word_of(&signals.before), mask_bytes);
  signals.held = true;
  if (is_marked(at)) return result;
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, word_of(&signals.before), 0, mask_bytes);
  signals.held = false;
  return -EINTR;
}

void let_in(held_signals& signals) {
  if (!signals.held) return;
  signals.held = false;
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, word_of(&signals.before), 0, mask_bytes);
}

}  // namespace xsipc::posix
