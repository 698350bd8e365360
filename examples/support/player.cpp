#include "player.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <utility>

#include "backends.hpp"

namespace examples {
namespace {

// What the handler does. Set while no handler can run, and never changed again.
std::function<void()> last_act;

// Nothing but calls of the backend and _exit: SIGSEGV may have come from anywhere.
extern "C" void end_in_order(int) {
  last_act();
  _exit(EXIT_SUCCESS);
}

class real_player final : public player {
 public:
  explicit real_player(xsipc::spi::backend& on) : player(on, getpid(), std::cout, std::cerr) {}

  void hold_signals() override { mask(SIG_BLOCK); }
  void catch_signals(const std::vector<int>& signals, std::function<void()> last) override {
    last_act = std::move(last);
    struct sigaction action {};
    action.sa_handler = end_in_order;
    sigfillset(&action.sa_mask);  // once is enough
    for (const int signo : signals) sigaction(signo, &action, nullptr);
    mask(SIG_UNBLOCK);
  }
  void stop() override { raise(SIGSTOP); }
  int sleep() override {
    for (;;) pause();
  }

 private:
  static void mask(int how) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(how, &all, nullptr);
  }
};

int failed_with(const program& which, std::ostream& err, std::string_view why) {
  err << which.file << ": " << why << std::endl;
  return EXIT_FAILURE;
}

options options_of(const program& which, std::vector<std::string> arguments) {
  options given(which.file, which.synopsis, std::move(arguments));
  if (!which.part.empty()) static_cast<void>(given.flag(which.part));
  return given;
}

}  // namespace

bool is_asked_for(const program& which, int argc, char** argv) {
  return options(which.file, which.synopsis, {argv + 1, argv + argc}).flag(which.part);
}

int run(const program& which, int argc, char** argv) {
  try {
    options given = options_of(which, {argv + 1, argv + argc});
    const auto backend = open_backend(given.backend());
    real_player me(*backend);
    return which.play(me, given);
  } catch (const std::exception& failure) {
    return failed_with(which, std::cerr, failure.what());
  }
}

int run(const program& which, player& me, std::vector<std::string> arguments) {
  try {
    options given = options_of(which, std::move(arguments));
    return which.play(me, given);
  } catch (const std::exception& failure) {
    return failed_with(which, me.err(), failure.what());
  }
}

int play(const role& part, xsipc::spi::backend& on) {
  real_player me(on);
  try {
    return part(me);
  } catch (const std::exception& failure) {
    me.out() << failure.what() << '\n';
    return EXIT_FAILURE;
  }
}

int failed(const program& which, player& me, const xsipc::ipc_error& error) {
  return failed_with(which, me.err(), error.message());
}

}  // namespace examples
