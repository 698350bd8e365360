// The semaphore part of the SPI: what a backend implements for semget, semop and semctl.
//
// Conventions of all four SPI headers stand in spi/backend.hpp.
#ifndef XSIPC_SPI_SEMAPHORE_OPS_HPP
#define XSIPC_SPI_SEMAPHORE_OPS_HPP

#include <cstdint>
#include <span>

#include "xsipc/deadline.hpp"
#include "xsipc/ipc_perm.hpp"
#include "xsipc/object_id.hpp"
#include "xsipc/object_status.hpp"
#include "xsipc/result.hpp"
#include "xsipc/semaphore_operation.hpp"

namespace xsipc::spi {

class semaphore_ops {
 public:
  // Finds or creates the set of `which` with `nsems` semaphores; key::ipc_private always creates.
  //
  // Must: start every semaphore at 0 with sempid 0; give a new set the caller's effective ids, ctime = now and
  // otime 0; check in the order nsems against SEMMSL, EEXIST, size of the existing set, access.
  //
  // Errors: EACCES, EEXIST, EINVAL (nsems negative, 0 for a new set, above SEMMSL, above the existing set's
  // size), ENOENT, ENOMEM, ENOSPC (SEMMNI, SEMMNS).
  // Source: XSI semget; KEY, GET, ID, SEMGET-01 to SEMGET-11.
  virtual result<semid> get_set(key which, int nsems, creation how) = 0;

  // Performs `operations` in their order as one, blocking until all can be.
  //
  // Guaranteed: `until` is timed only with capability::timed_semop.
  // Must: apply all or nothing; check every semnum first; complete a waiter on its behalf, so that it misses no
  // transient value; set sempid of every semaphore named and otime on success only; record operations
  // with sem_flags::undo for the process and give them back when it ends, however it ends.
  //
  // Not a cancellation point.
  // Errors: E2BIG (more than SEMOPM), EACCES (alter; read if all operations are 0), EAGAIN (would block, and that
  // operation has no_wait or no time is left), EFAULT, EFBIG (semnum out of range), EIDRM (removed while waiting),
  // EINTR (a handler ran, SA_RESTART or not), EINVAL (no operation, no such set), ENOMEM, ENOSPC (undo records),
  // ERANGE (value above SEMVMX, adjustment out of range).
  // Source: XSI semop; SEMOP, SEMTIME, SEMUNDO.
  virtual result<void> operate(semid id, std::span<const sem_operation> operations, deadline until) = 0;

  // Returns what `what` asks of semaphore `semnum`.
  //
  // Must: change nothing.
  // Errors: EACCES (read), EINVAL (no such set, semnum out of range).
  // Source: XSI semctl GETVAL, GETPID, GETNCNT, GETZCNT; SEMCTL-01, SEMCTL-05, SEMCTL-07, SEMCTL-13.
  virtual result<int> query_semaphore(semid id, int semnum, sem_query what) = 0;

  // Sets one value, clears every process's adjustment of it and lets waiters proceed.
  //
  // Must: set ctime and the semaphore's sempid.
  // Errors: EACCES (alter), EINVAL (no such set, semnum out of range), ERANGE (below 0, above SEMVMX).
  // Source: XSI semctl SETVAL; SEMCTL-01, SEMCTL-02, SEMCTL-08, SEMCTL-09, SEMUNDO-10.
  virtual result<void> set_value(semid id, int semnum, int value) = 0;

  // Writes the values of all semaphores, as of one moment, to `values`.
  //
  // Guaranteed: `values` has room for every semaphore of the set. Writes as many as the set has and no more.
  // Errors: EACCES (read), EFAULT, EINVAL (no such set).
  // Source: XSI semctl GETALL; SEMCTL-04, SEMCTL-12.
  virtual result<void> get_all(semid id, std::span<std::uint16_t> values) = 0;

  // Sets the values of all semaphores as one, clears all adjustments of the set and lets waiters proceed.
  //
  // Guaranteed: `values` has one for every semaphore of the set. Must: as set_value, for all or none.
  // Errors: EACCES (alter), EFAULT, EINVAL (no such set), ERANGE (one above SEMVMX).
  // Source: XSI semctl SETALL; SEMCTL-03, SEMCTL-08, SEMCTL-10, SEMCTL-16, SEMUNDO-11.
  virtual result<void> set_all(semid id, std::span<const std::uint16_t> values) = 0;

  // Reports the set that `id_or_index` names by `how`. As stat_queue.
  // Source: XSI semctl IPC_STAT; CTL-01, CTL-16, LNX-07.
  virtual result<set_status> stat_set(int id_or_index, lookup how) = 0;

  // Changes owner, group and mode, all or none. Waiting callers keep waiting, whatever they may do now.
  //
  // Must: set ctime; ignore mode bits above 0777. Errors: EINVAL, EPERM, as change_queue.
  // Source: XSI semctl IPC_SET; CTL-03 to CTL-07, CTL-14, CTL-15, SEMOP-47.
  virtual result<void> change_set(semid id, const perm_change& change) = 0;

  // Removes the set at once; everybody who waits gets EIDRM, adjustments are dropped. Errors: as remove_queue.
  // Source: XSI semctl IPC_RMID; CTL-08, CTL-09, SEMCTL-14, SEMUNDO-17.
  virtual result<void> remove_set(semid id) = 0;

 protected:
  semaphore_ops() = default;
  semaphore_ops(const semaphore_ops&) = default;
  semaphore_ops& operator=(const semaphore_ops&) = default;
  ~semaphore_ops() = default;
};

}  // namespace xsipc::spi

#endif  // XSIPC_SPI_SEMAPHORE_OPS_HPP
