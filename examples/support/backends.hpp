// What the examples have to know of single backends: who simulates processes, and how to be alone.
#ifndef XSIPC_EXAMPLES_SUPPORT_BACKENDS_HPP
#define XSIPC_EXAMPLES_SUPPORT_BACKENDS_HPP

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "xsipc/spi/backend.hpp"

namespace examples {

// Returns true if the processes of that backend are simulated, all in one real one.
[[nodiscard]] constexpr bool simulates_processes(std::string_view backend) { return backend == "fake"; }

// Makes the backend of that name as a real process uses it. Throws std::runtime_error, in one line, if it isn't built,
// if it simulates processes, or if its namespace can't be opened.
[[nodiscard]] std::unique_ptr<xsipc::spi::backend> open_backend(std::string_view name);

// A namespace that nobody else is in, for this process and children that it starts from now on: an IPC namespace of the
// kernel, or one of posix, which goes with this object. For programs with one thread, one of these at a time, and
// before the backend is made. Source: unshare(2), CLONE_NEWIPC (needs CAP_SYS_ADMIN).
class own_namespace {
 public:
  explicit own_namespace(std::string_view backend);
  ~own_namespace();
  own_namespace(const own_namespace&) = delete;
  own_namespace& operator=(const own_namespace&) = delete;

  // Returns false if a lack of privilege doesn't allow it.
  [[nodiscard]] bool entered() const noexcept { return entered_; }

 private:
  bool entered_ = false;
  std::string name_;                   // of a namespace of posix
  std::optional<std::string> before_;  // what the environment said
};

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_BACKENDS_HPP
