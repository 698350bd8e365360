// What IPC_STAT tells of an object.
//
// Snapshots: by the time they are read the object may have changed or be gone. Times are whole seconds of
// the realtime clock since the epoch, 0 for "never"; pids are process ids, 0 for "nobody". Plain values.
//
// Source: XSI <sys/msg.h>, <sys/sem.h>, <sys/shm.h>; CTL-01, CTL-02, CTL-16.
#ifndef XSIPC_OBJECT_STATUS_HPP
#define XSIPC_OBJECT_STATUS_HPP

#include <cstddef>
#include <cstdint>

#include "xsipc/ipc_perm.hpp"
#include "xsipc/object_id.hpp"

namespace xsipc {

using ipc_time = std::int64_t;  // seconds since the epoch
using ipc_pid = std::int32_t;   // a process id

// How a status call finds its object.
enum class lookup : std::uint8_t {
  id,         // by id; the caller needs read permission (IPC_STAT)
  index,      // by index in 0 ... ipc_usage::highest_index; needs read permission (*_STAT)
  index_any,  // by index, for everybody (*_STAT_ANY)
};

struct queue_status {
  msqid id{};
  ipc_perm perm;
  ipc_time stime = 0;        // last msgsnd
  ipc_time rtime = 0;        // last msgrcv
  ipc_time ctime = 0;        // creation or last IPC_SET
  std::uint64_t cbytes = 0;  // bytes queued
  std::uint64_t qnum = 0;    // messages queued
  std::uint64_t qbytes = 0;  // bytes, and messages, that may be queued
  ipc_pid lspid = 0;         // process of the last msgsnd
  ipc_pid lrpid = 0;         // process of the last msgrcv
};

struct set_status {
  semid id{};
  ipc_perm perm;
  ipc_time otime = 0;       // last semop
  ipc_time ctime = 0;       // creation, or last IPC_SET, SETVAL or SETALL
  std::uint64_t nsems = 0;  // semaphores in the set
};

struct segment_status {
  shmid id{};
  ipc_perm perm;
  std::size_t segsz = 0;     // bytes, as asked for at creation
  ipc_time atime = 0;        // last attach
  ipc_time dtime = 0;        // last detach
  ipc_time ctime = 0;        // creation or last IPC_SET
  ipc_pid cpid = 0;          // process that created it
  ipc_pid lpid = 0;          // process of the last attach or detach
  std::uint64_t nattch = 0;  // attachments over all processes
  bool removed = false;      // IPC_RMID was called, destruction awaits the last detach (SHM_DEST)
  bool locked = false;       // kept in memory (SHM_LOCKED)
};

// What IPC_SET writes to a queue; all members are set.
struct queue_change {
  perm_change perm;
  std::uint64_t qbytes = 0;
};

}  // namespace xsipc

#endif  // XSIPC_OBJECT_STATUS_HPP
