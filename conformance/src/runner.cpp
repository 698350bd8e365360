#include "xsipc/conformance/runner.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "absl/debugging/symbolize.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "actor_server.hpp"
#include "beginner.hpp"
#include "expected_skips.hpp"
#include "report.hpp"
#include "running_suite.hpp"
#include "watchdog.hpp"

namespace xsipc::conformance {
namespace {

harness* running = nullptr;

// Writes where the run is: one line that is written over on a terminal, one for each suite elsewhere.
class progress_line {
 public:
  explicit progress_line(bool shown) : shown_(shown), terminal_(::isatty(STDERR_FILENO) != 0) {}

  void test_begins(const testing::TestInfo& test, int number, int of) {
    if (!shown_ || !terminal_) return;
    std::cerr << "\r\033[K[" << number << "/" << of << "] " << test.test_suite_name() << "." << test.name()
              << std::flush;
  }
  void suite_ended(const testing::TestSuite& suite, int number, int of) {
    if (!shown_ || terminal_) return;
    std::cerr << "[" << number << "/" << of << "] " << suite.name() << ": " << suite.successful_test_count()
              << " passed, " << suite.failed_test_count() << " failed, " << suite.skipped_test_count() << " skipped\n";
  }
  void run_ended() {
    if (shown_ && terminal_) std::cerr << "\r\033[K" << std::flush;
  }

 private:
  bool shown_;
  bool terminal_;
};

// Turns what GoogleTest tells into records, and lets the watchdog watch each test.
class recorder final : public testing::EmptyTestEventListener {
 public:
  recorder(suite_run& run, const harness& on, const run_options& options)
      : run_(run),
        skips_(on.expected_skips()),
        progress_(options.progress),
        filter_(options.filter),
        time_for_a_test_(options.time_for_a_test) {}

 private:
  void OnTestStart(const testing::TestInfo& test) override {
    ++number_;
    progress_.test_begins(test, number_, testing::UnitTest::GetInstance()->test_to_run_count());
    watchdog_ = std::make_unique<watchdog>(std::string(test.test_suite_name()) + "." + test.name(), time_for_a_test_);
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    watchdog_.reset();
    test_record record{
        test.test_suite_name(),  test.name(), find_proof(test.test_suite_name(), test.name()),          outcome::passed,
        text_of(*test.result()), false,       static_cast<double>(test.result()->elapsed_time()) / 1000};
    if (test.result()->Failed()) {
      record.result = outcome::failed;
    } else if (test.result()->Skipped()) {
      record.result = outcome::skipped;
      record.skip_allowed = allowed(record);
    }
    run_.tests.push_back(std::move(record));
  }

  void OnTestSuiteEnd(const testing::TestSuite& suite) override {
    progress_.suite_ended(suite, number_, testing::UnitTest::GetInstance()->test_to_run_count());
  }

  void OnTestProgramEnd(const testing::UnitTest& all) override {
    progress_.run_ended();
    for (test_record& each : run_.tests) {
      if (each.result == outcome::skipped && !each.skip_allowed) each.skip_allowed = allowed_if_proven(each);
    }
    run_.seconds = static_cast<double>(all.elapsed_time()) / 1000;
  }

  // What failed; of a skipped test what it needs.
  static std::string text_of(const testing::TestResult& result) {
    std::string text;
    for (int i = 0; i < result.total_part_count(); ++i) {
      const testing::TestPartResult& part = result.GetTestPartResult(i);
      if (!part.failed() && !part.skipped()) continue;
      if (!text.empty()) text += '\n';
      if (part.failed() && part.file_name() != nullptr) {
        text += std::string(part.file_name()) + ":" + std::to_string(part.line_number()) + "\n";
      }
      text += std::string(absl::StripSuffix(part.message(), "\n"));
    }
    return text;
  }

  // The list must name every rule of the test with the need that was missing.
  [[nodiscard]] bool allowed(const test_record& record) const {
    if (record.proves == nullptr || !record.text.starts_with("needs ")) return false;
    for (const auto rule : record.proves->rules) {
      if (skips_.reason(rule, record.text.substr(6)) == nullptr) return false;
    }
    return true;
  }

  // Or it allows the need for rules of which another test has passed. Of rules that the filter doesn't name not all
  // tests have run.
  [[nodiscard]] bool allowed_if_proven(const test_record& record) const {
    if (record.proves == nullptr || !record.text.starts_with("needs ")) return false;
    const std::string need = record.text.substr(6);
    if (skips_.reason_if_proven(need) == nullptr) return false;
    return std::all_of(record.proves->rules.begin(), record.proves->rules.end(), [&](std::string_view rule) {
      return !selected(rule, filter_) || skips_.reason(rule, need) != nullptr || passed_elsewhere(rule);
    });
  }
  [[nodiscard]] bool passed_elsewhere(std::string_view rule) const {
    return std::any_of(run_.tests.begin(), run_.tests.end(), [&](const test_record& each) {
      return each.result == outcome::passed && each.proves != nullptr &&
             std::find(each.proves->rules.begin(), each.proves->rules.end(), rule) != each.proves->rules.end();
    });
  }

  suite_run& run_;
  expected_skips skips_;
  progress_line progress_;
  std::vector<std::string> filter_;
  std::chrono::milliseconds time_for_a_test_;
  std::unique_ptr<watchdog> watchdog_;
  int number_ = 0;
};

// GoogleTest's filter for the tests that prove a selected rule; empty if there are none.
std::string test_filter(const std::vector<std::string>& patterns) {
  std::string filter;
  for (const proof& each : all_proofs()) {
    for (const auto rule : each.rules) {
      if (!selected(rule, patterns)) continue;
      const std::string name = std::string(each.suite) + "." + std::string(each.test);
      filter += name + ":*/" + name + "/*:";
      break;
    }
  }
  return filter;
}

suite_run run_on(harness& on, const run_options& options) {
  suite_run run;
  run.backend = on.name();
  testing::GTEST_FLAG(filter) = test_filter(options.filter);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  auto* const listener = new recorder(run, on, options);
  listeners.Append(listener);
  set_running_harness(&on);
  [[maybe_unused]] const int status = RUN_ALL_TESTS();  // says nothing of skips; the records do
  set_running_harness(nullptr);
  delete listeners.Release(listener);
  return run;
}

void initialize_googletest() {
  static bool done = false;
  if (done) return;
  done = true;
  link_all_suites();
  int argc = 1;
  char program[] = "xsipc";
  char* argv[] = {program, nullptr};
  testing::InitGoogleTest(&argc, argv);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
}

void write_report(std::ostream& out, const std::vector<suite_run>& runs, const run_options& options) {
  switch (options.format) {
    case report_format::json: return report_json(out, runs, options.filter);
    case report_format::junit: return report_junit(out, runs);
    case report_format::html: return report_html(out, runs, options.filter);
    case report_format::console: break;
  }
  if (runs.size() > 1) {
    for (const suite_run& run : runs) report_console(out, run, options.filter);
    report_matrix(out, runs);
    return;
  }
  for (const suite_run& run : runs) report_console(out, run, options.filter);
}

}  // namespace

void set_running_harness(harness* on) { running = on; }

const harness* running_harness_or_null() { return running; }

harness& running_harness() {
  if (running == nullptr) throw std::logic_error("a conformance test runs outside of run_suites()");
  return *running;
}

void serve_if_actor(int argc, char** argv, std::span<const process_backend* const> backends) {
  absl::InitializeSymbolizer(argv[0]);
  if (argc != 4) return;
  const std::string_view role = argv[1];
  if (role != actor_argument && role != beginner_argument) return;
  int socket = -1;
  for (const process_backend* const each : backends) {
    if (each->name != argv[2] || !absl::SimpleAtoi(argv[3], &socket)) continue;
    if (role == actor_argument) serve_actor(*each, socket);
    serve_beginner(*each, socket);
  }
  std::cerr << argv[1] << " is for the suite's own use\n";
  std::exit(2);
}

int run_suites(std::span<harness* const> on, const run_options& options) {
  if (options.filter.empty() ? false : test_filter(options.filter).empty()) {
    std::cerr << "xsipc conformance: no test proves a rule that the filter names; --list shows the rules\n";
    return 2;
  }
  std::ofstream file;
  if (!options.output.empty()) {
    file.open(options.output);
    if (!file) {
      std::cerr << "xsipc conformance: " << options.output << " can't be written\n";
      return 2;
    }
  }
  std::ostream& out = options.output.empty() ? std::cout : file;
  if (options.list) {
    report_list(out, options.filter);
    return 0;
  }
  initialize_googletest();
  std::vector<suite_run> runs;
  for (harness* const each : on) runs.push_back(run_on(*each, options));
  write_report(out, runs, options);
  out.flush();
  const bool good = out.good() && std::all_of(runs.begin(), runs.end(),
                                              [](const suite_run& run) { return run.good() && !run.tests.empty(); });
  return good ? 0 : 1;
}

}  // namespace xsipc::conformance
