// The SPI: what a backend implements, and what decorators and the C ABI call.
//
// Shaped like the system calls. Ids cross it, not handles; requests are decoded structs, never flag words;
// limits are data; extensions are capabilities. Applications use the portable types (message_queue.hpp,
// semaphore_set.hpp, shared_memory.hpp); to write a backend, read backends/README.md.
//
// How to read it. Each function says its effect, then
//   *Guaranteed*: what the caller has checked. checked_backend stands in front of every backend but sysv
//     and gives these guarantees; the kernel needs none, so sysv is called bare and checks what the kernel cannot.
//   *Must*: the duty of the implementer. On every error nothing has changed, said or not.
//   Errors: by errno. The order of two that apply is part of the contract (docs/error-precedence.md).
// EINVAL for an id that names no object and EPERM, EACCES are never reported for another object that
// took its place.
//
// Threads: every function may be called from any number of threads at once. Blocking suspends the calling
// thread only, and no lock is held meanwhile. Fork: the child may go on using the backend it inherited;
// it shares all objects, and has none of the parent's semaphore adjustments. Signals: a handler may call it
// on sysv; other backends say what they allow. Exceptions: none crosses this seam, but forced unwinding by
// thread cancellation does: send and receive are cancellation points, nothing else is, and therefore no function
// here is noexcept.
#ifndef XSIPC_SPI_BACKEND_HPP
#define XSIPC_SPI_BACKEND_HPP

#include <string_view>

#include "xsipc/capability.hpp"
#include "xsipc/limits.hpp"
#include "xsipc/object_id.hpp"
#include "xsipc/result.hpp"
#include "xsipc/spi/message_queue_ops.hpp"
#include "xsipc/spi/semaphore_ops.hpp"
#include "xsipc/spi/shared_memory_ops.hpp"

namespace xsipc::spi {

class backend : public message_queue_ops, public semaphore_ops, public shared_memory_ops {
 public:
  virtual ~backend() = default;  // removes no object: XSI objects persist
  backend(const backend&) = delete;
  backend& operator=(const backend&) = delete;

  // Returns the backend's name: "sysv", "posix", "fake". The view lives as long as the program.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // Returns what it offers beyond XSI. Never changes.
  [[nodiscard]] virtual capability_set capabilities() const = 0;

  // Returns the limits in force now.
  virtual result<ipc_limits> limits() = 0;

  // Puts `wanted` in force at once; existing objects keep what they have.
  //
  // Must: ignore semvmx and shmmin. Not all or nothing: after an error read limits() again.
  // Errors: EACCES or EPERM (not privileged), EINVAL (out of range), ENOSYS without
  // capability::changeable_limits. Source: proc(5); LNX-12.
  virtual result<void> change_limits(const ipc_limits& wanted) = 0;

  // Returns how much of `kind` there is. Needs no permission. Source: LNX-02, LNX-06, LNX-09, LNX-15.
  virtual result<ipc_usage> usage(object_kind kind) = 0;

  // Returns a descriptor that poll reports as readable when the object may let the caller proceed. The caller
  // owns and closes it. ENOSYS without capability::readiness; EINVAL (no such object).
  virtual result<int> readiness(object_kind kind, int id) = 0;

 protected:
  backend() = default;
};

}  // namespace xsipc::spi

#endif  // XSIPC_SPI_BACKEND_HPP
