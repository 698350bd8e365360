#include "judge.hpp"

#include <iostream>

#include "xsipc/conformance/runner.hpp"

namespace xsipc::conformance {

int judge_mutant(harness& on, int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: " << argv[0] << " REPORT.json [RULE...]\n";
    return 2;
  }
  harness* const judged[] = {&on};
  run_options options;
  options.format = report_format::json;
  options.output = argv[1];
  options.filter.assign(argv + 2, argv + argc);
  options.progress = false;
  // A defect may be that something never ends.
  if (!options.filter.empty()) options.time_for_a_test = std::chrono::seconds(3);
  return run_suites(judged, options);
}

}  // namespace xsipc::conformance
