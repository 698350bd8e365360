// Running the suite: what the program around it calls.
#ifndef XSIPC_CONFORMANCE_RUNNER_HPP
#define XSIPC_CONFORMANCE_RUNNER_HPP

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

// To be called first thing in main(): the suite runs its own program again for its actors. Does not return in
// such a process, and returns at once in every other.
void serve_if_actor(int argc, char** argv, std::span<const process_backend* const> backends);

enum class report_format : std::uint8_t { console, json, junit, html };

struct run_options {
  std::vector<std::string> filter;  // rule ids or patterns with * ("MSGRCV-*"); empty: all
  report_format format = report_format::console;
  std::string output;                                 // file for the report; empty: standard output
  bool list = false;                                  // list rules and tests instead of running them
  bool progress = true;                               // show progress on standard error
  std::chrono::milliseconds time_for_a_test{30'000};  // then the watchdog gives it up
};

// Runs the suite on each backend in turn, writes one report and returns the exit status: 0 if every test passed or was
// skipped as the backend's list of expected skips allows, 1 if not, 2 if the options are wrong (a filter that selects
// nothing, a file that can't be written). On several backends the console report ends with a matrix.
[[nodiscard]] int run_suites(std::span<harness* const> on, const run_options& options);

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_RUNNER_HPP
