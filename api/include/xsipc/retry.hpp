// Going on after a signal.
//
// Every blocking XSI call ends with EINTR when a signal handler ran, SA_RESTART or not, and xsipc hands
// that to the caller: whether to go on is his decision, because a handler often exists to end the wait.
#ifndef XSIPC_RETRY_HPP
#define XSIPC_RETRY_HPP

#include <cerrno>
#include <utility>

#include "xsipc/result.hpp"

namespace xsipc {

// Calls `call` until it returns anything but EINTR, and returns that.
//
// `call` takes no arguments and returns a result<T>. A `deadline::after` inside `call` starts anew with each
// try; use `deadline::at` for a bound over all of them. Blocks as `call` does. Adds no error of its own.
// A cancellation point only if `call` is one.
template <typename Call>
[[nodiscard]] auto retry_on_interrupt(Call&& call) -> decltype(call()) {
  for (;;) {
    auto outcome = call();
    if (outcome.has_value() || outcome.error().code != EINTR) return outcome;
  }
}

}  // namespace xsipc

#endif  // XSIPC_RETRY_HPP
