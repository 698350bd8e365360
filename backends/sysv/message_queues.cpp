// msgget, msgsnd, msgrcv, msgctl.
#include <sys/msg.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "backend.hpp"
#include "translate.hpp"

namespace xsipc::sysv {
namespace {

// A message as the kernel takes it. Room for what fits into Linux's default MSGMAX lies on the stack; the
// rest, which is rare and slow anyway, on the heap.
constexpr std::size_t stack_text_bytes = 8192;

struct frame {
  long type;
  std::byte text[stack_text_bytes];
};

std::unique_ptr<std::byte[]> heap_frame(std::size_t text_bytes) {
  return std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[sizeof(long) + text_bytes]);
}

queue_status status_of(const msqid_ds& from, int id) {
  return {.id = static_cast<msqid>(id),
          .perm = perm_of(from.msg_perm),
          .stime = from.msg_stime,
          .rtime = from.msg_rtime,
          .ctime = from.msg_ctime,
          .cbytes = from.__msg_cbytes,
          .qnum = from.msg_qnum,
          .qbytes = from.msg_qbytes,
          .lspid = from.msg_lspid,
          .lrpid = from.msg_lrpid};
}

}  // namespace

result<msqid> backend::get_queue(key which, creation how) {
  const auto raw_key = static_cast<int>(which);
  return checked<msqid>(calls_.msgget(raw_key, flags_of(how)), subject::of(xsi_call::msgget, which));
}

result<void> backend::send(msqid id, message_view message, deadline until) {
  const int raw_id = static_cast<int>(id);
  if (until.is_timed()) return failure(ENOSYS, subject::of(xsi_call::msgsnd, raw_id));
  const int flags = until.is_immediate() ? IPC_NOWAIT : 0;
  if (!message.is_framed()) return send_apart(id, message, flags);
  return checked<void>(calls_.msgsnd(raw_id, message.frame(), message.size_bytes(), flags),
                       subject::of(xsi_call::msgsnd, raw_id));
}

// Puts type and text into one frame. Inline, as what receives is: a return after a system call costs the most here.
[[gnu::always_inline]] inline result<void> backend::send_apart(msqid id, const message_view& message, int flags) {
  const int raw_id = static_cast<int>(id);
  const std::size_t size = message.size_bytes();
  if (size > stack_text_bytes || (message.text() == nullptr && size != 0)) return send_long(id, message, flags);
  frame staged;  // not initialised: only the part that the kernel reads is written
  staged.type = message.type();
  if (size != 0) std::memcpy(staged.text, message.text(), size);
  return checked<void>(calls_.msgsnd(raw_id, &staged, size, flags), subject::of(xsi_call::msgsnd, raw_id));
}

// What the kernel would refuse before it looks at the text is left to it, so that a text which isn't there is EFAULT
// only where it would be EFAULT there.
[[gnu::cold]] result<void> backend::send_long(msqid id, const message_view& message, int flags) {
  const int raw_id = static_cast<int>(id);
  const subject about = subject::of(xsi_call::msgsnd, raw_id);
  const std::size_t size = message.size_bytes();
  const auto limit = limits();
  if (!limit) return failure(limit.error().code, about);
  if (size > limit->msgmax || raw_id < 0 || message.type() < 1) return failure(EINVAL, about);
  if (message.text() == nullptr) return failure(EFAULT, about);
  const auto staged = heap_frame(size);
  if (!staged) return failure(ENOMEM, about);
  const long type = message.type();
  std::memcpy(staged.get(), &type, sizeof type);
  std::memcpy(staged.get() + sizeof type, message.text(), size);
  return checked<void>(calls_.msgsnd(raw_id, staged.get(), size, flags), about);
}

result<received> backend::receive(msqid id, msgtyp_selector selector, message_buffer into, truncation when_too_long,
                                  deadline until) {
  const int raw_id = static_cast<int>(id);
  const subject about = subject::of(xsi_call::msgrcv, raw_id);
  if (until.is_timed()) return failure(ENOSYS, about);
  const int flags = (until.is_immediate() ? IPC_NOWAIT : 0) | (when_too_long == truncation::allow ? MSG_NOERROR : 0) |
                    (selector.except ? MSG_EXCEPT : 0) | (selector.copy ? MSG_COPY : 0);
  if (!into.is_framed()) return receive_apart(id, selector, into, flags);
  const long raw = calls_.msgrcv(raw_id, into.frame(), into.size_bytes(), selector.msgtyp, flags);
  if (is_error(raw)) return failure(static_cast<int>(-raw), about);
  long type = 0;
  std::memcpy(&type, into.frame(), sizeof type);
  return received{type, static_cast<std::size_t>(raw)};
}

// Receives into a frame of the backend's own, at `staged`, and hands type and text on from there.
[[gnu::always_inline]] inline result<received> backend::receive_staged(msqid id, msgtyp_selector selector,
                                                                       const message_buffer& into, int flags,
                                                                       void* staged) {
  const int raw_id = static_cast<int>(id);
  const subject about = subject::of(xsi_call::msgrcv, raw_id);
  const std::size_t size = into.size_bytes();
  const long raw = calls_.msgrcv(raw_id, staged, size, selector.msgtyp, flags);
  if (is_error(raw)) return failure(static_cast<int>(-raw), about);
  received message{0, static_cast<std::size_t>(raw)};
  std::memcpy(&message.type, staged, sizeof message.type);
  if (raw != 0) std::memcpy(into.text(), static_cast<std::byte*>(staged) + sizeof(long), message.size_bytes);
  return message;
}

[[gnu::always_inline]] inline result<received> backend::receive_apart(msqid id, msgtyp_selector selector,
                                                                      const message_buffer& into, int flags) {
  const std::size_t size = into.size_bytes();
  if (size > stack_text_bytes || (into.text() == nullptr && size != 0)) return receive_long(id, selector, into, flags);
  frame staged;  // not initialised: only the part that the kernel wrote is read
  return receive_staged(id, selector, into, flags, &staged);
}

[[gnu::cold]] result<received> backend::receive_long(msqid id, msgtyp_selector selector, const message_buffer& into,
                                                     int flags) {
  const int raw_id = static_cast<int>(id);
  const subject about = subject::of(xsi_call::msgrcv, raw_id);
  const std::size_t size = into.size_bytes();
  if (size > static_cast<std::size_t>(PTRDIFF_MAX)) return failure(EINVAL, about);
  if (into.text() == nullptr) {
    // The kernel would take the message first and find out afterwards that there is no place for it.
    const auto status = stat_queue(raw_id, lookup::id);
    return failure(status || status.error().code != EINVAL ? EFAULT : EINVAL, about);
  }
  // No message is longer than MSGMAX could ever be (INT_MAX), whatever room the caller has.
  const auto staged = heap_frame(std::min<std::size_t>(size, INT32_MAX));
  if (!staged) return failure(ENOMEM, about);
  return receive_staged(id, selector, into, flags, staged.get());
}

result<queue_status> backend::stat_queue(int id_or_index, lookup how) {
  msqid_ds ds{};
  const long raw = calls_.msgctl(id_or_index, stat_command(how, MSG_STAT, MSG_STAT_ANY), &ds);
  if (is_error(raw)) return failure(static_cast<int>(-raw), subject::of(xsi_call::msgctl, id_or_index));
  return status_of(ds, looked_up(id_or_index, how, raw));
}

result<void> backend::change_queue(msqid id, const queue_change& change) {
  msqid_ds ds{};
  put_change(change.perm, ds.msg_perm);
  ds.msg_qbytes = change.qbytes;
  return checked<void>(calls_.msgctl(static_cast<int>(id), IPC_SET, &ds),
                       subject::of(xsi_call::msgctl, static_cast<int>(id)));
}

result<void> backend::remove_queue(msqid id) {
  return checked<void>(calls_.msgctl(static_cast<int>(id), IPC_RMID, nullptr),
                       subject::of(xsi_call::msgctl, static_cast<int>(id)));
}

}  // namespace xsipc::sysv
