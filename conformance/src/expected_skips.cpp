#include "expected_skips.hpp"

#include <stdexcept>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace xsipc::conformance {

expected_skips::expected_skips(std::string_view text) {
  const std::string copy(text);
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(copy, '\n'))) {
    if (line.empty() || line.front() == '#') continue;
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(absl::ByAnyChar(" \t"), 2));
    if (words.size() < 3 || words[2].find_first_not_of(" \t") == std::string::npos) {
      throw std::invalid_argument("an expected skip without a reason: " + line);
    }
    reasons_[{words[0], words[1]}] = words[2];
  }
}

const std::string* expected_skips::reason(std::string_view rule, std::string_view need) const {
  const auto found = reasons_.find({std::string(rule), std::string(need)});
  return found == reasons_.end() ? nullptr : &found->second;
}

}  // namespace xsipc::conformance
