#include "process_actor.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <system_error>

#include "process_state.hpp"
#include "watchdog.hpp"

namespace xsipc::conformance {
namespace {

ending ending_of(int status) {
  if (WIFEXITED(status)) return {.exited = true, .code = WEXITSTATUS(status), .signal = 0};
  return {.exited = false, .code = 0, .signal = WTERMSIG(status)};
}

// A call that runs on a thread of the test's own process, which waits for the actor's answer.
class running_call final : public detail::pending_base {
 public:
  explicit running_call(const thread_link& on) : on_(on), watched_(on.who().pid, on.who().tid) {}

  [[nodiscard]] bool ended() override { return ended_; }
  [[nodiscard]] bool asleep() override { return on_.asleep(watched_); }
  void throw_problem() override {
    if (problem_) std::rethrow_exception(problem_);
  }

  void work(const std::function<void()>& work) {
    try {
      work();
    } catch (...) {
      problem_ = std::current_exception();
    }
    ended_ = true;
  }

 private:
  const thread_link& on_;
  thread_watch watched_;
  std::exception_ptr problem_;
  std::atomic<bool> ended_{false};
};

// A thread of an actor beside its main thread.
class further_thread final : public actor_thread {
 public:
  further_thread(const session_services& services, int socket) : link_(services, socket) {}

  [[nodiscard]] spi::backend& xsi() override { return link_.xsi(); }
  [[nodiscard]] ipc_pid tid() const override { return link_.who().tid; }
  routine_result run(std::string_view name, const routine_input& input) override { return link_.run(name, input); }
  void end() override {
    link_.ask_the_last(packet_writer().put(op::end_thread));
    const greeting who = link_.who();
    wait_for_state("a thread to end", [&] { return thread_state(who.pid, who.tid) == '-'; });
  }

 protected:
  std::shared_ptr<detail::pending_base> launch(std::function<void(actor_thread&)> work) override {
    return link_.launch(*this, std::move(work));
  }

 private:
  thread_link link_;
};

}  // namespace

thread_link::thread_link(const session_services& services, int socket)
    : services_(services),
      socket_(std::make_unique<actor_socket>(socket)),
      who_(socket_->await_greeting()),
      backend_(*socket_, std::string(services.what.name), services.capabilities, services.observe) {}

bool thread_link::asleep(thread_watch& watched) const {
  const auto call = watched.sleeping_in();
  return call && services_.what.parks_in(*call);
}

void thread_link::ask_the_last(const packet_writer& request) {
  try {
    static_cast<void>(socket_->ask(request));
  } catch (const disconnected&) {
    // as it should
  }
}

routine_result thread_link::run(std::string_view name, const routine_input& input) {
  packet_writer request;
  request.put(op::run).put_bytes(name).put_vector(input.numbers).put_bytes(input.bytes);
  packet_reader answer = socket_->ask(request);
  routine_result outcome;
  outcome.numbers = answer.get_vector<std::int64_t>();
  outcome.bytes = answer.get_bytes();
  return outcome;
}

std::shared_ptr<detail::pending_base> thread_link::launch(actor_thread& self, std::function<void(actor_thread&)> work) {
  auto call = std::make_shared<running_call>(*this);
  services_.beside.run([call, &self, work = std::move(work)] { call->work([&] { work(self); }); });
  return call;
}

process_actor::process_actor(const session_services& services, int socket, bool begun_by_test)
    : services_(services), link_(services, socket), pidfd_(-1), begun_by_test_(begun_by_test) {
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid(), 0));
  if (pidfd_ < 0) throw std::system_error(errno, std::generic_category(), "pidfd_open");
  watch_process(pid());
}

process_actor::~process_actor() {
  forget_process(pid());
  ::close(pidfd_);
}

void process_actor::end() { throw std::logic_error("the main thread of an actor ends with its process"); }

actor_thread& process_actor::begin_thread() {
  const auto [ours, theirs] = make_socket_pair();
  static_cast<void>(link_.ask(packet_writer().put(op::begin_thread), theirs));
  ::close(theirs);
  threads_.push_back(std::make_unique<further_thread>(services_, ours));
  return *threads_.back();
}

void process_actor::cancel(actor_thread& thread) {
  static_cast<void>(link_.ask(packet_writer().put(op::cancel_thread).put(thread.tid())));
}

actor& process_actor::fork() {
  const auto [ours, theirs] = make_socket_pair();
  static_cast<void>(link_.ask(packet_writer().put(op::fork), theirs));
  ::close(theirs);
  return services_.adopt(std::make_unique<process_actor>(services_, ours, false));
}

void process_actor::exec() { static_cast<void>(link_.ask(packet_writer().put(op::exec)).get<greeting>()); }

void process_actor::end_by(op how, int code) {
  link_.ask_the_last(packet_writer().put(how).put(code));
  wait_until_gone();
}

void process_actor::begin_kill() {
  if (!ended_) ::syscall(SYS_pidfd_send_signal, pidfd_, SIGKILL, nullptr, 0);
}

void process_actor::enter_new_namespace() {
  if (!link_.ask(packet_writer().put(op::new_namespace)).get<bool>()) {
    throw std::system_error(EPERM, std::generic_category(), "unshare");
  }
}

void process_actor::kill() {
  begin_kill();
  wait_until_gone();
}

// A process descriptor is readable once the process, all its threads, have ended: then its memory, attachments and
// adjustments are gone too.
void process_actor::wait_until_gone() {
  wait_for_state("a process to end", [&] {
    pollfd descriptor{pidfd_, POLLIN, 0};
    return ::poll(&descriptor, 1, 0) == 1;
  });
  if (begun_by_test_ && !ended_) ended_ = ending_of(services_.begins.reap(pid()));
}

ending process_actor::await_end() {
  if (!begun_by_test_) throw std::logic_error("a forked actor is waited for by its parent");
  wait_until_gone();
  return *ended_;
}

ending process_actor::wait_for(actor& child) {
  return ending_of(link_.ask(packet_writer().put(op::wait_for).put(child.pid())).get<int>());
}

void process_actor::stop() {
  signal(SIGSTOP);
  wait_for_state("a process to stop", [&] {
    const auto tids = threads_of(pid());
    return std::all_of(tids.begin(), tids.end(), [&](ipc_pid tid) { return thread_state(pid(), tid) == 'T'; });
  });
}

void process_actor::resume() { signal(SIGCONT); }

void process_actor::signal(int number) {
  if (::syscall(SYS_pidfd_send_signal, pidfd_, number, nullptr, 0) != 0) {
    throw std::system_error(errno, std::generic_category(), "pidfd_send_signal");
  }
}

void process_actor::catch_signal(int number, bool restart) {
  static_cast<void>(link_.ask(packet_writer().put(op::catch_signal).put(number).put(restart)));
}

void process_actor::ignore_signal(int number) {
  static_cast<void>(link_.ask(packet_writer().put(op::ignore_signal).put(number)));
}

int process_actor::signals_caught(int number) {
  return link_.ask(packet_writer().put(op::signals_caught).put(number)).get<int>();
}

void process_actor::become(const identity& who) {
  packet_writer request;
  request.put(op::become);
  put(request, who);
  static_cast<void>(link_.ask(request));
}

std::optional<std::string> process_actor::peek(const void* address, std::size_t size) {
  try {
    return link_.ask(packet_writer().put(op::peek).put(address).put(size)).get_bytes();
  } catch (const disconnected&) {
    return std::nullopt;
  }
}

bool process_actor::poke(void* address, std::string_view bytes) {
  try {
    static_cast<void>(link_.ask(packet_writer().put(op::poke).put(address).put_bytes(bytes)));
    return true;
  } catch (const disconnected&) {
    return false;
  }
}

}  // namespace xsipc::conformance
