// Keys that don't collide, for programs that agree on a path.
//
// ftok keeps 16 bits of a file's inode number, so two files may give one key, and two programs then meet in one object
// without meaning to. Here the file itself holds the key: whoever comes first chooses one at random that names no
// object of any kind, and writes it down; all others read it. Two files agree on a key by accident once in four
// thousand million.
#ifndef XSIPC_KEY_FILE_HPP
#define XSIPC_KEY_FILE_HPP

#include <string>

#include "xsipc/key.hpp"
#include "xsipc/open.hpp"

namespace xsipc {

// Returns the key that the file at `path` holds; makes it, with mode 0644, if there is none. Any number of processes
// may call it at once: all get the same key.
//
// Thread safe; not safe in a signal handler; no cancellation point. Errors: EINVAL (the file exists and holds no key),
// EAGAIN (no key was found that names nothing), and those of open(2), link(2) and of the backend's get calls.
[[nodiscard]] result<key> key_from_file(const std::string& path, spi::backend& on = default_backend());

}  // namespace xsipc

#endif  // XSIPC_KEY_FILE_HPP
