#include "wire.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace xsipc::conformance {
namespace {

// Room for one descriptor in a control message.
struct control_buffer {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))] = {};
};

void send_all(int socket, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(socket, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) throw disconnected("the other end of an actor's socket is gone");
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

void receive_all(int socket, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(socket, data, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw disconnected("the other end of an actor's socket is gone");
    data += got;
    size -= static_cast<std::size_t>(got);
  }
}

// Sends with the descriptor attached, which arrives with the first byte; returns how much went.
std::size_t send_with_descriptor(int socket, std::string_view bytes, int descriptor) {
  control_buffer control;
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  cmsghdr* const item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(item), &descriptor, sizeof descriptor);
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent <= 0) throw disconnected("the other end of an actor's socket is gone");
  return static_cast<std::size_t>(sent);
}

struct first_part {
  std::size_t size;
  int descriptor;  // -1 if none is attached
};

// Receives what is there, at least a byte and at most `size`.
first_part receive_first_part(int socket, char* data, std::size_t size) {
  control_buffer control;
  iovec part{data, size};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) throw disconnected("the other end of an actor's socket is gone");
  int descriptor = -1;
  const cmsghdr* const item = CMSG_FIRSTHDR(&header);
  if (item != nullptr && item->cmsg_type == SCM_RIGHTS) {
    std::memcpy(&descriptor, CMSG_DATA(item), sizeof descriptor);
  }
  return {static_cast<std::size_t>(got), descriptor};
}

}  // namespace

void send_packet(int socket, const packet_writer& packet, int descriptor_to_pass) {
  const std::uint64_t size = packet.bytes().size();
  std::string framed(reinterpret_cast<const char*>(&size), sizeof size);
  framed += packet.bytes();
  const std::size_t sent = descriptor_to_pass < 0 ? 0 : send_with_descriptor(socket, framed, descriptor_to_pass);
  send_all(socket, framed.data() + sent, framed.size() - sent);
}

// In one call, as a rule: packets are short, and the other end sends no second one before it has an answer.
incoming receive_packet(int socket) {
  char first[1024];
  std::uint64_t size = 0;
  auto [got, descriptor] = receive_first_part(socket, first, sizeof first);
  if (got < sizeof size) {
    receive_all(socket, first + got, sizeof size - got);
    got = sizeof size;
  }
  std::memcpy(&size, first, sizeof size);
  if (got - sizeof size > size) throw std::logic_error("two packets at once on an actor's socket");
  std::string bytes(size, '\0');
  std::memcpy(bytes.data(), first + sizeof size, got - sizeof size);
  receive_all(socket, bytes.data() + (got - sizeof size), bytes.size() - (got - sizeof size));
  return {packet_reader(std::move(bytes)), descriptor};
}

}  // namespace xsipc::conformance
