// What server and client of the restart example have agreed on.
//
// A dialogue has several turns: the client asks with its pid and the number of the turn, the server answers with its
// own pid and the same number. The server remembers at which turn each client is, so that a turn makes sense only to
// the server that has seen those before it. That is why a server that starts anew must not find requests of the old
// one's clients, and why these must notice.
//
// One queue for both directions, as in Bach's example; its gaps are this one's too.
//
// Source: M. Kerrisk, The Linux Programming Interface, section 45.4.
#ifndef XSIPC_EXAMPLES_TLPI_PROTOCOL_HPP
#define XSIPC_EXAMPLES_TLPI_PROTOCOL_HPP

#include <cerrno>
#include <cstdint>

#include "xsipc/ipc_perm.hpp"
#include "xsipc/key.hpp"

namespace tlpi {

inline constexpr xsipc::key default_key{4504};
inline constexpr xsipc::ipc_mode mode = 0666;
inline constexpr long request_type = 1;

struct request {
  std::int32_t client = 0;
  std::int32_t turn = 0;  // from 1
};

struct reply {
  std::int32_t server = 0;
  std::int32_t turn = 0;
};

// Returns the type of the replies to a client. Never that of requests.
[[nodiscard]] constexpr long reply_type(std::int32_t client) { return request_type + client; }

// Returns true if an error says that the queue was removed: while waiting in it, or before the call.
[[nodiscard]] constexpr bool is_removal(int code) { return code == EIDRM || code == EINVAL; }

}  // namespace tlpi

#endif  // XSIPC_EXAMPLES_TLPI_PROTOCOL_HPP
