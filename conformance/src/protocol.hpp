// What test and actor say to each other.
//
// Each thread of an actor reads requests from a socket of its own and answers each before it reads the next. A request
// is an operation's code and its arguments, in the order of the SPI's parameters; the answer is the result. Whoever
// begins a thread or a process passes it the socket. The first thing a new one sends is a greeting.
#ifndef XSIPC_CONFORMANCE_PROTOCOL_HPP
#define XSIPC_CONFORMANCE_PROTOCOL_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire.hpp"
#include "xsipc/conformance/actor.hpp"

namespace xsipc::conformance {

enum class op : std::uint8_t {
  // The SPI.
  limits,
  change_limits,
  usage,
  readiness,
  get_queue,
  send,
  receive,
  stat_queue,
  change_queue,
  remove_queue,
  get_set,
  operate,
  query_semaphore,
  set_value,
  get_all,
  set_all,
  stat_set,
  change_set,
  remove_set,
  get_segment,
  attach,
  detach,
  stat_segment,
  change_segment,
  remove_segment,
  lock_segment,
  // The process.
  run,
  begin_thread,
  end_thread,
  cancel_thread,
  fork,
  exec,
  exit,
  exit_at_once,
  wait_for,
  become,
  catch_signal,
  ignore_signal,
  signals_caught,
  peek,
  poke,
  new_namespace,  // also of the process that begins actors
  // Of the process that begins actors.
  begin_process,
  reap,
  reap_all,
};

struct greeting {
  ipc_pid pid;
  ipc_pid tid;
};

// Bytes that a call takes or gives, in the ways of actor.hpp.
struct wire_bytes {
  enum class kind : std::uint8_t {
    by_value,   // `bytes`
    null,       // a null pointer that claims `size`
    too_long,   // a short buffer that claims `size`
    at_address  // memory of the actor
  };
  kind is = kind::by_value;
  std::size_t size = 0;
  std::uintptr_t address = 0;
  std::string bytes = {};
};
inline constexpr std::size_t longest_by_value_bytes = 1 << 20;

// The span `data, size` of the test as it travels.
[[nodiscard]] inline wire_bytes wire_span(const void* data, std::size_t size) {
  if (data == nullptr && size != 0) return {wire_bytes::kind::null, size};
  if (size > longest_by_value_bytes) return {wire_bytes::kind::too_long, size};
  return {wire_bytes::kind::by_value, size, 0, std::string(static_cast<const char*>(data), size)};
}

inline void put(packet_writer& to, const wire_bytes& bytes) {
  to.put(bytes.is).put(bytes.size).put(bytes.address).put_bytes(bytes.bytes);
}
[[nodiscard]] inline wire_bytes get_wire_bytes(packet_reader& from) {
  wire_bytes bytes;
  bytes.is = from.get<wire_bytes::kind>();
  bytes.size = from.get<std::size_t>();
  bytes.address = from.get<std::uintptr_t>();
  bytes.bytes = from.get_bytes();
  return bytes;
}

inline void put(packet_writer& to, const identity& who) {
  to.put(who.uid).put(who.gid).put(who.real_uid).put(who.real_gid);
  to.put_vector(who.groups).put_vector(who.without_capabilities);
}
[[nodiscard]] inline identity get_identity(packet_reader& from) {
  identity who;
  who.uid = from.get<std::optional<ipc_user>>();
  who.gid = from.get<std::optional<ipc_user>>();
  who.real_uid = from.get<std::optional<ipc_user>>();
  who.real_gid = from.get<std::optional<ipc_user>>();
  who.groups = from.get_vector<ipc_user>();
  who.without_capabilities = from.get_vector<int>();
  return who;
}

// How an actor's process is told what it is: program --xsipc-actor BACKEND SOCKET, and the process that begins actors.
inline constexpr std::string_view actor_argument = "--xsipc-actor";
inline constexpr std::string_view beginner_argument = "--xsipc-actor-beginner";

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_PROTOCOL_HPP
