// How a program comes by a backend.
//
// Which backends there are was chosen when xsipc was built (XSIPC_BACKENDS); one that was not compiled in is not
// declared here either (the fake's is in fake.hpp). make_* return an object that the caller owns; nothing is hidden and
// shared but the one behind default_backend().
#ifndef XSIPC_OPEN_HPP
#define XSIPC_OPEN_HPP

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xsipc/config.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc {

// Returns the backend that XSIPC_DEFAULT_BACKEND chose at build time: sysv, posix or fake. For `auto` it is the one
// that the environment variable XSIPC_BACKEND names, unless the program has privileges of its file (AT_SECURE); without
// a name sysv if the platform's System V IPC works, else posix; the fake only if no other is compiled in. If the name
// is none of built_backends(), every call fails with ENOSYS: nobody works on another backend than was asked for.
//
// Made at the first call and never destroyed, so that atexit handlers may use it. Thread safe; not safe in a signal
// handler before the first call has returned. Needs target xsipc::xsipc.
[[nodiscard]] spi::backend& default_backend();

// Returns the name of what default_backend() is or will be, without making it: posix would open its namespace. Safety
// as above. Needs target xsipc::xsipc.
[[nodiscard]] std::string_view default_backend_name();

// Makes the backend of that name, with the options that it has by default. If it wasn't compiled in, or can't be used,
// every call fails with ENOSYS, and `problem`, if not null, says why in one line. Needs target xsipc::xsipc.
[[nodiscard]] std::unique_ptr<spi::backend> make_backend(std::string_view name, std::string* problem = nullptr);

// Returns the names of the backends that were compiled in. Needs target xsipc::xsipc.
[[nodiscard]] std::vector<std::string_view> built_backends();

#if XSIPC_HAS_SYSV
// Makes a backend over the kernel's System V calls, bare: every check is the kernel's. Needs target xsipc::sysv.
//
// Holds no state: cheap to make, and any number of them are the same. Its objects are those of the caller's IPC
// namespace.
[[nodiscard]] std::unique_ptr<spi::backend> make_sysv_backend();

// Whether the platform's System V IPC works, and if not, what went wrong first.
struct sysv_support {
  bool works = false;
  xsi_call failed = xsi_call::none;  // the call that failed; none if it could not be tried
  int code = 0;                      // its errno (ENOSYS: not there, EPERM: forbidden, ENOSPC: no object allowed)
  int signal = 0;                    // or the signal that answered it (SIGSYS: a seccomp filter)
};

// Tries every System V call once, in a short-lived child process, so that a sandbox which kills the caller kills
// only that. Creates no object, leaves no zombie, raises no SIGCHLD.
//
// Costs a fork (0.1 to 1 ms). Thread safe; not for signal handlers. Needs target xsipc::sysv.
[[nodiscard]] sysv_support probe_sysv();
#endif

}  // namespace xsipc

#endif  // XSIPC_OPEN_HPP
