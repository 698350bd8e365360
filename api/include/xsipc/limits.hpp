// The limits of a backend, and how much of them is taken.
//
// Limits are data, not constants: read them from the backend in use. On Linux they are the sysctls of the
// IPC namespace. Plain values.
//
// Source: XSI <sys/msg.h>, <sys/sem.h>, <sys/shm.h>; APUE 15.6; LNX-01, LNX-02, LNX-05, LNX-06, LNX-08, LNX-09.
#ifndef XSIPC_LIMITS_HPP
#define XSIPC_LIMITS_HPP

#include <cstdint>

namespace xsipc {

struct ipc_limits {
  std::uint64_t msgmax = 0;  // bytes in one message
  std::uint64_t msgmnb = 0;  // msg_qbytes of a new queue, in bytes
  std::uint64_t msgmni = 0;  // queues
  std::uint64_t semmsl = 0;  // semaphores in one set
  std::uint64_t semmns = 0;  // semaphores in all sets
  std::uint64_t semopm = 0;  // operations in one semop call
  std::uint64_t semmni = 0;  // sets
  std::uint64_t semvmx = 0;  // value of a semaphore; not changeable
  std::uint64_t shmmax = 0;  // bytes in one segment
  std::uint64_t shmmin = 0;  // bytes in one segment, at least; not changeable
  std::uint64_t shmall = 0;  // pages in all segments
  std::uint64_t shmmni = 0;  // segments

  friend bool operator==(const ipc_limits&, const ipc_limits&) = default;
};

// How much of one kind of object there is. Members of other kinds are 0.
struct ipc_usage {
  int highest_index = 0;             // largest index in use, for loops over lookup::index; 0 also if none is
  std::uint64_t objects = 0;         // queues, sets or segments that exist
  std::uint64_t messages = 0;        // queues: messages in all of them
  std::uint64_t bytes = 0;           // queues: bytes in all messages
  std::uint64_t semaphores = 0;      // sets: semaphores in all of them
  std::uint64_t pages = 0;           // segments: pages in all of them
  std::uint64_t pages_resident = 0;  // segments: of these, in memory
  std::uint64_t pages_swapped = 0;   // segments: of these, swapped out
};

}  // namespace xsipc

#endif  // XSIPC_LIMITS_HPP
