#include "remote_backend.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace xsipc::conformance {

actor_socket::~actor_socket() { ::close(descriptor_); }

namespace {

packet_reader content_of(packet_reader answer) {
  const std::string problem = answer.get_bytes();
  if (!problem.empty()) throw std::runtime_error("an actor says: " + problem);
  return packet_reader(answer.get_bytes());
}

}  // namespace

packet_reader actor_socket::ask(const packet_writer& request, int descriptor_to_pass) {
  const std::unique_lock only_one(busy_, std::try_to_lock);
  if (!only_one) throw std::logic_error("a call is pending on this thread of the actor; use another, begun before");
  send_packet(descriptor_, request, descriptor_to_pass);
  return content_of(receive_packet(descriptor_).packet);
}

greeting actor_socket::await_greeting() { return content_of(receive_packet(descriptor_).packet).get<greeting>(); }

template <typename T>
result<T> remote_backend::call_with(op code, const std::function<void(packet_writer&)>& put_arguments,
                                    const std::function<void(packet_reader&)>& take_more) {
  packet_writer request;
  request.put(code);
  put_arguments(request);
  try {
    packet_reader answer = socket_.ask(request);
    result<T> outcome = answer.get_result<T>();
    if (take_more) take_more(answer);
    return outcome;
  } catch (const disconnected&) {
    return ipc_error{.code = ESRCH};
  }
}

template <typename T, typename... Arguments>
result<T> remote_backend::call(op code, const Arguments&... arguments) {
  return call_with<T>(code, [&](packet_writer& request) { (request.put(arguments), ...); });
}

template <typename Id>
result<Id> remote_backend::observed(object_kind kind, result<Id> id) {
  if (id) observer_(kind, static_cast<int>(*id));
  return id;
}

result<ipc_limits> remote_backend::limits() { return call<ipc_limits>(op::limits); }
result<void> remote_backend::change_limits(const ipc_limits& wanted) { return call<void>(op::change_limits, wanted); }
result<ipc_usage> remote_backend::usage(object_kind kind) { return call<ipc_usage>(op::usage, kind); }
result<int> remote_backend::readiness(object_kind kind, int id) { return call<int>(op::readiness, kind, id); }

result<msqid> remote_backend::get_queue(key which, creation how) {
  return observed(object_kind::queue, call<msqid>(op::get_queue, which, how));
}

result<void> remote_backend::send(msqid id, message_view message, deadline until) {
  const bool framed = message.is_framed();
  const wire_bytes text = framed ? wire_bytes{wire_bytes::kind::at_address, message.size_bytes(),
                                              reinterpret_cast<std::uintptr_t>(message.frame())}
                                 : wire_span(message.text(), message.size_bytes());
  return call_with<void>(op::send, [&](packet_writer& request) {
    request.put(id).put(framed ? 0L : message.type());
    put(request, text);
    request.put(until);
  });
}

result<received> remote_backend::receive(msqid id, msgtyp_selector selector, message_buffer into,
                                         truncation when_too_long, deadline until) {
  const wire_bytes room = into.is_framed() ? wire_bytes{wire_bytes::kind::at_address, into.size_bytes(),
                                                        reinterpret_cast<std::uintptr_t>(into.frame())}
                                           : wire_span(into.text(), into.size_bytes());
  return call_with<received>(
      op::receive,
      [&](packet_writer& request) {
        request.put(id).put(selector);
        put(request, room);
        request.put(when_too_long).put(until);
      },
      [&](packet_reader& answer) {
        const std::string text = answer.get_bytes();
        if (!text.empty()) std::memcpy(into.text(), text.data(), text.size());
      });
}

result<queue_status> remote_backend::stat_queue(int id_or_index, lookup how) {
  return call<queue_status>(op::stat_queue, id_or_index, how);
}
result<void> remote_backend::change_queue(msqid id, const queue_change& change) {
  return call<void>(op::change_queue, id, change);
}
result<void> remote_backend::remove_queue(msqid id) { return call<void>(op::remove_queue, id); }

result<semid> remote_backend::get_set(key which, int nsems, creation how) {
  return observed(object_kind::set, call<semid>(op::get_set, which, nsems, how));
}

result<void> remote_backend::operate(semid id, std::span<const sem_operation> operations, deadline until) {
  return call_with<void>(op::operate, [&](packet_writer& request) {
    request.put(id).put(operations.size());
    put(request, wire_span(operations.data(), operations.size_bytes()));
    request.put(until);
  });
}

result<int> remote_backend::query_semaphore(semid id, int semnum, sem_query what) {
  return call<int>(op::query_semaphore, id, semnum, what);
}
result<void> remote_backend::set_value(semid id, int semnum, int value) {
  return call<void>(op::set_value, id, semnum, value);
}

result<void> remote_backend::get_all(semid id, std::span<std::uint16_t> values) {
  return call_with<void>(
      op::get_all,
      [&](packet_writer& request) {
        request.put(id);
        put(request, wire_span(values.data(), values.size_bytes()));
      },
      [&](packet_reader& answer) {
        const std::string bytes = answer.get_bytes();
        if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
      });
}

result<void> remote_backend::set_all(semid id, std::span<const std::uint16_t> values) {
  return call_with<void>(op::set_all, [&](packet_writer& request) {
    request.put(id);
    put(request, wire_span(values.data(), values.size_bytes()));
  });
}

result<set_status> remote_backend::stat_set(int id_or_index, lookup how) {
  return call<set_status>(op::stat_set, id_or_index, how);
}
result<void> remote_backend::change_set(semid id, const perm_change& change) {
  return call<void>(op::change_set, id, change);
}
result<void> remote_backend::remove_set(semid id) { return call<void>(op::remove_set, id); }

result<shmid> remote_backend::get_segment(key which, std::size_t size, creation how, segment_options options) {
  return observed(object_kind::segment, call<shmid>(op::get_segment, which, size, how, options));
}
result<void*> remote_backend::attach(shmid id, const attach_options& options) {
  return call<void*>(op::attach, id, options);
}
result<void> remote_backend::detach(const void* address) { return call<void>(op::detach, address); }
result<segment_status> remote_backend::stat_segment(int id_or_index, lookup how) {
  return call<segment_status>(op::stat_segment, id_or_index, how);
}
result<void> remote_backend::change_segment(shmid id, const perm_change& change) {
  return call<void>(op::change_segment, id, change);
}
result<void> remote_backend::remove_segment(shmid id) { return call<void>(op::remove_segment, id); }
result<void> remote_backend::lock_segment(shmid id, bool locked) { return call<void>(op::lock_segment, id, locked); }

}  // namespace xsipc::conformance
