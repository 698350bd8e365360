// Packets between test and actor: trivially copyable values and byte strings, over a stream socket, with at most
// one descriptor attached. Both ends are the same program on the same machine, so values travel as they lie in memory.
#ifndef XSIPC_CONFORMANCE_WIRE_HPP
#define XSIPC_CONFORMANCE_WIRE_HPP

#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "xsipc/conformance/routine.hpp"
#include "xsipc/result.hpp"

namespace xsipc::conformance {

// The other end is gone.
class disconnected : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class packet_writer {
 public:
  template <typename T>
  requires std::is_trivially_copyable_v<T> packet_writer& put(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  packet_writer& put_bytes(std::string_view bytes) {
    put(bytes.size());
    bytes_.append(bytes);
    return *this;
  }
  template <typename T>
  requires std::is_trivially_copyable_v<T> packet_writer& put_vector(const std::vector<T>& values) {
    return put_bytes({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  }
  template <typename T>
  packet_writer& put_result(const result<T>& outcome) {
    put(outcome.has_value());
    if (!outcome) return put(outcome.error());
    if constexpr (!std::is_void_v<T>) put(*outcome);
    return *this;
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class packet_reader {
 public:
  explicit packet_reader(std::string bytes) : bytes_(std::move(bytes)) {}

  template <typename T>
  requires std::is_trivially_copyable_v<T> T get() {
    alignas(T) std::byte storage[sizeof(T)];
    const std::string_view bytes = take(sizeof storage);
    bytes.copy(reinterpret_cast<char*>(storage), bytes.size());
    return *reinterpret_cast<T*>(storage);
  }
  std::string get_bytes() { return std::string(take(get<std::size_t>())); }
  template <typename T>
  requires std::is_trivially_copyable_v<T> std::vector<T> get_vector() {
    const std::string_view bytes = take(get<std::size_t>());
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  template <typename T>
  result<T> get_result() {
    if (!get<bool>()) return get<ipc_error>();
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return get<T>();
    }
  }

 private:
  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - position_) throw std::logic_error("a packet ends before its content does");
    const auto part = std::string_view(bytes_).substr(position_, count);
    position_ += count;
    return part;
  }

  std::string bytes_;
  std::size_t position_ = 0;
};

// Sends and receives whole packets; EINTR is passed over, because actors catch signals. Both throw `disconnected` when
// the other end is gone.
void send_packet(int socket, const packet_writer& packet, int descriptor_to_pass = -1);
struct incoming {
  packet_reader packet;
  int descriptor;  // -1 if none came; else the caller's to close
};
[[nodiscard]] incoming receive_packet(int socket);

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_WIRE_HPP
