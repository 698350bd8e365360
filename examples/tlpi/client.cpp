// A client in a dialogue of several turns, which it gives up when the server was started anew in between.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "protocol.hpp"
#include "support/options.hpp"
#include "xsipc/message_queue.hpp"

namespace {

std::ostream& line(std::int32_t turn) { return std::cout << "client " << getpid() << ": turn " << turn << ": "; }

int failed(const xsipc::ipc_error& error) {
  std::cerr << "restart_client: " << error.message() << '\n';
  return EXIT_FAILURE;
}

// The id stays the old queue's: no call with it ever reaches a queue that was made later.
int give_up(std::int32_t turn, const xsipc::ipc_error& error) {
  if (tlpi::is_removal(error.code)) line(turn) << "the server was started anew, this dialogue is over" << std::endl;
  return failed(error);
}

}  // namespace

int main(int argc, char** argv) {
  examples::options options("restart_client", "[--key=N] [--turns=N] [--pause]", argc, argv);
  const xsipc::key key = options.key().value_or(tlpi::default_key);
  const std::int32_t turns = options.number("turns").value_or(3);
  const bool pauses = options.flag("pause");  // stops after each turn, as with Ctrl-Z; `fg` goes on
  options.end();

  auto queue = xsipc::message_queue::get(key, xsipc::creation::find(tlpi::mode));
  if (!queue) return failed(queue.error());
  for (std::int32_t turn = 1; turn <= turns; ++turn) {
    const auto sent = queue->send_value(tlpi::request_type, tlpi::request{getpid(), turn});
    if (!sent) return give_up(turn, sent.error());
    const auto got = queue->receive_value<tlpi::reply>(xsipc::msgtyp_selector::type(tlpi::reply_type(getpid())));
    if (!got) return give_up(turn, got.error());
    line(got->value.turn) << "answered by server " << got->value.server << std::endl;
    if (got->value.turn != turn) return EXIT_FAILURE;
    if (pauses) raise(SIGSTOP);
  }
}
