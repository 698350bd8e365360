// Between the kernel's flag words, structures and raw results, and the SPI's.
//
// The one place of backends/sysv that knows flag bits common to the three kinds, and the one helper that turns a
// raw result into a result<T>. No state, no system call.
#ifndef XSIPC_SYSV_TRANSLATE_HPP
#define XSIPC_SYSV_TRANSLATE_HPP

#include <sys/ipc.h>

#include "../failure.hpp"
#include "syscalls.hpp"
#include "xsipc/ipc_perm.hpp"
#include "xsipc/object_status.hpp"
#include "xsipc/result.hpp"

namespace xsipc::sysv {

using xsipc::detail::failure;
using xsipc::detail::subject;

// The raw result of a call as a T, or its errno as an error.
template <typename T>
inline result<T> checked(long raw, const subject& about) {
  if (is_error(raw)) [[unlikely]]
    return failure(static_cast<int>(-raw), about);
  if constexpr (!std::is_void_v<T>) {
    return static_cast<T>(raw);
  } else {
    return {};
  }
}

inline int flags_of(creation how) {
  return static_cast<int>(how.mode & 0777U) | (how.create ? IPC_CREAT : 0) | (how.exclusive ? IPC_EXCL : 0);
}

// *ctl command for a status by `how`.
constexpr int stat_command(lookup how, int by_index, int by_index_any) {
  switch (how) {
    case lookup::index: return by_index;
    case lookup::index_any: return by_index_any;
    case lookup::id: break;
  }
  return IPC_STAT;
}

// The id that a status call has looked at: the kernel returns it for an index, and 0 for an id.
constexpr int looked_up(int id_or_index, lookup how, long raw) {
  return how == lookup::id ? id_or_index : static_cast<int>(raw);
}

// Linux keeps the key in __key, and in mode SHM_DEST and SHM_LOCKED beside the nine bits.
inline ipc_perm perm_of(const ::ipc_perm& from) {
  return {.uid = from.uid,
          .gid = from.gid,
          .cuid = from.cuid,
          .cgid = from.cgid,
          .mode = static_cast<ipc_mode>(from.mode) & 0777U,
          .object_key = static_cast<key>(from.__key),
          .sequence = from.__seq};
}

inline void put_change(const perm_change& change, ::ipc_perm& to) {
  to.uid = change.uid;
  to.gid = change.gid;
  to.mode = static_cast<decltype(to.mode)>(change.mode);
}

}  // namespace xsipc::sysv

#endif  // XSIPC_SYSV_TRANSLATE_HPP
