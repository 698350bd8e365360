// What two sides tell, held against each other.
//
// Each function returns nothing if both tell the same, or what rules leave open (counted in `freedoms`), else a line
// for a person.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_COMPARE_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_COMPARE_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "freedom.hpp"
#include "side.hpp"

namespace xsipc::conformance::differential {

using freedom_counts = std::map<freedom, std::uint64_t>;
using side_names = std::pair<std::string_view, std::string_view>;

[[nodiscard]] std::optional<std::string> difference(const side_names& names, const action& of, const open_fields& open,
                                                    const outcome& a, const outcome& b, freedom_counts& freedoms);
[[nodiscard]] std::optional<std::string> difference(const side_names& names, const std::vector<ended_call>& a,
                                                    const std::vector<ended_call>& b);

// `objects` is what both were asked for, `open` what is open of each.
[[nodiscard]] std::optional<std::string> difference(const side_names& names,
                                                    const std::vector<std::pair<object_kind, int>>& objects,
                                                    const std::vector<open_fields>& open, const snapshot& a,
                                                    const snapshot& b, freedom_counts& freedoms);

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_COMPARE_HPP
