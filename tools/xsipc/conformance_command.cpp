// xsipc conformance
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "commands.hpp"
#include "xsipc/config.hpp"
#include "xsipc/conformance/runner.hpp"
#if XSIPC_HAS_SYSV
#include "sysv.hpp"
#endif
#if XSIPC_HAS_POSIX
#include "posix.hpp"
#endif
#if XSIPC_HAS_FAKE
#include "fake.hpp"
#endif

ABSL_FLAG(std::string, backend, "", "conformance: the backend to judge (sysv, posix, fake); all that were built unless given");
ABSL_FLAG(std::vector<std::string>, filter, {},
          "conformance: only tests that prove one of these rules: ids or patterns, separated by commas (MSGRCV-*)");
ABSL_FLAG(std::string, format, "console", "conformance: form of the report: console, json, junit or html");
ABSL_FLAG(std::string, output, "", "conformance: file for the report; standard output unless given");
ABSL_FLAG(bool, list, false, "conformance: list rules and their tests, run nothing");

namespace xsipc::tool {
namespace {

// A backend that was compiled in.
struct known_backend {
  std::string name;
  bool variant;  // of another one: judged only when it is named
  std::function<std::unique_ptr<conformance::harness>()> make_harness;
};

std::vector<known_backend> known_backends() {
  std::vector<known_backend> all;
  for (const auto* const each : judged_backends()) {
    all.push_back(
        {std::string(each->name), each->variant, [each] { return conformance::make_process_harness(*each); }});
  }
#if XSIPC_HAS_FAKE
  all.push_back({"fake", false, conformance::make_fake_harness});
#endif
  return all;
}

std::string known_names() {
  const auto all = known_backends();
  return absl::StrJoin(all, ", ", [](std::string* out, const known_backend& each) { out->append(each.name); });
}

std::vector<known_backend> chosen(const std::string& name) {
  std::vector<known_backend> found = known_backends();
  std::erase_if(found, [&](const known_backend& each) { return name.empty() ? each.variant : each.name != name; });
  return found;
}

}  // namespace

std::span<const conformance::process_backend* const> judged_backends() {
  static const std::vector<const conformance::process_backend*> all = {
#if XSIPC_HAS_SYSV
      &conformance::sysv_backend, &conformance::sysv_checked_backend,
#endif
#if XSIPC_HAS_POSIX
      &conformance::posix_backend,
#endif
  };
  return all;
}

int conformance_command() {
  conformance::run_options options;
  options.filter = absl::GetFlag(FLAGS_filter);
  options.output = absl::GetFlag(FLAGS_output);
  options.list = absl::GetFlag(FLAGS_list);
  const std::string format = absl::GetFlag(FLAGS_format);
  if (format == "json") {
    options.format = conformance::report_format::json;
  } else if (format == "junit") {
    options.format = conformance::report_format::junit;
  } else if (format == "html") {
    options.format = conformance::report_format::html;
  } else if (format != "console") {
    std::cerr << "xsipc conformance: --format is console, json, junit or html, not " << format << '\n';
    return 2;
  }
  const std::string name = absl::GetFlag(FLAGS_backend);
  const auto backends = chosen(name);
  if (backends.empty()) {
    std::cerr << "xsipc conformance: no backend " << name << " was built; there is: " << known_names() << '\n';
    return 2;
  }
  std::vector<std::unique_ptr<conformance::harness>> harnesses;
  std::vector<conformance::harness*> judged;
  if (!options.list) {
    for (const known_backend& each : backends) {
      harnesses.push_back(each.make_harness());
      judged.push_back(harnesses.back().get());
    }
  }
  return conformance::run_suites(judged, options);
}

}  // namespace xsipc::tool
