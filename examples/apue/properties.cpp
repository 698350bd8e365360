// The book's table that compares forms of IPC, for message queues: each property as something to be seen.
//
// Source: W. R. Stevens and S. A. Rago, Advanced Programming in the UNIX Environment, section 15.6.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "support/meeting_place.hpp"
#include "support/options.hpp"
#include "support/story.hpp"
#include "xsipc/message_queue.hpp"

namespace {

using examples::child;
using examples::expect;
using examples::say;
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

// Sleeping is seen in /proc, where processes are real.
void await_sleep(const child& process, long number) {
  if (xsipc::default_backend().name() == "fake") return;
  examples::await("process " + pid_of(process) + " sleeps", [&] { return process.is_blocked_in(number); });
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

message_queue new_queue(key which = key::ipc_private) {
  return message_queue::get(which, creation::create_only(mode)).value();
}

void not_connectionless(key agreed) {
  temporary gone(new_queue());
  gone->remove().value();
  say("To send, one needs an id, and to get one, msgget: there is no sending to a key.");
  examples::expect_error("getting the id of a key that nobody has created",
                         message_queue::get(agreed, creation::find()), ENOENT);
  examples::expect_error("sending to an id that was a queue's", gone->send_value(1, 1, at_once), EINVAL);
  temporary made(new_queue(agreed));
  child sender([&] { return message_queue::get(agreed, creation::find()).value().send_value(1, 4711).value(), 0; });
  examples::await_end(sender);
  expect(take(*made) == 4711, "another message came");
  say("after msgget by the same key another process has sent: the message is here");
}

void reliable() {
  constexpr int count = 2000;
  temporary queue(new_queue());
  // A receiver that dies while it waits takes no message along.
  child receiver([&] { return queue->receive_value<int>(msgtyp_selector::type(2)) ? 1 : 2; });
  await_sleep(receiver, SYS_msgrcv);
  child sender([&] {
    for (int i = 0; i < count; ++i) queue->send_value(1, i).value();
    return 0;
  });
  for (int i = 0; i < count; ++i) {
    if (i == count / 2) receiver.signal(SIGKILL);
    expect(take(*queue) == i, "message " + std::to_string(i) + " is missing");
  }
  examples::await_end(sender);
  examples::await_end(receiver, "signal 9");
  expect(queue->stat().value().qnum == 0, "there are messages that nobody has sent");
  say(std::to_string(count) + " messages sent, as many received: none lost, none twice, each in its place");
}

void flow_controlled() {
  temporary queue(new_queue());
  const auto status = queue->stat().value();
  constexpr int fit = 3;
  queue->set({changeable(status.perm), fit * sizeof(int)}).value();
  child sender([&] {
    for (int i = 0; i < 2 * fit; ++i) queue->send_value(1, i).value();
    return 0;
  });
  examples::await("the queue is full", [&] { return queue->stat().value().qnum == fit; });
  await_sleep(sender, SYS_msgsnd);
  examples::expect_error("sending without waiting", queue->send_value(1, 0, at_once), EAGAIN);
  expect(!sender.has_ended(), "the sender didn't wait");
  say("the queue has room for 3 messages: the sender of 6 sleeps");
  for (int i = 0; i < fit; ++i) {
    expect(take(*queue) == i, "another message came");
    examples::await("the sender is woken", [&] { return queue->stat().value().qnum == fit; });
  }
  examples::await_end(sender);
  for (int i = fit; i < 2 * fit; ++i) expect(take(*queue) == i, "another message came");
  say("each message that is taken wakes it for one more; all 6 arrive");
}

void record_oriented() {
  temporary queue(new_queue());
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

void types() {
  temporary queue(new_queue());
  for (const int type : {3, 1, 2, 1}) queue->send_value(type, 10 * type).value();
  expect(take(*queue, msgtyp_selector::type(2)) == 20, "type 2 was expected");
  expect(take(*queue, msgtyp_selector::lowest_up_to(3)) == 10, "the lowest type, 1, was expected");
  expect(take(*queue) == 30, "the oldest message, type 3, was expected");
  examples::expect_error("taking type 2 again", queue->receive_value<int>(msgtyp_selector::type(2), at_once), ENOMSG);
  say("of types 3 1 2 1: type 2 by its number, 1 as the lowest up to 3, 3 as the oldest");
}

// Removes what an interrupted step may have left under the key.
struct key_guard {
  explicit key_guard(key which) : guarded(which) {}
  key_guard(const key_guard&) = delete;
  key_guard& operator=(const key_guard&) = delete;
  ~key_guard() {
    if (auto left = message_queue::get(guarded, creation::find())) static_cast<void>(left->remove());
  }
  key guarded;
};

void persistent(key agreed) {
  const key_guard guard(agreed);
  child creator([&] { return new_queue(agreed).send_value(1, 4711).value(), 0; });
  examples::await_end(creator);
  auto queue = message_queue::get(agreed, creation::find()).value();
  expect(queue.stat().value().qnum == 1, "the message is gone");
  say("its creator has ended, nobody uses it: the queue stays, and its message");
  expect(take(queue) == 4711, "another message came");
  child user([&] {
    const auto got = queue.receive_value<int>();
    if (got) return 1;
    std::cout << "the process that waited in it: " << got.error().message() << '\n';
    return got.error().code == EIDRM ? 0 : 1;
  });
  await_sleep(user, SYS_msgrcv);
  queue.remove().value();
  say("removed at once, although a process uses it: nobody counts references");
  examples::await_end(user);
  examples::expect_error("using it afterwards", queue.send_value(1, 1, at_once), EINVAL);
}

void nothing_left(key agreed) {
  examples::expect_error("finding the key", message_queue::get(agreed, creation::find()), ENOENT);
}

}  // namespace

int main(int argc, char** argv) {
  examples::options options("properties", "[--key=N]", argc, argv);
  const auto wanted = options.key();
  options.end();
  key agreed{};
  return examples::tell(
      "properties", "APUE 15.6: message queues in the table that compares forms of IPC",
      {
          {"Begin.", [&] { agreed = wanted ? *wanted : examples::make_meeting_place(usual_key).key; }},
          {"Connectionless? No.", [&] { not_connectionless(agreed); }},
          {"Reliable? Yes.", [] { reliable(); }},
          {"Flow control? Yes.", [] { flow_controlled(); }},
          {"Records? Yes.", [] { record_oriented(); }},
          {"Message types or priorities? Yes.", [] { types(); }},
          {"Persistent, without a reference count? Yes.", [&] { persistent(agreed); }},
          {"Nothing is left.", [&] { nothing_left(agreed); }},
      });
}
