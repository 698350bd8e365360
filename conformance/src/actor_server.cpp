#include "actor_server.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "mutex.hpp"
#include "stack_dump.hpp"
#include "xsipc/conformance/routine.hpp"

// Read by the address sanitizer, if it is there: a process of a test that touches forbidden memory is to die by
// SIGSEGV, as the rule under test says, not by the sanitizer's report.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "handle_segv=0"; }
// The thread sanitizer too; and a process with threads may fork one that begins threads.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "handle_segv=0:die_after_fork=0"; }
// A cancelled thread is unwound past the sanitizer, which finds its own call in the frames that were left.
extern "C" const char* __asan_default_suppressions();
extern "C" const char* __asan_default_suppressions() { return "interceptor_name:sigaltstack\n"; }

namespace xsipc::conformance {
namespace {

std::array<std::atomic<int>, NSIG> caught;
static_assert(std::atomic<int>::is_always_lock_free);

void count_signal(int number) { caught[static_cast<std::size_t>(number)].fetch_add(1, std::memory_order_relaxed); }

void install(int number, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  if (::sigaction(number, &action, nullptr) != 0) throw std::system_error(errno, std::generic_category(), "sigaction");
}

greeting my_greeting() {
  return {static_cast<ipc_pid>(::syscall(SYS_getpid)), static_cast<ipc_pid>(::syscall(SYS_gettid))};
}

// A greeting has the form of an answer: it is the answer to exec.
void greet(int socket) {
  packet_writer content;
  content.put(my_greeting());
  send_packet(socket, packet_writer().put_bytes({}).put_bytes(content.bytes()));
}

void serve_thread(actor_state& state, int socket);

// The further threads, by their ids, for cancellation.
struct further_threads {
  annotated_mutex mutex;
  std::map<ipc_pid, pthread_t> by_tid ABSL_GUARDED_BY(mutex);
};

further_threads& the_further_threads() {
  static auto* const all = new further_threads;
  return *all;
}

void answer_begin_thread(actor_state& state, int socket) {
  std::thread([&state, socket] {
    {
      const annotated_lock lock(the_further_threads().mutex);
      the_further_threads().by_tid[my_greeting().tid] = ::pthread_self();
    }
    greet(socket);
    serve_thread(state, socket);
  }).detach();
}

void answer_cancel_thread(packet_reader& request) {
  const annotated_lock lock(the_further_threads().mutex);
  const int problem = ::pthread_cancel(the_further_threads().by_tid.at(request.get<ipc_pid>()));
  if (problem != 0) throw std::system_error(problem, std::generic_category(), "pthread_cancel");
}

// The child answers on its own socket from here on and never returns to the parent's requests.
void answer_fork(actor_state& state, int socket, int child_socket, packet_writer& answer) {
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    ::close(socket);
    if (state.main_socket != socket) ::close(state.main_socket);
    state.main_socket = child_socket;
    greet(child_socket);
    serve_thread(state, child_socket);
    ::_exit(0);
  }
  ::close(child_socket);
  answer.put(child);
}

// Does not return if it succeeds: the new program answers in its place.
void answer_exec(actor_state& state, int socket) {
  ::fcntl(socket, F_SETFD, 0);  // the one descriptor that stays open
  const std::string argument(actor_argument);
  const std::string name(state.what.name);
  const std::string number = std::to_string(socket);
  const char* const arguments[] = {"xsipc", argument.c_str(), name.c_str(), number.c_str(), nullptr};
  ::execve("/proc/self/exe", const_cast<char* const*>(arguments), environ);
  throw std::system_error(errno, std::generic_category(), "execve of /proc/self/exe");
}

void answer_wait_for(packet_reader& request, packet_writer& answer) {
  const auto child = request.get<pid_t>();
  int status = 0;
  pid_t got = 0;
  do {
    got = ::waitpid(child, &status, 0);
  } while (got < 0 && errno == EINTR);
  if (got != child) throw std::system_error(errno, std::generic_category(), "waitpid");
  answer.put(status);
}

void answer_run(actor_state& state, packet_reader& request, packet_writer& answer) {
  const routine body = find_routine(request.get_bytes());
  routine_input input;
  input.numbers = request.get_vector<std::int64_t>();
  input.bytes = request.get_bytes();
  routine_context context{*state.xsi, state.what.c, input};
  const routine_result outcome = body(context);
  answer.put_vector(outcome.numbers).put_bytes(outcome.bytes);
}

// Byte by byte, and by volatile access: the address is the test's affair, and what comes of it is the rule under test.
void answer_poke(packet_reader& request) {
  auto* address = request.get<volatile char*>();
  for (const char byte : request.get_bytes()) *address++ = byte;
}

void answer_peek(packet_reader& request, packet_writer& answer) {
  const auto* const address = request.get<const volatile char*>();
  std::string bytes(request.get<std::size_t>(), '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = address[i];
  answer.put_bytes(bytes);
}

// Requests that concern the process. `passed` is the descriptor that came with the request, or -1.
void answer_process_call(op code, packet_reader& request, actor_state& state, int socket, int passed,
                         packet_writer& answer) {
  switch (code) {
    case op::run: return answer_run(state, request, answer);
    case op::begin_thread: return answer_begin_thread(state, passed);
    case op::cancel_thread: return answer_cancel_thread(request);
    case op::fork: return answer_fork(state, socket, passed, answer);
    case op::exec: return answer_exec(state, socket);
    case op::exit: std::exit(request.get<int>());
    case op::exit_at_once: ::_exit(request.get<int>());
    case op::wait_for: return answer_wait_for(request, answer);
    case op::become:
      assume_identity(get_identity(request));
      if (state.what.ids_changed != nullptr) state.what.ids_changed();
      return;
    case op::catch_signal: {
      const auto number = request.get<int>();
      return install(number, count_signal, request.get<bool>() ? SA_RESTART : 0);
    }
    case op::ignore_signal: return install(request.get<int>(), SIG_IGN, 0);
    case op::signals_caught: answer.put(caught[static_cast<std::size_t>(request.get<int>())].load()); return;
    case op::peek: return answer_peek(request, answer);
    case op::poke: return answer_poke(request);
    case op::new_namespace:
      answer.put(enter_new_namespace(state.what));
      state.xsi = state.what.make();
      return;
    default: throw std::logic_error("an actor was asked for what it doesn't know");
  }
}

// An answer is a text that says what went wrong, empty if nothing did, and what was asked for. The error of an SPI call
// is something that was asked for.
void answer_one(actor_state& state, int socket, op code, packet_reader& request, int passed) {
  packet_writer answer;
  try {
    packet_writer content;
    if (!answer_spi_call(code, request, *state.xsi, content)) {
      answer_process_call(code, request, state, socket, passed, content);
    }
    answer.put_bytes({}).put_bytes(content.bytes());
  } catch (const disconnected&) {
    throw;
  } catch (const std::exception& problem) {
    answer.put_bytes(problem.what()).put_bytes({});
  }
  send_packet(socket, answer);
}

// Closes a socket also when its thread is cancelled: so the test learns of it.
class closed_at_end {
 public:
  explicit closed_at_end(int socket) : socket_(socket) {}
  ~closed_at_end() { ::close(socket_); }
  closed_at_end(const closed_at_end&) = delete;
  closed_at_end& operator=(const closed_at_end&) = delete;

 private:
  int socket_;
};

// Answers until the test hangs up or ends the thread.
void serve_thread(actor_state& state, int socket) {
  const closed_at_end guard(socket);
  try {
    for (;;) {
      auto [request, passed] = receive_packet(socket);
      const op code = request.get<op>();
      if (code == op::end_thread) break;
      answer_one(state, socket, code, request, passed);
    }
  } catch (const disconnected&) {
    if (socket == state.main_socket) ::_exit(0);
  }
}

}  // namespace

void serve_actor(const process_backend& what, int socket) {
  install_stack_dump();
  // Every thread of the actor uses it, also beyond the end of this function in a child: never freed.
  auto* const state = new actor_state{what, what.make(), socket};
  greet(socket);
  serve_thread(*state, socket);
  ::_exit(0);
}

}  // namespace xsipc::conformance
