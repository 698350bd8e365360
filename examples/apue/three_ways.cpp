// Three ways in which client and server come to the same queue: the id handed over, an agreed key, ftok of an agreed
// path. In each a client that is another process sends its pid and gets the server's.
//
// Source: W. R. Stevens and S. A. Rago, Advanced Programming in the UNIX Environment, section 15.6.
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/story.hpp"
#include "xsipc/fresh.hpp"

namespace {

using examples::child;
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
constexpr long request_type = 1;
constexpr key usual_key{1506};
constexpr int project = 'x';  // the second half of the agreement in the third way

long reply_type(int client) { return request_type + client; }
std::string text_of(const message_queue& queue) { return std::to_string(static_cast<int>(queue.id())); }

// The client, whichever way it has come by the queue.
int ask(player& me, message_queue queue, const std::string& way) {
  queue.send_value(request_type, static_cast<int>(me.pid())).value();
  const auto reply = queue.receive_value<int>(msgtyp_selector::type(reply_type(me.pid()))).value();
  me.out() << "client " << me.pid() << " has " << way << ", queue " << text_of(queue) << ": answered by " << reply.value
           << '\n';
  return EXIT_SUCCESS;
}

// The client as a program: its arguments say which way.
int run_client(player& me, examples::options& given) {
  const auto id = given.number("id");
  const auto file = given.text("id-file");
  const auto key = given.number("agreed-key");
  const auto path = given.text("agreed-path");
  given.end();
  auto& on = me.backend();
  if (id) return ask(me, message_queue(on, xsipc::msqid{*id}), "the id as an argument");
  if (file) {
    int number = -1;
    std::ifstream(*file) >> number;
    return ask(me, message_queue(on, xsipc::msqid{number}), "the id from a file");
  }
  if (!key && !path) given.refuse();
  const xsipc::key agreed = key ? xsipc::key{*key} : xsipc::ftok(*path, project).value();
  return ask(me, message_queue::get(agreed, creation::find(), on).value(), key ? "the key" : "the path");
}

constexpr examples::program client_program = {
    "three_ways", "client", "--client, with --id=N, --id-file=PATH, --agreed-key=N or --agreed-path=PATH", run_client};

// A directory of the server's own, for files that both can find.
struct directory {
  std::string path = std::filesystem::temp_directory_path() / "three_ways-XXXXXX";

  directory() = default;
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;
  ~directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

// The server: serves the one client, and checks that it met this client in this queue.
void serve(stage& at, message_queue queue, child& asking) {
  examples::await("a request comes", [&] {
    examples::expect(!asking.has_ended(), "the client ended early: " + asking.take_output());
    const auto request = queue.receive_value<int>(msgtyp_selector::type(request_type), deadline::immediate());
    if (!request) return false;
    examples::expect(request->value == asking.pid(), "a request of somebody else came");
    queue.send_value(reply_type(request->value), static_cast<int>(at.pid()), deadline::immediate()).value();
    return true;
  });
  const std::string output = examples::await_end(asking);
  examples::expect(output.ends_with("queue " + text_of(queue) + ": answered by " + std::to_string(at.pid()) + "\n"),
                   "the client was in another queue");
  examples::expect(queue.stat().value().qnum == 0, "messages are left");
}

void serve_program(stage& at, const message_queue& queue, const std::string& argument) {
  serve(at, queue, *at.run(client_program, {argument}));
}

void prepare(stage& at, directory& shared) {
  examples::expect(mkdtemp(shared.path.data()) != nullptr, "mkdtemp failed");
  say("backend " + std::string(at.backend().name()) + ", server " + std::to_string(at.pid()));
}

message_queue new_queue(stage& at, key which = key::ipc_private) {
  return message_queue::get(which, creation::create_only(mode), at.backend()).value();
}

void id_through_a_file(stage& at, const directory& shared) {
  temporary queue(new_queue(at));
  const std::string file = shared.path + "/id";
  examples::expect(static_cast<bool>(std::ofstream(file) << text_of(*queue) << '\n'), "the file can't be written");
  say("queue " + text_of(*queue) + " of IPC_PRIVATE, its id in " + file);
  serve_program(at, *queue, "--id-file=" + file);
}

void id_by_fork(stage& at) {
  temporary queue(new_queue(at));
  serve(at, *queue, *at.fork([&](player& me) { return ask(me, me.own(*queue), "the id by fork"); }));
}

void id_as_an_argument(stage& at) {
  temporary queue(new_queue(at));
  serve_program(at, *queue, "--id=" + text_of(*queue));
}

void agreed_key(stage& at) {
  const std::string argument = "--agreed-key=" + std::to_string(static_cast<int>(at.key()));
  say("key " + examples::hexadecimal(at.key()));
  temporary queue(new_queue(at, at.key()));
  serve_program(at, *queue, argument);
}

void key_that_is_taken(stage& at) {
  temporary left(new_queue(at, at.key()));
  left->send_value(request_type, 4711).value();
  examples::expect_error("exclusive creation", message_queue::get(at.key(), creation::create_only(mode), at.backend()),
                         EEXIST);
  temporary queue(xsipc::create_fresh_queue(at.key(), mode, at.backend()).value());
  say("removed and created anew: queue " + text_of(*left) + " is now queue " + text_of(*queue));
  examples::expect(*left != *queue && !left->stat(), "the old queue is still there");
  examples::expect(queue->stat().value().qnum == 0, "the new queue isn't empty");
  serve_program(at, *queue, "--agreed-key=" + std::to_string(static_cast<int>(at.key())));
}

void agreed_path(stage& at, const directory& shared) {
  const std::string path = shared.path + "/agreed";
  examples::expect_error("ftok before the file is there", xsipc::ftok(path, project), ENOENT);
  examples::expect(static_cast<bool>(std::ofstream(path) << '\n'), "the file can't be written");
  const key derived = xsipc::ftok(path, project).value();
  say("ftok of " + path + " and 'x' is key " + examples::hexadecimal(derived));
  temporary queue(xsipc::create_fresh_queue(derived, mode, at.backend()).value());
  serve_program(at, *queue, "--agreed-path=" + path);
}

void nothing_left(stage& at) {
  examples::expect_error("finding the key", message_queue::get(at.key(), creation::find(), at.backend()), ENOENT);
}

int play(stage& at) {
  directory shared;
  return examples::tell(
      "three_ways", "APUE 15.6: three ways to meet in one queue",
      {
          {"Server and clients start.", [&] { prepare(at, shared); }},
          {"First way: IPC_PRIVATE, and the id through a file.", [&] { id_through_a_file(at, shared); }},
          {"First way: IPC_PRIVATE, and the id by fork.", [&] { id_by_fork(at); }},
          {"First way: IPC_PRIVATE, and the id as an argument of exec.", [&] { id_as_an_argument(at); }},
          {"Second way: a key that both know.", [&] { agreed_key(at); }},
          {"Second way: the key is taken (EEXIST); remove and try again.", [&] { key_that_is_taken(at); }},
          {"Third way: a path and a number that both know, and ftok.", [&] { agreed_path(at, shared); }},
          {"Nothing is left.", [&] { nothing_left(at); }},
      });
}

}  // namespace

int main(int argc, char** argv) {
  if (examples::is_asked_for(client_program, argc, argv)) return examples::run(client_program, argc, argv);
  return examples::run({"three_ways", usual_key, play}, argc, argv);
}
