// A harness: what the suite has to know of the backend that it judges.
//
// For whoever holds a backend against the suite. Backends whose objects real processes share say it in a
// process_backend (below) and hand that to make_process_harness: 10 to 40 lines, see conformance/harnesses. A backend
// that simulates its processes implements harness, session and the actors itself.
#ifndef XSIPC_CONFORMANCE_HARNESS_HPP
#define XSIPC_CONFORMANCE_HARNESS_HPP

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "xsipc/conformance/actor.hpp"
#include "xsipc/object_status.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc::conformance {

// What a test may need of the place where it runs. A test whose need isn't met is skipped, and the skip must stand
// in the harness's list (expected_skips).
enum class need : std::uint8_t {
  other_users,        // actors of several uids: a runner that may become them, see into them and clean up after them
  private_namespace,  // objects of one test are alone, and limits can be changed
  c_calls,            // the backend's C functions
  cap_sys_resource,   // privilege to exceed limits
  cap_ipc_owner,      // privilege to pass permission checks, which can be given up
  cap_sys_admin,      // privilege over objects of others, which can be given up
  kernel_objects,     // objects are the kernel's own: /proc/sysvipc, sysctls and namespaces show them
  real_processes,  // actors are processes of the operating system: with its limits, and handlers that jump out of calls
};

// Returns the name as above: "other_users".
[[nodiscard]] std::string_view need_name(need what);

// One test's world: its actors, its keys, its objects. Ends with all actors killed and all objects removed.
class session {
 public:
  virtual ~session() = default;
  // Begins a process. The session owns it.
  virtual actor& process(const identity& who = {}) = 0;
  // Begins one in another world, of its own limits and objects (an IPC namespace); with need::private_namespace only.
  virtual actor& process_elsewhere() = 0;
  // Returns a key that nothing else uses, a new one each time.
  virtual key fresh_key() = 0;
};

class harness {
 public:
  virtual ~harness() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual capability_set capabilities() const = 0;
  [[nodiscard]] virtual bool offers(need what) const = 0;
  // The text of the checked-in list of skips: a line each, "RULE NEED REASON...", # begins a comment. The RULE * stands
  // for every rule of which other tests have passed.
  [[nodiscard]] virtual std::string_view expected_skips() const = 0;
  // Begins a test. One session at a time.
  [[nodiscard]] virtual std::unique_ptr<session> begin_test() = 0;

  // Returns the time that the running session's objects get, in whole seconds. Unless overridden the system's.
  [[nodiscard]] virtual ipc_time now() const;
  // Returns as soon as now() has moved on.
  virtual void wait_out_this_second() const;
  // Returns the system's clock in whole seconds.
  [[nodiscard]] static ipc_time system_now();
};

// A system call as the thread that sleeps in it made it.
struct system_call {
  long number = -1;
  std::array<unsigned long, 6> arguments = {};
};

// A backend that real processes share. All members are used inside actors, name and skips outside as well.
struct process_backend {
  std::string_view name;
  // Makes the backend in an actor, once a process image; again after exec, not after fork.
  std::unique_ptr<spi::backend> (*make)();
  const c_calls* c;  // null if there are none
  // Whether a thread that sleeps in this system call is blocked in the backend, and not on the way to that.
  bool (*parks_in)(const system_call& sleeping);
  // Whether an IPC namespace of its own (unshare) keeps a test's objects apart from everybody's.
  bool in_ipc_namespace;
  std::string_view expected_skips;
  bool kernel_objects = false;  // need::kernel_objects
  bool variant = false;         // of another backend: judged only when it is named
  // For a backend whose objects lie elsewhere: moves the calling process, and those it begins from then on, to where no
  // objects are; false if that can't be. Null: an IPC namespace of its own, if that keeps objects apart.
  bool (*enter_new_namespace)() = nullptr;
  // Removes what all namespaces hold that this process has entered.
  void (*leave_namespaces)() = nullptr;
  // The calling process has changed its ids or capabilities.
  void (*ids_changed)() = nullptr;
};

// Does that, or what null stands for.
[[nodiscard]] bool enter_new_namespace(const process_backend& what);

// `what` must live as long as the program.
[[nodiscard]] std::unique_ptr<harness> make_process_harness(const process_backend& what);

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_HARNESS_HPP
