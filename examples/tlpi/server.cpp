// A server that can be started anew: whatever a predecessor has left, it begins with a queue that is certainly new.
//
// With --alone=PATH it holds a lock on that file and refuses to run beside another one; without, whoever starts last
// takes the key over, and the others notice.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>

#include "protocol.hpp"
#include "support/options.hpp"
#include "xsipc/fresh.hpp"
#include "xsipc/single_instance.hpp"

namespace {

// What the handler removes. Set while no handler can run. If another server has taken over, this is the id of a queue
// that is gone: removing it fails, and the other's queue stays.
std::optional<xsipc::message_queue> served;

extern "C" void clean_up(int) {
  static_cast<void>(served->remove());
  _exit(EXIT_SUCCESS);  // the lock of --alone goes with the process
}

void install_handlers() {
  struct sigaction action {};
  action.sa_handler = clean_up;
  sigfillset(&action.sa_mask);
  for (const int signo : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) sigaction(signo, &action, nullptr);
}

std::ostream& line() { return std::cout << "server " << getpid() << ": "; }

int failed(const xsipc::ipc_error& error) {
  std::cerr << "restart_server: " << error.message() << '\n';
  return EXIT_FAILURE;
}

// The queue is open to everybody: what isn't a request is taken, too, so that it doesn't block the head for ever.
xsipc::result<std::optional<tlpi::request>> take_request(xsipc::message_queue& queue) {
  std::array<std::byte, sizeof(tlpi::request)> text{};
  const auto got = queue.receive(xsipc::message_buffer(text), xsipc::msgtyp_selector::type(tlpi::request_type),
                                 xsipc::deadline::never(), xsipc::truncation::allow);
  if (!got) return got.error();
  tlpi::request request;
  std::memcpy(&request, text.data(), sizeof request);
  if (got->size_bytes != sizeof request || request.client < 1) return std::optional<tlpi::request>();
  return std::optional(request);
}

// Serves for ever; returns only with an error.
xsipc::ipc_error serve(xsipc::message_queue& queue) {
  std::map<std::int32_t, std::int32_t> turns;  // by client, the last one
  for (;;) {
    const auto taken = take_request(queue);
    if (!taken) return taken.error();
    const auto& request = *taken;
    if (!request) continue;
    std::int32_t& last = turns[request->client];
    if (request->turn != 1 && request->turn != last + 1) {
      line() << "turn " << request->turn << " of client " << request->client << " belongs to no dialogue of mine"
             << std::endl;
      continue;
    }
    last = request->turn;
    line() << "turn " << request->turn << " of client " << request->client << std::endl;
    const auto sent = queue.send_value(tlpi::reply_type(request->client), tlpi::reply{getpid(), request->turn});
    if (!sent) return sent.error();
  }
}

// Says what a predecessor has left. Only for people: by the next call it may be different.
void say_what_is_left(xsipc::key key) {
  const auto left = xsipc::message_queue::get(key, xsipc::creation::find());
  if (!left) return;
  const auto status = left->stat();
  if (status) {
    line() << "queue " << static_cast<int>(left->id()) << " with " << status->qnum << " messages is left over"
           << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  examples::options options("restart_server", "[--key=N] [--alone=PATH], N a 32-bit number other than 0", argc, argv);
  const xsipc::key key = options.key().value_or(tlpi::default_key);
  const auto alone = options.text("alone");
  options.end();

  std::optional<xsipc::single_instance> guard;
  if (alone) {
    auto claimed = xsipc::single_instance::claim(*alone);
    if (!claimed) {
      std::cerr << "restart_server: " << *alone << ": " << xsipc::errno_name(claimed.error().code)
                << (claimed.error().code == EAGAIN ? " (another server runs)" : "") << '\n';
      return EXIT_FAILURE;
    }
    guard.emplace(*std::move(claimed));
  }

  // A signal between the creation and the handlers would leave the queue behind: it has to wait.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  say_what_is_left(key);
  const auto queue = xsipc::create_fresh_queue(key, tlpi::mode);
  if (!queue) return failed(queue.error());
  served = *queue;
  line() << "queue " << static_cast<int>(queue->id()) << " is new" << std::endl;
  install_handlers();
  sigprocmask(SIG_UNBLOCK, &all, nullptr);

  const xsipc::ipc_error end = serve(*served);
  if (tlpi::is_removal(end.code)) line() << "the queue was removed, another server has taken over" << std::endl;
  return failed(end);
}
