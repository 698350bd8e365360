// Routines: pieces of test code that run inside an actor.
//
// For what single calls can't do: loops at full speed, the C functions with arguments that the SPI can't express,
// counting in shared memory. A routine is a function of the suite's program, known by name in every process of
// it; numbers and bytes go in and come out by value.
#ifndef XSIPC_CONFORMANCE_ROUTINE_HPP
#define XSIPC_CONFORMANCE_ROUTINE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "xsipc/spi/backend.hpp"

struct sembuf;
struct timespec;

namespace xsipc::conformance {

// The C functions that go with a backend: libc's for sysv, xsipc's C ABI for others.
struct c_calls {
  int (*msgget)(int key, int msgflg);
  int (*msgsnd)(int msqid, const void* msgp, std::size_t msgsz, int msgflg);
  long (*msgrcv)(int msqid, void* msgp, std::size_t msgsz, long msgtyp, int msgflg);
  int (*msgctl)(int msqid, int cmd, void* buf);
  int (*semget)(int key, int nsems, int semflg);
  int (*semop)(int semid, ::sembuf* sops, std::size_t nsops);
  int (*semtimedop)(int semid, ::sembuf* sops, std::size_t nsops, const ::timespec* timeout);
  int (*semctl)(int semid, int semnum, int cmd, void* arg);
  int (*shmget)(int key, std::size_t size, int shmflg);
  void* (*shmat)(int shmid, const void* shmaddr, int shmflg);
  int (*shmdt)(const void* shmaddr);
  int (*shmctl)(int shmid, int cmd, void* buf);
  int (*ftok)(const char* path, int id);
};

struct routine_input {
  std::vector<std::int64_t> numbers = {};
  std::string bytes = {};
};

struct routine_result {
  std::vector<std::int64_t> numbers = {};
  std::string bytes = {};
};

// What a routine works with.
struct routine_context {
  spi::backend& xsi;
  const c_calls* c;  // null without need::c_calls
  const routine_input& input;
};

using routine = routine_result (*)(routine_context&);

// Makes `body` known as `name`; for XSI_ROUTINE.
bool register_routine(std::string_view name, routine body);
// Returns the routine of that name. Throws std::out_of_range for an unknown one.
[[nodiscard]] routine find_routine(std::string_view name);

}  // namespace xsipc::conformance

// Defines a routine: XSI_ROUTINE(count_to_ten) { ... context.input ...; return {}; }
#define XSI_ROUTINE(name)                                                                                   \
  static ::xsipc::conformance::routine_result name(::xsipc::conformance::routine_context& context);         \
  [[maybe_unused]] static const bool name##_is_known = ::xsipc::conformance::register_routine(#name, name); \
  static ::xsipc::conformance::routine_result name([[maybe_unused]] ::xsipc::conformance::routine_context& context)

#endif  // XSIPC_CONFORMANCE_ROUTINE_HPP
