// The message queue part of the SPI: what a backend implements for msgget, msgsnd, msgrcv and msgctl.
//
// Conventions of all four SPI headers stand in spi/backend.hpp.
#ifndef XSIPC_SPI_MESSAGE_QUEUE_OPS_HPP
#define XSIPC_SPI_MESSAGE_QUEUE_OPS_HPP

#include "xsipc/deadline.hpp"
#include "xsipc/ipc_perm.hpp"
#include "xsipc/message.hpp"
#include "xsipc/object_id.hpp"
#include "xsipc/object_status.hpp"
#include "xsipc/result.hpp"

namespace xsipc::spi {

class message_queue_ops {
 public:
  // Finds or creates the queue of `which`; key::ipc_private always creates.
  //
  // Must: give a new queue msg_qbytes = MSGMNB, the caller's effective ids as owner and creator, ctime = now
  // and 0 in all other members; create nothing on any error.
  //
  // Errors: EACCES (exists, and the access asked for is lacking), EEXIST, ENOENT, ENOMEM, ENOSPC (MSGMNI).
  // Source: XSI msgget; KEY, GET, ID, MSGGET-01, MSGGET-02.
  virtual result<msqid> get_queue(key which, creation how) = 0;

  // Puts a copy of `message` at the end of the queue, blocking while it has no room.
  //
  // There is room if cbytes + size <= qbytes and qnum + 1 <= qbytes. A blocked receiver that the message suits
  // gets it directly.
  //
  // Guaranteed: `until` is timed only with capability::timed_messages.
  // Must: leave the queue as it was on every error; recheck permission after a wait; set lspid (a process id)
  // and stime on success only; serve messages of one sender in order.
  //
  // A cancellation point while it waits, and a cancelled call has sent nothing.
  // Errors: EACCES (write), EAGAIN (no room, and no time left to wait), EIDRM (removed while waiting), EINTR
  // (a handler ran, SA_RESTART or not), EINVAL (no such queue, type < 1, longer than MSGMAX), ENOMEM, EFAULT.
  // Source: XSI msgsnd; MSGSND-01 to MSGSND-33.
  virtual result<void> send(msqid id, message_view message, deadline until) = 0;

  // Takes the first message that `selector` admits, blocking while there is none.
  //
  // Guaranteed: `until` is timed only with capability::timed_messages, selector.except and selector.copy are
  // set only with their capabilities.
  // Must: leave the queue as it was on every error, E2BIG included; serve receivers with the same selector in
  // the order in which they came; wake blocked senders that now fit; recheck permission when IPC_SET changes
  // it; set lrpid (a process id) and rtime on success only. A copy changes nothing at all.
  //
  // Returns the type and the number of bytes written to `into`; bytes behind them are untouched.
  // A cancellation point while it waits, and a cancelled call has taken nothing.
  // Errors: E2BIG (longer than `into`, truncation::refuse), EACCES (read), EIDRM (removed while waiting), EINTR
  // (a handler ran, SA_RESTART or not), EINVAL (no such queue, a size above SSIZE_MAX, a copy that may wait,
  // excludes, or would have to be cut), ENOMSG (nothing suits, and no time left to wait), EFAULT.
  // Source: XSI msgrcv; MSGRCV-01 to MSGRCV-42.
  virtual result<received> receive(msqid id, msgtyp_selector selector, message_buffer into, truncation when_too_long,
                                   deadline until) = 0;

  // Reports the queue that `id_or_index` names by `how`.
  //
  // Guaranteed: `how` is lookup::id without capability::lookup_by_index. Must: change nothing.
  // Errors: EACCES (read; not for lookup::index_any), EINVAL (no such queue).
  // Source: XSI msgctl IPC_STAT; CTL-01, CTL-02, PERM-24, LNX-03, LNX-04.
  virtual result<queue_status> stat_queue(int id_or_index, lookup how) = 0;

  // Changes owner, group, mode and qbytes, all of them or none.
  //
  // Must: set ctime; ignore mode bits above 0777; wake senders that now fit and receivers that lost permission.
  // Errors: EINVAL (no such queue, uid or gid -1), EPERM (neither owner, creator nor privileged; qbytes above
  // MSGMNB without privilege).
  // Source: XSI msgctl IPC_SET; CTL-03 to CTL-07, CTL-14, CTL-15, MSGCTL-01 to MSGCTL-04.
  virtual result<void> change_queue(msqid id, const queue_change& change) = 0;

  // Removes the queue and its messages at once; everybody who waits gets EIDRM.
  //
  // Errors: EINVAL (no such queue), EPERM (neither owner, creator nor privileged).
  // Source: XSI msgctl IPC_RMID; CTL-08, CTL-09, MSGCTL-05, MSGCTL-06, MSGCTL-10.
  virtual result<void> remove_queue(msqid id) = 0;

 protected:
  message_queue_ops() = default;
  message_queue_ops(const message_queue_ops&) = default;
  message_queue_ops& operator=(const message_queue_ops&) = default;
  ~message_queue_ops() = default;
};

}  // namespace xsipc::spi

#endif  // XSIPC_SPI_MESSAGE_QUEUE_OPS_HPP
