#include "stack_dump.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/debugging/stacktrace.h"
#include "absl/debugging/symbolize.h"

namespace xsipc::conformance {
namespace {

void write_line(const char* text) {
  // Standard error may be gone; there is nobody else to tell.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

void dump(int) {
  const int before = errno;
  void* frames[40];
  const int depth = absl::GetStackTrace(frames, 40, 1);
  for (int i = 0; i < depth; ++i) {
    char name[200];
    char line[256];
    if (!absl::Symbolize(frames[i], name, sizeof name)) std::strcpy(name, "?");
    std::snprintf(line, sizeof line, "    [%d] #%d %p %s\n", static_cast<int>(::gettid()), i, frames[i], name);
    write_line(line);
  }
  errno = before;
}

}  // namespace

int stack_dump_signal() { return SIGRTMAX; }

void install_stack_dump() {
  struct sigaction action {};
  action.sa_handler = dump;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(stack_dump_signal(), &action, nullptr);
}

}  // namespace xsipc::conformance
