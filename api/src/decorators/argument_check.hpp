// Every rule that depends on the arguments and the capabilities of a call alone: one function a call.
//
// Each returns the errno that the call fails with, or 0. They look at no object, and at a limit only where the call
// fails anyway and the limit decides with which errno. The order inside each is that of docs/error-precedence.md.
#ifndef XSIPC_SRC_DECORATORS_ARGUMENT_CHECK_HPP
#define XSIPC_SRC_DECORATORS_ARGUMENT_CHECK_HPP

#include <cerrno>
#include <cstddef>
#include <span>

#include "xsipc/spi/backend.hpp"

namespace xsipc::argument_check {

[[nodiscard]] int get_set(int nsems);
[[nodiscard]] int get_segment(const capability_set& has, const segment_options& options);
// The type of a framed message is read by the backend, which knows how to fail if it can't be.
[[nodiscard]] int send(spi::backend& on, msqid id, const message_view& message, deadline until);
[[nodiscard]] int receive(const capability_set& has, msqid id, msgtyp_selector selector, const message_buffer& into,
                          deadline until);
[[nodiscard]] int operate(spi::backend& on, semid id, std::span<const sem_operation> operations, deadline until);
[[nodiscard]] int set_value(spi::backend& on, semid id, int value);
[[nodiscard]] int stat(const capability_set& has, int id_or_index, lookup how);
[[nodiscard]] int attach(const capability_set& has, shmid id, const attach_options& options);
[[nodiscard]] int detach(const void* address);

// For calls of which nothing but the id can be wrong without a look at the object.
template <typename Id>
[[nodiscard]] int plain_id(Id id) {
  return static_cast<int>(id) < 0 ? EINVAL : 0;
}

}  // namespace xsipc::argument_check

#endif  // XSIPC_SRC_DECORATORS_ARGUMENT_CHECK_HPP
