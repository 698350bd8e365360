// A table of system calls that notes what it is asked and answers what it is told to.
#ifndef XSIPC_TESTS_SUPPORT_RECORDER_HPP
#define XSIPC_TESTS_SUPPORT_RECORDER_HPP

#include <functional>
#include <string>
#include <vector>

#include "syscalls.hpp"

namespace xsipc::test_support {

// One call: its name and all its arguments that are not pointers into the caller's memory.
struct noted_call {
  std::string name;
  std::vector<long> arguments;

  friend bool operator==(const noted_call&, const noted_call&) = default;
};

struct recorder {
  std::vector<noted_call> calls;
  long answer = 0;
  // Sees the memory that a call points to, and may fill it: frames, arrays of operations, status structures.
  std::function<void(void*)> on_memory;
  // What semtimedop was told.
  timespec timeout{};
};

// The one recorder of the process, and a table of calls that lead to it. Not for several threads.
[[nodiscard]] recorder& tape();
[[nodiscard]] const sysv::syscalls& recording_syscalls();

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_SUPPORT_RECORDER_HPP
