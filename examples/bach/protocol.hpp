// What client and server of Bach's example have agreed on.
//
// A request is a message of type 1 whose text begins with the client's pid. The reply's type is that pid, so that
// every client finds its own among all others in the one queue; its text is the server's pid and nothing else.
//
// Known gaps, all of the example's design: a client with pid 1 would ask for its reply by the type of requests, and
// pids of different PID namespaces may be equal. For the two programs beside this file, which have one thread.
//
// Source: M. J. Bach, The Design of the UNIX Operating System, section 11.2, figure 11.8.
#ifndef XSIPC_EXAMPLES_BACH_PROTOCOL_HPP
#define XSIPC_EXAMPLES_BACH_PROTOCOL_HPP

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include "xsipc/ipc_perm.hpp"
#include "xsipc/key.hpp"

namespace bach {

inline constexpr xsipc::key default_key{75};
inline constexpr xsipc::ipc_mode mode = 0777;
inline constexpr long request_type = 1;

// The largest request; most of it is room for what a real service would be asked.
using request_text = std::array<std::byte, 256>;

// Returns the type of the reply to a client.
[[nodiscard]] constexpr long reply_type(int client) { return client; }

// Returns the pid that a request begins with, 0 if it is too short to hold one.
[[nodiscard]] inline int pid_in(std::span<const std::byte> text) {
  int pid = 0;
  if (text.size() >= sizeof pid) std::memcpy(&pid, text.data(), sizeof pid);
  return pid;
}

}  // namespace bach

#endif  // XSIPC_EXAMPLES_BACH_PROTOCOL_HPP
