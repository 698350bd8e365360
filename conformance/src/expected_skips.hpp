// The list of skips that a harness allows: a skip is a claim, and here it is checked.
#ifndef XSIPC_CONFORMANCE_EXPECTED_SKIPS_HPP
#define XSIPC_CONFORMANCE_EXPECTED_SKIPS_HPP

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace xsipc::conformance {

class expected_skips {
 public:
  // Reads lines "RULE NEED REASON...". Throws std::invalid_argument for a line without a reason.
  explicit expected_skips(std::string_view text);

  // The reason why a test of `rule` may be skipped for `need`; null if it may not.
  [[nodiscard]] const std::string* reason(std::string_view rule, std::string_view need) const;
  // The reason why a test of any rule may, if another test of the rule has passed: a line for the rule *.
  [[nodiscard]] const std::string* reason_if_proven(std::string_view need) const { return reason("*", need); }

 private:
  std::map<std::pair<std::string, std::string>, std::string> reasons_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_EXPECTED_SKIPS_HPP
