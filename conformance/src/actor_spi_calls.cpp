// The SPI's calls as an actor makes them: arguments out of the packet, result into the answer.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "actor_server.hpp"

namespace xsipc::conformance {
namespace {

constexpr std::size_t guard_bytes = 64;
constexpr char guard_byte = '\x5a';

// Memory in the actor for bytes that travel, with a guard behind it that no call may touch.
class staged_bytes {
 public:
  explicit staged_bytes(wire_bytes wire) : wire_(std::move(wire)) { wire_.bytes.append(guard_bytes, guard_byte); }

  [[nodiscard]] bool at_address() const { return wire_.is == wire_bytes::kind::at_address; }
  [[nodiscard]] void* address() const { return reinterpret_cast<void*>(wire_.address); }
  [[nodiscard]] std::size_t claimed_size() const { return wire_.size; }
  [[nodiscard]] void* data() { return wire_.is == wire_bytes::kind::null ? nullptr : wire_.bytes.data(); }

  // What lies there now, for the way back. Throws if something was written behind it.
  [[nodiscard]] std::string content() const {
    if (wire_.is != wire_bytes::kind::by_value) return {};
    const std::string_view guard = std::string_view(wire_.bytes).substr(wire_.size);
    if (guard.find_first_not_of(guard_byte) != guard.npos) throw std::runtime_error("a call wrote behind its buffer");
    return wire_.bytes.substr(0, wire_.size);
  }

 private:
  wire_bytes wire_;
};

// Casts of memory that a std::string holds: aligned for all, as it comes from operator new (or is never read).
template <typename T>
std::span<T> as_span_of(staged_bytes& bytes, std::size_t count) {
  return {static_cast<T*>(bytes.data()), count};
}

void answer_send(packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  const auto id = request.get<msqid>();
  const auto type = request.get<long>();
  staged_bytes text(get_wire_bytes(request));
  const auto until = request.get<deadline>();
  const auto message = text.at_address() ? message_view::framed(text.address(), text.claimed_size())
                                         : message_view(type, as_span_of<const std::byte>(text, text.claimed_size()));
  answer.put_result(xsi.send(id, message, until));
}

void answer_receive(packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  const auto id = request.get<msqid>();
  const auto selector = request.get<msgtyp_selector>();
  staged_bytes room(get_wire_bytes(request));
  const auto when_too_long = request.get<truncation>();
  const auto until = request.get<deadline>();
  const auto into = room.at_address() ? message_buffer::framed(room.address(), room.claimed_size())
                                      : message_buffer(as_span_of<std::byte>(room, room.claimed_size()));
  answer.put_result(xsi.receive(id, selector, into, when_too_long, until));
  answer.put_bytes(room.content());
}

void answer_operate(packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  const auto id = request.get<semid>();
  const auto count = request.get<std::size_t>();
  staged_bytes operations(get_wire_bytes(request));
  const auto until = request.get<deadline>();
  answer.put_result(xsi.operate(id, as_span_of<const sem_operation>(operations, count), until));
}

void answer_get_all(packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  const auto id = request.get<semid>();
  staged_bytes values(get_wire_bytes(request));
  answer.put_result(xsi.get_all(id, as_span_of<std::uint16_t>(values, values.claimed_size() / 2)));
  answer.put_bytes(values.content());
}

void answer_set_all(packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  const auto id = request.get<semid>();
  staged_bytes values(get_wire_bytes(request));
  answer.put_result(xsi.set_all(id, as_span_of<const std::uint16_t>(values, values.claimed_size() / 2)));
}

// Calls `member` of the backend with arguments of the types it takes, read in their order.
template <typename Interface, typename Outcome, typename... Parameters>
void answer_plain(packet_reader& request, spi::backend& xsi, packet_writer& answer,
                  Outcome (Interface::*member)(Parameters...)) {
  // Braces fix the order of evaluation.
  std::tuple<std::decay_t<Parameters>...> arguments{request.get<std::decay_t<Parameters>>()...};
  answer.put_result(std::apply([&](const auto&... argument) { return (xsi.*member)(argument...); }, arguments));
}

bool answer_queue_call(op code, packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  using spi::backend;
  switch (code) {
    case op::get_queue: return answer_plain(request, xsi, answer, &backend::get_queue), true;
    case op::send: return answer_send(request, xsi, answer), true;
    case op::receive: return answer_receive(request, xsi, answer), true;
    case op::stat_queue: return answer_plain(request, xsi, answer, &backend::stat_queue), true;
    case op::change_queue: return answer_plain(request, xsi, answer, &backend::change_queue), true;
    case op::remove_queue: return answer_plain(request, xsi, answer, &backend::remove_queue), true;
    default: return false;
  }
}

bool answer_set_call(op code, packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  using spi::backend;
  switch (code) {
    case op::get_set: return answer_plain(request, xsi, answer, &backend::get_set), true;
    case op::operate: return answer_operate(request, xsi, answer), true;
    case op::query_semaphore: return answer_plain(request, xsi, answer, &backend::query_semaphore), true;
    case op::set_value: return answer_plain(request, xsi, answer, &backend::set_value), true;
    case op::get_all: return answer_get_all(request, xsi, answer), true;
    case op::set_all: return answer_set_all(request, xsi, answer), true;
    case op::stat_set: return answer_plain(request, xsi, answer, &backend::stat_set), true;
    case op::change_set: return answer_plain(request, xsi, answer, &backend::change_set), true;
    case op::remove_set: return answer_plain(request, xsi, answer, &backend::remove_set), true;
    default: return false;
  }
}

bool answer_segment_call(op code, packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  using spi::backend;
  switch (code) {
    case op::get_segment: return answer_plain(request, xsi, answer, &backend::get_segment), true;
    case op::attach: return answer_plain(request, xsi, answer, &backend::attach), true;
    case op::detach: return answer_plain(request, xsi, answer, &backend::detach), true;
    case op::stat_segment: return answer_plain(request, xsi, answer, &backend::stat_segment), true;
    case op::change_segment: return answer_plain(request, xsi, answer, &backend::change_segment), true;
    case op::remove_segment: return answer_plain(request, xsi, answer, &backend::remove_segment), true;
    case op::lock_segment: return answer_plain(request, xsi, answer, &backend::lock_segment), true;
    default: return false;
  }
}

}  // namespace

bool answer_spi_call(op code, packet_reader& request, spi::backend& xsi, packet_writer& answer) {
  using spi::backend;
  switch (code) {
    case op::limits: return answer_plain(request, xsi, answer, &backend::limits), true;
    case op::change_limits: return answer_plain(request, xsi, answer, &backend::change_limits), true;
    case op::usage: return answer_plain(request, xsi, answer, &backend::usage), true;
    case op::readiness: return answer_plain(request, xsi, answer, &backend::readiness), true;
    default: break;
  }
  return answer_queue_call(code, request, xsi, answer) || answer_set_call(code, request, xsi, answer) ||
         answer_segment_call(code, request, xsi, answer);
}

}  // namespace xsipc::conformance
