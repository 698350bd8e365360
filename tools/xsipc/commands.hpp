// The commands of bin/xsipc. Each returns the exit status: 0 good, 1 not, 2 called wrongly.
#ifndef XSIPC_TOOLS_COMMANDS_HPP
#define XSIPC_TOOLS_COMMANDS_HPP

#include <span>

#include "xsipc/conformance/harness.hpp"

namespace xsipc::tool {

// The backends that were compiled in and that real processes share, as the conformance suite knows them.
[[nodiscard]] std::span<const conformance::process_backend* const> judged_backends();

int conformance_command();

}  // namespace xsipc::tool

#endif  // XSIPC_TOOLS_COMMANDS_HPP
