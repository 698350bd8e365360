// Becoming somebody else. Raw system calls: libc's wrappers change every thread, and an actor's identity must be
// what the kernel sees even where a wrapper is faked.
#include <grp.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "actor_server.hpp"

namespace xsipc::conformance {
namespace {

void must_succeed(long outcome, const char* what) {
  if (outcome != 0) throw std::system_error(errno, std::generic_category(), what);
}

long as_argument(const std::optional<ipc_user>& id) { return id ? static_cast<long>(*id) : -1L; }

void drop_capability(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  must_succeed(::syscall(SYS_capget, &header, data), "capget");
  const auto word = static_cast<unsigned>(capability) / 32;
  const std::uint32_t bit = 1U << static_cast<unsigned>(capability) % 32;
  data[word].effective &= ~bit;
  data[word].permitted &= ~bit;
  must_succeed(::syscall(SYS_capset, &header, data), "capset");
}

}  // namespace

void assume_identity(const identity& who) {
  const auto gid = who.gid ? who.gid : who.uid;
  if (who.uid || !who.groups.empty()) {
    must_succeed(::syscall(SYS_setgroups, who.groups.size(), who.groups.data()), "setgroups");
  }
  if (gid || who.real_gid) {
    must_succeed(
        ::syscall(SYS_setresgid, as_argument(who.real_gid ? who.real_gid : gid), as_argument(gid), as_argument(gid)),
        "setresgid");
  }
  if (who.uid || who.real_uid) {
    must_succeed(::syscall(SYS_setresuid, as_argument(who.real_uid ? who.real_uid : who.uid), as_argument(who.uid),
                           as_argument(who.uid)),
                 "setresuid");
  }
  for (const int capability : who.without_capabilities) drop_capability(capability);
}

}  // namespace xsipc::conformance
