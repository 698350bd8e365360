#include "meeting_place.hpp"

#include <sched.h>

#include <cerrno>
#include <cstdint>
#include <random>

#include "xsipc/message_queue.hpp"

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

}  // namespace

meeting_place make_meeting_place(xsipc::key usual) {
  const bool of_the_kernel = xsipc::default_backend().name() == "sysv";
  if (of_the_kernel && unshare(CLONE_NEWIPC) == 0) return {.own_namespace = true, .key = usual, .arguments = {}};
  const xsipc::key key = find_unused_key();
  return {.own_namespace = false, .key = key, .arguments = {"--key=" + std::to_string(static_cast<std::int32_t>(key))}};
}

}  // namespace examples
