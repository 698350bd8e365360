// The reports for programs: JSON and JUnit XML.
#include <ostream>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "report.hpp"

namespace xsipc::conformance {
namespace {

std::string quoted_json(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += absl::StrFormat("\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string quoted_xml(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    // XML 1.0 knows no other control characters.
    clean += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
  }
  return '"' +
         absl::StrReplaceAll(clean, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"\n", "&#10;"}}) +
         '"';
}

void write_rule_json(std::ostream& out, const rule_record& each) {
  out << "{\"id\": " << quoted_json(each.rule->id) << ", \"level\": " << quoted_json(each.rule->level)
      << ", \"result\": " << quoted_json(each.result()) << ", \"rule\": " << quoted_json(each.rule->rule)
      << ", \"source\": " << quoted_json(each.rule->source) << ", \"tests\": [";
  const char* comma = "";
  for (const test_record* test : each.tests) {
    out << comma << quoted_json(test->suite + "." + test->test);
    comma = ", ";
  }
  out << "]}";
}

void write_test_json(std::ostream& out, const test_record& test) {
  out << "{\"test\": " << quoted_json(test.suite + "." + test.test)
      << ", \"result\": " << quoted_json(outcome_name(test.result))
      << absl::StreamFormat(", \"seconds\": %.6f", test.seconds);
  if (!test.text.empty()) out << ", \"text\": " << quoted_json(test.text);
  if (test.result == outcome::skipped) out << ", \"allowed\": " << (test.skip_allowed ? "true" : "false");
  out << '}';
}

}  // namespace

void report_json(std::ostream& out, const std::vector<suite_run>& runs, const std::vector<std::string>& patterns) {
  out << "{\"backends\": [";
  const char* between_runs = "";
  for (const suite_run& run : runs) {
    out << between_runs << "\n {\"backend\": " << quoted_json(run.backend)
        << absl::StreamFormat(", \"passed\": %d, \"failed\": %d, \"skipped\": %d, \"unexpected_skips\": %d, ",
                              run.count(outcome::passed), run.count(outcome::failed), run.count(outcome::skipped),
                              run.unexpected_skips())
        << absl::StreamFormat("\"seconds\": %.3f,\n  \"rules\": [", run.seconds);
    const char* comma = "\n   ";
    for (const rule_record& each : run.rules(patterns)) {
      out << comma;
      write_rule_json(out, each);
      comma = ",\n   ";
    }
    out << "],\n  \"tests\": [";
    comma = "\n   ";
    for (const test_record& test : run.tests) {
      out << comma;
      write_test_json(out, test);
      comma = ",\n   ";
    }
    out << "]}";
    between_runs = ",";
  }
  out << "]}\n";
}

void report_junit(std::ostream& out, const std::vector<suite_run>& runs) {
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const suite_run& run : runs) {
    out << absl::StreamFormat("<testsuite name=%s tests=\"%d\" failures=\"%d\" skipped=\"%d\" time=\"%.3f\">\n",
                              quoted_xml("xsipc.conformance." + run.backend), run.tests.size(),
                              run.count(outcome::failed), run.count(outcome::skipped), run.seconds);
    for (const test_record& test : run.tests) {
      out << absl::StreamFormat("<testcase classname=%s name=%s time=\"%.6f\">",
                                quoted_xml(run.backend + "." + test.suite), quoted_xml(test.test), test.seconds);
      if (test.result == outcome::failed) out << "<failure message=" << quoted_xml(test.text) << "/>";
      if (test.result == outcome::skipped && test.skip_allowed)
        out << "<skipped message=" << quoted_xml(test.text) << "/>";
      if (test.result == outcome::skipped && !test.skip_allowed) {
        out << "<error message=" << quoted_xml(test.text + ": not on the list of expected skips") << "/>";
      }
      out << "</testcase>\n";
    }
    out << "</testsuite>\n";
  }
  out << "</testsuites>\n";
}

}  // namespace xsipc::conformance
