// Bach's client and server at work, step by step: starts them as processes, shows who sends what to whom, and checks
// each step by itself. The last line is the verdict; the exit status is 0 if all went as expected, else 1.
//
// It leaves nothing behind, whether it succeeds, fails or is interrupted (by anything but SIGKILL): `scene` ends all
// processes and removes the queue.
#include <signal.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bach/programs.hpp"
#include "bach/protocol.hpp"
#include "support/stage.hpp"
#include "xsipc/message_queue.hpp"
#include "xsipc/open.hpp"

namespace {

using examples::child;
using xsipc::creation;
using xsipc::message_queue;

std::atomic<bool> interrupted = false;  // the handler may run in the thread of a simulated process

// What the steps share.
struct scene {
  std::unique_ptr<examples::stage> at = examples::open_stage(xsipc::default_backend_name(), bach::default_key);
  std::vector<pid_t> started;      // everybody who has ever been on it
  std::unique_ptr<child> server;   // the one that serves now
  std::unique_ptr<child> waiting;  // a client that waits for its answer

  scene() = default;
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;
  ~scene() {
    server.reset();
    waiting.reset();
    if (auto left = find()) static_cast<void>(left->remove());
  }

  [[nodiscard]] xsipc::result<message_queue> find() const {
    return message_queue::get(at->key(), creation::find(), at->backend());
  }
  [[nodiscard]] xsipc::result<message_queue> create_exclusively() const {
    return message_queue::get(at->key(), creation::create_only(bach::mode), at->backend());
  }
};

void expect(bool as_expected, const std::string& what) {
  if (!as_expected) throw std::runtime_error(what);
}

template <typename Condition>
void await(const std::string& what, Condition&& holds) {
  const bool came = examples::eventually([&] {
    expect(!interrupted, "interrupted by a signal");
    return holds();
  });
  expect(came, "waited in vain until " + what);
}

// Prints a text, indented.
void print(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) std::cout << "    " << line << '\n';
}

void expect_output(const std::string& text, const std::string& expected) {
  expect(text == expected, "a process wrote \"" + text + "\" instead of \"" + expected + "\"");
}

// Prints a text after checking that it is what was expected.
void show(const std::string& text, const std::string& expected) {
  expect_output(text, expected);
  print(text);
}

void expect_end(const std::string& end, const std::string& expected) {
  expect(end == expected, "a process was expected to end with " + expected + ", not " + end);
}

// Writes a number with the prefix that says its base.
std::string with_prefix(std::string text, std::uint32_t number, int base) {
  std::array<char, 16> digits{};
  return text.append(digits.data(), std::to_chars(digits.begin(), digits.end(), number, base).ptr);
}

std::string hexadecimal(xsipc::key key) { return with_prefix("0x", static_cast<std::uint32_t>(key), 16); }

std::string octal(xsipc::ipc_mode mode) { return with_prefix("0", mode, 8); }

// What the programs have to say when all goes well.

std::string asks(pid_t client) {
  const std::string pid = std::to_string(client);
  return "client " + pid + ": sends type 1, text " + pid + " (its pid)\n";
}

std::string answers(pid_t server, pid_t client) {
  const std::string from = std::to_string(server);
  const std::string to = std::to_string(client);
  return "server " + from + ": takes type 1, text " + to + "; sends type " + to + ", text " + from + " (its pid)\n";
}

std::string is_answered(pid_t client, pid_t server) {
  const std::string to = std::to_string(client);
  const std::string from = std::to_string(server);
  return "client " + to + ": takes type " + to + ", text " + from + ": answered by server " + from + "\n";
}

std::string finds_no_queue(const scene& on) {
  return "bach_client: msgget: ENOENT (queue with key " + hexadecimal(on.at->key()) + " does not exist)\n";
}

// Actions.

std::unique_ptr<child> start(scene& on, const examples::program& which) {
  auto started = on.at->run(which, on.at->key_arguments());
  on.started.push_back(started->pid());
  return started;
}

std::string wait_for_end(child& process) {
  await("process " + std::to_string(process.pid()) + " ended", [&] { return process.has_ended(); });
  return process.wait_for_end();
}

message_queue find_queue(const scene& on) { return on.find().value(); }

void start_server(scene& on) {
  on.server = start(on, bach::server_program);
  await("the server has made its queue", [&] {
    if (on.server->has_ended()) throw std::runtime_error("the server ended early: " + on.server->take_output());
    return on.find().has_value();
  });
  std::cout << "    server " << on.server->pid() << " runs\n";
}

void kill_server(scene& on, int signo, const std::string& name, const std::string& expected_end) {
  on.server->signal(signo);
  const std::string end = wait_for_end(*on.server);
  std::cout << "    server " << on.server->pid() << " gets " << name << " and ends with " << end << '\n';
  expect_end(end, expected_end);
  on.server.reset();
}

// Shows the queue's state, and checks what is known of it beforehand.
void show_queue(const message_queue& queue, const scene& on, std::uint64_t qnum, std::optional<pid_t> lspid,
                std::optional<pid_t> lrpid) {
  const xsipc::queue_status status = queue.stat().value();
  std::cout << "    queue " << static_cast<int>(queue.id()) << ": key " << hexadecimal(status.perm.object_key)
            << ", mode " << octal(status.perm.mode) << ", messages (qnum) " << status.qnum << ", last sender (lspid) "
            << status.lspid << ", last receiver (lrpid) " << status.lrpid << '\n';
  expect(status.perm.object_key == on.at->key(), "the queue has another key");
  expect(status.perm.mode == bach::mode, "the queue's mode was expected to be 0777, whatever the umask");
  expect(status.qnum == qnum, "qnum was expected to be " + std::to_string(qnum));
  expect(status.lspid == lspid.value_or(status.lspid), "lspid was expected to be " + std::to_string(*lspid));
  expect(status.lrpid == lrpid.value_or(status.lrpid), "lrpid was expected to be " + std::to_string(*lrpid));
}

void show_exclusive_creation_fails(const scene& on) {
  const auto made = on.create_exclusively();
  expect(!made, "exclusive creation was expected to fail");
  std::cout << "    exclusive creation: " << made.error().message() << '\n';
  expect(made.error().code == EEXIST, "exclusive creation was expected to fail with EEXIST");
}

// The steps.

void client_alone(scene& on) {
  const auto client = start(on, bach::client_program);
  const std::string end = wait_for_end(*client);
  show(client->take_output(), finds_no_queue(on));
  expect_end(end, "exit status 1");
}

void server_starts(scene& on) {
  start_server(on);
  show_queue(find_queue(on), on, 0, 0, 0);
}

void one_client(scene& on) {
  const auto client = start(on, bach::client_program);
  const std::string end = wait_for_end(*client);
  // Each of the three lines was written before the message that made the next one possible.
  show(client->take_output().insert(asks(client->pid()).size(), on.server->take_output()),
       asks(client->pid()) + answers(on.server->pid(), client->pid()) + is_answered(client->pid(), on.server->pid()));
  expect_end(end, "exit status 0");
  show_queue(find_queue(on), on, 0, on.server->pid(), client->pid());
}

void six_clients(scene& on) {
  std::array<std::unique_ptr<child>, 6> clients;
  for (auto& client : clients) client = start(on, bach::client_program);
  for (const auto& client : clients) {
    expect_end(wait_for_end(*client), "exit status 0");
    expect_output(client->take_output(), asks(client->pid()) + is_answered(client->pid(), on.server->pid()));
  }
  for (const auto& client : clients) print(asks(client->pid()));
  const std::string log = on.server->take_output();
  print(log);  // in the order of arrival, which nobody can foretell
  for (const auto& client : clients) {
    const bool served = log.find(answers(on.server->pid(), client->pid())) != std::string::npos;
    expect(served, "the server has not seen client " + std::to_string(client->pid()));
    print(is_answered(client->pid(), on.server->pid()));
  }
  show_queue(find_queue(on), on, 0, on.server->pid(), std::nullopt);
}

void sigterm(scene& on) {
  kill_server(on, SIGTERM, "SIGTERM", "exit status 0");
  client_alone(on);
}

void sigkill(scene& on) {
  start_server(on);
  kill_server(on, SIGKILL, "SIGKILL", "signal 9");
  show_queue(find_queue(on), on, 0, std::nullopt, std::nullopt);
  show_exclusive_creation_fails(on);
}

void request_waits(scene& on) {
  const message_queue queue = find_queue(on);
  on.waiting = start(on, bach::client_program);
  await("the request is in the queue", [&] { return queue.stat().value().qnum == 1; });
  show(on.waiting->take_output(), asks(on.waiting->pid()));
  show_queue(queue, on, 1, on.waiting->pid(), std::nullopt);
  expect(!on.waiting->has_ended(), "the client was expected to wait for an answer");
}

void server_restarts(scene& on) {
  const message_queue before = find_queue(on);
  start_server(on);
  expect(find_queue(on) == before, "the new server was expected to use the queue that was there");
  const std::string end = wait_for_end(*on.waiting);
  show(on.server->take_output(), answers(on.server->pid(), on.waiting->pid()));
  show(on.waiting->take_output(), is_answered(on.waiting->pid(), on.server->pid()));
  expect_end(end, "exit status 0");
  show_queue(before, on, 0, on.server->pid(), on.waiting->pid());
}

void removal_by_hand(scene& on) {
  kill_server(on, SIGKILL, "SIGKILL", "signal 9");
  show_exclusive_creation_fails(on);
  find_queue(on).remove().value();
  std::cout << "    the queue is removed, as `ipcrm --queue-key " << hexadecimal(on.at->key()) << "` would\n";
  auto made = on.create_exclusively().value();
  std::cout << "    exclusive creation: queue " << static_cast<int>(made.id()) << '\n';
  made.remove().value();
}

void nothing_left(scene& on) {
  on.waiting.reset();
  const auto found = on.find();
  expect(!found && found.error().code == ENOENT, "a queue is left");
  for (const pid_t pid : on.started) {
    expect(!on.at->has_child(pid), "process " + std::to_string(pid) + " is left");
  }
  std::cout << "    " << found.error().message() << "; none of " << on.started.size() << " processes is left\n";
}

struct step {
  std::string_view title;
  void (*run)(scene&);
};

constexpr std::array<step, 10> steps = {{
    {"a client without a server finds no queue", client_alone},
    {"a server makes the queue and waits for messages of type 1, the requests", server_starts},
    {"a client asks; its pid is the type of the answer", one_client},
    {"six clients at once share the queue; each gets its own answer", six_clients},
    {"SIGTERM, like every signal that can be caught: the server removes the queue", sigterm},
    {"SIGKILL cannot be caught: the queue stays", sigkill},
    {"a client that doesn't know leaves its request in the queue and waits", request_waits},
    {"a new server finds queue and request, and works on", server_restarts},
    {"after another SIGKILL somebody has to remove the queue by hand", removal_by_hand},
    {"nothing is left", nothing_left},
}};

// Plays all steps. Returns the verdict, and sets `status`; everything is cleaned up by then.
std::string play(int& status) {
  std::string now = "start";
  status = EXIT_FAILURE;
  try {
    scene on;
    std::cout << "backend " << on.at->backend().name() << ", key " << hexadecimal(on.at->key())
              << (on.at->own_namespace() ? " in a namespace of its own" : ", which nobody else uses") << '\n';
    int number = 0;
    for (const step& next : steps) {
      now = "step " + std::to_string(++number) + " (" + std::string(next.title) + ")";
      std::cout << "\nStep " << number << ": " << next.title << ".\n";
      next.run(on);
      std::cout << std::flush;
    }
    status = EXIT_SUCCESS;
    return "demo: all " + std::to_string(number) + " steps as expected";
  } catch (const std::exception& failure) {
    return "demo: FAILED at " + now + ": " + failure.what();
  }
}

}  // namespace

int main() {
  for (const int signo : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM}) signal(signo, [](int) { interrupted = true; });
  std::cout << "Bach, The Design of the UNIX Operating System, figure 11.8: a client, a server, one message queue\n";
  int status = EXIT_FAILURE;
  const std::string verdict = play(status);
  std::cout << '\n' << verdict << std::endl;
  return status;
}
