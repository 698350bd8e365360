#include "player.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>

#include "backends.hpp"

namespace examples {
namespace {

class real_player final : public player {
 public:
  explicit real_player(xsipc::spi::backend& on) : player(on, getpid(), std::cout, std::cerr) {}

  void catch_signals(const std::function<void()>& install) override { install(); }
  void stop() override { raise(SIGSTOP); }
  [[noreturn]] void sleep() override {
    for (;;) pause();
  }
};

int failed(const program& which, std::ostream& err, const std::exception& failure) {
  err << which.name << ": " << failure.what() << '\n';
  return EXIT_FAILURE;
}

}  // namespace

int run(const program& which, int argc, char** argv) {
  try {
    options given(which.name, which.synopsis, {argv + 1, argv + argc});
    const auto backend = make_backend(given.backend());
    real_player me(*backend);
    return which.main(me, given);
  } catch (const std::exception& failure) {
    return failed(which, std::cerr, failure);
  }
}

int run(const program& which, player& me, const std::vector<std::string>& arguments) {
  try {
    options given(which.name, which.synopsis, arguments);
    return which.main(me, given);
  } catch (const std::exception& failure) {
    return failed(which, me.err(), failure);
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

}  // namespace examples
