// The client of Bach's figure 11.8: asks once, and says which server has answered.
#include <cstdlib>

#include "bach/programs.hpp"
#include "bach/protocol.hpp"
#include "xsipc/message_queue.hpp"

namespace bach {
namespace {

int play(examples::player& me, examples::options& given) {
  const xsipc::key key = given.key().value_or(default_key);
  given.end();
  const int pid = me.pid();

  // Finds, never creates: without a server there is nobody to talk to, and msgget says so.
  auto queue = xsipc::message_queue::get(key, xsipc::creation::find(mode), me.backend());
  if (!queue) return failed(client_program, me, queue.error());

  me.out() << "client " << pid << ": sends type " << request_type << ", text " << pid << " (its pid)" << std::endl;
  const auto sent = queue->send_value(request_type, pid);
  if (!sent) return failed(client_program, me, sent.error());

  // Any number of clients may wait in the same queue: each takes the messages of its own type only.
  const auto reply = queue->receive_value<int>(xsipc::msgtyp_selector::type(reply_type(pid)));
  if (!reply) return failed(client_program, me, reply.error());
  me.out() << "client " << pid << ": takes type " << reply->type << ", text " << reply->value << ": answered by server "
           << reply->value << std::endl;
  return EXIT_SUCCESS;
}

}  // namespace

const examples::program client_program = {"bach_client", "", "[--key=N], N a 32-bit number other than 0", play};

}  // namespace bach
