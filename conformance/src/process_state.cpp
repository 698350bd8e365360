#include "process_state.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
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

// The state letter in the text of a file "stat"; '-' if there is none.
char state_in(std::string_view stat) {
  const std::size_t end_of_name = stat.rfind(')');  // the name may contain anything, also a ')'
  if (end_of_name == stat.npos || end_of_name + 2 >= stat.size()) return '-';
  return stat[end_of_name + 2];
}

// Reads such a file from its begin, which makes its content anew; opens it at the first time. Empty if it can't be
// read.
std::string_view read_again(int& descriptor, ipc_pid pid, ipc_pid tid, const char* file, std::span<char> room) {
  if (descriptor < 0) descriptor = ::open(thread_path(pid, tid, file).c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = descriptor < 0 ? 0 : ::pread(descriptor, room.data(), room.size() - 1, 0);
  const auto size = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  room[size] = '\0';
  return {room.data(), size};
}

}  // namespace

char thread_state(ipc_pid pid, ipc_pid tid) { return state_in(content_of(thread_path(pid, tid, "stat"))); }

thread_watch::~thread_watch() {
  if (call_ >= 0) ::close(call_);
  if (stat_ >= 0) ::close(stat_);
}

std::optional<system_call> thread_watch::sleeping_in() {
  // "running", "-1 ..." outside of a system call, or its number and arguments if the thread sleeps in it.
  char room[512];
  const char* at = read_again(call_, pid_, tid_, "syscall", room).data();
  char* end = nullptr;
  system_call found;
  found.number = std::strtol(at, &end, 10);
  if (end == at || found.number < 0) return std::nullopt;
  for (unsigned long& each : found.arguments) each = std::strtoul(end, &end, 16);
  if (state_in(read_again(stat_, pid_, tid_, "stat", room)) != 'S') return std::nullopt;
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
