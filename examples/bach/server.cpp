// The server of Bach's figure 11.8: answers every request with its own pid until a signal ends it.
//
// Whatever signal that is, the queue goes with it, except after SIGKILL, which nobody can catch.
#include <signal.h>

#include <span>
#include <vector>

#include "bach/programs.hpp"
#include "bach/protocol.hpp"
#include "xsipc/message_queue.hpp"

namespace bach {
namespace {

// Those that the book's server catches, all up to 19.
std::vector<int> caught_signals() {
  std::vector<int> caught;
  for (int signo = 1; signo <= 19; ++signo) {
    if (signo != SIGKILL && signo != SIGSTOP) caught.push_back(signo);
  }
  return caught;
}

// Serves for ever; returns only with an error. EINTR is none of them: every handler ends the process.
xsipc::ipc_error serve(examples::player& me, xsipc::message_queue& queue) {
  request_text text;
  for (;;) {
    // The queue is open to everybody: too long a request is cut, not left to block the head of the queue for ever.
    const auto request = queue.receive(xsipc::message_buffer(text), xsipc::msgtyp_selector::type(request_type),
                                       xsipc::deadline::never(), xsipc::truncation::allow);
    if (!request) return request.error();
    const int client = pid_in(std::span(text).first(request->size_bytes));
    if (client < 1) continue;  // no type to answer with
    // endl, because the handler flushes nothing.
    me.out() << "server " << me.pid() << ": takes type " << request->type << ", text " << client << "; sends type "
             << reply_type(client) << ", text " << me.pid() << " (its pid)" << std::endl;
    const auto sent = queue.send_value(reply_type(client), static_cast<int>(me.pid()));
    if (!sent) return sent.error();
  }
}

int play(examples::player& me, examples::options& given) {
  const xsipc::key key = given.key().value_or(default_key);
  given.end();

  me.hold_signals();  // one between the creation and the handlers would leave the queue behind
  // msgget(key, 0777 | IPC_CREAT). The book prints IPC_CREAT as a third argument, which msgget doesn't have.
  auto queue = xsipc::message_queue::get(key, xsipc::creation::open_or_create(mode), me.backend());
  if (!queue) return failed(server_program, me, queue.error());
  // If somebody else was faster, the queue is gone as well.
  me.catch_signals(caught_signals(), [served = *queue]() mutable { static_cast<void>(served.remove()); });

  return failed(server_program, me, serve(me, *queue));
}

}  // namespace

const examples::program server_program = {"bach_server", "", "[--key=N], N a 32-bit number other than 0", play};

}  // namespace bach
