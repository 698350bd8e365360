#include "backends.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "xsipc/open.hpp"

#if XSIPC_HAS_POSIX
#include "xsipc/posix.hpp"
#endif
#if XSIPC_HAS_FAKE
#include "fake_stage.hpp"
#endif

namespace examples {
namespace {

// The environment variable that names the namespace of posix, for this process and its children.
constexpr const char* variable = "XSIPC_NAMESPACE";

[[noreturn]] void refuse(std::string_view name) {
  const auto built = xsipc::built_backends();
  std::string known;
  for (const std::string_view each : built) known.append(known.empty() ? "" : ", ").append(each);
  const bool simulated = std::find(built.begin(), built.end(), name) != built.end();
  throw std::runtime_error("backend " + std::string(name) +
                           (simulated ? " lives in one process: only programs that tell a story run on it"
                                      : " is not built; there are: " + known));
}

}  // namespace

std::vector<std::string> backends_of_real_processes() {
  std::vector<std::string> names;
#if XSIPC_HAS_SYSV
  names.emplace_back("sysv");
#endif
#if XSIPC_HAS_POSIX
  names.emplace_back("posix");
#endif
  return names;
}

std::vector<std::string> backends_of_simulated_processes() {
#if XSIPC_HAS_FAKE
  return {"fake"};
#else
  return {};
#endif
}

std::unique_ptr<xsipc::spi::backend> make_backend(std::string_view name) {
#if XSIPC_HAS_SYSV
  if (name == "sysv") return xsipc::make_sysv_backend();
#endif
#if XSIPC_HAS_POSIX
  if (name == "posix") {
    std::string problem;
    auto made = xsipc::make_posix_backend({}, &problem);
    if (!problem.empty()) throw std::runtime_error(problem);
    return made;
  }
#endif
  refuse(name);
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

std::unique_ptr<stage> make_simulated_stage(std::string_view name, xsipc::key usual) {
#if XSIPC_HAS_FAKE
  if (name == "fake") return make_fake_stage(usual);
#endif
  static_cast<void>(usual);
  refuse(name);
}

}  // namespace examples
