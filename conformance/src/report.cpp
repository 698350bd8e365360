#include "report.hpp"

#include <algorithm>

namespace xsipc::conformance {

std::string_view outcome_name(outcome what) {
  switch (what) {
    case outcome::passed: return "passed";
    case outcome::failed: return "failed";
    case outcome::skipped: return "skipped";
  }
  return "?";
}

std::string_view rule_record::result() const {
  if (tests.empty()) return "not proven";
  const auto any = [&](outcome what) {
    return std::any_of(tests.begin(), tests.end(), [&](const test_record* each) { return each->result == what; });
  };
  if (any(outcome::failed)) return outcome_name(outcome::failed);
  return outcome_name(any(outcome::passed) ? outcome::passed : outcome::skipped);
}

std::size_t suite_run::count(outcome what) const {
  return static_cast<std::size_t>(
      std::count_if(tests.begin(), tests.end(), [&](const test_record& each) { return each.result == what; }));
}

std::size_t suite_run::unexpected_skips() const {
  return static_cast<std::size_t>(std::count_if(tests.begin(), tests.end(), [](const test_record& each) {
    return each.result == outcome::skipped && !each.skip_allowed;
  }));
}

std::vector<rule_record> suite_run::rules(const std::vector<std::string>& patterns) const {
  std::vector<rule_record> records;
  for (const assertion& rule : all_assertions()) {
    if (!selected(rule.id, patterns)) continue;
    rule_record record{&rule, {}};
    for (const test_record& test : tests) {
      if (test.proves == nullptr) continue;
      const auto& proven = test.proves->rules;
      if (std::find(proven.begin(), proven.end(), rule.id) != proven.end()) record.tests.push_back(&test);
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace xsipc::conformance
