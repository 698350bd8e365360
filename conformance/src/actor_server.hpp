// The actor's end: a process that does what the test asks of it.
#ifndef XSIPC_CONFORMANCE_ACTOR_SERVER_HPP
#define XSIPC_CONFORMANCE_ACTOR_SERVER_HPP

#include <memory>
#include <string_view>

#include "protocol.hpp"
#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

// What all threads of an actor share. Made before the first further thread begins, and not changed then.
struct actor_state {
  const process_backend& what;
  std::unique_ptr<spi::backend> xsi;
  int main_socket;
};

// Makes the calling process an actor that greets and answers on `socket`; ends it when the test hangs up.
[[noreturn]] void serve_actor(const process_backend& what, int socket);

// Gives the calling process (single-threaded) the identity. Throws std::system_error if it may not.
void assume_identity(const identity& who);

// Answers a request of the SPI; false if `code` is not one.
[[nodiscard]] bool answer_spi_call(op code, packet_reader& request, spi::backend& xsi, packet_writer& answer);

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_ACTOR_SERVER_HPP
