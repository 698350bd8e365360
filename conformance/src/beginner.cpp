#include "beginner.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "actor_server.hpp"
#include "stack_dump.hpp"

#include <fstream>

namespace xsipc::conformance {
namespace {

[[noreturn]] void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

ipc_pid fork_actor(const process_backend& what, int own_socket, const identity& who, int actor_socket) {
  const pid_t child = ::fork();
  if (child < 0) throw_errno("fork");
  if (child > 0) return child;
  ::close(own_socket);
  try {
    assume_identity(who);
  } catch (const std::exception& problem) {
    send_packet(actor_socket, packet_writer().put_bytes(problem.what()).put_bytes({}));
    ::_exit(1);
  }
  // After the change of identity, which clears it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  serve_actor(what, actor_socket);
}

int wait_status(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw_errno("waitpid");
  }
  return status;
}

// Kills every child, and those that become children when their parents die, until none is left.
void kill_and_reap_all() {
  for (;;) {
    std::ifstream file("/proc/thread-self/children");
    pid_t child = 0;
    while (file >> child) ::kill(child, SIGKILL);
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
  }
}

void answer(const process_backend& what, int socket, packet_reader& request, int passed, packet_writer& content) {
  switch (request.get<op>()) {
    case op::new_namespace: content.put(enter_new_namespace(what)); return;
    case op::begin_process:
      content.put(fork_actor(what, socket, get_identity(request), passed));
      ::close(passed);
      return;
    case op::reap: content.put(wait_status(request.get<ipc_pid>())); return;
    case op::reap_all: return kill_and_reap_all();
    default: throw std::logic_error("the beginner of actors was asked for what it doesn't know");
  }
}

}  // namespace

void serve_beginner(const process_backend& what, int socket) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  try {
    for (;;) {
      auto [request, passed] = receive_packet(socket);
      packet_writer reply;
      try {
        packet_writer content;
        answer(what, socket, request, passed, content);
        reply.put_bytes({}).put_bytes(content.bytes());
      } catch (const std::exception& problem) {
        reply.put_bytes(problem.what()).put_bytes({});
      }
      send_packet(socket, reply);
    }
  } catch (const disconnected&) {
    kill_and_reap_all();
    if (what.leave_namespaces != nullptr) what.leave_namespaces();
  }
  ::_exit(0);
}

socket_pair make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("socketpair");
  return {ends[0], ends[1]};
}

beginner::beginner(const process_backend& what) {
  const socket_pair pair = make_socket_pair();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  constexpr int socket_there = 3;
  ::posix_spawn_file_actions_adddup2(&actions, pair.theirs, socket_there);
  const std::string argument(beginner_argument);
  const std::string name(what.name);
  const std::string number = std::to_string(socket_there);
  const char* const arguments[] = {"xsipc", argument.c_str(), name.c_str(), number.c_str(), nullptr};
  const int problem =
      ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, const_cast<char* const*>(arguments), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pair.theirs);
  socket_ = std::make_unique<actor_socket>(pair.ours);
  if (problem != 0) throw std::system_error(problem, std::generic_category(), "posix_spawn of /proc/self/exe");
}

beginner::~beginner() {
  socket_.reset();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

bool beginner::enter_new_namespace() { return socket_->ask(packet_writer().put(op::new_namespace)).get<bool>(); }

ipc_pid beginner::begin_process(const identity& who, int socket) {
  packet_writer request;
  request.put(op::begin_process);
  put(request, who);
  return socket_->ask(request, socket).get<ipc_pid>();
}

int beginner::reap(ipc_pid pid) { return socket_->ask(packet_writer().put(op::reap).put(pid)).get<int>(); }

void beginner::reap_all() { static_cast<void>(socket_->ask(packet_writer().put(op::reap_all))); }

}  // namespace xsipc::conformance
