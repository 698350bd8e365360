// The one place of the examples that knows which backends are built.
#ifndef XSIPC_EXAMPLES_SUPPORT_BACKENDS_HPP
#define XSIPC_EXAMPLES_SUPPORT_BACKENDS_HPP

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stage.hpp"
#include "xsipc/spi/backend.hpp"

namespace examples {

// Returns the names of the built backends whose objects real processes share, and of those that simulate processes.
[[nodiscard]] std::vector<std::string> backends_of_real_processes();
[[nodiscard]] std::vector<std::string> backends_of_simulated_processes();

// Makes the backend of that name as a real process uses it. Throws std::runtime_error, in one line, if it isn't built,
// if it has simulated processes only, or if its namespace can't be opened.
[[nodiscard]] std::unique_ptr<xsipc::spi::backend> make_backend(std::string_view name);

// A namespace that nobody else is in, for this process and children that it starts from now on: an IPC namespace of the
// kernel, or one of posix, which goes with this object. For programs with one thread, one of these at a time, and before
// the backend is made. Source: unshare(2), CLONE_NEWIPC (needs CAP_SYS_ADMIN).
class own_namespace {
 public:
  explicit own_namespace(std::string_view backend);
  ~own_namespace();
  own_namespace(const own_namespace&) = delete;
  own_namespace& operator=(const own_namespace&) = delete;

  // Returns false if the backend, or a lack of privilege, doesn't allow it.
  [[nodiscard]] bool entered() const noexcept { return entered_; }

 private:
  bool entered_ = false;
  std::string name_;                   // of a namespace of posix
  std::optional<std::string> before_;  // what the environment said
};

// Makes a stage of simulated processes. Throws if `name` is no backend that has them.
[[nodiscard]] std::unique_ptr<stage> make_simulated_stage(std::string_view name, xsipc::key usual);

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_BACKENDS_HPP
