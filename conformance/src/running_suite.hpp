// The harness that the running suite judges. Set by the runner, read by the fixture.
#ifndef XSIPC_CONFORMANCE_RUNNING_SUITE_HPP
#define XSIPC_CONFORMANCE_RUNNING_SUITE_HPP

#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

void set_running_harness(harness* on);
[[nodiscard]] harness& running_harness();
// Null in the process of an actor.
[[nodiscard]] const harness* running_harness_or_null();

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_RUNNING_SUITE_HPP
