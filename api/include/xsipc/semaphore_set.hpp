// A semaphore set as an application holds it.
//
// A copyable pair of id and backend: no state of its own, no open or close, and no destructor that removes
// anything. The backend must outlive it. Any number of threads may use one object or copies of it; a forked
// child may go on using it, without the parent's adjustments. Nothing here is a cancellation point. EINTR is the
// caller's to handle (retry.hpp). Values range from 0 to SEMVMX (32767 on Linux).
//
// Source: XSI semget, semop, semctl; APUE 15.8.
#ifndef XSIPC_SEMAPHORE_SET_HPP
#define XSIPC_SEMAPHORE_SET_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "xsipc/open.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc {

class semaphore_set {
 public:
  // The set with this id, which need not exist: the calls say so.
  semaphore_set(spi::backend& on, semid id) noexcept : backend_(&on), id_(id) {}

  // Finds or creates the set of `which` as `how` says; a new one has `nsems` semaphores of value 0. To find one
  // of any size pass 0. key::ipc_private creates a new one, always.
  //
  // Errors: EACCES, EEXIST, EINVAL (nsems negative, 0 for a new set, above SEMMSL or the size of the existing
  // set), ENOENT, ENOMEM, ENOSPC (SEMMNI sets or SEMMNS semaphores exist). Source: XSI semget.
  [[nodiscard]] static result<semaphore_set> get(key which, int nsems, creation how,
                                                 spi::backend& on = default_backend());

  // Reports every set of the backend. As message_queue::list.
  [[nodiscard]] static result<std::vector<set_status>> list(spi::backend& on = default_backend());

  [[nodiscard]] semid id() const noexcept { return id_; }
  [[nodiscard]] spi::backend& backend() const noexcept { return *backend_; }

  // Performs the operations in order as one, all or none, blocking until all can be or `until`.
  //
  // Errors: E2BIG (more than SEMOPM), EACCES, EAGAIN (would block, and no_wait or no time left), EFBIG (semnum
  // out of range), EIDRM (removed while waiting), EINTR, EINVAL (no operation, no such set), ENOMEM, ENOSPC,
  // ENOSYS (a timed `until` without capability::timed_semop), ERANGE. Source: XSI semop.
  result<void> operate(std::span<const sem_operation> operations, deadline until = deadline::never());

  // The common cases of one operation: take `n` (at least 1), blocking while the value is less; give `n`; wait
  // until the value is 0. With sem_flags::undo the process gives back or takes back what it did when it ends.
  // An `n` outside of 1 ... 32767 is ERANGE. Errors otherwise as operate.
  result<void> acquire(std::uint16_t semnum, int n = 1, sem_flags flags = sem_flags::none,
                       deadline until = deadline::never());
  result<void> release(std::uint16_t semnum, int n = 1, sem_flags flags = sem_flags::none);
  result<void> wait_for_zero(std::uint16_t semnum, sem_flags flags = sem_flags::none,
                             deadline until = deadline::never());

  // One semaphore's value, process of the last operation, number of callers waiting for a larger value and for
  // zero. Snapshots. Errors: EACCES (read), EINVAL (no such set, semnum out of range).
  // Source: XSI semctl GETVAL, GETPID, GETNCNT, GETZCNT.
  [[nodiscard]] result<int> value(int semnum) const;
  [[nodiscard]] result<ipc_pid> sempid(int semnum) const;
  [[nodiscard]] result<int> ncnt(int semnum) const;
  [[nodiscard]] result<int> zcnt(int semnum) const;

  // Sets one value; adjustments of it are cleared in all processes, waiters proceed if they can.
  // Errors: EACCES (alter), EINVAL, ERANGE (below 0, above SEMVMX). Source: XSI semctl SETVAL.
  result<void> set_value(int semnum, int value);

  // All values as of one moment. Errors: EACCES (read), EINVAL. Source: XSI semctl GETALL.
  [[nodiscard]] result<std::vector<std::uint16_t>> values() const;

  // Sets all values as one; as set_value otherwise. Errors: those, and EINVAL unless there is one for each
  // semaphore of the set. Source: XSI semctl SETALL.
  result<void> set_values(std::span<const std::uint16_t> values);

  // As message_queue::stat, set and remove. Source: XSI semctl IPC_STAT, IPC_SET, IPC_RMID.
  [[nodiscard]] result<set_status> stat() const;
  result<void> set(const perm_change& change);
  result<void> remove();

  friend bool operator==(const semaphore_set&, const semaphore_set&) = default;

 private:
  result<void> one(std::uint16_t semnum, int sem_op, sem_flags flags, deadline until);
  [[nodiscard]] ipc_error failure(int code, xsi_call call) const noexcept;

  spi::backend* backend_;
  semid id_;
};

}  // namespace xsipc

#endif  // XSIPC_SEMAPHORE_SET_HPP
