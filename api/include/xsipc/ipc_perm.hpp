// Who owns an object and who may do what with it.
//
// The low nine bits of a mode are read and write (for semaphores: read and alter) for owner, group and
// others; execute bits are stored and grant nothing, except SHM_EXEC where a backend offers it. Plain values.
//
// Source: XSI 2.7.1, <sys/ipc.h>; PERM-03 to PERM-13, GET-09, GET-10, CTL-03, CTL-05.
#ifndef XSIPC_IPC_PERM_HPP
#define XSIPC_IPC_PERM_HPP

#include <cstdint>

#include "xsipc/key.hpp"

namespace xsipc {

// A mode word: nine permission bits. Bits above 0777 are ignored wherever one is passed in and 0 wherever
// one is returned (what Linux keeps there, SHM_DEST and SHM_LOCKED, are members of segment_status).
using ipc_mode = std::uint32_t;

// Numeric user or group id, as in uid_t and gid_t.
using ipc_user = std::uint32_t;

// The ipc_perm of an object, as its status reports it.
struct ipc_perm {
  ipc_user uid = 0;            // owner; changed by IPC_SET
  ipc_user gid = 0;            // owner's group; changed by IPC_SET
  ipc_user cuid = 0;           // creator; never changes and keeps the owner's rights
  ipc_user cgid = 0;           // creator's group; never changes
  ipc_mode mode = 0;           // nine bits
  key object_key{};            // the key given at creation; ipc_private for such and for removed segments
  std::uint32_t sequence = 0;  // the slot's sequence number, where the backend has one (Linux: __seq)
};

// What IPC_SET writes. All three are set, so begin with the status's values and change what is wanted.
struct perm_change {
  ipc_user uid = 0;
  ipc_user gid = 0;
  ipc_mode mode = 0;
};

// Returns the part of `perm` that IPC_SET can write.
[[nodiscard]] constexpr perm_change changeable(const ipc_perm& perm) { return {perm.uid, perm.gid, perm.mode}; }

// How a get call treats a key, and the mode it gives to a new object or asks of an existing one.
//
// With an existing object the mode bits are the access asked for: the union of the three classes, checked
// at once, EACCES if the caller lacks it; 0 asks for nothing and always succeeds. `exclusive` counts only
// together with `create`. umask has no influence.
//
// Source: XSI msgget, semget, shmget; GET-01 to GET-13.
struct creation {
  bool create = false;     // IPC_CREAT: make the object if the key has none
  bool exclusive = false;  // IPC_EXCL: EEXIST if the key has one
  ipc_mode mode = 0;

  // Finds only; `asked` is the access to check.
  [[nodiscard]] static constexpr creation find(ipc_mode asked = 0) { return {false, false, asked}; }
  // Finds or creates.
  [[nodiscard]] static constexpr creation open_or_create(ipc_mode mode) { return {true, false, mode}; }
  // Creates or fails with EEXIST.
  [[nodiscard]] static constexpr creation create_only(ipc_mode mode) { return {true, true, mode}; }
};

}  // namespace xsipc

#endif  // XSIPC_IPC_PERM_HPP
