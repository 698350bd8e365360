// The suite on a backend with a planted defect: writes the JSON report to the file that it is given.
#include <iostream>

#include "sysv.hpp"
#include "xsipc/conformance/runner.hpp"

int main(int argc, char** argv) {
  using namespace xsipc::conformance;
  static constexpr const process_backend* backends[] = {&sysv_backend};
  serve_if_actor(argc, argv, backends);
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " REPORT.json\n";
    return 2;
  }
  const auto on = make_process_harness(sysv_backend);
  harness* const judged[] = {on.get()};
  run_options options;
  options.format = report_format::json;
  options.output = argv[1];
  options.progress = false;
  return run_suites(judged, options);
}
