// The client of Bach's figure 11.8: asks once, and says which server has answered.
#include <unistd.h>

#include <iostream>

#include "protocol.hpp"
#include "xsipc/message_queue.hpp"

int main(int argc, char** argv) {
  const xsipc::key key = bach::key_argument("bach_client", argc, argv);
  const int pid = getpid();

  // Finds, never creates: without a server there is nobody to talk to, and msgget says so.
  auto queue = xsipc::message_queue::get(key, xsipc::creation::find(bach::mode));
  if (!queue) return bach::failed("bach_client", queue.error());

  std::cout << "client " << pid << ": sends type " << bach::request_type << ", text " << pid << " (its pid)"
            << std::endl;
  const auto sent = queue->send_value(bach::request_type, pid);
  if (!sent) return bach::failed("bach_client", sent.error());

  // Any number of clients may wait in the same queue: each takes the messages of its own type only.
  const auto reply = queue->receive_value<int>(xsipc::msgtyp_selector::type(bach::reply_type(pid)));
  if (!reply) return bach::failed("bach_client", reply.error());
  std::cout << "client " << pid << ": takes type " << reply->type << ", text " << reply->value
            << ": answered by server " << reply->value << std::endl;
}
