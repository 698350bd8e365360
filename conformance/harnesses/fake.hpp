// The harness of the fake: simulated processes, all in the process of the suite.
#ifndef XSIPC_CONFORMANCE_HARNESSES_FAKE_HPP
#define XSIPC_CONFORMANCE_HARNESSES_FAKE_HPP

#include <memory>

#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

[[nodiscard]] std::unique_ptr<harness> make_fake_harness();

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_HARNESSES_FAKE_HPP
