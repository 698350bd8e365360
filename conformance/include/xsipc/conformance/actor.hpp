// Actors: the parties of a conformance test.
//
// An actor is a process, real or simulated, that offers the SPI's calls to the test. The test speaks to it
// through a spi::backend whose calls run inside the actor: buffers travel by value, ids and addresses are the actor's.
// A call that is to block is started as a pending call. So one test text covers processes, users, threads and
// SIGKILL on every backend.
//
// Rules of the protocol, settled for every kind of actor:
//   - Each thread of an actor does one thing at a time. While a call is pending on a thread nothing else may be asked
//   of
//     it, on the main thread also nothing that concerns the process: begin the threads that a test needs first.
//   - The first thread of an actor is the main thread of its process.
//   - A framed message_view or message_buffer names memory of the ACTOR, by address. A span names memory of the
//     test and travels by value; a null span stays null there, and one of more than 1 MiB arrives as a short
//     buffer that claims to be that long.
//   - A call whose actor dies returns ESRCH, which no XSI call does.
//   - Nothing waits for a time. blocked() waits for a state, and the watchdog ends a test that never reaches it.
//
// For the test's own thread; nothing here may be shared between threads.
#ifndef XSIPC_CONFORMANCE_ACTOR_HPP
#define XSIPC_CONFORMANCE_ACTOR_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "xsipc/conformance/routine.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc::conformance {

// Who an actor is. What is not said is as in the process that runs the suite.
struct identity {
  std::optional<ipc_user> uid = std::nullopt;       // real, effective and saved
  std::optional<ipc_user> gid = std::nullopt;       // likewise; the number of `uid` if only that is said
  std::optional<ipc_user> real_uid = std::nullopt;  // the real one alone
  std::optional<ipc_user> real_gid = std::nullopt;  // the real one alone
  std::vector<ipc_user> groups = {};                // supplementary groups; none unless said, if a uid is said
  std::vector<int> without_capabilities = {};       // CAP_* numbers to give up
};

// How a process ended.
struct ending {
  bool exited = false;  // by exit, with `code`; else by `signal`
  int code = 0;
  int signal = 0;
};

namespace detail {

// The part of a pending call that does not depend on its result.
class pending_base {
 public:
  virtual ~pending_base() = default;
  // True once the call has returned.
  [[nodiscard]] virtual bool ended() = 0;
  // True if the call sleeps in the backend now.
  [[nodiscard]] virtual bool asleep() = 0;
  // Throws what went wrong beside the call itself, if something did. Only once it has ended.
  virtual void throw_problem() = 0;
};

// Waits until the call sleeps or has returned; true if it sleeps.
[[nodiscard]] bool settle_blocked(pending_base& call);
// Waits until it has returned; throws what went wrong beside it.
void wait_until_ended(pending_base& call);

}  // namespace detail

// A call that was started in an actor and may block. Copies are the same call.
template <typename R>
class pending {
 public:
  pending(std::shared_ptr<detail::pending_base> call, std::shared_ptr<std::optional<R>> outcome)
      : call_(std::move(call)), outcome_(std::move(outcome)) {}

  // Waits until the call either sleeps in the backend or has returned, and says whether it sleeps. Asked again
  // after an event that must not wake it, it tells whether the call is still blocked: a wake-up that the event caused
  // is over by then.
  [[nodiscard]] bool blocked() { return detail::settle_blocked(*call_); }
  // True if the call has returned.
  [[nodiscard]] bool ended() { return call_->ended(); }
  // Waits for the call to return, and returns what it returned.
  [[nodiscard]] R get() {
    detail::wait_until_ended(*call_);
    return **outcome_;
  }

 private:
  std::shared_ptr<detail::pending_base> call_;
  std::shared_ptr<std::optional<R>> outcome_;
};

// One thread of an actor.
class actor_thread {
 public:
  virtual ~actor_thread() = default;

  // The SPI as this thread calls it.
  [[nodiscard]] virtual spi::backend& xsi() = 0;
  // Its id; the main thread's is the process's.
  [[nodiscard]] virtual ipc_pid tid() const = 0;

  // Starts `call`, a function of one spi::backend&, on this thread and returns at once.
  template <typename Call>
  [[nodiscard]] auto start(Call call) -> pending<std::invoke_result_t<Call, spi::backend&>> {
    using outcome_type = std::invoke_result_t<Call, spi::backend&>;
    auto outcome = std::make_shared<std::optional<outcome_type>>();
    auto running =
        launch([outcome, call = std::move(call)](actor_thread& self) { outcome->emplace(call(self.xsi())); });
    return {std::move(running), std::move(outcome)};
  }

  // Runs a routine of the actor's program (routine.hpp) to its end and returns what it returned.
  virtual routine_result run(std::string_view name, const routine_input& input = {}) = 0;
  // Starts one and returns at once.
  [[nodiscard]] pending<routine_result> start_run(std::string name, routine_input input = {});

  // Ends the thread; not the main thread. Its process lives on.
  virtual void end() = 0;

 protected:
  // Runs `work` beside the test; it calls into the actor and blocks as the calls do.
  virtual std::shared_ptr<detail::pending_base> launch(std::function<void(actor_thread&)> work) = 0;
};

// A process. What actor_thread offers runs on its main thread.
class actor : public actor_thread {
 public:
  [[nodiscard]] virtual ipc_pid pid() const = 0;

  // Begins a further thread. It lives until it is ended or the process ends.
  virtual actor_thread& begin_thread() = 0;

  // Cancels (pthread_cancel) a further thread of this process; does not wait for it to end. A call that is cancelled
  // returns ESRCH, as if its actor had died.
  virtual void cancel(actor_thread& thread) = 0;

  // Forks; the child does nothing until it is asked.
  virtual actor& fork() = 0;
  // Replaces the program by itself, by exec: memory is new, identity, ids and adjustments stay.
  virtual void exec() = 0;
  // Ends with exit(code), which runs destructors, or by _exit(code). The process is gone when this returns.
  virtual void exit(int code) = 0;
  virtual void exit_at_once(int code) = 0;
  // Ends by SIGKILL. The process is gone when this returns, calls included.
  virtual void kill() = 0;
  // Waits until it has ended and says how; only for a process that the test began, not for a fork.
  virtual ending await_end() = 0;
  // Waits, as a parent does, for a child that it forked.
  virtual ending wait_for(actor& child) = 0;

  // Stops all threads, and lets them go on.
  virtual void stop() = 0;
  virtual void resume() = 0;
  // Sends a signal.
  virtual void signal(int number) = 0;
  // Installs a handler that counts, with or without SA_RESTART, or ignores the signal.
  virtual void catch_signal(int number, bool restart) = 0;
  virtual void ignore_signal(int number) = 0;
  // How often the handler ran.
  virtual int signals_caught(int number) = 0;

  // Changes who it is, if it may.
  virtual void become(const identity& who) = 0;

  // Reads and writes the actor's memory. An address that can't be reached ends it by SIGSEGV, as it would any program:
  // then there is nothing, or false.
  virtual std::optional<std::string> peek(const void* address, std::size_t size) = 0;
  virtual bool poke(void* address, std::string_view bytes) = 0;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_ACTOR_HPP
