// XSI in user space: queues, sets and segments in POSIX shared memory, without the kernel's System V IPC, a daemon or
// privileges.
//
// Processes that open the same namespace share its objects. A private namespace (NAME) belongs to one effective user:
// the kernel keeps everybody else out. A shared one (shared:NAME) is for several users, who trust each other: what they
// may do to each other's objects is checked by the library.
//
// Threads: everything here at any time. Fork: a child goes on with what it inherited and is a process of its own, raw
// forks too, except that a raw fork's attachments are counted with its first call. Exec: objects and adjustments stay,
// attachments go. Signal handlers: calls from a handler that interrupted one never deadlock; they may fail with EDEADLK.
// Death: what a killed process held - locks, adjustments, attachments, messages half received - is put right by
// whoever comes next.
//
// Known gaps: ids and capabilities of the process are kept: a program that changes its own must say so
// (refresh_posix_credentials). Processes of different PID namespaces can't share a namespace.
#ifndef XSIPC_POSIX_HPP
#define XSIPC_POSIX_HPP

#include <memory>
#include <optional>
#include <string>

#include "xsipc/ipc_perm.hpp"
#include "xsipc/result.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc {

struct posix_options {
  // NAME, shared:NAME, or shared:NAME@UID for one that belongs to that user; NAME of 1 to 64 letters, digits, '_' and
  // '-'. Empty: what the environment variable XSIPC_NAMESPACE says, else "default".
  std::string name_space = {};
  // Where namespaces lie: a directory of a file system in memory. Empty: XSIPC_DIR, else /dev/shm.
  std::string directory = {};
};
// The environment doesn't count for a program that runs with privileges of its file (AT_SECURE).

// Opens a namespace, which is made first if it isn't there: a private one always, a shared one only by root (mode
// 0666), by others with make_posix_namespace().
//
// If it can't be opened, every call of the backend fails with ENOSYS, and `problem`, if not null, says why in one line
// that names the file. Any number of backends may be made; those of one namespace are one process in it. Ownership: the
// caller's; what the namespace needs in this process stays until its end.
[[nodiscard]] std::unique_ptr<spi::backend> make_posix_backend(const posix_options& options = {},
                                                               std::string* problem = nullptr);

// Makes an empty namespace of that mode, and of that group unless it is the caller's own. Errors: EEXIST, and what the
// file system says (EACCES, ENOSPC); `problem` as above.
result<void> make_posix_namespace(const posix_options& options, ipc_mode mode,
                                  std::optional<ipc_user> group = std::nullopt, std::string* problem = nullptr);

// Removes a namespace with everything in it. Processes that have it open go on with it, but can attach no more and get
// no more memory. Errors: ENOENT, EACCES.
result<void> remove_posix_namespace(const posix_options& options, std::string* problem = nullptr);

// The process has changed its ids, groups or capabilities (setuid, setgroups, capset): from now on permissions are
// checked for who it is now. Cheap.
void refresh_posix_credentials();

}  // namespace xsipc

#endif  // XSIPC_POSIX_HPP
