// What all mutants' programs do.
#ifndef XSIPC_CONFORMANCE_MUTANTS_JUDGE_HPP
#define XSIPC_CONFORMANCE_MUTANTS_JUDGE_HPP

#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

// Runs the suite on a backend with a planted defect. Arguments of the program: REPORT.json [RULE...], all tests or
// those that prove one of the rules. The exit status.
[[nodiscard]] int judge_mutant(harness& on, int argc, char** argv);

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_MUTANTS_JUDGE_HPP
