// XSI in one process, for tests: several simulated processes that share queues, sets and segments, and a clock that
// moves when it is told to.
//
// For authors of tests. A fake_system is a world of its own: objects, users, processes, time. Each fake_process is a
// spi::backend, so code under test takes it where it would take the kernel's. What they do is done by the same engine
// as in the posix backend, so the semantics are XSI's, not an imitation; nothing of it is seen outside the program, no
// privilege is needed, and two systems never meet.
//
//   fake_system system;
//   fake_process& server = system.process({.uid = 1000});
//   fake_process& client = system.process({.uid = 1001});
//   std::thread waiting([&] { serve(server); });   // blocks in receive
//   system.wait_until_blocked(1);
//   server.kill();                                 // its calls end, its undo is done, its attachments are gone
//
// Threads: any number may call into a process at once: each is a thread of that process. What a process does to
// another, or the test to one, may be called from any thread too. A fake_system must outlive all threads that are in
// calls; ending every process makes them return. Fork (the real one): a child must not use a system that it inherited.
#ifndef XSIPC_FAKE_HPP
#define XSIPC_FAKE_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "xsipc/ipc_perm.hpp"
#include "xsipc/limits.hpp"
#include "xsipc/object_status.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc {

namespace detail {
class fake_world;
}

// Privileges of Linux that XSI's "appropriate privileges" are made of. A process of uid 0 begins with all of them.
struct fake_privileges {
  bool ipc_owner = false;     // CAP_IPC_OWNER: passes permission checks
  bool sys_admin = false;     // CAP_SYS_ADMIN: changes and removes objects of others
  bool sys_resource = false;  // CAP_SYS_RESOURCE: exceeds limits

  [[nodiscard]] static constexpr fake_privileges all() noexcept { return {true, true, true}; }
  friend bool operator==(const fake_privileges&, const fake_privileges&) = default;
};

// Who a simulated process is: its effective ids.
struct fake_user {
  ipc_user uid = 0;
  std::optional<ipc_user> gid = std::nullopt;                // the number of `uid` unless said
  std::vector<ipc_user> groups = {};                         // supplementary groups
  std::optional<fake_privileges> privileges = std::nullopt;  // all for uid 0, none for others, unless said
};

// Linux's defaults.
[[nodiscard]] ipc_limits fake_default_limits();

struct fake_options {
  ipc_limits limits = fake_default_limits();
  std::uint32_t objects = 32768;              // of each kind, at most; beyond any limit
  std::uint64_t memory_bytes = 1ULL << 30U;   // for everything but the content of segments; ENOMEM when it is full
  std::uint64_t seed = 0;                     // of everything that is left to chance
  std::chrono::seconds epoch{1'000'000'000};  // what the realtime clock shows at first
  bool report_leaks = true;                   // at destruction, names objects that are left on standard error
};

// A simulated process. Owned by its system, and lives as long as it, even when the process has ended: then every call
// returns ESRCH.
class fake_process : public spi::backend {
 public:
  [[nodiscard]] virtual ipc_pid pid() const = 0;
  [[nodiscard]] virtual bool ended() const = 0;

  // A child: the same user, the same attachments at the same addresses, no adjustments.
  virtual fake_process& fork() = 0;
  // Another program in the same process: attachments are gone and calls of all its threads end (ESRCH); adjustments
  // stay.
  virtual void exec() = 0;
  // Ends it: adjustments are given back, attachments gone, calls of its threads end with ESRCH. kill() is the same but
  // for what is told of it in dump().
  virtual void exit() = 0;
  virtual void kill() = 0;

  // Calls of a stopped process neither begin nor return until it is resumed. Others may complete what it waits for.
  virtual void stop() = 0;
  virtual void resume() = 0;
  // A signal handler runs in it: all its blocked calls, or that of one thread, return EINTR. Calls that don't block at
  // this moment notice nothing.
  virtual void interrupt() = 0;
  virtual void interrupt(std::thread::id thread) = 0;
  // From now on it is somebody else.
  virtual void become(const fake_user& who) = 0;

  // How many of its calls are blocked now, and whether that of one thread is.
  [[nodiscard]] virtual int blocked_calls() const = 0;
  [[nodiscard]] virtual bool blocked(std::thread::id thread) const = 0;

  // Whether all bytes of the range are memory of an attachment of this process, and can be written if `writable`; false
  // also for memory that is no segment's. What a real process would answer with SIGSEGV can be told by it.
  [[nodiscard]] virtual bool attached(const void* address, std::size_t size_bytes, bool writable) const = 0;
  // Whether the range touches memory that is a segment's in any process of the system, attached here or not.
  [[nodiscard]] virtual bool is_segment_memory(const void* address, std::size_t size_bytes) const = 0;

 protected:
  fake_process() = default;
};

class fake_system {
 public:
  explicit fake_system(const fake_options& options = {});
  // Ends all processes, and reports what is left (fake_options::report_leaks).
  ~fake_system();
  fake_system(const fake_system&) = delete;
  fake_system& operator=(const fake_system&) = delete;

  // Begins a process.
  fake_process& process(const fake_user& who = {});

  // Moves both clocks on: deadlines that come to pass end their calls, timestamps are taken from it. steady_clock
  // points in deadlines (deadline::at) count from the moment at which the system was made.
  void advance(std::chrono::nanoseconds by);
  [[nodiscard]] ipc_time now() const;

  // Waits until at least `calls` calls of all processes are blocked.
  void wait_until_blocked(int calls);

  // The `nth` call from now on (1 is the next), of any process, fails with `code` and does nothing. 0: none.
  void fail_call(std::uint64_t nth, int code);
  // The `nth` request for memory from now on is refused, and with `all_after` every later one. 0: none.
  void fail_allocation(std::uint64_t nth, bool all_after = false);

  // Every object, its fields, who waits and who holds what, as text for a failed test.
  [[nodiscard]] std::string dump() const;
  // Names of all objects that exist: "queue 32768 (key 0x2a)".
  [[nodiscard]] std::vector<std::string> objects() const;
  // Every invariant of the engine; empty, or what is wrong. For tests of xsipc itself.
  [[nodiscard]] std::string check() const;

 private:
  std::unique_ptr<detail::fake_world> world_;
  bool reports_leaks_;
};

// Makes a backend that is the only process of a system of its own, of uid 0. Its clock stands still.
[[nodiscard]] std::unique_ptr<spi::backend> make_fake_backend(const fake_options& options = {});

}  // namespace xsipc

#endif  // XSIPC_FAKE_HPP
