// What a run of differential testing tells a person.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_SUMMARY_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_SUMMARY_HPP

#include <chrono>
#include <ostream>
#include <string>

#include "world.hpp"

namespace xsipc::conformance::differential {

// The difference as a test to paste.
void print_divergence(std::ostream& out, const divergence& what, const terms& which, bool other_users);

// Calls by errno, shares, what rules left open.
void print_tally(std::ostream& out, const tally& counts, std::chrono::duration<double> time);

// Blocked calls, kills and EIDRM each are at least one step in a hundred: what the steps are worth.
[[nodiscard]] bool varied(const tally& counts);

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_SUMMARY_HPP
