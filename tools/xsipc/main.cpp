// xsipc COMMAND [--option...]
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "commands.hpp"
#include "xsipc/config.hpp"
#include "xsipc/conformance/runner.hpp"

namespace {

constexpr char usage[] =
    "the command line tool of xsipc\n\n"
    "  xsipc conformance   hold backends against the rules of XSI\n"
    "  xsipc version       print the version\n\n"
    "Examples:\n"
    "  xsipc conformance --backend=sysv\n"
    "  xsipc conformance --backend=sysv --filter='MSGRCV-*,MSGSND-07'\n"
    "  xsipc conformance --backend=sysv --format=junit --output=report.xml\n"
    "  xsipc conformance --list --filter='KEY-*'\n";

absl::FlagsUsageConfig usage_config() {
  absl::FlagsUsageConfig config;
  // --help shows the options of this program and not those of the libraries in it.
  config.contains_help_flags = [](absl::string_view file) { return file.find("tools/xsipc/") != file.npos; };
  config.version_string = [] { return std::string("xsipc " XSIPC_VERSION "\n"); };
  return config;
}

int run(const std::vector<char*>& words) {
  const std::string command = words.size() > 1 ? words[1] : "";
  if (words.size() > 2) {
    std::cerr << "xsipc: one command at a time; " << words[2] << " is too many\n";
    return 2;
  }
  if (command == "conformance") return xsipc::tool::conformance_command();
  if (command == "version") {
    std::cout << "xsipc " XSIPC_VERSION "\n";
    return 0;
  }
  if (command.empty() || command == "help") {
    (command.empty() ? std::cerr : std::cout) << "xsipc: " << usage;
    return command.empty() ? 2 : 0;
  }
  std::cerr << "xsipc: no command is named " << command << "; xsipc help lists them\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  xsipc::conformance::serve_if_actor(argc, argv, xsipc::tool::judged_backends());
  absl::SetProgramUsageMessage(usage);
  absl::SetFlagsUsageConfig(usage_config());
  return run(absl::ParseCommandLine(argc, argv));
}
