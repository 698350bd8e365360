#include "summary.hpp"

#include <iomanip>

#include "xsipc/ipc_error.hpp"

namespace xsipc::conformance::differential {
namespace {

std::string identity_text(int number) {
  const identity who = identity_of(number, {});
  std::string text;
  if (who.uid) text += ".uid = " + std::to_string(*who.uid);
  if (who.gid) text += ", .gid = " + std::to_string(*who.gid);
  if (!who.groups.empty()) text += ", .groups = {" + std::to_string(who.groups.front()) + "}";
  if (!who.without_capabilities.empty()) {
    text += ".without_capabilities = {CAP_IPC_OWNER, CAP_SYS_ADMIN, CAP_SYS_RESOURCE, CAP_IPC_LOCK}";
  }
  return "{" + text + "}";
}

std::string percent(std::uint64_t part, std::uint64_t of) {
  const std::uint64_t hundredths = of == 0 ? 0 : part * 10000 / of;
  const std::string digits = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + "." + (digits.size() < 2 ? "0" : "") + digits + " %";
}

}  // namespace

void print_divergence(std::ostream& out, const divergence& what, const terms& which, bool other_users) {
  out << "  // " << what.what << (which.narrow_limits ? "; with narrow limits" : "") << "\n";
  out << "  // text(n): n bytes; room(n): a buffer; values(n, v): v first; aN_tM: further threads of aN\n";
  for (int i = 0; i < which.actors; ++i) {
    out << "  actor& a" << i << " = process(" << (other_users ? identity_text(i) : "{}") << ");\n";
  }
  for (const std::string& line : what.lines) out << "  " << line << "\n";
  out << "  // here: " << what.what << "\n";
}

void print_tally(std::ostream& out, const tally& counts, std::chrono::duration<double> time) {
  out << counts.steps << " steps in " << std::fixed << std::setprecision(1) << time.count() << " s, "
      << static_cast<std::uint64_t>(static_cast<double>(counts.steps) / time.count()) << " steps/s; " << counts.skipped
      << " made no sense and were left out\n";
  call_kind last{};
  bool first = true;
  for (const auto& [what, count] : counts.outcomes) {
    const auto [call, code] = what;
    if (first || call != last) out << (first ? "" : "\n") << "  " << std::left << std::setw(10) << call_kind_name(call);
    out << "  " << (code == -1 ? "blocked" : code == 0 ? "0" : errno_name(code)) << " " << count;
    last = call;
    first = false;
  }
  out << "\nblocked " << percent(counts.blocked, counts.steps) << ", kills " << percent(counts.kills, counts.steps)
      << ", EIDRM of blocked calls " << percent(counts.removed_while_blocked, counts.steps) << "\n";
  for (const freedom_rule& each : freedom_rules) {
    const auto found = counts.freedoms.find(each.which);
    out << "  left open by " << each.rule << ": " << (found == counts.freedoms.end() ? 0 : found->second) << " ("
        << each.what << ")\n";
  }
}

bool varied(const tally& counts) {
  const auto enough = [&](std::uint64_t part) { return part * 100 >= counts.steps; };
  return enough(counts.blocked) && enough(counts.kills) && enough(counts.removed_while_blocked);
}

}  // namespace xsipc::conformance::differential
