// The watchdog: a test that makes no end within its time is given up, with the stacks of all its threads.
#ifndef XSIPC_CONFORMANCE_WATCHDOG_HPP
#define XSIPC_CONFORMANCE_WATCHDOG_HPP

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "mutex.hpp"
#include "xsipc/object_status.hpp"

namespace xsipc::conformance {

// The test's time is over.
class test_expired : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws test_expired if the watchdog has given the running test up.
void throw_if_test_expired(const std::string& waited_for);

// Tells the watchdog of a process that belongs to the running test, or that it is gone.
void watch_process(ipc_pid pid);
void forget_process(ipc_pid pid);

// Tells the watchdog of simulated processes that belong to the running test, or (null) that they are gone: `dump`
// writes what they wait for to standard error.
void watch_simulation(std::function<void()> dump);

// Watches one test from its making to its end. When the time is over it writes the stacks of the test's thread and of
// all watched processes to standard error and kills those processes, which ends every wait of the test. A test that
// doesn't end even then takes the whole program with it, and so does one of simulated processes, which can't be killed
// apart from it.
class watchdog {
 public:
  // `test` names it in the report.
  watchdog(std::string test, std::chrono::milliseconds limit);
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

 private:
  void watch();

  std::string test_;
  std::chrono::milliseconds limit_;
  ipc_pid test_thread_;
  std::thread thread_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_WATCHDOG_HPP
