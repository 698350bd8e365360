// A program that shows something step by step, checks each step by itself and ends with a verdict.
//
// For programs with one thread. A signal that asks for the end (SIGINT, SIGTERM, ...) is noticed by await(), so that
// everything is cleaned up by destructors; therefore the telling process blocks in nothing else.
#ifndef XSIPC_EXAMPLES_SUPPORT_STORY_HPP
#define XSIPC_EXAMPLES_SUPPORT_STORY_HPP

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "child.hpp"
#include "stage.hpp"
#include "xsipc/ipc_error.hpp"
#include "xsipc/key.hpp"

namespace examples {

struct step {
  std::string_view title;
  std::function<void()> run;
};

// A program that tells a story. It runs on every backend: where processes are simulated, all of them live in this one.
struct story {
  std::string_view file;  // its name
  xsipc::key usual;       // the key to meet by
  int (*play)(stage& at);
};

// Runs a story as this process, on the backend that --backend=NAME says; with --key=N in the caller's namespace, by
// that key. Wrong arguments, and a stage that can't be opened, become one line on standard error. Returns the exit
// status.
[[nodiscard]] int run(const story& which, int argc, char** argv);

// For stories. Tells all steps in order; one that throws ends it. The last line is the verdict. Returns the exit
// status.
[[nodiscard]] int tell(std::string_view program, std::string_view subject, const std::vector<step>& steps);

// For steps. Writes a line, indented.
void say(const std::string& line);

// Throws unless things are as expected. `what` says what is wrong.
void expect(bool as_expected, const std::string& what);

// Throws unless `outcome` is the error `code`; says the error.
template <typename Result>
void expect_error(const std::string& what, const Result& outcome, int code) {
  expect(!outcome.has_value(), what + " was expected to fail with " + xsipc::errno_name(code));
  say(what + ": " + outcome.error().message());
  expect(outcome.error().code == code, what + " was expected to fail with " + xsipc::errno_name(code));
}

// Asks `holds` until it says yes. Throws if that takes too long, or if the program was interrupted.
void await(const std::string& what, const std::function<bool()>& holds);

// Waits for the end of `process`, says what it has written, and throws unless it ended as expected. Returns the output.
std::string await_end(child& process, const std::string& expected = "exit status 0");

// Returns a key as ipcs(1) writes it.
[[nodiscard]] std::string hexadecimal(xsipc::key which);

// Removes an XSI object when it goes. Children don't have it: real ones end without destructors.
template <typename Object>
class temporary {
 public:
  explicit temporary(const Object& object) : object_(object) {}
  temporary(const temporary&) = delete;
  temporary& operator=(const temporary&) = delete;
  ~temporary() { static_cast<void>(object_.remove()); }

  Object& operator*() { return object_; }
  Object* operator->() { return &object_; }

 private:
  Object object_;
};

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_STORY_HPP
