#include "sysv.hpp"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "sysv_skips.hpp"
#include "xsipc/decorators/checked_backend.hpp"
#include "xsipc/open.hpp"

namespace xsipc::conformance {
namespace {

constexpr c_calls libc_calls = {
    ::msgget,     ::msgsnd,
    ::msgrcv,     [](int msqid, int cmd, void* buf) { return ::msgctl(msqid, cmd, static_cast<msqid_ds*>(buf)); },
    ::semget,     ::semop,
    ::semtimedop, [](int semid, int semnum, int cmd, void* arg) { return ::semctl(semid, semnum, cmd, arg); },
    ::shmget,     ::shmat,
    ::shmdt,      [](int shmid, int cmd, void* buf) { return ::shmctl(shmid, cmd, static_cast<shmid_ds*>(buf)); },
    ::ftok,
};

bool parks_in(const system_call& sleeping) {
  return sleeping.number == SYS_msgsnd || sleeping.number == SYS_msgrcv || sleeping.number == SYS_semop ||
         sleeping.number == SYS_semtimedop;
}

std::unique_ptr<spi::backend> make_checked_sysv_backend() { return make_checked_backend(make_sysv_backend()); }

constexpr process_backend backend(std::string_view name, std::unique_ptr<spi::backend> (*make)(), bool variant) {
  return {.name = name,
          .make = make,
          .c = &libc_calls,
          .parks_in = parks_in,
          .in_ipc_namespace = true,
          .expected_skips = sysv_skips,
          .kernel_objects = true,
          .variant = variant};
}

}  // namespace

const process_backend sysv_backend = backend("sysv", make_sysv_backend, false);
const process_backend sysv_checked_backend = backend("sysv_checked", make_checked_sysv_backend, true);

}  // namespace xsipc::conformance
