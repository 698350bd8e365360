// semget, semop, semtimedop, semctl.
#include <sys/sem.h>
#include <time.h>

#include <chrono>
#include <cstddef>

#include "backend.hpp"
#include "translate.hpp"

namespace xsipc::sysv {
namespace {

// operate() hands its array to the kernel as it is.
static_assert(sizeof(sem_operation) == sizeof(sembuf) && alignof(sem_operation) == alignof(sembuf));
static_assert(offsetof(sem_operation, semnum) == offsetof(sembuf, sem_num));
static_assert(offsetof(sem_operation, sem_op) == offsetof(sembuf, sem_op));
static_assert(offsetof(sem_operation, flags) == offsetof(sembuf, sem_flg));
static_assert(static_cast<int>(sem_flags::no_wait) == IPC_NOWAIT && static_cast<int>(sem_flags::undo) == SEM_UNDO);

constexpr int query_command(sem_query what) {
  switch (what) {
    case sem_query::pid: return GETPID;
    case sem_query::ncnt: return GETNCNT;
    case sem_query::zcnt: return GETZCNT;
    case sem_query::value: break;
  }
  return GETVAL;
}

// What semtimedop is told: a duration.
timespec timeout_of(deadline until) {
  const std::int64_t ns = until.remaining_ns(std::chrono::steady_clock::now());
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

unsigned long as_arg(const void* pointer) { return reinterpret_cast<unsigned long>(pointer); }

}  // namespace

result<semid> backend::get_set(key which, int nsems, creation how) {
  return checked<semid>(calls_.semget(static_cast<int>(which), nsems, flags_of(how)),
                        subject::of(xsi_call::semget, which));
}

result<void> backend::operate(semid id, std::span<const sem_operation> operations, deadline until) {
  if (until.is_timed()) return operate_for_a_time(id, operations, until);
  const int raw_id = static_cast<int>(id);
  const subject about = subject::of(xsi_call::semop, raw_id);
  if (until.is_never()) return checked<void>(calls_.semop(raw_id, operations.data(), operations.size()), about);
  static constexpr timespec none{};  // a duration of 0, which waits for nothing
  return checked<void>(calls_.semtimedop(raw_id, operations.data(), operations.size(), &none), about);
}

// Apart, so that what it needs in registers and on the stack is no burden to the others.
[[gnu::noinline]] result<void> backend::operate_for_a_time(semid id, std::span<const sem_operation> operations,
                                                           deadline until) {
  const int raw_id = static_cast<int>(id);
  const timespec timeout = timeout_of(until);
  return checked<void>(calls_.semtimedop(raw_id, operations.data(), operations.size(), &timeout),
                       subject::of(xsi_call::semop, raw_id));
}

result<int> backend::query_semaphore(semid id, int semnum, sem_query what) {
  return checked<int>(calls_.semctl(static_cast<int>(id), semnum, query_command(what), 0),
                      subject::of(xsi_call::semctl, static_cast<int>(id)));
}

result<void> backend::set_value(semid id, int semnum, int value) {
  return checked<void>(calls_.semctl(static_cast<int>(id), semnum, SETVAL, static_cast<unsigned long>(value)),
                       subject::of(xsi_call::semctl, static_cast<int>(id)));
}

result<void> backend::get_all(semid id, std::span<std::uint16_t> values) {
  return checked<void>(calls_.semctl(static_cast<int>(id), 0, GETALL, as_arg(values.data())),
                       subject::of(xsi_call::semctl, static_cast<int>(id)));
}

result<void> backend::set_all(semid id, std::span<const std::uint16_t> values) {
  return checked<void>(calls_.semctl(static_cast<int>(id), 0, SETALL, as_arg(values.data())),
                       subject::of(xsi_call::semctl, static_cast<int>(id)));
}

result<set_status> backend::stat_set(int id_or_index, lookup how) {
  semid_ds ds{};
  const long raw = calls_.semctl(id_or_index, 0, stat_command(how, SEM_STAT, SEM_STAT_ANY), as_arg(&ds));
  if (is_error(raw)) return failure(static_cast<int>(-raw), subject::of(xsi_call::semctl, id_or_index));
  return set_status{.id = static_cast<semid>(looked_up(id_or_index, how, raw)),
                    .perm = perm_of(ds.sem_perm),
                    .otime = ds.sem_otime,
                    .ctime = ds.sem_ctime,
                    .nsems = ds.sem_nsems};
}

result<void> backend::change_set(semid id, const perm_change& change) {
  semid_ds ds{};
  put_change(change, ds.sem_perm);
  return checked<void>(calls_.semctl(static_cast<int>(id), 0, IPC_SET, as_arg(&ds)),
                       subject::of(xsi_call::semctl, static_cast<int>(id)));
}

result<void> backend::remove_set(semid id) {
  return checked<void>(calls_.semctl(static_cast<int>(id), 0, IPC_RMID, 0),
                       subject::of(xsi_call::semctl, static_cast<int>(id)));
}

}  // namespace xsipc::sysv
