// The shared memory part of the SPI: what a backend implements for shmget, shmat, shmdt and shmctl.
//
// Conventions of all four SPI headers stand in spi/backend.hpp.
#ifndef XSIPC_SPI_SHARED_MEMORY_OPS_HPP
#define XSIPC_SPI_SHARED_MEMORY_OPS_HPP

#include <cstddef>

#include "xsipc/attachment_options.hpp"
#include "xsipc/ipc_perm.hpp"
#include "xsipc/object_id.hpp"
#include "xsipc/object_status.hpp"
#include "xsipc/result.hpp"

namespace xsipc::spi {

class shared_memory_ops {
 public:
  // Finds or creates the segment of `which` with `size` bytes; key::ipc_private always creates.
  //
  // Guaranteed: options.huge_pages only with capability::huge_pages.
  // Must: make a new segment read as zeros; report `size` as asked for, not rounded to pages; check in the order
  // EEXIST, size of the existing segment, access; count memory when it is touched or attached, not here.
  //
  // Errors: EACCES, EEXIST, EINVAL (size 0 or above SHMMAX for a new segment, above the existing one's size),
  // ENOENT, ENOMEM, ENOSPC (SHMMNI, SHMALL).
  // Source: XSI shmget; KEY, GET, ID, SHMGET-01 to SHMGET-14.
  virtual result<shmid> get_segment(key which, std::size_t size, creation how, segment_options options) = 0;

  // Attaches the segment to the calling process and returns where. The attachment is the process's: it is
  // inherited by fork, dropped by exec and exit, and independent of the backend object.
  //
  // Guaranteed: options.remap and options.execute only with their capabilities.
  // Must: count it in nattch, set lpid and atime; keep a read-only attachment read-only whatever mprotect is asked;
  // let a segment that was removed but is still attached be attached by id.
  //
  // Errors: EACCES (read, or read and write), EINVAL (no such segment, address not aligned without `round`, in use
  // without `remap`, null with `remap`, outside of the address space), ENOMEM.
  // Source: XSI shmat; SHMAT-01 to SHMAT-20, PERM-22, PERM-23, SHMLIFE-10.
  virtual result<void*> attach(shmid id, const attach_options& options) = 0;

  // Detaches the attachment that begins at `address`; the last detach of a removed segment destroys it.
  //
  // Must: set lpid and dtime, ask for no permission.
  // Errors: EINVAL (no attachment begins there).
  // Source: XSI shmdt; SHMDT-01 to SHMDT-10, SHMLIFE-11.
  virtual result<void> detach(const void* address) = 0;

  // Reports the segment that `id_or_index` names by `how`. As stat_queue.
  // Source: XSI shmctl IPC_STAT; CTL-01, CTL-16, SHMCTL-06 to SHMCTL-08, LNX-10.
  virtual result<segment_status> stat_segment(int id_or_index, lookup how) = 0;

  // Changes owner, group and mode, all or none. Existing attachments keep their access.
  //
  // Must: set ctime; ignore mode bits above 0777. Errors: EINVAL, EPERM, as change_queue.
  // Source: XSI shmctl IPC_SET; CTL-03 to CTL-07, CTL-14, CTL-15, PERM-16, SHMLIFE-13.
  virtual result<void> change_segment(shmid id, const perm_change& change) = 0;

  // Removes the segment: its key is free at once; it is destroyed now if nobody is attached, else at the last
  // detach, and until then its status says `removed`. Doing it again meanwhile succeeds. Errors: as remove_queue.
  // Source: XSI shmctl IPC_RMID; KEY-09, CTL-08, SHMLIFE-07 to SHMLIFE-15.
  virtual result<void> remove_segment(shmid id) = 0;

  // Keeps the segment's pages in memory (`locked`), or no longer.
  //
  // Errors: EINVAL (no such segment), ENOMEM, EPERM (neither owner nor creator, or RLIMIT_MEMLOCK 0, without
  // privilege), ENOSYS without capability::segment_lock.
  // Source: shmctl(2) SHM_LOCK; SHMCTL-01 to SHMCTL-04.
  virtual result<void> lock_segment(shmid id, bool locked) = 0;

 protected:
  shared_memory_ops() = default;
  shared_memory_ops(const shared_memory_ops&) = default;
  shared_memory_ops& operator=(const shared_memory_ops&) = default;
  ~shared_memory_ops() = default;
};

}  // namespace xsipc::spi

#endif  // XSIPC_SPI_SHARED_MEMORY_OPS_HPP
