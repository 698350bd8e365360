// Where the processes of a demonstration or test meet without meeting anybody else's.
//
// System V objects belong to the whole machine, and a key like 75 may well be taken. For programs with one thread,
// before they start any child.
#ifndef XSIPC_EXAMPLES_SUPPORT_MEETING_PLACE_HPP
#define XSIPC_EXAMPLES_SUPPORT_MEETING_PLACE_HPP

#include <string>
#include <vector>

#include "xsipc/key.hpp"

namespace examples {

struct meeting_place {
  bool own_namespace = false;
  xsipc::key key{};
  std::vector<std::string> arguments;  // for the programs that shall meet there: none, or --key=N
};

// Moves the caller into an IPC namespace of its own, which its children inherit and where `usual` is free. Where that
// isn't allowed, or the default backend's objects aren't the kernel's, finds a key that no queue has. Throws
// std::system_error if there are no queues at all. Source: unshare(2), CLONE_NEWIPC (needs CAP_SYS_ADMIN).
[[nodiscard]] meeting_place make_meeting_place(xsipc::key usual);

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_MEETING_PLACE_HPP
