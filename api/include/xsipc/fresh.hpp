// Starting a server anew when the one before it has left objects behind.
//
// A server that was killed leaves its queue, with requests and answers of a dialogue that nobody will go on with. A new
// one wants an object that is certainly new: whoever still holds the old id must notice (EIDRM if he waits, EINVAL
// later) and must never read the new server's messages. These functions remove what the key names and create anew.
//
// Two servers that start at once may each remove what the other has just made; both calls end, and of the ids that were
// returned the key names one at most. A server that must be alone holds a single_instance first (single_instance.hpp).
//
// Thread safe; nothing here is a cancellation point or blocks. Source: TLPI 45.4; BOOK-06 to BOOK-09.
#ifndef XSIPC_FRESH_HPP
#define XSIPC_FRESH_HPP

#include <cstddef>

#include "xsipc/message_queue.hpp"
#include "xsipc/semaphore_set.hpp"
#include "xsipc/shared_memory.hpp"

namespace xsipc {

// Each removes the object that `which` names, if there is one, and creates a new one with `mode`; key::ipc_private only
// creates.
//
// Errors: EPERM (there is one, and the caller is neither its owner nor creator nor privileged), EAGAIN (others made
// objects under the key a thousand times in a row), and those of creating: EINVAL (then nothing was removed), ENOMEM,
// ENOSPC.
[[nodiscard]] result<message_queue> create_fresh_queue(key which, ipc_mode mode, spi::backend& on = default_backend());
[[nodiscard]] result<semaphore_set> create_fresh_set(key which, int nsems, ipc_mode mode,
                                                     spi::backend& on = default_backend());
[[nodiscard]] result<shared_memory> create_fresh_segment(key which, std::size_t size, ipc_mode mode,
                                                         segment_options options = {},
                                                         spi::backend& on = default_backend());

}  // namespace xsipc

#endif  // XSIPC_FRESH_HPP
