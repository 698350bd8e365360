// Keys: the names under which unrelated processes find one XSI object.
//
// For everybody who creates or opens an object. A key is any 32-bit number; each kind of object has a key
// space of its own, so one key may name a queue, a set and a segment at once. Values only: every function
// here is safe in any thread, after fork and in a signal handler, unless it says otherwise.
#ifndef XSIPC_KEY_HPP
#define XSIPC_KEY_HPP

#include <cstdint>
#include <string>

#include "xsipc/result.hpp"

namespace xsipc {

// A key. All 2^32 values are legal; `ipc_private` alone is special: getting it always creates a new object,
// which no key ever finds again (it is reachable by its id only).
//
// XSI: KEY-01, KEY-02, KEY-05, KEY-10.
enum class key : std::int32_t { ipc_private = 0 };

// Derives a key from the file that `path` names and the low 8 bits of `id`.
//
// The file counts, not the name: hard links and symbolic links give the key of their target. The result is
// glibc's, (id & 0xff) << 24 | (st_dev & 0xff) << 16 | (st_ino & 0xffff), so that programs using ftok(3)
// meet programs using this one. Only 16 bits of the inode number survive: two files may share a key.
// An id whose low 8 bits are 0 is served like any other.
//
// Errors: those of stat(2): EACCES, ELOOP, ENAMETOOLONG, ENOENT (also for an empty path), ENOTDIR.
// Not safe in a signal handler (`path` is a string). Source: XSI ftok; FTOK-01 to FTOK-12.
[[nodiscard]] result<key> ftok(const std::string& path, int id);

}  // namespace xsipc

#endif  // XSIPC_KEY_HPP
