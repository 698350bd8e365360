// Three ways in which client and server come to the same queue: the id handed over, an agreed key, ftok of an agreed
// path. In each a client that is another process sends its pid and gets the server's.
//
// Source: W. R. Stevens and S. A. Rago, Advanced Programming in the UNIX Environment, section 15.6.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>

#include "support/meeting_place.hpp"
#include "support/options.hpp"
#include "support/story.hpp"
#include "xsipc/fresh.hpp"

namespace {

using examples::child;
using examples::say;
using examples::temporary;
using xsipc::creation;
using xsipc::deadline;
using xsipc::key;
using xsipc::message_queue;
using xsipc::msgtyp_selector;

constexpr xsipc::ipc_mode mode = 0600;
constexpr long request_type = 1;
constexpr key usual_key{1506};
constexpr int project = 'x';  // the second half of the agreement in the third way

long reply_type(int client) { return request_type + client; }
std::string text_of(const message_queue& queue) { return std::to_string(static_cast<int>(queue.id())); }

// The client, whichever way it has come by the queue.
int ask(message_queue queue, const std::string& way) {
  queue.send_value(request_type, static_cast<int>(getpid())).value();
  const auto reply = queue.receive_value<int>(msgtyp_selector::type(reply_type(getpid()))).value();
  std::cout << "client " << getpid() << " has " << way << ", queue " << text_of(queue) << ": answered by "
            << reply.value << '\n';
  return EXIT_SUCCESS;
}

// The program as a client: its arguments say which way.
std::optional<int> run_as_client(examples::options& options) {
  const auto id = options.number("id");
  const auto file = options.text("id-file");
  const auto agreed_key = options.number("agreed-key");
  const auto path = options.text("agreed-path");
  options.end();
  auto& on = xsipc::default_backend();
  if (id) return ask(message_queue(on, xsipc::msqid{*id}), "the id as an argument");
  if (file) {
    int number = -1;
    std::ifstream(*file) >> number;
    return ask(message_queue(on, xsipc::msqid{number}), "the id from a file");
  }
  if (agreed_key) return ask(message_queue::get(key{*agreed_key}, creation::find()).value(), "the key");
  if (path) return ask(message_queue::get(xsipc::ftok(*path, project).value(), creation::find()).value(), "the path");
  return std::nullopt;
}

struct stage {
  std::optional<key> wanted;  // given by the caller: no namespace of its own then
  key agreed{};
  std::string directory = std::filesystem::temp_directory_path() / "three_ways-XXXXXX";

  stage() = default;
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  ~stage() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
};

// The server: serves the one client, and checks that it met this client in this queue.
void serve(message_queue queue, child& client) {
  examples::await("a request comes", [&] {
    examples::expect(!client.has_ended(), "the client ended early: " + client.take_output());
    const auto request = queue.receive_value<int>(msgtyp_selector::type(request_type), deadline::immediate());
    if (!request) return false;
    examples::expect(request->value == client.pid(), "a request of somebody else came");
    queue.send_value(reply_type(request->value), static_cast<int>(getpid()), deadline::immediate()).value();
    return true;
  });
  const std::string output = examples::await_end(client);
  examples::expect(output.ends_with("queue " + text_of(queue) + ": answered by " + std::to_string(getpid()) + "\n"),
                   "the client was in another queue");
  examples::expect(queue.stat().value().qnum == 0, "messages are left");
}

void serve_program(const message_queue& queue, const std::string& argument) {
  child client("/proc/self/exe", {argument});
  serve(queue, client);
}

void prepare(stage& on) {
  on.agreed = on.wanted ? *on.wanted : examples::make_meeting_place(usual_key).key;
  examples::expect(mkdtemp(on.directory.data()) != nullptr, "mkdtemp failed");
  say("backend " + std::string(xsipc::default_backend().name()) + ", server " + std::to_string(getpid()));
}

message_queue new_private() { return message_queue::get(key::ipc_private, creation::create_only(mode)).value(); }

void id_through_a_file(stage& on) {
  temporary queue(new_private());
  const std::string file = on.directory + "/id";
  examples::expect(static_cast<bool>(std::ofstream(file) << text_of(*queue) << '\n'), "the file can't be written");
  say("queue " + text_of(*queue) + " of IPC_PRIVATE, its id in " + file);
  serve_program(*queue, "--id-file=" + file);
}

void id_by_fork() {
  temporary queue(new_private());
  child client([&] { return ask(*queue, "the id by fork"); });
  serve(*queue, client);
}

void id_as_an_argument() {
  temporary queue(new_private());
  serve_program(*queue, "--id=" + text_of(*queue));
}

void agreed_key(const stage& on) {
  const std::string argument = "--agreed-key=" + std::to_string(static_cast<int>(on.agreed));
  say("key " + examples::hexadecimal(on.agreed));
  temporary queue(message_queue::get(on.agreed, creation::create_only(mode)).value());
  serve_program(*queue, argument);
}

void key_that_is_taken(const stage& on) {
  temporary left(message_queue::get(on.agreed, creation::create_only(mode)).value());
  left->send_value(request_type, 4711).value();
  examples::expect_error("exclusive creation", message_queue::get(on.agreed, creation::create_only(mode)), EEXIST);
  temporary queue(xsipc::create_fresh_queue(on.agreed, mode).value());
  say("removed and created anew: queue " + text_of(*left) + " is now queue " + text_of(*queue));
  examples::expect(*left != *queue && !left->stat(), "the old queue is still there");
  examples::expect(queue->stat().value().qnum == 0, "the new queue isn't empty");
  serve_program(*queue, "--agreed-key=" + std::to_string(static_cast<int>(on.agreed)));
}

void agreed_path(const stage& on) {
  const std::string path = on.directory + "/agreed";
  examples::expect_error("ftok before the file is there", xsipc::ftok(path, project), ENOENT);
  examples::expect(static_cast<bool>(std::ofstream(path) << '\n'), "the file can't be written");
  const key derived = xsipc::ftok(path, project).value();
  say("ftok of " + path + " and 'x' is key " + examples::hexadecimal(derived));
  temporary queue(xsipc::create_fresh_queue(derived, mode).value());
  serve_program(*queue, "--agreed-path=" + path);
}

void nothing_left(const stage& on) {
  examples::expect_error("finding the key", message_queue::get(on.agreed, creation::find()), ENOENT);
}

}  // namespace

int main(int argc, char** argv) {
  examples::options options("three_ways", "[--key=N]", argc, argv);
  stage on;
  on.wanted = options.key();
  try {
    if (const auto status = run_as_client(options)) return *status;
  } catch (const std::exception& failure) {
    std::cerr << "three_ways: " << failure.what() << '\n';
    return EXIT_FAILURE;
  }
  return examples::tell(
      "three_ways", "APUE 15.6: three ways to meet in one queue",
      {
          {"Server and clients start.", [&] { prepare(on); }},
          {"First way: IPC_PRIVATE, and the id through a file.", [&] { id_through_a_file(on); }},
          {"First way: IPC_PRIVATE, and the id by fork.", [] { id_by_fork(); }},
          {"First way: IPC_PRIVATE, and the id as an argument of exec.", [] { id_as_an_argument(); }},
          {"Second way: a key that both know.", [&] { agreed_key(on); }},
          {"Second way: the key is taken (EEXIST); remove and try again.", [&] { key_that_is_taken(on); }},
          {"Third way: a path and a number that both know, and ftok.", [&] { agreed_path(on); }},
          {"Nothing is left.", [&] { nothing_left(on); }},
      });
}
