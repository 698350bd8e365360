// Finds out, after a call has failed, which limit it hit and how full it is.
//
// For the portable types only: the SPI's errors carry what the backend knew at no cost (the kernel tells errno and
// nothing else), and the C ABI needs no more. Cold paths: each function makes one or two further calls, whose
// own failure leaves the error as it was. What they read may have changed since the failure; they then say nothing
// rather than something wrong.
#ifndef XSIPC_SRC_EXPLAIN_HPP
#define XSIPC_SRC_EXPLAIN_HPP

#include <cstddef>
#include <cstdint>
#include <span>

#include "xsipc/spi/backend.hpp"

namespace xsipc::detail {

[[nodiscard]] ipc_error explain_send(spi::backend& on, msqid id, std::size_t size_bytes, ipc_error error);
[[nodiscard]] ipc_error explain_queue_change(spi::backend& on, const queue_change& change, ipc_error error);
// `requested` is nsems or the size of a segment, 0 for a queue.
[[nodiscard]] ipc_error explain_get(spi::backend& on, object_kind kind, std::size_t requested, ipc_error error);
[[nodiscard]] ipc_error explain_operate(spi::backend& on, std::span<const sem_operation> operations, ipc_error error);
// `largest` is the largest value that was to be set.
[[nodiscard]] ipc_error explain_value(spi::backend& on, std::uint64_t largest, ipc_error error);

}  // namespace xsipc::detail

#endif  // XSIPC_SRC_EXPLAIN_HPP
