#include "process_state.hpp"

#include <dirent.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "watchdog.hpp"

namespace xsipc::conformance {
namespace {

std::string thread_path(ipc_pid pid, ipc_pid tid, const char* file) {
  return absl::StrCat("/proc/", pid, "/task/", tid, "/", file);
}

std::string content_of(const std::string& path) {
  // The thread may end between open and read, which is an error then: getline ends with it, a stream's iterator throws.
  std::ifstream file(path);
  std::string text;
  std::getline(file, text, '\0');
  return text;
}

}  // namespace

char thread_state(ipc_pid pid, ipc_pid tid) {
  const std::string stat = content_of(thread_path(pid, tid, "stat"));
  const std::size_t end_of_name = stat.rfind(')');  // the name may contain anything, also a ')'
  if (end_of_name == stat.npos || end_of_name + 2 >= stat.size()) return '-';
  return stat[end_of_name + 2];
}

std::optional<system_call> sleeping_in(ipc_pid pid, ipc_pid tid) {
  // "running", "-1 ..." outside of a system call, or its number and arguments if the thread sleeps in it.
  std::istringstream text(content_of(thread_path(pid, tid, "syscall")));
  system_call found;
  if (!(text >> found.number) || found.number < 0 || thread_state(pid, tid) != 'S') return std::nullopt;
  for (unsigned long& each : found.arguments) text >> std::hex >> each;
  return found;
}

std::vector<ipc_pid> threads_of(ipc_pid pid) {
  std::vector<ipc_pid> tids;
  DIR* const directory = ::opendir(absl::StrCat("/proc/", pid, "/task").c_str());
  if (directory == nullptr) return tids;
  while (const dirent* const entry = ::readdir(directory)) {
    ipc_pid tid = 0;
    if (absl::SimpleAtoi(entry->d_name, &tid)) tids.push_back(tid);
  }
  ::closedir(directory);
  return tids;
}

std::string describe_thread(ipc_pid pid, ipc_pid tid) {
  std::string text = absl::StrCat("process ", pid, " thread ", tid, ": state ", std::string(1, thread_state(pid, tid)),
                                  ", system call ", content_of(thread_path(pid, tid, "syscall")));
  if (text.empty() || text.back() != '\n') text += '\n';
  return text + content_of(thread_path(pid, tid, "stack"));
}

void wait_for_state(const std::string& what, const std::function<bool()>& reached) {
  using namespace std::chrono_literals;
  auto pause = 20us;
  for (int round = 0; !reached(); ++round) {
    throw_if_test_expired(what);
    if (round < 50) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(pause);
      pause = std::min<std::chrono::microseconds>(pause * 2, 2ms);
    }
  }
}

}  // namespace xsipc::conformance
