#include "backends.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "xsipc/open.hpp"

#if XSIPC_HAS_POSIX
#include "xsipc/posix.hpp"
#endif

namespace examples {
namespace {

// The environment variable that names the namespace of posix, for this process and its children.
constexpr const char* variable = "XSIPC_NAMESPACE";

}  // namespace

std::unique_ptr<xsipc::spi::backend> open_backend(std::string_view name) {
  std::string problem;
  auto made = xsipc::make_backend(name, &problem);
  if (problem.empty() && simulates_processes(name)) {
    problem = "backend " + std::string(name) + " lives in one process: only programs that tell a story run on it";
  }
  if (!problem.empty()) throw std::runtime_error(problem);
  return made;
}

own_namespace::own_namespace(std::string_view backend) {
  if (backend == "sysv") entered_ = unshare(CLONE_NEWIPC) == 0;
  if (backend == "posix") {
    static int number = 0;
    name_ = "examples-" + std::to_string(getpid()) + "-" + std::to_string(++number);
    if (const char* const value = std::getenv(variable)) before_ = value;
    entered_ = setenv(variable, name_.c_str(), 1) == 0;
  }
}

own_namespace::~own_namespace() {
  if (name_.empty()) return;
#if XSIPC_HAS_POSIX
  static_cast<void>(xsipc::remove_posix_namespace({.name_space = name_}));
#endif
  if (before_) {
    setenv(variable, before_->c_str(), 1);
  } else {
    unsetenv(variable);
  }
}

}  // namespace examples
