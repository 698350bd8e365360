// A client in a dialogue of several turns, which it gives up when the server was started anew in between.
#include <cstdlib>

#include "tlpi/programs.hpp"
#include "tlpi/protocol.hpp"
#include "xsipc/message_queue.hpp"

namespace tlpi {
namespace {

std::ostream& line(examples::player& me, std::int32_t turn) {
  return me.out() << "client " << me.pid() << ": turn " << turn << ": ";
}

// The id stays the old queue's: no call with it ever reaches a queue that was made later.
int give_up(examples::player& me, std::int32_t turn, const xsipc::ipc_error& error) {
  if (is_removal(error.code)) line(me, turn) << "the server was started anew, this dialogue is over" << std::endl;
  return failed(client_program, me, error);
}

int play(examples::player& me, examples::options& given) {
  const xsipc::key key = given.key().value_or(default_key);
  const std::int32_t turns = given.number("turns").value_or(3);
  const bool pauses = given.flag("pause");  // stops after each turn, as with Ctrl-Z; `fg` goes on
  given.end();

  auto queue = xsipc::message_queue::get(key, xsipc::creation::find(mode), me.backend());
  if (!queue) return failed(client_program, me, queue.error());
  for (std::int32_t turn = 1; turn <= turns; ++turn) {
    const auto sent = queue->send_value(request_type, request{me.pid(), turn});
    if (!sent) return give_up(me, turn, sent.error());
    const auto got = queue->receive_value<reply>(xsipc::msgtyp_selector::type(reply_type(me.pid())));
    if (!got) return give_up(me, turn, got.error());
    line(me, got->value.turn) << "answered by server " << got->value.server << std::endl;
    if (got->value.turn != turn) return EXIT_FAILURE;
    if (pauses) me.stop();
  }
  return EXIT_SUCCESS;
}

}  // namespace

const examples::program client_program = {"restart_client", "", "[--key=N] [--turns=N] [--pause]", play};

}  // namespace tlpi
