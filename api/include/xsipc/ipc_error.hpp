// Why an XSI call failed.
//
// errno is the contract: callers branch on `code`. The rest tells a reader which call failed on which
// object and, where a limit was hit, which limit and how full it was. A trivially copyable value: making
// one allocates nothing and formats nothing; only message() builds a string. Safe in any thread, after fork
// and in a signal handler, except message().
#ifndef XSIPC_IPC_ERROR_HPP
#define XSIPC_IPC_ERROR_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace xsipc {

// The XSI call that failed, by the standard's name.
enum class xsi_call : std::uint8_t {
  none,
  ftok,
  msgget,
  msgsnd,
  msgrcv,
  msgctl,
  semget,
  semop,
  semctl,
  shmget,
  shmat,
  shmdt,
  shmctl,
  limits,     // reading or changing the limits of a backend
  readiness,  // asking for a descriptor to poll
};

// A limit that a call can hit, by the name the standard or Linux gives it.
enum class ipc_limit : std::uint8_t {
  none,
  msgmax,      // bytes in one message
  msgmnb,      // msg_qbytes that an unprivileged caller may set
  msgmni,      // queues
  msg_qbytes,  // bytes in this queue
  msg_qnum,    // messages in this queue (as many as msg_qbytes)
  semmsl,      // semaphores in one set
  semmns,      // semaphores in all sets
  semmni,      // sets
  semopm,      // operations in one call
  semvmx,      // value of a semaphore
  shmmax,      // bytes in one segment
  shmmin,      // bytes in one segment, at least
  shmall,      // pages in all segments
  shmmni,      // segments
};

// What `ipc_error::subject` holds.
enum class subject_kind : std::uint8_t { none, key, id, address };

struct ipc_error {
  int code = 0;                    // errno; 0 only in an error that was never set
  xsi_call call = xsi_call::none;  // what was called
  subject_kind subject_is = subject_kind::none;
  ipc_limit limit = ipc_limit::none;  // the limit that was hit, if one was
  std::int64_t subject = 0;           // the key, id or address it was called with
  std::uint64_t used = 0;             // with a limit: how much was taken, or asked for
  std::uint64_t maximum = 0;          // with a limit: how much there is

  // Builds one line for a reader: call, errno, object and, where known, the limit that was hit:
  // "msgsnd: EAGAIN (queue 65536 is full: 16384 of 16384 bytes)". The wording may change between
  // versions; branch on `code`. Allocates.
  [[nodiscard]] std::string message() const;

  friend bool operator==(const ipc_error&, const ipc_error&) = default;
};
static_assert(std::is_trivially_copyable_v<ipc_error> && sizeof(ipc_error) == 32);

// Returns the symbolic name of an errno value ("EIDRM"), or "errno N" for one without a name here.
[[nodiscard]] std::string errno_name(int code);

// Returns the standard's name of a call: "msgsnd".
[[nodiscard]] std::string_view call_name(xsi_call call);

}  // namespace xsipc

#endif  // XSIPC_IPC_ERROR_HPP
