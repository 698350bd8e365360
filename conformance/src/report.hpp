// What a run of the suite has found, and the forms in which it is told.
#ifndef XSIPC_CONFORMANCE_REPORT_HPP
#define XSIPC_CONFORMANCE_REPORT_HPP

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "assertions.hpp"
#include "xsipc/conformance/runner.hpp"

namespace xsipc::conformance {

enum class outcome : unsigned char { passed, failed, skipped };
[[nodiscard]] std::string_view outcome_name(outcome what);

// One test that ran.
struct test_record {
  std::string suite;  // as GoogleTest names them, instantiation included
  std::string test;
  const proof* proves;
  outcome result = outcome::passed;
  std::string text;           // what failed, or the need that was missing
  bool skip_allowed = false;  // skipped, and the list of expected skips allows it
  double seconds = 0;
};

// One rule over all its tests: failed if one failed, else passed if one passed, else skipped if there was one.
struct rule_record {
  const assertion* rule;
  std::vector<const test_record*> tests;
  [[nodiscard]] std::string_view result() const;  // "passed", "failed", "skipped" or "not proven"
};

struct suite_run {
  std::string backend;
  std::vector<test_record> tests;
  double seconds = 0;

  [[nodiscard]] std::size_t count(outcome what) const;
  [[nodiscard]] std::size_t unexpected_skips() const;
  [[nodiscard]] bool good() const { return count(outcome::failed) == 0 && unexpected_skips() == 0; }
  // The rules that `patterns` select, in the catalogue's order.
  [[nodiscard]] std::vector<rule_record> rules(const std::vector<std::string>& patterns) const;
};

// Each writes all of a run. The console report ends with "N passed, N failed, N skipped".
void report_console(std::ostream& out, const suite_run& run, const std::vector<std::string>& patterns);
void report_json(std::ostream& out, const std::vector<suite_run>& runs, const std::vector<std::string>& patterns);
void report_junit(std::ostream& out, const std::vector<suite_run>& runs);
// One page that needs nothing else: rules by backends. There must be a run.
void report_html(std::ostream& out, const std::vector<suite_run>& runs, const std::vector<std::string>& patterns);
// Families of rules by backends: the overview of several runs.
void report_matrix(std::ostream& out, const std::vector<suite_run>& runs);
// Rules and the tests that prove them, without running anything.
void report_list(std::ostream& out, const std::vector<std::string>& patterns);

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_REPORT_HPP
