#include "assertions.hpp"

#include <algorithm>

namespace xsipc::conformance {
namespace {

// "Kinds/Get" is suite Get, "Exclusive/queue" test Exclusive.
std::string_view without_prefix(std::string_view name) { return name.substr(name.find('/') + 1); }
std::string_view without_suffix(std::string_view name) { return name.substr(0, name.find('/')); }

// `pattern` with * for any text; no other characters are special.
bool matches(std::string_view text, std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return text == pattern;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t from = star; from <= text.size(); ++from) {
    if (matches(text.substr(from), rest)) return true;
  }
  return false;
}

}  // namespace

const proof* find_proof(std::string_view suite, std::string_view test) {
  const auto proofs = all_proofs();
  const auto found = std::find_if(proofs.begin(), proofs.end(), [&](const proof& each) {
    return each.suite == without_prefix(suite) && each.test == without_suffix(test);
  });
  return found == proofs.end() ? nullptr : &*found;
}

bool selected(std::string_view id, const std::vector<std::string>& patterns) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [&](const std::string& each) { return matches(id, each); });
}

}  // namespace xsipc::conformance
