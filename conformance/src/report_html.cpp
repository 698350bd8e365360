// The report as one page that needs nothing else: every rule by every backend, with its wording, source and tests.
#include <ostream>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "report.hpp"

namespace xsipc::conformance {
namespace {

std::string escaped(std::string_view text) {
  return absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

// Results are told by word and sign; colour only repeats it.
constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>XSI conformance</title><style>
:root{color-scheme:light dark;--line:#8884;--pass:#1a7f37;--fail:#c4232d;--skip:#8a5a00;--none:#6b7280}
@media(prefers-color-scheme:dark){:root{--pass:#4ac26b;--fail:#ff7b72;--skip:#e3b341;--none:#9aa4b2}}
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:76rem;padding:1.5rem}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}
p{margin:.2rem 0}nav{margin:1rem 0;line-height:2}nav a{margin-right:.6rem}
table{border-collapse:collapse;width:100%}th,td{border-top:1px solid var(--line);padding:.35rem .6rem;text-align:left;vertical-align:top}
th{font-weight:600}td.id{white-space:nowrap;font-family:ui-monospace,monospace}td.rule{width:60%}
.passed{color:var(--pass)}.failed{color:var(--fail);font-weight:700}.skipped{color:var(--skip)}.none{color:var(--none)}
td.result{white-space:nowrap}details{margin-top:.2rem}summary{cursor:pointer;color:var(--none)}
small,.level{color:var(--none)}pre{white-space:pre-wrap;margin:.3rem 0;padding:.5rem;border-left:3px solid var(--fail)}
</style></head><body>
)";

struct sign {
  std::string_view css, text;
};

sign sign_of(std::string_view result) {
  if (result == "passed") return {"passed", "&#10003; passed"};
  if (result == "failed") return {"failed", "&#10007; failed"};
  if (result == "skipped") return {"skipped", "&#8211; skipped"};
  return {"none", "&#9675; not proven"};
}

std::string_view family(std::string_view id) { return id.substr(0, id.find('-')); }

void write_summary(std::ostream& out, const std::vector<suite_run>& runs) {
  out << "<h1>XSI conformance</h1>\n";
  for (const suite_run& run : runs) {
    out << absl::StreamFormat(
        "<p><strong>%s</strong>: <span class=\"%s\">%s</span>, %d tests passed, %d failed, %d skipped (%.1f s)</p>\n",
        escaped(run.backend), run.good() ? "passed" : "failed",
        run.good() ? "&#10003; conforms" : "&#10007; does not conform", run.count(outcome::passed),
        run.count(outcome::failed), run.count(outcome::skipped), run.seconds);
  }
}

void write_tests(std::ostream& out, const std::vector<suite_run>& runs,
                 const std::vector<std::vector<rule_record>>& rules, std::size_t row) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const test_record* test : rules[i][row].tests) {
      if (test->result == outcome::passed && i != 0) continue;  // once is enough where all is well
      out << "<br><small>" << escaped(test->suite + "." + test->test) << "</small>";
      if (test->result == outcome::failed) {
        out << "<pre>" << escaped(runs[i].backend) << ": " << escaped(test->text) << "</pre>";
      } else if (test->result == outcome::skipped) {
        out << " <small class=\"skipped\">" << escaped(runs[i].backend) << ": " << escaped(test->text) << "</small>";
      }
    }
  }
}

void write_rule(std::ostream& out, const std::vector<suite_run>& runs,
                const std::vector<std::vector<rule_record>>& rules, std::size_t row) {
  const assertion& rule = *rules.front()[row].rule;
  out << "<tr id=\"" << rule.id << "\"><td class=\"id\">" << rule.id << "<br><span class=\"level\">" << rule.level
      << "</span></td><td class=\"rule\">" << escaped(rule.rule)
      << "<details><summary>source and tests</summary><small>" << escaped(rule.function) << "; " << escaped(rule.source)
      << "</small>";
  if (!rule.pending.empty()) out << "<br><small>not proven yet: " << escaped(rule.pending) << "</small>";
  write_tests(out, runs, rules, row);
  out << "</details></td>";
  for (const auto& of_run : rules) {
    const sign shown = sign_of(of_run[row].result());
    out << "<td class=\"result " << shown.css << "\">" << shown.text << "</td>";
  }
  out << "</tr>\n";
}

void open_family(std::ostream& out, std::string_view name, const std::vector<suite_run>& runs) {
  out << "<h2 id=\"family-" << name << "\">" << name
      << "</h2>\n<table><thead><tr><th scope=\"col\">rule</th><th scope=\"col\">what it asks</th>";
  for (const suite_run& run : runs) out << "<th scope=\"col\">" << escaped(run.backend) << "</th>";
  out << "</tr></thead><tbody>\n";
}

}  // namespace

void report_html(std::ostream& out, const std::vector<suite_run>& runs, const std::vector<std::string>& patterns) {
  std::vector<std::vector<rule_record>> rules;
  for (const suite_run& run : runs) rules.push_back(run.rules(patterns));
  out << head;
  write_summary(out, runs);
  out << "<nav aria-label=\"families of rules\">";
  std::string_view last;
  for (const rule_record& each : rules.front()) {
    if (family(each.rule->id) == last) continue;
    last = family(each.rule->id);
    out << "<a href=\"#family-" << last << "\">" << last << "</a> ";
  }
  out << "</nav>\n";
  last = {};
  for (std::size_t row = 0; row < rules.front().size(); ++row) {
    const std::string_view name = family(rules.front()[row].rule->id);
    if (name != last) {
      if (!last.empty()) out << "</tbody></table>\n";
      open_family(out, name, runs);
      last = name;
    }
    write_rule(out, runs, rules, row);
  }
  out << (last.empty() ? "" : "</tbody></table>\n") << "</body></html>\n";
}

}  // namespace xsipc::conformance
