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

// Moves the caller into a namespace of its own, which its children inherit and where `usual` is free: an IPC namespace of
// the kernel's, or one of posix if the environment asks for that backend (XSIPC_BACKEND) and names none, which goes with
// the caller. Where that isn't allowed finds a key that no queue has. Throws std::system_error if there are no queues at
// all. To be called before anything else uses the default backend. Source: unshare(2), CLONE_NEWIPC (needs
// CAP_SYS_ADMIN).
[[nodiscard]] meeting_place make_meeting_place(xsipc::key usual);

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_MEETING_PLACE_HPP
