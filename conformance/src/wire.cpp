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

// Sends the first byte with the descriptor attached, so that it arrives with the packet and not without.
void send_with_descriptor(int socket, const char* byte, int descriptor) {
  control_buffer control;
  iovec part{const_cast<char*>(byte), 1};
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
  if (sent != 1) throw disconnected("the other end of an actor's socket is gone");
}

// Receives the first byte, and the descriptor if one is attached.
int receive_with_descriptor(int socket, char* byte) {
  control_buffer control;
  iovec part{byte, 1};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got != 1) throw disconnected("the other end of an actor's socket is gone");
  int descriptor = -1;
  const cmsghdr* const item = CMSG_FIRSTHDR(&header);
  if (item != nullptr && item->cmsg_type == SCM_RIGHTS) {
    std::memcpy(&descriptor, CMSG_DATA(item), sizeof descriptor);
  }
  return descriptor;
}

}  // namespace

void send_packet(int socket, const packet_writer& packet, int descriptor_to_pass) {
  const std::uint64_t size = packet.bytes().size();
  std::string framed(reinterpret_cast<const char*>(&size), sizeof size);
  framed += packet.bytes();
  std::size_t sent = 0;
  if (descriptor_to_pass >= 0) {
    send_with_descriptor(socket, framed.data(), descriptor_to_pass);
    sent = 1;
  }
  send_all(socket, framed.data() + sent, framed.size() - sent);
}

incoming receive_packet(int socket) {
  char header[sizeof(std::uint64_t)];
  const int descriptor = receive_with_descriptor(socket, header);
  receive_all(socket, header + 1, sizeof header - 1);
  std::uint64_t size = 0;
  std::memcpy(&size, header, sizeof size);
  std::string bytes(size, '\0');
  receive_all(socket, bytes.data(), bytes.size());
  return {packet_reader(std::move(bytes)), descriptor};
}

}  // namespace xsipc::conformance
