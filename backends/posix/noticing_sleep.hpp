// A futex wait that notices signal handlers, also those that run between two waits of one call.
//
// A blocked call whose handler ran ends with EINTR. While it sleeps the kernel says so; but a waiter that wakes now and
// then to look for the dead is for some microseconds awake, and a handler that runs then leaves no result. So between
// two sleeps signals are held back, and while they are let in, memory below the stack pointer is marked: a handler's
// frame overwrites it.
//
// Known gap: a handler with a stack of its own (SA_ONSTACK) that runs in the few instructions around the system call
// goes unnoticed.
#ifndef XSIPC_POSIX_NOTICING_SLEEP_HPP
#define XSIPC_POSIX_NOTICING_SLEEP_HPP

#include <cstdint>

namespace xsipc::posix {

// What a thread holds back between two sleeps of a call.
struct held_signals {
  bool held = false;
  std::uint64_t before = 0;  // the kernel's signal mask
};

// As futex_wait; -EINTR too if a handler ran before or after. After -ETIMEDOUT signals are held back, until the next
// sleep or let_in().
[[nodiscard]] long noticing_futex_wait(held_signals& signals, std::uint32_t& word, std::uint32_t expected,
                                       std::int64_t at_ns);
void let_in(held_signals& signals);

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_NOTICING_SLEEP_HPP
