// Messages on their way in and out, and how a receiver chooses one.
//
// A message is a type (a positive number that receivers select by) and a text (any bytes, also none).
// message_view and message_buffer refer to memory of the caller and own nothing: it must live until the
// call returns. Both know two layouts. Apart: type and text are separate. Framed: the type is a `long`
// directly before the text, the `struct { long mtype; char mtext[]; }` of msgsnd(2), which the kernel takes
// as it is, so that a framed message crosses without a copy (docs/decisions/0003). Making one of them reads
// and writes no memory, whatever it points to.
#ifndef XSIPC_MESSAGE_HPP
#define XSIPC_MESSAGE_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace xsipc {

// A message to send.
class message_view {
 public:
  // Apart. A `type` below 1 and a `text` longer than MSGMAX are EINVAL at the call.
  constexpr message_view(long type, std::span<const std::byte> text) noexcept
      : memory_(text.data()), size_bytes_(text.size()), type_(type), framed_(false) {}

  // Framed: `msgp` points to the long, `msgsz` counts the bytes behind it.
  [[nodiscard]] static message_view framed(const void* msgp, std::size_t msgsz) noexcept {
    message_view view(0, {static_cast<const std::byte*>(msgp), msgsz});
    view.framed_ = true;
    return view;
  }

  [[nodiscard]] constexpr bool is_framed() const noexcept { return framed_; }
  [[nodiscard]] constexpr std::size_t size_bytes() const noexcept { return size_bytes_; }

  // The long of a framed message; only for one.
  [[nodiscard]] constexpr const void* frame() const noexcept { return memory_; }

  // The type; of a framed message it is read now, at each call.
  [[nodiscard]] long type() const noexcept {
    if (!framed_) return type_;
    long read = 0;
    std::memcpy(&read, memory_, sizeof read);
    return read;
  }

  [[nodiscard]] const std::byte* text() const noexcept { return framed_ ? memory_ + sizeof(long) : memory_; }

 private:
  const std::byte* memory_;
  std::size_t size_bytes_;
  long type_;
  bool framed_;
};

// Room for a message to be received.
class message_buffer {
 public:
  // Apart: the text goes to `room`, an array, vector or span of bytes; the type is in the result only.
  template <typename Bytes>
  requires(
      std::is_constructible_v<std::span<std::byte>, Bytes&&> &&
      !std::is_same_v<std::remove_cvref_t<Bytes>,
                      message_buffer>) constexpr message_buffer(Bytes&& room) noexcept  // NOLINT: implicit by design
      : message_buffer(std::span<std::byte>(room), false) {}

  // Framed: on success the type is also written to the long at `msgp`, the text behind it; `msgsz` counts
  // the bytes of the text.
  [[nodiscard]] static message_buffer framed(void* msgp, std::size_t msgsz) noexcept {
    return {std::span(static_cast<std::byte*>(msgp), msgsz), true};
  }

  [[nodiscard]] constexpr bool is_framed() const noexcept { return framed_; }
  [[nodiscard]] constexpr std::size_t size_bytes() const noexcept { return size_bytes_; }
  // The long of a framed buffer; only for one.
  [[nodiscard]] constexpr void* frame() const noexcept { return memory_; }
  [[nodiscard]] std::byte* text() const noexcept { return framed_ ? memory_ + sizeof(long) : memory_; }

 private:
  constexpr message_buffer(std::span<std::byte> memory, bool framed) noexcept
      : memory_(memory.data()), size_bytes_(memory.size()), framed_(framed) {}

  std::byte* memory_;
  std::size_t size_bytes_;
  bool framed_;
};

// Which message a receiver takes: the msgtyp of msgrcv and the two flags that change its meaning.
//
// Source: XSI msgrcv; MSGRCV-01 to MSGRCV-06, MSGRCV-28 to MSGRCV-32.
struct msgtyp_selector {
  long msgtyp = 0;
  bool except = false;  // capability::except_selector; ignored unless msgtyp > 0
  bool copy = false;    // capability::copy_selector; msgtyp is then a place, counted from 0

  // The oldest message, whatever its type.
  [[nodiscard]] static constexpr msgtyp_selector any() noexcept { return {}; }
  // The oldest message of exactly this type (at least 1).
  [[nodiscard]] static constexpr msgtyp_selector type(long wanted) noexcept { return {wanted}; }
  // The oldest message of the lowest type that is at most `highest` (at least 1).
  [[nodiscard]] static constexpr msgtyp_selector lowest_up_to(long highest) noexcept { return {-highest}; }
  // The oldest message of any type but this one (at least 1).
  [[nodiscard]] static constexpr msgtyp_selector all_but(long unwanted) noexcept { return {unwanted, true, false}; }
  // A copy of the message at `place`, counted from 0; the queue stays as it is. Goes only with
  // deadline::immediate(), everything else is EINVAL.
  [[nodiscard]] static constexpr msgtyp_selector copy_of(long place) noexcept { return {place, false, true}; }
};

// What becomes of a message that is longer than the buffer.
enum class truncation : std::uint8_t {
  refuse,  // E2BIG, and the message stays where it is
  allow,   // the text is cut to the buffer and the rest is lost (MSG_NOERROR)
};

// A message that was received: its type and how many bytes of text were written.
struct received {
  long type = 0;
  std::size_t size_bytes = 0;
};

}  // namespace xsipc

#endif  // XSIPC_MESSAGE_HPP
