#include "support/recorder.hpp"

#include <sys/ipc.h>
#include <sys/sem.h>

#include <cstddef>
#include <utility>

namespace xsipc::test_support {
namespace {

long note(const char* name, std::vector<long> arguments, const void* memory = nullptr) {
  recorder& into = tape();
  into.calls.push_back({name, std::move(arguments)});
  if (memory != nullptr && into.on_memory) into.on_memory(const_cast<void*>(memory));
  return into.answer;
}

long number(std::size_t size) { return static_cast<long>(size); }
long number(const void* address) { return reinterpret_cast<long>(address); }

long msgget(int key, int msgflg) { return note("msgget", {key, msgflg}); }

long msgsnd(int msqid, const void* msgp, std::size_t msgsz, int msgflg) {
  return note("msgsnd", {msqid, number(msgsz), msgflg}, msgp);
}

long msgrcv(int msqid, void* msgp, std::size_t msgsz, long msgtyp, int msgflg) {
  return note("msgrcv", {msqid, number(msgsz), msgtyp, msgflg}, msgp);
}

long msgctl(int msqid, int cmd, void* buf) { return note("msgctl", {msqid, cmd}, buf); }

long semget(int key, int nsems, int semflg) { return note("semget", {key, nsems, semflg}); }

long semop(int semid, const void* sops, std::size_t nsops) { return note("semop", {semid, number(nsops)}, sops); }

long semtimedop(int semid, const void* sops, std::size_t nsops, const timespec* timeout) {
  tape().timeout = *timeout;
  return note("semtimedop", {semid, number(nsops)}, sops);
}

long semctl(int semid, int semnum, int cmd, unsigned long arg) {
  const bool by_value = cmd == SETVAL || cmd == GETVAL || cmd == GETPID || cmd == GETNCNT || cmd == GETZCNT;
  if (by_value) return note("semctl", {semid, semnum, cmd, static_cast<long>(arg)});
  return note("semctl", {semid, semnum, cmd}, reinterpret_cast<const void*>(arg));
}

long shmget(int key, std::size_t size, int shmflg) { return note("shmget", {key, number(size), shmflg}); }

long shmat(int shmid, const void* shmaddr, int shmflg) { return note("shmat", {shmid, number(shmaddr), shmflg}); }

long shmdt(const void* shmaddr) { return note("shmdt", {number(shmaddr)}); }

long shmctl(int shmid, int cmd, void* buf) { return note("shmctl", {shmid, cmd}, buf); }

constexpr sysv::syscalls table = {msgget,     msgsnd, msgrcv, msgctl, semget, semop,
                                  semtimedop, semctl, shmget, shmat,  shmdt,  shmctl};

}  // namespace

recorder& tape() {
  static recorder one;
  return one;
}

const sysv::syscalls& recording_syscalls() { return table; }

}  // namespace xsipc::test_support
