#include "compare.hpp"

#include <algorithm>
#include <cerrno>

namespace xsipc::conformance::differential {
namespace {

std::string versus(const side_names& names, const std::string& what, const std::string& a, const std::string& b) {
  return what + ": " + std::string(names.first) + " says " + a + ", " + std::string(names.second) + " says " + b;
}

std::string_view kind_word(object_kind kind) {
  return kind == object_kind::queue ? "queue " : kind == object_kind::set ? "set " : "segment ";
}

// Only the kernel refuses execute bits, and only where there is an object; nothing else comes of it.
bool execute_bits_differ(const action& of, const outcome& a, const outcome& b) {
  constexpr ipc_mode execute_bits = 0111;
  return of.what.call == call_kind::get && (of.what.perm.mode & execute_bits) != 0 &&
         (a.code == EACCES || b.code == EACCES);
}

// Which freedom, if any, lets this field differ.
std::optional<freedom> freedom_of_field(object_kind kind, std::size_t field, const open_fields& open) {
  if (open.zcnt && is_zcnt_field(kind, field)) return freedom::stale_zcnt;
  if (open.otime && is_otime_field(kind, field)) return freedom::otime_of_empty_undo;
  return std::nullopt;
}

// The first field that differs and may not.
std::optional<std::size_t> differing_field(object_kind kind, const open_fields& open, const fields& a, const fields& b,
                                           freedom_counts& freedoms) {
  for (std::size_t f = 0; f < std::min(a.size(), b.size()); ++f) {
    if (a[f] == b[f]) continue;
    const auto allowed = freedom_of_field(kind, f, open);
    if (!allowed) return f;
    ++freedoms[*allowed];
  }
  return std::nullopt;
}

std::string ended_text(const std::vector<ended_call>& calls) {
  if (calls.empty()) return "none";
  std::string text;
  for (const ended_call& each : calls) {
    if (!text.empty()) text += "; ";
    text += "a" + std::to_string(each.actor) + "_t" + std::to_string(each.thread) + " " + as_text(each.what);
  }
  return text;
}

}  // namespace

std::optional<std::string> difference(const side_names& names, const action& of, const open_fields& open,
                                      const outcome& a, const outcome& b, freedom_counts& freedoms) {
  if (a == b) return std::nullopt;
  if (of.what.call == call_kind::stat && a.code == 0 && b.code == 0 &&
      !differing_field(of.what.kind, open, a.numbers, b.numbers, freedoms)) {
    return std::nullopt;
  }
  if (of.what.call == call_kind::query && of.what.what == sem_query::zcnt && open.zcnt && a.code == 0 && b.code == 0) {
    ++freedoms[freedom::stale_zcnt];
    return std::nullopt;
  }
  if (execute_bits_differ(of, a, b)) {
    ++freedoms[freedom::execute_bits_asked];
    return std::nullopt;
  }
  return versus(names, "the call", as_text(a), as_text(b));
}

std::optional<std::string> difference(const side_names& names, const std::vector<ended_call>& a,
                                      const std::vector<ended_call>& b) {
  if (a == b) return std::nullopt;
  return versus(names, "blocked calls that ended", ended_text(a), ended_text(b));
}

std::optional<std::string> difference(const side_names& names, const std::vector<std::pair<object_kind, int>>& objects,
                                      const std::vector<open_fields>& open, const snapshot& a, const snapshot& b,
                                      freedom_counts& freedoms) {
  if (a.objects.size() != objects.size() || b.objects.size() != objects.size()) return "an observer told too little";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const observed& one = a.objects[i];
    const observed& other = b.objects[i];
    if (one == other) continue;
    const object_kind kind = objects[i].first;
    const std::string name = std::string(kind_word(kind)) + std::to_string(objects[i].second);
    if (one.code != other.code || one.values.size() != other.values.size()) {
      return versus(names, "IPC_STAT of " + name, "errno " + std::to_string(one.code),
                    "errno " + std::to_string(other.code));
    }
    if (const auto f = differing_field(kind, open[i], one.values, other.values, freedoms)) {
      return versus(names, field_name(kind, *f) + " of " + name, std::to_string(one.values[*f]),
                    std::to_string(other.values[*f]));
    }
  }
  const std::size_t told = std::min(a.usage.size(), b.usage.size());
  for (std::size_t f = 0; f < told; ++f) {
    if (a.usage[f] == b.usage[f]) continue;
    return versus(names, "usage, " + usage_name(f), std::to_string(a.usage[f]), std::to_string(b.usage[f]));
  }
  return a.usage.size() == b.usage.size() ? std::nullopt : std::optional<std::string>("usage can't be read");
}

}  // namespace xsipc::conformance::differential
