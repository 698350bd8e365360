#include "sysv.hpp"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "sysv_skips.hpp"
#include "xsipc/open.hpp"

namespace xsipc::conformance {
namespace {

constexpr c_calls libc_calls = {
    ::msgget,
    ::msgsnd,
    ::msgrcv,
    [](int msqid, int cmd, void* buf) { return ::msgctl(msqid, cmd, static_cast<msqid_ds*>(buf)); },
    ::semget,
    ::semop,
    ::semtimedop,
    [](int semid, int semnum, int cmd, void* arg) { return ::semctl(semid, semnum, cmd, arg); },
    ::shmget,
    ::shmat,
    ::shmdt,
    [](int shmid, int cmd, void* buf) { return ::shmctl(shmid, cmd, static_cast<shmid_ds*>(buf)); },
    ::ftok,
};

bool parks_in(long system_call) {
  return system_call == SYS_msgsnd || system_call == SYS_msgrcv || system_call == SYS_semop ||
         system_call == SYS_semtimedop;
}

}  // namespace

const process_backend sysv_backend = {
    .name = "sysv",
    .make = make_sysv_backend,
    .c = &libc_calls,
    .parks_in = parks_in,
    .in_ipc_namespace = true,
    .expected_skips = sysv_skips,
};

}  // namespace xsipc::conformance
