// The server of Bach's figure 11.8: answers every request with its own pid until a signal ends it.
//
// Whatever signal that is, the queue goes with it, except after SIGKILL, which nobody can catch.
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <optional>
#include <span>

#include "protocol.hpp"
#include "xsipc/message_queue.hpp"

namespace {

constexpr int last_signal = 19;  // of those that the book's server catches

// What the handler removes. Set while no handler can run, and never changed again.
std::optional<xsipc::message_queue> served;

// Nothing but system calls (backends/sysv is safe in handlers) and _exit: SIGSEGV may have come from anywhere.
extern "C" void clean_up(int) {
  static_cast<void>(served->remove());  // if somebody else was faster, the queue is gone as well
  _exit(EXIT_SUCCESS);
}

void install_handlers() {
  struct sigaction action {};
  action.sa_handler = clean_up;
  sigfillset(&action.sa_mask);  // once is enough
  for (int signo = 1; signo <= last_signal; ++signo) {
    if (signo != SIGKILL && signo != SIGSTOP) sigaction(signo, &action, nullptr);
  }
}

// Serves for ever; returns only with an error. EINTR is none of them: every handler ends the process.
xsipc::ipc_error serve(xsipc::message_queue& queue) {
  bach::request_text text;
  for (;;) {
    // The queue is open to everybody: too long a request is cut, not left to block the head of the queue for ever.
    const auto request = queue.receive(xsipc::message_buffer(text), xsipc::msgtyp_selector::type(bach::request_type),
                                       xsipc::deadline::never(), xsipc::truncation::allow);
    if (!request) return request.error();
    const int client = bach::pid_in(std::span(text).first(request->size_bytes));
    if (client < 1) continue;  // no type to answer with
    // endl, because clean_up() flushes nothing.
    std::cout << "server " << getpid() << ": takes type " << request->type << ", text " << client << "; sends type "
              << bach::reply_type(client) << ", text " << getpid() << " (its pid)" << std::endl;
    const auto sent = queue.send_value(bach::reply_type(client), getpid());
    if (!sent) return sent.error();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const xsipc::key key = bach::key_argument("bach_server", argc, argv);

  // A signal between the creation and the handlers would leave the queue behind: it has to wait.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  // msgget(key, 0777 | IPC_CREAT). The book prints IPC_CREAT as a third argument, which msgget doesn't have.
  const auto queue = xsipc::message_queue::get(key, xsipc::creation::open_or_create(bach::mode));
  if (!queue) return bach::failed("bach_server", queue.error());
  served = *queue;
  install_handlers();
  sigprocmask(SIG_UNBLOCK, &all, nullptr);

  return bach::failed("bach_server", serve(*served));
}
