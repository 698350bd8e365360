// What belongs to no single kind of object: capabilities, limits, usage.
#include "backend.hpp"

#include <fcntl.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "../raw_syscall.hpp"
#include "translate.hpp"
#include "xsipc/open.hpp"

namespace xsipc {

std::unique_ptr<spi::backend> make_sysv_backend() { return std::make_unique<sysv::backend>(); }

namespace sysv {
namespace {

using sysctl = std::pair<const char*, std::string>;

std::array<sysctl, 7> sysctls_of(const ipc_limits& limits) {
  const auto text = [](std::uint64_t number) { return std::to_string(number); };
  return {sysctl{"msgmax", text(limits.msgmax)},
          sysctl{"msgmnb", text(limits.msgmnb)},
          sysctl{"msgmni", text(limits.msgmni)},
          sysctl{"sem", text(limits.semmsl) + " " + text(limits.semmns) + " " + text(limits.semopm) + " " +
                            text(limits.semmni)},
          sysctl{"shmmax", text(limits.shmmax)},
          sysctl{"shmall", text(limits.shmall)},
          sysctl{"shmmni", text(limits.shmmni)}};
}

// Writes one sysctl. Raw system calls: the C library's open, write and close are cancellation points, and
// change_limits must not be one.
long write_sysctl(const char* name, const std::string& text) {
  const std::string path = std::string("/proc/sys/kernel/") + name;
  const long fd =
      raw_syscall(SYS_openat, AT_FDCWD, reinterpret_cast<long>(path.c_str()), O_WRONLY | O_CLOEXEC | O_TRUNC);
  if (is_error(fd)) return fd;
  const long written = raw_syscall(SYS_write, fd, reinterpret_cast<long>(text.data()), static_cast<long>(text.size()));
  raw_syscall(SYS_close, fd);
  return is_error(written) ? written : 0;
}

}  // namespace

capability_set backend::capabilities() const {
  return capability_set()
      .with(capability::except_selector)
      .with(capability::copy_selector)
      .with(capability::lookup_by_index)
      .with(capability::timed_semop)
      .with(capability::segment_lock)
      .with(capability::segment_remap)
      .with(capability::segment_execute)
      .with(capability::huge_pages)
      .with(capability::changeable_limits)
      .with(capability::bad_address);
}

result<ipc_limits> backend::limits() {
  const subject about{xsi_call::limits};
  msginfo msg{};
  seminfo sem{};
  shminfo shm{};
  if (const long raw = calls_.msgctl(0, IPC_INFO, &msg); is_error(raw)) return failure(static_cast<int>(-raw), about);
  if (const long raw = calls_.semctl(0, 0, IPC_INFO, reinterpret_cast<unsigned long>(&sem)); is_error(raw)) {
    return failure(static_cast<int>(-raw), about);
  }
  if (const long raw = calls_.shmctl(0, IPC_INFO, &shm); is_error(raw)) return failure(static_cast<int>(-raw), about);
  const auto wide = [](int number) { return static_cast<std::uint64_t>(number); };
  return ipc_limits{.msgmax = wide(msg.msgmax),
                    .msgmnb = wide(msg.msgmnb),
                    .msgmni = wide(msg.msgmni),
                    .semmsl = wide(sem.semmsl),
                    .semmns = wide(sem.semmns),
                    .semopm = wide(sem.semopm),
                    .semmni = wide(sem.semmni),
                    .semvmx = wide(sem.semvmx),
                    .shmmax = shm.shmmax,
                    .shmmin = shm.shmmin,
                    .shmall = shm.shmall,
                    .shmmni = shm.shmmni};
}

result<void> backend::change_limits(const ipc_limits& wanted) {
  const auto now = limits();
  if (!now) return now.error();
  const auto before = sysctls_of(*now);
  const auto after = sysctls_of(wanted);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (after[i] == before[i]) continue;  // also because writing needs a permission that not changing does not
    if (const long raw = write_sysctl(after[i].first, after[i].second); is_error(raw)) {
      return failure(static_cast<int>(-raw), {xsi_call::limits});
    }
  }
  return {};
}

result<ipc_usage> backend::usage(object_kind kind) {
  ipc_usage usage;
  long raw = 0;
  if (kind == object_kind::queue) {
    msginfo info{};
    raw = calls_.msgctl(0, MSG_INFO, &info);
    usage.objects = static_cast<std::uint64_t>(info.msgpool);
    usage.messages = static_cast<std::uint64_t>(info.msgmap);
    usage.bytes = static_cast<std::uint64_t>(info.msgtql);
  } else if (kind == object_kind::set) {
    seminfo info{};
    raw = calls_.semctl(0, 0, SEM_INFO, reinterpret_cast<unsigned long>(&info));
    usage.objects = static_cast<std::uint64_t>(info.semusz);
    usage.semaphores = static_cast<std::uint64_t>(info.semaem);
  } else {
    shm_info info{};
    raw = calls_.shmctl(0, SHM_INFO, &info);
    usage.objects = static_cast<std::uint64_t>(info.used_ids);
    usage.pages = info.shm_tot;
    usage.pages_resident = info.shm_rss;
    usage.pages_swapped = info.shm_swp;
  }
  if (is_error(raw)) return failure(static_cast<int>(-raw), {xsi_call::limits});
  usage.highest_index = static_cast<int>(raw);
  return usage;
}

result<int> backend::readiness(object_kind, int id) { return failure(ENOSYS, subject::of(xsi_call::readiness, id)); }

}  // namespace sysv
}  // namespace xsipc
