// The book's table that compares forms of IPC, for message queues: each property as something to be seen.
//
// Source: W. R. Stevens and S. A. Rago, Advanced Programming in the UNIX Environment, section 15.6.
#include <signal.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/story.hpp"
#include "xsipc/message_queue.hpp"

namespace {

using examples::child;
using examples::expect;
using examples::player;
using examples::say;
using examples::stage;
using examples::temporary;
using xsipc::creation;
using xsipc::deadline;
using xsipc::key;
using xsipc::message_queue;
using xsipc::msgtyp_selector;

constexpr xsipc::ipc_mode mode = 0600;
constexpr key usual_key{1507};
constexpr auto at_once = deadline::immediate();

std::string pid_of(const child& process) { return std::to_string(process.pid()); }

void await_sleep(child& process) {
  examples::await("process " + pid_of(process) + " sleeps", [&] { return process.is_blocked(); });
}

// The telling process itself never sleeps in a queue (story.hpp).
int take(message_queue& queue, msgtyp_selector selector = msgtyp_selector::any()) {
  int value = 0;
  examples::await("a message comes", [&] {
    const auto got = queue.receive_value<int>(selector, at_once);
    if (!got) return expect(got.error().code == ENOMSG, got.error().message()), false;
    value = got->value;
    return true;
  });
  return value;
}

message_queue new_queue(xsipc::spi::backend& on, key which = key::ipc_private) {
  return message_queue::get(which, creation::create_only(mode), on).value();
}

int send_numbers(message_queue queue, int count) {
  for (int i = 0; i < count; ++i) queue.send_value(1, i).value();
  return EXIT_SUCCESS;
}

void not_connectionless(stage& at) {
  temporary gone(new_queue(at.backend()));
  gone->remove().value();
  say("To send, one needs an id, and to get one, msgget: there is no sending to a key.");
  examples::expect_error("getting the id of a key that nobody has created",
                         message_queue::get(at.key(), creation::find(), at.backend()), ENOENT);
  examples::expect_error("sending to an id that was a queue's", gone->send_value(1, 1, at_once), EINVAL);
  temporary made(new_queue(at.backend(), at.key()));
  const auto sender = at.fork([agreed = at.key()](player& me) {
    message_queue::get(agreed, creation::find(), me.backend()).value().send_value(1, 4711).value();
    return EXIT_SUCCESS;
  });
  examples::await_end(*sender);
  expect(take(*made) == 4711, "another message came");
  say("after msgget by the same key another process has sent: the message is here");
}

void reliable(stage& at) {
  constexpr int count = 2000;
  temporary queue(new_queue(at.backend()));
  // A receiver that dies while it waits takes no message along.
  const auto receiver =
      at.fork([&](player& me) { return me.own(*queue).receive_value<int>(msgtyp_selector::type(2)) ? 1 : 2; });
  await_sleep(*receiver);
  const auto sender = at.fork([&](player& me) { return send_numbers(me.own(*queue), count); });
  for (int i = 0; i < count; ++i) {
    if (i == count / 2) receiver->signal(SIGKILL);
    expect(take(*queue) == i, "message " + std::to_string(i) + " is missing");
  }
  examples::await_end(*sender);
  examples::await_end(*receiver, "signal 9");
  expect(queue->stat().value().qnum == 0, "there are messages that nobody has sent");
  say(std::to_string(count) + " messages sent, as many received: none lost, none twice, each in its place");
}

void flow_controlled(stage& at) {
  temporary queue(new_queue(at.backend()));
  const auto status = queue->stat().value();
  constexpr int fit = 3;
  queue->set({changeable(status.perm), fit * sizeof(int)}).value();
  const auto sender = at.fork([&](player& me) { return send_numbers(me.own(*queue), 2 * fit); });
  examples::await("the queue is full", [&] { return queue->stat().value().qnum == fit; });
  await_sleep(*sender);
  examples::expect_error("sending without waiting", queue->send_value(1, 0, at_once), EAGAIN);
  expect(!sender->has_ended(), "the sender didn't wait");
  say("the queue has room for 3 messages: the sender of 6 sleeps");
  for (int i = 0; i < fit; ++i) {
    expect(take(*queue) == i, "another message came");
    examples::await("the sender is woken", [&] { return queue->stat().value().qnum == fit; });
  }
  examples::await_end(*sender);
  for (int i = fit; i < 2 * fit; ++i) expect(take(*queue) == i, "another message came");
  say("each message that is taken wakes it for one more; all 6 arrive");
}

void record_oriented(stage& at) {
  temporary queue(new_queue(at.backend()));
  std::array<std::byte, 128> room{};
  const std::vector<std::size_t> sizes = {1, 0, 100, 7};
  for (const std::size_t size : sizes) queue->send(1, std::span(room).first(size), at_once).value();
  std::array<std::byte, 99> less{};
  std::string seen;
  for (const std::size_t size : sizes) {
    if (size > less.size()) {
      examples::expect_error("receiving 100 bytes into 99",
                             queue->receive(xsipc::message_buffer(less), msgtyp_selector::any(), at_once), E2BIG);
    }
    const auto got = queue->receive(xsipc::message_buffer(room), msgtyp_selector::any(), at_once).value();
    expect(got.size_bytes == size, "a record has another size");
    seen.append(" ").append(std::to_string(got.size_bytes));
  }
  say("records of 1, 0, 100 and 7 bytes sent; received, call by call:" + seen);
}

void types(stage& at) {
  temporary queue(new_queue(at.backend()));
  for (const int type : {3, 1, 2, 1}) queue->send_value(type, 10 * type).value();
  expect(take(*queue, msgtyp_selector::type(2)) == 20, "type 2 was expected");
  expect(take(*queue, msgtyp_selector::lowest_up_to(3)) == 10, "the lowest type, 1, was expected");
  expect(take(*queue) == 30, "the oldest message, type 3, was expected");
  examples::expect_error("taking type 2 again", queue->receive_value<int>(msgtyp_selector::type(2), at_once), ENOMSG);
  say("of types 3 1 2 1: type 2 by its number, 1 as the lowest up to 3, 3 as the oldest");
}

// Removes what an interrupted step may have left under the key.
struct key_guard {
  explicit key_guard(stage& on) : at(on) {}
  key_guard(const key_guard&) = delete;
  key_guard& operator=(const key_guard&) = delete;
  ~key_guard() {
    if (auto left = message_queue::get(at.key(), creation::find(), at.backend())) static_cast<void>(left->remove());
  }
  stage& at;
};

void persistent(stage& at) {
  const key_guard guard(at);
  const auto creator = at.fork([agreed = at.key()](player& me) {
    new_queue(me.backend(), agreed).send_value(1, 4711).value();
    return EXIT_SUCCESS;
  });
  examples::await_end(*creator);
  auto queue = message_queue::get(at.key(), creation::find(), at.backend()).value();
  expect(queue.stat().value().qnum == 1, "the message is gone");
  say("its creator has ended, nobody uses it: the queue stays, and its message");
  expect(take(queue) == 4711, "another message came");
  const auto user = at.fork([&](player& me) {
    const auto got = me.own(queue).receive_value<int>();
    if (got) return EXIT_FAILURE;
    me.out() << "the process that waited in it: " << got.error().message() << '\n';
    return got.error().code == EIDRM ? EXIT_SUCCESS : EXIT_FAILURE;
  });
  await_sleep(*user);
  queue.remove().value();
  say("removed at once, although a process uses it: nobody counts references");
  examples::await_end(*user);
  examples::expect_error("using it afterwards", queue.send_value(1, 1, at_once), EINVAL);
}

void nothing_left(stage& at) {
  examples::expect_error("finding the key", message_queue::get(at.key(), creation::find(), at.backend()), ENOENT);
}

void begin(stage& at) { say("backend " + std::string(at.backend().name()) + ", process " + std::to_string(at.pid())); }

int play(stage& at) {
  return examples::tell("properties", "APUE 15.6: message queues in the table that compares forms of IPC",
                        {
                            {"Begin.", [&] { begin(at); }},
                            {"Connectionless? No.", [&] { not_connectionless(at); }},
                            {"Reliable? Yes.", [&] { reliable(at); }},
                            {"Flow control? Yes.", [&] { flow_controlled(at); }},
                            {"Records? Yes.", [&] { record_oriented(at); }},
                            {"Message types or priorities? Yes.", [&] { types(at); }},
                            {"Persistent, without a reference count? Yes.", [&] { persistent(at); }},
                            {"Nothing is left.", [&] { nothing_left(at); }},
                        });
}

}  // namespace

int main(int argc, char** argv) { return examples::run({"properties", usual_key, play}, argc, argv); }
