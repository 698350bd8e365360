// What client and server of Bach's example have agreed on, and what their command lines share.
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
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string_view>

#include "xsipc/ipc_error.hpp"
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

// Reports `error` in one line. Returns the exit status.
[[nodiscard]] inline int failed(std::string_view program, const xsipc::ipc_error& error) {
  std::cerr << program << ": " << error.message() << '\n';
  return EXIT_FAILURE;
}

// Returns N of the only argument, `--key=N`, or the default without one; ends the program if there is anything else.
// 0 is refused: it is IPC_PRIVATE, by which nobody ever meets.
[[nodiscard]] inline xsipc::key key_argument(std::string_view program, int argc, char** argv) {
  if (argc == 1) return default_key;
  constexpr std::string_view option = "--key=";
  const std::string_view argument = argv[1];
  std::int32_t number = 0;
  if (argc == 2 && argument.starts_with(option)) {
    const auto parsed = std::from_chars(argument.data() + option.size(), argument.data() + argument.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != argument.data() + argument.size()) number = 0;
  }
  if (number == 0) {
    std::cerr << program << ": usage: " << program << " [--key=N], N a 32-bit number other than 0\n";
    std::exit(EXIT_FAILURE);
  }
  return xsipc::key{number};
}

}  // namespace bach

#endif  // XSIPC_EXAMPLES_BACH_PROTOCOL_HPP
