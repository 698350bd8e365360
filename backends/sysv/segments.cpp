// shmget, shmat, shmdt, shmctl.
#include <sys/shm.h>

#include "backend.hpp"
#include "translate.hpp"

// Older C library headers lack these; the values are the kernel's.
#ifndef SHM_NORESERVE
#define SHM_NORESERVE 010000
#endif
#ifndef SHM_HUGETLB
#define SHM_HUGETLB 04000
#endif

namespace xsipc::sysv {
namespace {

constexpr unsigned huge_page_shift = 26;  // where SHM_HUGETLB's page size stands in the flag word

int flags_of(segment_options options) {
  return (options.no_reserve ? SHM_NORESERVE : 0) | (options.huge_pages ? SHM_HUGETLB : 0) |
         static_cast<int>(static_cast<unsigned>(options.huge_page_log2) << huge_page_shift);
}

int flags_of(const attach_options& options) {
  return (options.read_only ? SHM_RDONLY : 0) | (options.round ? SHM_RND : 0) | (options.remap ? SHM_REMAP : 0) |
         (options.execute ? SHM_EXEC : 0);
}

}  // namespace

result<shmid> backend::get_segment(key which, std::size_t size, creation how, segment_options options) {
  return checked<shmid>(calls_.shmget(static_cast<int>(which), size, sysv::flags_of(how) | flags_of(options)),
                        subject::of(xsi_call::shmget, which));
}

result<void*> backend::attach(shmid id, const attach_options& options) {
  const long raw = calls_.shmat(static_cast<int>(id), options.address, flags_of(options));
  if (is_error(raw)) return failure(static_cast<int>(-raw), subject::of(xsi_call::shmat, static_cast<int>(id)));
  return reinterpret_cast<void*>(raw);
}

result<void> backend::detach(const void* address) {
  return checked<void>(calls_.shmdt(address), subject::of(xsi_call::shmdt, address));
}

result<segment_status> backend::stat_segment(int id_or_index, lookup how) {
  shmid_ds ds{};
  const long raw = calls_.shmctl(id_or_index, stat_command(how, SHM_STAT, SHM_STAT_ANY), &ds);
  if (is_error(raw)) return failure(static_cast<int>(-raw), subject::of(xsi_call::shmctl, id_or_index));
  return segment_status{.id = static_cast<shmid>(looked_up(id_or_index, how, raw)),
                        .perm = perm_of(ds.shm_perm),
                        .segsz = ds.shm_segsz,
                        .atime = ds.shm_atime,
                        .dtime = ds.shm_dtime,
                        .ctime = ds.shm_ctime,
                        .cpid = ds.shm_cpid,
                        .lpid = ds.shm_lpid,
                        .nattch = ds.shm_nattch,
                        .removed = (ds.shm_perm.mode & SHM_DEST) != 0,
                        .locked = (ds.shm_perm.mode & SHM_LOCKED) != 0};
}

result<void> backend::change_segment(shmid id, const perm_change& change) {
  shmid_ds ds{};
  put_change(change, ds.shm_perm);
  return checked<void>(calls_.shmctl(static_cast<int>(id), IPC_SET, &ds),
                       subject::of(xsi_call::shmctl, static_cast<int>(id)));
}

result<void> backend::remove_segment(shmid id) {
  return checked<void>(calls_.shmctl(static_cast<int>(id), IPC_RMID, nullptr),
                       subject::of(xsi_call::shmctl, static_cast<int>(id)));
}

result<void> backend::lock_segment(shmid id, bool locked) {
  return checked<void>(calls_.shmctl(static_cast<int>(id), locked ? SHM_LOCK : SHM_UNLOCK, nullptr),
                       subject::of(xsi_call::shmctl, static_cast<int>(id)));
}

}  // namespace xsipc::sysv
