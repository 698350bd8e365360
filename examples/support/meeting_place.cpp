#include "meeting_place.hpp"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

#include "xsipc/config.hpp"
#include "xsipc/message_queue.hpp"
#include "xsipc/open.hpp"
#if XSIPC_HAS_POSIX
#include "xsipc/posix.hpp"
#endif

namespace examples {
namespace {

xsipc::key find_unused_key() {
  std::random_device random;
  for (;;) {
    const auto number = static_cast<std::int32_t>(random() & 0x7fffffffU);
    if (number == 0) continue;  // IPC_PRIVATE
    const auto found = xsipc::message_queue::get(xsipc::key{number}, xsipc::creation::find());
    if (!found && found.error().code == ENOENT) return xsipc::key{number};
    if (!found && found.error().code != EACCES) static_cast<void>(found.value());  // nothing works here: throws
  }
}

#if XSIPC_HAS_POSIX
bool make_own_posix_namespace() {
  const char* const backend = std::getenv("XSIPC_BACKEND");
  if (backend == nullptr || std::string_view(backend) != "posix" || std::getenv("XSIPC_NAMESPACE") != nullptr) {
    return false;
  }
  ::setenv("XSIPC_NAMESPACE", ("examples-" + std::to_string(::getpid())).c_str(), 1);
  // Children end without it.
  std::atexit([] { static_cast<void>(xsipc::remove_posix_namespace({})); });
  return true;
}
#else
bool make_own_posix_namespace() { return false; }
#endif

}  // namespace

meeting_place make_meeting_place(xsipc::key usual) {
  if (make_own_posix_namespace()) return {.own_namespace = true, .key = usual, .arguments = {}};
  const bool of_the_kernel = xsipc::default_backend().name() == "sysv";
  if (of_the_kernel && unshare(CLONE_NEWIPC) == 0) return {.own_namespace = true, .key = usual, .arguments = {}};
  const xsipc::key key = find_unused_key();
  return {.own_namespace = false, .key = key, .arguments = {"--key=" + std::to_string(static_cast<std::int32_t>(key))}};
}

}  // namespace examples
