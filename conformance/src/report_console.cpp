// The report for a person at a terminal.
#include <algorithm>
#include <map>
#include <ostream>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "report.hpp"

namespace xsipc::conformance {
namespace {

std::string indented(const std::string& text) { return "    " + absl::StrReplaceAll(text, {{"\n", "\n    "}}); }

std::string full_name(const test_record& test) { return test.suite + "." + test.test; }

std::string family(std::string_view id) { return std::string(id.substr(0, id.find('-'))); }

void write_rules(std::ostream& out, const std::vector<rule_record>& rules) {
  for (const rule_record& each : rules) {
    const std::string rule(each.rule->rule);
    constexpr std::size_t shown = 72;
    out << absl::StreamFormat("%-10s %-5s %-10s %2d %s  %s%s\n", std::string(each.rule->id),
                              std::string(each.rule->level), std::string(each.result()), each.tests.size(),
                              each.tests.size() == 1 ? "test " : "tests", rule.substr(0, shown),
                              rule.size() > shown ? "..." : "");
  }
}

void write_failures(std::ostream& out, const suite_run& run) {
  for (const test_record& test : run.tests) {
    if (test.result != outcome::failed) continue;
    out << "\nFAILED " << full_name(test);
    if (test.proves != nullptr) {
      out << " in " << test.proves->file << ", which proves";
      for (const auto rule : test.proves->rules) out << ' ' << rule;
    }
    out << '\n' << indented(test.text) << '\n';
  }
}

void write_skips(std::ostream& out, const suite_run& run) {
  for (const test_record& test : run.tests) {
    if (test.result != outcome::skipped) continue;
    out << (test.skip_allowed ? "skipped " : "SKIPPED WITHOUT PERMISSION ") << full_name(test) << ": " << test.text;
    if (test.proves != nullptr) {
      for (const auto rule : test.proves->rules) out << ' ' << rule;
    }
    out << '\n';
  }
}

std::size_t count_rules(const std::vector<rule_record>& rules, std::string_view result) {
  return static_cast<std::size_t>(
      std::count_if(rules.begin(), rules.end(), [&](const rule_record& each) { return each.result() == result; }));
}

}  // namespace

void report_console(std::ostream& out, const suite_run& run, const std::vector<std::string>& patterns) {
  const auto rules = run.rules(patterns);
  out << "XSI conformance of backend " << run.backend << "\n\n";
  write_rules(out, rules);
  write_failures(out, run);
  out << '\n';
  write_skips(out, run);
  if (run.unexpected_skips() != 0) {
    out << run.unexpected_skips() << " tests were skipped that the list of expected skips does not name\n";
  }
  out << absl::StreamFormat("%d rules: %d passed, %d failed, %d skipped, %d not proven yet (%.1f s)\n", rules.size(),
                            count_rules(rules, "passed"), count_rules(rules, "failed"), count_rules(rules, "skipped"),
                            count_rules(rules, "not proven"), run.seconds);
  out << absl::StreamFormat("%d passed, %d failed, %d skipped\n", run.count(outcome::passed),
                            run.count(outcome::failed), run.count(outcome::skipped));
}

void report_matrix(std::ostream& out, const std::vector<suite_run>& runs) {
  struct cell {
    std::size_t passed = 0, failed = 0, skipped = 0, not_proven = 0;
  };
  std::vector<std::string> families;
  std::map<std::pair<std::string, std::string>, cell> cells;
  for (const suite_run& run : runs) {
    for (const rule_record& each : run.rules({})) {
      const std::string name = family(each.rule->id);
      if (std::find(families.begin(), families.end(), name) == families.end()) families.push_back(name);
      cell& counts = cells[{name, run.backend}];
      const std::string_view result = each.result();
      ++(result == "passed"    ? counts.passed
         : result == "failed"  ? counts.failed
         : result == "skipped" ? counts.skipped
                               : counts.not_proven);
    }
  }
  out << absl::StreamFormat("\n%-10s", "rules");
  for (const suite_run& run : runs) out << absl::StreamFormat("  %-44s", run.backend);
  out << '\n';
  for (const std::string& name : families) {
    out << absl::StreamFormat("%-10s", name);
    for (const suite_run& run : runs) {
      const cell& counts = cells[{name, run.backend}];
      const std::string text =
          counts.not_proven != 0 && counts.passed + counts.failed + counts.skipped == 0
              ? absl::StrFormat("%d not proven yet", counts.not_proven)
              : absl::StrFormat("%2d passed, %d failed, %d skipped%s", counts.passed, counts.failed, counts.skipped,
                                counts.not_proven != 0 ? absl::StrFormat(", %d not proven", counts.not_proven) : "");
      out << absl::StreamFormat("  %-44s", text);
    }
    out << '\n';
  }
}

void report_list(std::ostream& out, const std::vector<std::string>& patterns) {
  for (const assertion& rule : all_assertions()) {
    if (!selected(rule.id, patterns)) continue;
    out << absl::StreamFormat("%-10s %-5s %s\n", std::string(rule.id), std::string(rule.level), std::string(rule.rule));
    if (!rule.pending.empty()) out << "    not proven yet: " << rule.pending << '\n';
    for (const proof& each : all_proofs()) {
      if (std::find(each.rules.begin(), each.rules.end(), rule.id) == each.rules.end()) continue;
      out << "    " << each.suite << '.' << each.test << " (" << each.file << ")\n";
    }
  }
}

}  // namespace xsipc::conformance
