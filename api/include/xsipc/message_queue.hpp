// A message queue as an application holds it.
//
// A copyable pair of id and backend: no state of its own, no open or close, and no destructor that removes
// anything, because an XSI queue lives until somebody removes it. The backend must outlive it. Any number of
// threads may use one object or copies of it; a forked child may go on using it. Errors are returned, each with
// the limit that was hit where there is one. EINTR is the caller's to handle (retry.hpp).
//
// Source: XSI msgget, msgsnd, msgrcv, msgctl; APUE 15.7.
#ifndef XSIPC_MESSAGE_QUEUE_HPP
#define XSIPC_MESSAGE_QUEUE_HPP

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "xsipc/open.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc {

// A message whose text is the object representation of a T, with its type.
template <typename T>
struct typed_message {
  long type = 0;
  T value{};
};

class message_queue {
 public:
  // The queue with this id, which need not exist: the calls say so. Ids come from another process.
  message_queue(spi::backend& on, msqid id) noexcept : backend_(&on), id_(id) {}

  // Finds or creates the queue of `which` as `how` says. key::ipc_private creates a new one, always.
  //
  // Errors: EACCES, EEXIST, ENOENT, ENOMEM, ENOSPC (MSGMNI queues exist). Source: XSI msgget.
  [[nodiscard]] static result<message_queue> get(key which, creation how, spi::backend& on = default_backend());

  // Reports every queue of the backend, also those that the caller may not read; a queue that comes or goes
  // meanwhile may be missing. ENOSYS without capability::lookup_by_index. Source: msgctl(2) MSG_STAT_ANY.
  [[nodiscard]] static result<std::vector<queue_status>> list(spi::backend& on = default_backend());

  [[nodiscard]] msqid id() const noexcept { return id_; }
  [[nodiscard]] spi::backend& backend() const noexcept { return *backend_; }

  // Puts a copy of `message` at the end, blocking while the queue is full until `until`.
  //
  // A cancellation point while it waits. Errors: EACCES, EAGAIN (full, and no time left), EIDRM (removed while
  // waiting), EINTR, EINVAL (no such queue, type < 1, longer than MSGMAX), ENOMEM, ENOSYS (a timed `until`
  // without capability::timed_messages). EAGAIN asks the queue how full it is, for ipc_error::message().
  // Source: XSI msgsnd.
  result<void> send(message_view message, deadline until = deadline::never());
  result<void> send(long type, std::span<const std::byte> text, deadline until = deadline::never()) {
    return send(message_view(type, text), until);
  }

  // Takes the first message that `selector` admits, blocking while there is none until `until`.
  //
  // Returns its type and the number of bytes written to `into`. A cancellation point while it waits.
  // Errors: E2BIG (longer than `into`; it stays queued), EACCES, EIDRM (removed while waiting), EINTR, EINVAL,
  // ENOMSG (none suits, and no time left), ENOSYS (as send). Source: XSI msgrcv.
  result<received> receive(message_buffer into, msgtyp_selector selector = msgtyp_selector::any(),
                           deadline until = deadline::never(), truncation when_too_long = truncation::refuse);

  // Sends a trivially copyable object as a message's text. Otherwise as send.
  template <typename T>
  requires std::is_trivially_copyable_v<T> result<void> send_value(long type, const T& value,
                                                                   deadline until = deadline::never()) {
    return send(type, std::as_bytes(std::span(std::addressof(value), 1)), until);
  }

  // Takes a message whose text is a T. Otherwise as receive; EBADMSG for a message that is shorter than a T
  // (it has been taken), E2BIG for a longer one (it stays queued).
  template <typename T>
  requires std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T> result<typed_message<T>> receive_value(
      msgtyp_selector selector = msgtyp_selector::any(), deadline until = deadline::never()) {
    typed_message<T> message;
    const auto got = receive(std::as_writable_bytes(std::span(std::addressof(message.value), 1)), selector, until);
    if (!got) return got.error();
    if (got->size_bytes != sizeof(T)) return failure(EBADMSG, xsi_call::msgrcv);
    message.type = got->type;
    return message;
  }

  // Reports owner, mode, times, pids and how full it is. Errors: EACCES (read), EINVAL.
  // Source: XSI msgctl IPC_STAT.
  [[nodiscard]] result<queue_status> stat() const;

  // Sets owner, group, mode and qbytes, all or none. Errors: EINVAL (no such queue, an id of -1), EPERM (neither
  // owner, creator nor privileged; qbytes above MSGMNB). Source: XSI msgctl IPC_SET.
  result<void> set(const queue_change& change);

  // Removes the queue with its messages; callers that wait get EIDRM, later ones EINVAL. Errors: EINVAL, EPERM.
  // Source: XSI msgctl IPC_RMID.
  result<void> remove();

  friend bool operator==(const message_queue&, const message_queue&) = default;

 private:
  [[nodiscard]] ipc_error failure(int code, xsi_call call) const noexcept;

  spi::backend* backend_;
  msqid id_;
};

}  // namespace xsipc

#endif  // XSIPC_MESSAGE_QUEUE_HPP
