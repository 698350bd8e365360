// Links the rules of the catalogue and the tests that prove them, in both directions; part of the build.
//
//   link_assertions CATALOGUE PENDING OUTPUT.cpp COVERAGE.md ROOT SUITE.cpp...
//
// Reads the suites' sources, writes the table that the runner works with and a coverage table, and fails the build,
// with file and line like a compiler, if
//   - a test names no rule, or one that the catalogue doesn't have;
//   - a suite's file lacks XSI_SUITE(name), which keeps it in programs that link the suites as a library;
//   - a rule is proven by no test, and pending.txt doesn't say why;
//   - a pattern in pending.txt names no rule that is still to be proven.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct rule {
  std::string id, level, function, rule_text, source;
  std::size_t line;
  std::string pending;
};

struct test {
  std::string suite, name, file;
  std::size_t line;
  std::vector<std::string> rules;
};

struct pending_pattern {
  std::string pattern, reason;
  std::size_t line;
  bool used = false;
};

bool failed = false;

void complain(const std::string& file, std::size_t line, const std::string& text) {
  std::cerr << file << ':' << line << ": error: " << text << '\n';
  failed = true;
}

std::string content_of(const std::string& file) {
  std::ifstream in(file);
  if (!in) complain(file, 1, "can't be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

std::vector<rule> read_catalogue(const std::string& file) {
  std::vector<rule> rules;
  std::set<std::string> ids;
  std::istringstream in(content_of(file));
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto columns = split(line, '\t');
    if (columns.size() != 6) {
      complain(file, number, "a rule has six columns: id, level, function, needs, rule, source");
      continue;
    }
    if (columns[1] != "shall" && columns[1] != "fixed" && columns[1] != "linux") {
      complain(file, number, "the level of a rule is shall, fixed or linux, not " + columns[1]);
    }
    if (!ids.insert(columns[0]).second) complain(file, number, columns[0] + " stands here twice");
    rules.push_back({columns[0], columns[1], columns[2], columns[4], columns[5], number, {}});
  }
  return rules;
}

std::vector<pending_pattern> read_pending(const std::string& file) {
  std::vector<pending_pattern> patterns;
  std::istringstream in(content_of(file));
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    pending_pattern next;
    words >> next.pattern >> std::ws;
    std::getline(words, next.reason);
    next.line = number;
    if (next.reason.empty()) complain(file, number, "a pending rule needs a reason");
    patterns.push_back(next);
  }
  return patterns;
}

// Only a * at the end means anything.
bool matches(const std::string& id, const std::string& pattern) {
  if (!pattern.empty() && pattern.back() == '*') {
    return id.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0;
  }
  return id == pattern;
}

std::vector<std::string> quoted_words(const std::string& text) {
  static const std::regex word("\"([^\"]*)\"");
  std::vector<std::string> words;
  for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) words.push_back((*it)[1]);
  return words;
}

// The tests of one suite file: each TEST_F or TEST_P, with the XSI_ASSERTION that must come before the next one.
void read_suite(const std::string& file, const std::string& root, std::vector<test>& tests,
                std::vector<std::string>& suites) {
  static const std::regex head(R"(\bTEST(_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\))");
  static const std::regex names(R"(\bXSI_ASSERTION\(([^)]*)\))");
  const std::string text = content_of(file);
  const std::string shown = file.compare(0, root.size(), root) == 0 ? file.substr(root.size() + 1) : file;
  static const std::regex anchor(R"(\bXSI_SUITE\((\w+)\))");
  std::smatch named;
  if (std::regex_search(text, named, anchor)) {
    suites.push_back(named[1]);
  } else {
    complain(shown, 1, "XSI_SUITE(name) is missing");
  }
  std::vector<std::smatch> heads(std::sregex_iterator(text.begin(), text.end(), head), {});
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const auto begin = text.begin() + heads[i].position();
    const auto end = i + 1 < heads.size() ? text.begin() + heads[i + 1].position() : text.end();
    test next{heads[i][2], heads[i][3], shown, static_cast<std::size_t>(std::count(text.begin(), begin, '\n')) + 1, {}};
    std::smatch found;
    if (std::regex_search(begin, end, found, names)) next.rules = quoted_words(found[1]);
    if (next.rules.empty())
      complain(file, next.line, next.suite + "." + next.name + " proves no rule: XSI_ASSERTION is missing");
    tests.push_back(next);
  }
}

void link(std::vector<rule>& rules, std::vector<pending_pattern>& pending, const std::vector<test>& tests,
          const std::string& catalogue_file, const std::string& pending_file) {
  std::map<std::string, bool> proven;
  for (const rule& each : rules) proven[each.id] = false;
  for (const test& each : tests) {
    for (const std::string& id : each.rules) {
      const auto found = proven.find(id);
      if (found == proven.end()) {
        complain(each.file, each.line,
                 each.suite + "." + each.name + " proves " + id + ", which the catalogue doesn't have");
      } else {
        found->second = true;
      }
    }
  }
  for (rule& each : rules) {
    for (pending_pattern& pattern : pending) {
      if (proven[each.id] || !matches(each.id, pattern.pattern)) continue;
      pattern.used = true;
      each.pending = pattern.reason;
    }
    if (!proven[each.id] && each.pending.empty()) {
      complain(catalogue_file, each.line, each.id + " (" + each.level + ") is proven by no test and not pending");
    }
  }
  for (const pending_pattern& pattern : pending) {
    if (!pattern.used)
      complain(pending_file, pattern.line, pattern.pattern + " names no rule that is still to be proven");
  }
}

std::string literal(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

void write_table(const std::string& file, const std::vector<rule>& rules, const std::vector<test>& tests,
                 const std::vector<std::string>& suites) {
  std::ofstream out(file);
  out << "// Generated by tools/dev/link_assertions.\n#include \"assertions.hpp\"\n\nnamespace xsipc::conformance "
         "{\n\n";
  // A linker takes from a library only what is referred to, and nothing else refers to a suite.
  for (const std::string& each : suites) out << "void link_suite_" << each << "();\n";
  out << "\nvoid link_all_suites() {\n";
  for (const std::string& each : suites) out << "  link_suite_" << each << "();\n";
  out << "}\n\nstd::span<const assertion> all_assertions() {\n  static constexpr assertion all[] = {\n";
  for (const rule& each : rules) {
    out << "      {" << literal(each.id) << ", " << literal(each.level) << ", " << literal(each.function) << ", "
        << literal(each.rule_text) << ", " << literal(each.source) << ", " << literal(each.pending) << "},\n";
  }
  out << "  };\n  return all;\n}\n\nstd::span<const proof> all_proofs() {\n"
         "  static const auto* const all = new std::vector<proof>{\n";
  for (const test& each : tests) {
    out << "      {" << literal(each.suite) << ", " << literal(each.name) << ", " << literal(each.file) << ", {";
    for (const std::string& id : each.rules) out << literal(id) << ", ";
    out << "}},\n";
  }
  out << "  };\n  return *all;\n}\n\n}  // namespace xsipc::conformance\n";
}

void write_coverage(const std::string& file, const std::vector<rule>& rules, const std::vector<test>& tests) {
  std::ofstream out(file);
  out << "# Coverage: which test proves which rule\n\n| rule | level | proven by |\n|---|---|---|\n";
  for (const rule& each : rules) {
    out << "| " << each.id << " | " << each.level << " | ";
    const char* comma = "";
    for (const test& candidate : tests) {
      if (std::find(candidate.rules.begin(), candidate.rules.end(), each.id) == candidate.rules.end()) continue;
      out << comma << candidate.suite << '.' << candidate.name;
      comma = ", ";
    }
    if (!each.pending.empty()) out << "not yet: " << each.pending;
    out << " |\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::cerr << "usage: link_assertions CATALOGUE PENDING OUTPUT.cpp COVERAGE.md ROOT SUITE.cpp...\n";
    return 2;
  }
  const std::string catalogue_file = argv[1];
  const std::string pending_file = argv[2];
  auto rules = read_catalogue(catalogue_file);
  auto pending = read_pending(pending_file);
  std::vector<test> tests;
  std::vector<std::string> suites;
  for (int i = 6; i < argc; ++i) read_suite(argv[i], argv[5], tests, suites);
  link(rules, pending, tests, catalogue_file, pending_file);
  if (failed) return 1;
  write_table(argv[3], rules, tests, suites);
  write_coverage(argv[4], rules, tests);
  return 0;
}
