// Roles: what the processes of an example do, written so that a real process or a simulated one (the fake) can play it.
//
// A role gets a `player`: the process that plays it. It calls the player's backend, never default_backend(), and writes
// to the player's streams. A program is a role that knows nothing but its arguments.
#ifndef XSIPC_EXAMPLES_SUPPORT_PLAYER_HPP
#define XSIPC_EXAMPLES_SUPPORT_PLAYER_HPP

#include <sys/types.h>

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"
#include "xsipc/spi/backend.hpp"

namespace examples {

class player {
 public:
  virtual ~player() = default;
  player(const player&) = delete;
  player& operator=(const player&) = delete;

  [[nodiscard]] xsipc::spi::backend& backend() const noexcept { return backend_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] std::ostream& out() const noexcept { return out_; }
  [[nodiscard]] std::ostream& err() const noexcept { return err_; }

  // Returns an object of the process that forked this one as this one has it.
  template <typename Object>
  [[nodiscard]] Object own(const Object& inherited) const {
    return Object(backend_, inherited.id());
  }

  // Lets `install` set handlers of signals up. A simulated process has none, and passes over it.
  virtual void catch_signals(const std::function<void()>& install) = 0;
  // Stops itself, as by SIGSTOP, until SIGCONT comes.
  virtual void stop() = 0;
  // Does nothing until it is killed.
  [[noreturn]] virtual void sleep() = 0;

 protected:
  player(xsipc::spi::backend& backend, pid_t pid, std::ostream& out, std::ostream& err)
      : backend_(backend), pid_(pid), out_(out), err_(err) {}

 private:
  xsipc::spi::backend& backend_;
  pid_t pid_;
  std::ostream& out_;
  std::ostream& err_;
};

// Returns the exit status.
using role = std::function<int(player&)>;

struct program {
  std::string_view name;      // of its file, beside that of the running program
  std::string_view synopsis;  // what may follow the name
  int (*main)(player& me, options& given);
};

// The main() of a program: opens the backend that --backend=NAME says, and runs it as this process. What it throws, and
// wrong arguments, become one line on standard error. Returns the exit status.
[[nodiscard]] int run(const program& which, int argc, char** argv);

// Runs a program as `me`; errors as above.
[[nodiscard]] int run(const program& which, player& me, const std::vector<std::string>& arguments);

// Runs a role as this process, which calls `on`. An exception becomes a line of output, and exit status 1.
[[nodiscard]] int play(const role& part, xsipc::spi::backend& on);

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_PLAYER_HPP
