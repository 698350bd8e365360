#include "xsipc/conformance/routine.hpp"

#include <map>
#include <stdexcept>
#include <string>

namespace xsipc::conformance {
namespace {

// Filled before main() by the suites' static initialisers, in any order.
std::map<std::string, routine, std::less<>>& all_routines() {
  static auto* const all = new std::map<std::string, routine, std::less<>>;
  return *all;
}

}  // namespace

bool register_routine(std::string_view name, routine body) {
  if (!all_routines().emplace(name, body).second) {
    throw std::logic_error("two routines are named " + std::string(name));
  }
  return true;
}

routine find_routine(std::string_view name) {
  const auto found = all_routines().find(name);
  if (found == all_routines().end()) throw std::out_of_range("no routine is named " + std::string(name));
  return found->second;
}

}  // namespace xsipc::conformance
