// One operation of a semop array.
//
// An array of them is performed as one: all or none, and no observer sees a part of it. The layout and the
// bits are those of Linux's sembuf, so that arrays cross every seam without being copied
// (docs/decisions/0004). Plain values.
//
// Source: XSI semop; SEMOP-01 to SEMOP-20.
#ifndef XSIPC_SEMAPHORE_OPERATION_HPP
#define XSIPC_SEMAPHORE_OPERATION_HPP

#include <cstdint>
#include <type_traits>

namespace xsipc {

// What an operation asks for beside its number. Bits without a name here are ignored.
enum class sem_flags : std::int16_t {
  none = 0,
  no_wait = 04000,  // IPC_NOWAIT: EAGAIN if this operation is the first that cannot proceed
  undo = 010000,    // SEM_UNDO: given back when the process ends
};
[[nodiscard]] constexpr sem_flags operator|(sem_flags a, sem_flags b) noexcept {
  return static_cast<sem_flags>(static_cast<std::int16_t>(a) | static_cast<std::int16_t>(b));
}
[[nodiscard]] constexpr bool has(sem_flags set, sem_flags one) noexcept {
  return (static_cast<std::int16_t>(set) & static_cast<std::int16_t>(one)) != 0;
}

struct sem_operation {
  std::uint16_t semnum = 0;
  std::int16_t sem_op = 0;  // > 0 adds; < 0 subtracts once the value is large enough; 0 waits for zero
  sem_flags flags = sem_flags::none;
};
static_assert(std::is_trivially_copyable_v<sem_operation> && sizeof(sem_operation) == 6);

// What semctl tells of one semaphore.
enum class sem_query : std::uint8_t {
  value,  // GETVAL: semval
  pid,    // GETPID: sempid, the process of the last operation on it
  ncnt,   // GETNCNT: callers that wait for a larger value
  zcnt,   // GETZCNT: callers that wait for zero
};

}  // namespace xsipc

#endif  // XSIPC_SEMAPHORE_OPERATION_HPP
