// A server that can be started anew: whatever a predecessor has left, it begins with a queue that is certainly new.
//
// With --alone=PATH it holds a lock on that file and refuses to run beside another one; without, whoever starts last
// takes the key over, and the others notice.
#include <signal.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include "tlpi/programs.hpp"
#include "tlpi/protocol.hpp"
#include "xsipc/fresh.hpp"
#include "xsipc/single_instance.hpp"

namespace tlpi {
namespace {

std::ostream& line(examples::player& me) { return me.out() << "server " << me.pid() << ": "; }

// The queue is open to everybody: what isn't a request is taken, too, so that it doesn't block the head for ever.
xsipc::result<std::optional<request>> take_request(xsipc::message_queue& queue) {
  std::array<std::byte, sizeof(request)> text{};
  const auto got = queue.receive(xsipc::message_buffer(text), xsipc::msgtyp_selector::type(request_type),
                                 xsipc::deadline::never(), xsipc::truncation::allow);
  if (!got) return got.error();
  request taken;
  std::memcpy(&taken, text.data(), sizeof taken);
  if (got->size_bytes != sizeof taken || taken.client < 1) return std::optional<request>();
  return std::optional(taken);
}

// Serves for ever; returns only with an error.
xsipc::ipc_error serve(examples::player& me, xsipc::message_queue& queue) {
  std::map<std::int32_t, std::int32_t> turns;  // by client, the last one
  for (;;) {
    const auto taken = take_request(queue);
    if (!taken) return taken.error();
    const auto& asked = *taken;
    if (!asked) continue;
    std::int32_t& last = turns[asked->client];
    if (asked->turn != 1 && asked->turn != last + 1) {
      line(me) << "turn " << asked->turn << " of client " << asked->client << " belongs to no dialogue of mine"
               << std::endl;
      continue;
    }
    last = asked->turn;
    line(me) << "turn " << asked->turn << " of client " << asked->client << std::endl;
    const auto sent = queue.send_value(reply_type(asked->client), reply{me.pid(), asked->turn});
    if (!sent) return sent.error();
  }
}

// Says what a predecessor has left. Only for people: by the next call it may be different.
void say_what_is_left(examples::player& me, xsipc::key key) {
  const auto left = xsipc::message_queue::get(key, xsipc::creation::find(), me.backend());
  if (!left) return;
  const auto status = left->stat();
  if (status) {
    line(me) << "queue " << static_cast<int>(left->id()) << " with " << status->qnum << " messages is left over"
             << std::endl;
  }
}

// Returns the lock of --alone, which goes with the process, or nothing after saying why not.
std::optional<xsipc::single_instance> claim(examples::player& me, const std::string& path) {
  auto claimed = xsipc::single_instance::claim(path);
  if (claimed) return *std::move(claimed);
  me.err() << server_program.file << ": " << path << ": " << xsipc::errno_name(claimed.error().code)
           << (claimed.error().code == EAGAIN ? " (another server runs)" : "") << '\n';
  return std::nullopt;
}

int play(examples::player& me, examples::options& given) {
  const xsipc::key key = given.key().value_or(default_key);
  const auto alone = given.text("alone");
  given.end();

  std::optional<xsipc::single_instance> guard;
  if (alone && !(guard = claim(me, *alone))) return EXIT_FAILURE;

  me.hold_signals();  // one between the creation and the handlers would leave the queue behind
  say_what_is_left(me, key);
  auto queue = xsipc::create_fresh_queue(key, mode, me.backend());
  if (!queue) return failed(server_program, me, queue.error());
  line(me) << "queue " << static_cast<int>(queue->id()) << " is new" << std::endl;
  // If another server has taken over, this is the id of a queue that is gone: removing it fails, and the other's stays.
  me.catch_signals({SIGHUP, SIGINT, SIGQUIT, SIGTERM},
                   [served = *queue]() mutable { static_cast<void>(served.remove()); });

  const xsipc::ipc_error end = serve(me, *queue);
  if (is_removal(end.code)) line(me) << "the queue was removed, another server has taken over" << std::endl;
  return failed(server_program, me, end);
}

}  // namespace

const examples::program server_program = {"restart_server", "",
                                          "[--key=N] [--alone=PATH], N a 32-bit number other than 0", play};

}  // namespace tlpi
