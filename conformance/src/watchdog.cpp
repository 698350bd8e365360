#include "watchdog.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <set>

#include "absl/strings/str_cat.h"
#include "process_state.hpp"
#include "stack_dump.hpp"

namespace xsipc::conformance {
namespace {

// One test runs at a time, so there is one of each.
struct watched {
  annotated_mutex mutex;
  std::condition_variable_any changed;
  bool test_running ABSL_GUARDED_BY(mutex) = false;
  std::set<ipc_pid> processes ABSL_GUARDED_BY(mutex);
  std::function<void()> dump_simulation ABSL_GUARDED_BY(mutex);
};

watched& the_watched() {
  static auto* const it = new watched;
  return *it;
}

std::atomic<bool> expired{false};
// Of simulated processes: one wait ends with the test's time. Those that end its processes afterwards go on.
std::atomic<bool> next_wait_ends{false};

// Asks a thread for its stack and gives it the time to write it. It may be stopped or stuck in the kernel: that is what
// /proc tells.
void dump_thread(ipc_pid pid, ipc_pid tid) {
  std::cerr << "  " << describe_thread(pid, tid) << std::flush;
  ::syscall(SYS_tgkill, pid, tid, stack_dump_signal());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // a report for a person, no condition of the test
}

void dump_all(ipc_pid test_thread) {
  dump_thread(::getpid(), test_thread);
  std::set<ipc_pid> processes;
  {
    const annotated_lock lock(the_watched().mutex);
    processes = the_watched().processes;
  }
  for (const ipc_pid pid : processes) {
    for (const ipc_pid tid : threads_of(pid)) dump_thread(pid, tid);
    ::kill(pid, SIGKILL);
  }
}

// True if the test ended within `time`.
bool ended_within(std::chrono::milliseconds time) {
  watched& all = the_watched();
  const annotated_lock lock(all.mutex);
  const auto end = std::chrono::steady_clock::now() + time;
  while (all.test_running) {
    if (all.changed.wait_until(all.mutex, end) == std::cv_status::timeout) return !all.test_running;
  }
  return true;
}

// Shows what a test of simulated processes does, if it is one, and ends the program unless the test ends after all.
void give_up_simulation(const std::string& test) {
  std::function<void()> dump;
  {
    const annotated_lock lock(the_watched().mutex);
    dump = the_watched().dump_simulation;
  }
  if (!dump) return;
  for (const ipc_pid tid : threads_of(::getpid())) dump_thread(::getpid(), tid);
  // On a thread of its own: what hangs may hold what this needs.
  std::thread(dump).detach();
  next_wait_ends = true;
  if (ended_within(std::chrono::seconds(2))) return;
  std::cerr << "watchdog: " << test << " hangs; simulated processes can't be killed apart from the program\n"
            << std::flush;
  std::abort();
}

}  // namespace

void throw_if_test_expired(const std::string& waited_for) {
  if (expired || next_wait_ends.exchange(false)) {
    throw test_expired(absl::StrCat("the test's time is over; it waited for ", waited_for));
  }
}

void watch_process(ipc_pid pid) {
  const annotated_lock lock(the_watched().mutex);
  the_watched().processes.insert(pid);
}

void forget_process(ipc_pid pid) {
  const annotated_lock lock(the_watched().mutex);
  the_watched().processes.erase(pid);
}

void watch_simulation(std::function<void()> dump) {
  const annotated_lock lock(the_watched().mutex);
  the_watched().dump_simulation = std::move(dump);
}

watchdog::watchdog(std::string test, std::chrono::milliseconds limit)
    : test_(std::move(test)), limit_(limit), test_thread_(static_cast<ipc_pid>(::gettid())) {
  {
    const annotated_lock lock(the_watched().mutex);
    the_watched().test_running = true;
  }
  expired = false;
  next_wait_ends = false;
  install_stack_dump();
  thread_ = std::thread([this] { watch(); });
}

watchdog::~watchdog() {
  {
    const annotated_lock lock(the_watched().mutex);
    the_watched().test_running = false;
  }
  the_watched().changed.notify_all();
  thread_.join();
}

void watchdog::watch() {
  if (ended_within(limit_)) return;
  std::cerr << "watchdog: " << test_ << " has taken " << limit_.count() << " ms and is given up\n" << std::flush;
  give_up_simulation(test_);
  expired = true;
  dump_all(test_thread_);
  if (ended_within(std::chrono::seconds(10))) return;
  std::cerr << "watchdog: " << test_ << " doesn't end even though its processes are dead\n" << std::flush;
  std::abort();
}

}  // namespace xsipc::conformance
