#include "steps.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <array>

namespace xsipc::conformance::differential {

std::string_view call_kind_name(call_kind which) {
  static constexpr std::array<std::string_view, call_kinds> names = {
      "get",       "stat",    "change",  "remove", "send",   "receive", "operate", "query",
      "set_value", "get_all", "set_all", "attach", "detach", "lock",    "poke",    "peek",
      "interrupt", "kill",    "exit",    "fork",   "exec",   "become"};
  return names.at(static_cast<std::size_t>(which));
}

identity identity_of(int number, const std::vector<int>& capabilities_that_lack) {
  constexpr ipc_user anna = 61011;
  constexpr ipc_user bert = 61012;
  constexpr ipc_user cleo = 61013;
  switch (number) {
    case 0: return {.without_capabilities = capabilities_that_lack};
    case 1: return {.without_capabilities = {CAP_IPC_OWNER, CAP_SYS_ADMIN, CAP_SYS_RESOURCE, CAP_IPC_LOCK}};
    case 2: return {.uid = anna};
    case 3: return {.uid = bert, .groups = {anna}};
    default: return {.uid = cleo, .gid = anna};
  }
}

bool is_root(int number) { return number <= 1; }

bool may_wait(const step& what) {
  const bool can = what.call == call_kind::send || what.call == call_kind::receive || what.call == call_kind::operate;
  return can && what.waits != patience::none;
}

std::string filling(const action& what) {
  constexpr std::uint64_t longest = 1 << 16;
  std::string bytes(std::min(what.what.size, longest), '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>((what.number * 31 + i * 7) % 251);
  return bytes;
}

namespace {

std::string number(std::int64_t n) { return std::to_string(n); }

std::string octal(ipc_mode mode) {
  std::string digits = "0";
  for (int shift = 9; shift >= 0; shift -= 3) {
    if ((mode >> shift) != 0) digits += static_cast<char>('0' + (mode >> shift & 7U));
  }
  return digits;
}

std::string_view yes(bool is) { return is ? "true" : "false"; }

char letter(object_kind kind) { return kind == object_kind::queue ? 'q' : kind == object_kind::set ? 's' : 'm'; }
std::string_view noun(object_kind kind) {
  return kind == object_kind::queue ? "queue" : kind == object_kind::set ? "set" : "segment";
}
std::string_view id_type(object_kind kind) {
  return kind == object_kind::queue ? "msqid" : kind == object_kind::set ? "semid" : "shmid";
}

std::string object_name(const action& a) {
  if (a.object < 0) return std::string(id_type(a.what.kind)) + "{-1}";
  return letter(a.what.kind) + number(a.object);
}

std::string actor_name(const action& a) { return "a" + number(a.what.actor); }
std::string thread_name(const action& a) {
  return actor_name(a) + (a.what.thread == 0 ? "" : "_t" + number(a.what.thread));
}

std::string until(const action& a) {
  switch (a.what.waits) {
    case patience::none: return "deadline::immediate()";
    case patience::endless: return "deadline::never()";
    case patience::an_hour: return "deadline::after(1h)";
    case patience::a_millisecond: return "deadline::after(1ms)";
  }
  return "?";
}

std::string permissions(const perm_change& perm) {
  return "{.uid = " + number(perm.uid) + ", .gid = " + number(perm.gid) + ", .mode = " + octal(perm.mode) + "}";
}

std::string get_line(const action& a) {
  const step& s = a.what;
  const std::string key = s.key == 0 ? "key::ipc_private" : "key{" + number(s.key) + "}";
  std::string text = "get_" + std::string(noun(s.kind)) + "(" + key;
  if (s.kind != object_kind::queue) text += ", " + number(static_cast<std::int64_t>(s.size));
  text += ", {.create = " + std::string(yes(s.create)) + ", .exclusive = " + std::string(yes(s.exclusive)) +
          ", .mode = " + octal(s.perm.mode) + "}";
  return text + (s.kind == object_kind::segment ? ", {})" : ")");
}

std::string operate_line(const action& a) {
  std::string text = "operate(" + object_name(a) + ", operations({";
  for (const sem_operation& each : a.what.operations) {
    const std::string_view flags = has(each.flags, sem_flags::undo)
                                       ? has(each.flags, sem_flags::no_wait) ? "no_wait | sem_flags::undo" : "undo"
                                   : has(each.flags, sem_flags::no_wait) ? "no_wait"
                                                                         : "none";
    text += "{" + number(each.semnum) + ", " + number(each.sem_op) + ", sem_flags::" + std::string(flags) + "}, ";
  }
  if (!a.what.operations.empty()) text.resize(text.size() - 2);
  return text + "}), " + until(a) + ")";
}

std::string receive_line(const action& a) {
  const step& s = a.what;
  return "receive(" + object_name(a) + ", {" + number(s.type) + ", " + std::string(yes(s.except)) + ", " +
         std::string(yes(s.copy)) + "}, room(" + number(static_cast<std::int64_t>(s.size)) +
         "), truncation::" + (s.cut ? "allow" : "refuse") + ", " + until(a) + ")";
}

std::string change_line(const action& a) {
  const std::string perm = permissions(a.what.perm);
  const std::string head = "change_" + std::string(noun(a.what.kind)) + "(" + object_name(a) + ", ";
  if (a.what.kind != object_kind::queue) return head + perm + ")";
  return head + "{.perm = " + perm + ", .qbytes = " + number(static_cast<std::int64_t>(a.what.size)) + "})";
}

// The call alone, without who makes it; empty for what is no call of the SPI.
std::string spi_call(const action& a) {
  const step& s = a.what;
  const std::string object = object_name(a);
  switch (s.call) {
    case call_kind::get: return get_line(a);
    case call_kind::stat: return "stat_" + std::string(noun(s.kind)) + "(static_cast<int>(" + object + "), lookup::id)";
    case call_kind::change: return change_line(a);
    case call_kind::remove: return "remove_" + std::string(noun(s.kind)) + "(" + object + ")";
    case call_kind::send:
      return "send(" + object + ", {" + number(s.type) + ", text(" + number(static_cast<std::int64_t>(s.size)) +
             ")}, " + until(a) + ")";
    case call_kind::receive: return receive_line(a);
    case call_kind::operate: return operate_line(a);
    case call_kind::query: {
      static constexpr std::array<std::string_view, 4> names = {"value", "pid", "ncnt", "zcnt"};
      return "query_semaphore(" + object + ", " + number(s.semnum) +
             ", sem_query::" + std::string(names.at(static_cast<std::size_t>(s.what))) + ")";
    }
    case call_kind::set_value: return "set_value(" + object + ", " + number(s.semnum) + ", " + number(s.value) + ")";
    case call_kind::get_all: return "get_all(" + object + ", values(" + number(a.elements) + "))";
    case call_kind::set_all:
      return "set_all(" + object + ", values(" + number(a.elements) + ", " + number(s.value) + "))";
    case call_kind::attach: return "attach(" + object + ", {.read_only = " + std::string(yes(s.flag)) + "})";
    case call_kind::detach: return "detach(at" + number(a.attachment) + (s.flag ? " + 1" : "") + ")";
    case call_kind::lock: return "lock_segment(" + object + ", " + std::string(yes(s.flag)) + ")";
    default: return {};
  }
}

std::string process_call(const action& a) {
  const std::string who = actor_name(a);
  const std::string other = "a" + number(a.what.pick);
  switch (a.what.call) {
    case call_kind::poke:
      return who + ".poke(at" + number(a.attachment) + ", text(" + number(static_cast<std::int64_t>(a.what.size)) +
             "));";
    case call_kind::peek:
      return who + ".peek(at" + number(a.attachment) + ", " + number(static_cast<std::int64_t>(a.what.size)) + ");";
    case call_kind::interrupt: return who + ".signal(SIGUSR1);";
    case call_kind::kill: return who + ".kill();  // and a new process of identity " + number(a.what.value);
    case call_kind::exit: return who + ".exit(0);  // and a new process of identity " + number(a.what.value);
    case call_kind::fork: return other + ".exit(0);  // and its place takes " + who + ".fork();";
    case call_kind::exec: return who + ".exec();";
    case call_kind::become: return who + ".become(identity_of(" + number(a.what.value) + "));";
    default: return {};
  }
}

}  // namespace

std::string as_test_line(const action& what) {
  const std::string call = spi_call(what);
  if (call.empty()) return process_call(what);
  if (may_wait(what.what)) {
    return "auto c" + std::to_string(what.number) + " = " + thread_name(what) +
           ".start([&](spi::backend& xsi) { return xsi." + call + "; });";
  }
  std::string result;
  if (what.what.call == call_kind::attach) result = "const auto at" + number(what.attachment) + " = ";
  if (what.what.call == call_kind::get && what.object >= 0) {
    result = "const auto " + object_name(what) + " = ";
  }
  return result + thread_name(what) + ".xsi()." + call + ";";
}

}  // namespace xsipc::conformance::differential
