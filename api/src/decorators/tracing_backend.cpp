#include "xsipc/decorators/tracing_backend.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "interceptor.hpp"

namespace xsipc {
namespace {

using B = spi::backend;

constexpr std::size_t shown_bytes = 32;       // of a message's text
constexpr std::size_t shown_operations = 16;  // of an array

std::string number(auto value) { return std::to_string(value); }

std::string octal(ipc_mode mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%#o", mode);
  return text;
}

std::string hexadecimal(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(value));
  return text;
}

std::string quoted(const std::byte* text, std::size_t size_bytes) {
  if (text == nullptr) return "NULL, " + number(size_bytes) + " bytes";
  std::string shown = "\"";
  for (std::size_t i = 0; i < std::min(size_bytes, shown_bytes); ++i) {
    const auto c = static_cast<char>(text[i]);
    if (c == '"' || c == '\\') {
      shown += {'\\', c};
    } else if (c >= ' ' && c <= '~') {
      shown += c;
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(text[i]));
      shown += escape;
    }
  }
  return shown + (size_bytes > shown_bytes ? "\"..., " : "\", ") + number(size_bytes) + " bytes";
}

// Arguments. Texts of messages are shown by the calls below, which know whether they may be read.
std::string shown(key which) {
  return which == key::ipc_private ? "IPC_PRIVATE" : hexadecimal(static_cast<std::uint32_t>(which));
}
template <typename Id>
requires std::is_same_v < std::underlying_type_t<Id>,
int > std::string shown(Id id) { return number(static_cast<int>(id)); }
std::string shown(int value) { return number(value); }
std::string shown(std::size_t value) { return number(value); }
std::string shown(bool value) { return value ? "true" : "false"; }
std::string shown(const void* address) {
  return address == nullptr ? "NULL" : hexadecimal(reinterpret_cast<std::uintptr_t>(address));
}

std::string shown(const creation& how) {
  return std::string(how.create ? "IPC_CREAT|" : "") + (how.exclusive ? "IPC_EXCL|" : "") + octal(how.mode);
}

std::string shown(deadline until) {
  switch (until.which()) {
    case deadline::kind::immediate: return "IPC_NOWAIT";
    case deadline::kind::never: return "never";
    case deadline::kind::at: return "until " + number(until.nanoseconds()) + " ns";
    case deadline::kind::after: return "for " + number(until.nanoseconds()) + " ns";
  }
  return "?";
}

std::string shown(const msgtyp_selector& selector) {
  if (selector.copy) return "MSG_COPY " + number(selector.msgtyp) + (selector.except ? " MSG_EXCEPT" : "");
  return selector.msgtyp == 0 ? std::string("any") : number(selector.msgtyp) + (selector.except ? " MSG_EXCEPT" : "");
}

std::string shown(truncation when_too_long) { return when_too_long == truncation::allow ? "MSG_NOERROR" : "refuse"; }
std::string shown(const message_buffer& into) { return number(into.size_bytes()) + " bytes"; }
std::string shown(const message_view& message) {
  if (message.is_framed()) return "framed, " + number(message.size_bytes()) + " bytes";
  return "type " + number(message.type()) + " " + quoted(message.text(), message.size_bytes());
}

std::string shown(std::span<const sem_operation> operations) {
  if (operations.data() == nullptr) return "NULL, " + number(operations.size()) + " operations";
  std::string text = "[";
  for (const sem_operation& each : operations.first(std::min(operations.size(), shown_operations))) {
    if (text.size() > 1) text += ", ";
    text += number(each.semnum) + ": " + (each.sem_op > 0 ? "+" : "") + number(each.sem_op);
    if (has(each.flags, sem_flags::undo)) text += " SEM_UNDO";
    if (has(each.flags, sem_flags::no_wait)) text += " IPC_NOWAIT";
  }
  return text + (operations.size() > shown_operations ? ", ... " + number(operations.size()) + " in all]" : "]");
}

std::string shown(sem_query what) {
  switch (what) {
    case sem_query::value: return "GETVAL";
    case sem_query::pid: return "GETPID";
    case sem_query::ncnt: return "GETNCNT";
    case sem_query::zcnt: return "GETZCNT";
  }
  return "?";
}
std::string shown(std::span<std::uint16_t> values) { return "GETALL " + number(values.size()); }
std::string shown(std::span<const std::uint16_t> values) { return "SETALL " + number(values.size()); }
std::string shown(lookup how) { return how == lookup::id ? "IPC_STAT" : how == lookup::index ? "STAT" : "STAT_ANY"; }
std::string shown(object_kind kind) {
  return kind == object_kind::queue ? "queue" : kind == object_kind::set ? "set" : "segment";
}
std::string shown(const perm_change& to) {
  return "IPC_SET uid " + number(to.uid) + " gid " + number(to.gid) + " mode " + octal(to.mode);
}
std::string shown(const queue_change& to) { return shown(to.perm) + " qbytes " + number(to.qbytes); }
std::string shown(const segment_options& options) {
  return options.huge_pages ? "SHM_HUGETLB" : options.no_reserve ? "SHM_NORESERVE" : "0";
}
std::string shown(const attach_options& how) {
  return shown(static_cast<const void*>(how.address)) + (how.read_only ? " SHM_RDONLY" : "") +
         (how.round ? " SHM_RND" : "") + (how.remap ? " SHM_REMAP" : "") + (how.execute ? " SHM_EXEC" : "");
}
std::string shown(const ipc_limits&) { return "limits"; }

// Values that calls return.
std::string value(const auto& returned) { return shown(returned); }
std::string value(void* address) { return shown(static_cast<const void*>(address)); }
std::string value(const ipc_limits&) { return "limits"; }
std::string value(const ipc_usage& usage) { return number(usage.objects) + " objects"; }
std::string value(const queue_status& s) { return number(s.qnum) + " messages, " + number(s.cbytes) + " bytes"; }
std::string value(const set_status& s) { return number(s.nsems) + " semaphores"; }
std::string value(const segment_status& s) { return number(s.segsz) + " bytes, nattch " + number(s.nattch); }

// What the standard calls a function that has none of its own among its arguments.
template <auto Member>
constexpr std::string_view command = "";
template <>
constexpr std::string_view command<&B::remove_queue> = "IPC_RMID";
template <>
constexpr std::string_view command<&B::remove_set> = "IPC_RMID";
template <>
constexpr std::string_view command<&B::remove_segment> = "IPC_RMID";
template <>
constexpr std::string_view command<&B::lock_segment> = "SHM_LOCK";
template <>
constexpr std::string_view command<&B::set_value> = "SETVAL";

class tracing final : public detail::interceptor<tracing> {
 public:
  tracing(std::unique_ptr<spi::backend> inner, trace_sink sink)
      : interceptor(std::move(inner)), sink_(std::move(sink)) {}

  template <auto Member, typename... Arguments>
  auto pass(xsi_call call, const Arguments&... arguments)
      -> decltype((std::declval<spi::backend&>().*Member)(arguments...)) {
    const auto begin = std::chrono::steady_clock::now();
    auto outcome = (inner().*Member)(arguments...);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::string line = std::string(call_name(call)) + "(";
    [[maybe_unused]] const char* comma = "";
    ((line += comma + shown(arguments), comma = ", "), ...);
    if (!command<Member>.empty()) line += ", " + std::string(command<Member>);
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, " <%.6f s>", took.count());
    sink_(line + ") = " + shown_outcome(outcome, arguments...) + seconds);
    return outcome;
  }

 private:
  template <typename T, typename... Arguments>
  static std::string shown_outcome(const result<T>& outcome, const Arguments&... arguments) {
    if (!outcome) return errno_name(outcome.error().code);
    if constexpr (std::is_void_v<T>) {
      return "0";
    } else if constexpr (std::is_same_v<T, received>) {
      return "type " + number(outcome->type) + " " + quoted(room(arguments...).text(), outcome->size_bytes);
    } else {
      return value(*outcome);
    }
  }
  static const message_buffer& room(msqid, const msgtyp_selector&, const message_buffer& into, truncation, deadline) {
    return into;
  }

  trace_sink sink_;
};

}  // namespace

std::unique_ptr<spi::backend> make_tracing_backend(std::unique_ptr<spi::backend> inner, trace_sink sink) {
  return std::make_unique<tracing>(std::move(inner), std::move(sink));
}

}  // namespace xsipc
