// Actors that are real processes.
#ifndef XSIPC_CONFORMANCE_PROCESS_ACTOR_HPP
#define XSIPC_CONFORMANCE_PROCESS_ACTOR_HPP

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "beginner.hpp"
#include "helper_threads.hpp"
#include "process_state.hpp"
#include "remote_backend.hpp"
#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

class process_actor;

// What actors need of the session that owns them.
struct session_services {
  const process_backend& what;
  capability_set capabilities;
  beginner& begins;
  object_observer observe;
  helper_threads& beside;                                       // joined when all actors are dead
  std::function<actor&(std::unique_ptr<process_actor>)> adopt;  // owns it until the session ends
};

// The link to one thread of a real process: what process_actor and its further threads have in common.
class thread_link {
 public:
  // Waits for the greeting. Owns `socket`.
  thread_link(const session_services& services, int socket);

  [[nodiscard]] spi::backend& xsi() { return backend_; }
  [[nodiscard]] const greeting& who() const { return who_; }
  // `watched` is this thread.
  [[nodiscard]] bool asleep(thread_watch& watched) const;
  // As actor_socket::ask.
  [[nodiscard]] packet_reader ask(const packet_writer& request, int descriptor_to_pass = -1) {
    return socket_->ask(request, descriptor_to_pass);
  }
  // Asks for something that has no answer because the process or thread ends.
  void ask_the_last(const packet_writer& request);
  routine_result run(std::string_view name, const routine_input& input);
  std::shared_ptr<detail::pending_base> launch(actor_thread& self, std::function<void(actor_thread&)> work);

 private:
  const session_services& services_;
  std::unique_ptr<actor_socket> socket_;
  greeting who_;
  remote_backend backend_;
};

class process_actor final : public actor {
 public:
  // `socket` leads to the main thread of a new process. `begun_by_test`: it is the beginner's child.
  process_actor(const session_services& services, int socket, bool begun_by_test);
  ~process_actor() override;

  // Sends SIGKILL and waits for nothing.
  void begin_kill();
  // Moves the process into an IPC namespace of its own. Throws std::system_error if it may not.
  void enter_new_namespace();

  [[nodiscard]] spi::backend& xsi() override { return link_.xsi(); }
  [[nodiscard]] ipc_pid tid() const override { return link_.who().tid; }
  routine_result run(std::string_view name, const routine_input& input) override { return link_.run(name, input); }
  void end() override;

  [[nodiscard]] ipc_pid pid() const override { return link_.who().pid; }
  actor_thread& begin_thread() override;
  void cancel(actor_thread& thread) override;
  actor& fork() override;
  void exec() override;
  void exit(int code) override { end_by(op::exit, code); }
  void exit_at_once(int code) override { end_by(op::exit_at_once, code); }
  void kill() override;
  ending await_end() override;
  ending wait_for(actor& child) override;
  void stop() override;
  void resume() override;
  void signal(int number) override;
  void catch_signal(int number, bool restart) override;
  void ignore_signal(int number) override;
  int signals_caught(int number) override;
  void become(const identity& who) override;
  std::optional<std::string> peek(const void* address, std::size_t size) override;
  bool poke(void* address, std::string_view bytes) override;

 protected:
  std::shared_ptr<detail::pending_base> launch(std::function<void(actor_thread&)> work) override {
    return link_.launch(*this, std::move(work));
  }

 private:
  void end_by(op how, int code);
  void wait_until_gone();

  const session_services& services_;
  thread_link link_;
  int pidfd_;
  bool begun_by_test_;
  std::optional<ending> ended_;
  std::vector<std::unique_ptr<actor_thread>> threads_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_PROCESS_ACTOR_HPP
