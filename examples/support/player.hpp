// Roles: what the processes of an example do, written so that a real process or a simulated one (the fake) can play it.
//
// A role gets a `player`: the process that plays it. It calls the player's backend, never default_backend(), writes to
// the player's streams, and has no variables but its own: simulated processes share all others. A program is a role
// that knows nothing but its arguments.
#ifndef XSIPC_EXAMPLES_SUPPORT_PLAYER_HPP
#define XSIPC_EXAMPLES_SUPPORT_PLAYER_HPP

#include <sys/types.h>

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"
#include "xsipc/ipc_error.hpp"
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

  // From now on signals that can be caught wait.
  virtual void hold_signals() = 0;
  // Lets them come. From now on each of `signals` ends the process with exit status 0, after a call of `last`: in a
  // signal handler, so that it may do nothing but calls of the backend, and whatever was written has to be flushed
  // before.
  virtual void catch_signals(const std::vector<int>& signals, std::function<void()> last) = 0;
  // Stops itself, as by SIGSTOP, until SIGCONT comes.
  virtual void stop() = 0;
  // Does nothing until it is killed: never returns, and is written as the end of a role.
  virtual int sleep() = 0;

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
  std::string_view file;      // its name, beside the running program
  std::string_view part;      // if one file is several programs: --PART says that it is this one
  std::string_view synopsis;  // what may follow --backend=NAME
  int (*play)(player& me, options& given) = nullptr;
};

// Returns true if the arguments are those of `which`, a part of its file.
[[nodiscard]] bool is_asked_for(const program& which, int argc, char** argv);

// Runs a program as this process, on the backend that --backend=NAME says. What it throws, and wrong arguments, become
// one line on standard error. Returns the exit status.
[[nodiscard]] int run(const program& which, int argc, char** argv);

// Runs a program as `me`; errors as above.
[[nodiscard]] int run(const program& which, player& me, std::vector<std::string> arguments);

// Runs a role as this process, which calls `on`. An exception becomes a line of output, and exit status 1.
[[nodiscard]] int play(const role& part, xsipc::spi::backend& on);

// Reports the error of a program in one line. Returns the exit status.
[[nodiscard]] int failed(const program& which, player& me, const xsipc::ipc_error& error);

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_PLAYER_HPP
