// The decorator that tells of each call, in the manner of strace(1):
//
//   msgsnd(65536, type 7 "hello", 5 bytes, IPC_NOWAIT) = 0
//   msgrcv(65536, any, 256 bytes, never) = type 7 "hello", 5 bytes
//   semop(3, [0: -1 SEM_UNDO, 1: +2], never) = EIDRM <0.001210 s>
//
// The only place in the library that says anything, and only to the sink it was given. For people: the wording may
// change.
#ifndef XSIPC_DECORATORS_TRACING_BACKEND_HPP
#define XSIPC_DECORATORS_TRACING_BACKEND_HPP

#include <functional>
#include <memory>
#include <string_view>

#include "xsipc/spi/backend.hpp"

namespace xsipc {

// Gets a line without its end after each call, on the thread of the call. Calls from several threads come at once: the
// sink does the locking it needs. It must not throw, and must not call the backend that it hears of.
using trace_sink = std::function<void(std::string_view line)>;

// Takes `inner` over and returns it with `sink` told of each call. Allocates in each call: not for signal handlers.
[[nodiscard]] std::unique_ptr<spi::backend> make_tracing_backend(std::unique_ptr<spi::backend> inner, trace_sink sink);

}  // namespace xsipc

#endif  // XSIPC_DECORATORS_TRACING_BACKEND_HPP
