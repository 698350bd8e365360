#include "posix.hpp"

#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "posix_skips.hpp"
#include "xsipc/posix.hpp"

namespace xsipc::conformance {
namespace {

// In the environment of actors, and of the process that begins them.
constexpr const char* marker = "XSIPC_CONFORMANCE_ACTOR";
bool in_actor() { return std::getenv(marker) != nullptr; }

// A folder of its own for the namespaces of one run, where nothing else lies.
const std::string& folder() {
  static const std::string made = [] {
    std::string name = "/dev/shm/xsipc-conformance-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr || ::chmod(name.c_str(), S_ISVTX | 0777) != 0) name.clear();
    return name;
  }();
  return made;
}

// Actors inherit the environment. Root's are of several users.
bool enter_fresh_namespace() {
  static int number = 0;
  const bool inherited = in_actor();  // from the process that begins actors
  if (!inherited && folder().empty()) return false;
  if (!inherited) {
    std::error_code ignored;
    for (const auto& left : std::filesystem::directory_iterator(folder(), ignored)) std::filesystem::remove(left, ignored);
  }
  const std::string name = std::string(::geteuid() == 0 ? "shared:" : "") + "t" + std::to_string(::getpid()) + "-" +
                           std::to_string(++number);
  if (!inherited) {
    ::setenv("XSIPC_DIR", folder().c_str(), 1);
    ::setenv(marker, "1", 1);
  }
  ::setenv("XSIPC_NAMESPACE", name.c_str(), 1);
  return ::geteuid() != 0 || make_posix_namespace({}, 0666).has_value();
}

void remove_folder() {
  std::error_code ignored;
  if (!folder().empty()) std::filesystem::remove_all(folder(), ignored);
}

// Who waits for a lock sleeps in a futex too, but expects another value in it.
bool parks_in(const system_call& sleeping) {
  constexpr unsigned long asleep = 2;
  return sleeping.number == SYS_futex && sleeping.arguments[1] == FUTEX_WAIT_BITSET && sleeping.arguments[2] == asleep;
}

std::unique_ptr<spi::backend> make() {
  // The suite itself only asks for capabilities, for which no namespace is needed.
  if (!in_actor()) return make_posix_backend({.name_space = "shared:nowhere", .directory = "/nowhere"});
  std::string problem;
  auto made = make_posix_backend({}, &problem);
  if (!problem.empty()) std::cerr << problem << std::endl;
  return made;
}

}  // namespace

const process_backend posix_backend = {.name = "posix",
                                       .make = make,
                                       .c = nullptr,
                                       .parks_in = parks_in,
                                       .in_ipc_namespace = false,
                                       .expected_skips = posix_skips,
                                       .enter_new_namespace = enter_fresh_namespace,
                                       .leave_namespaces = remove_folder,
                                       .ids_changed = refresh_posix_credentials};

}  // namespace xsipc::conformance
