// Actors that are processes of a fake_system, all in the process of the suite.
//
// Each of their threads has a thread of its own, on which its calls and routines run, so that it can be cancelled,
// interrupted and seen to be blocked. What a real process gets from the operating system is done here: dispositions of
// signals, SIGSEGV for memory that is not attached, the wait for children. A process that ends while a routine runs
// ends when the routine makes its next call, not in the middle of it.
#ifndef XSIPC_CONFORMANCE_SIMULATED_ACTOR_HPP
#define XSIPC_CONFORMANCE_SIMULATED_ACTOR_HPP

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "helper_threads.hpp"
#include "routed_backend.hpp"
#include "work_thread.hpp"
#include "xsipc/conformance/harness.hpp"
#include "xsipc/fake.hpp"

namespace xsipc::conformance {

class simulated_actor;

// What actors need of the session that owns them.
struct simulation_services {
  std::function<void()> catch_up;                                 // moves the fake's clock to the system's
  helper_threads& beside;                                         // joined when all actors have ended
  std::function<actor&(std::unique_ptr<simulated_actor>)> adopt;  // owns it until the session ends
};

// Who `who` is to a fake_system, for a process that is `now` before.
[[nodiscard]] fake_user fake_user_of(const identity& who, const fake_user& now);
// Who the process of the suite is; all privileges, which are worth nothing outside of the system.
[[nodiscard]] fake_user runner_as_fake_user();

// One thread of a simulated process: what simulated_actor and its further threads have in common.
class thread_seat {
 public:
  thread_seat(const simulation_services& services, fake_process& process);

  // The SPI for the test and for routines.
  [[nodiscard]] spi::backend& xsi() { return for_test_; }
  [[nodiscard]] std::thread::id id() { return work_.id(); }
  [[nodiscard]] bool asleep() { return process_.blocked(work_.id()); }
  routine_result run(std::string_view name, const routine_input& input);
  std::shared_ptr<detail::pending_base> launch(actor_thread& self, std::function<void(actor_thread&)> work);

  // From now on calls don't return to whoever made them there.
  void begin_end() { ending_ = true; }
  // True if it does nothing or sleeps in a call, or is in one that a stop keeps it in: then its process may lose its
  // memory.
  [[nodiscard]] bool at_rest() { return work_.idle() || asleep(); }
  [[nodiscard]] bool at_rest_when_stopped() { return at_rest() || in_call_; }
  void finish() { work_.finish(); }
  [[nodiscard]] bool ended() { return work_.ended(); }
  void cancel() { work_.cancel(); }

 private:
  // Calls of the thread itself.
  class own_calls final : public routed_backend {
   public:
    explicit own_calls(thread_seat& seat) : routed_backend(seat.process_), seat_(seat) {}
    result<void> detach(const void* address) override;

   protected:
    bool route(const one_call& call, deadline until) override;

   private:
    thread_seat& seat_;
  };
  // Calls that the test asks it to make.
  class asked_calls final : public routed_backend {
   public:
    explicit asked_calls(thread_seat& seat) : routed_backend(seat.process_), seat_(seat) {}
    result<received> receive(msqid id, msgtyp_selector selector, message_buffer into, truncation when_too_long,
                             deadline until) override;

   protected:
    bool route(const one_call& call, deadline until) override;

   private:
    thread_seat& seat_;
  };

  const simulation_services& services_;
  fake_process& process_;
  std::atomic<bool> ending_{false};
  std::atomic<bool> in_call_{false};
  std::unique_ptr<spi::backend> own_;  // checked, over own_calls
  asked_calls for_test_;
  work_thread work_;
};

class simulated_actor final : public actor {
 public:
  simulated_actor(const simulation_services& services, fake_process& process, fake_user who, bool begun_by_test);
  ~simulated_actor() override;

  [[nodiscard]] spi::backend& xsi() override { return main_.xsi(); }
  [[nodiscard]] ipc_pid tid() const override { return process_.pid(); }
  routine_result run(std::string_view name, const routine_input& input) override { return main_.run(name, input); }
  void end() override;

  [[nodiscard]] ipc_pid pid() const override { return process_.pid(); }
  actor_thread& begin_thread() override;
  void cancel(actor_thread& thread) override;
  actor& fork() override;
  void exec() override;
  void exit(int code) override { end_by({.exited = true, .code = code, .signal = 0}); }
  void exit_at_once(int code) override { exit(code); }
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
    return main_.launch(*this, std::move(work));
  }

 private:
  class further_thread;
  enum class disposition : std::uint8_t { by_default, ignored, caught };

  void end_by(const ending& how);
  // Ends the further threads by what `then` does to the process, and with `all` the main thread too.
  void end_threads(bool all, const std::function<void()>& then);
  [[nodiscard]] bool within_reach(const void* address, std::size_t size, bool writable) const;

  const simulation_services& services_;
  fake_process& process_;
  fake_user who_;
  bool begun_by_test_;
  bool stopped_ = false;
  std::optional<ending> ended_;
  std::map<int, disposition> dispositions_;
  std::map<int, int> caught_;
  thread_seat main_;
  std::vector<std::unique_ptr<further_thread>> threads_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_SIMULATED_ACTOR_HPP
