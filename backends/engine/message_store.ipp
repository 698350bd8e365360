// The functions of message_store that every message passes. Included by message_store.hpp; inline, so that they become
// part of the calls.
namespace xsipc::engine {

// At most inline_text_bytes. Two overlapping copies of a fixed size are faster than a call.
template <std::size_t Piece>
void copy_ends(std::byte* to, const std::byte* from, std::uint32_t size) {
  std::byte head[Piece];
  std::byte tail[Piece];
  std::memcpy(head, from, Piece);
  std::memcpy(tail, from + size - Piece, Piece);
  std::memcpy(to, head, Piece);
  std::memcpy(to + size - Piece, tail, Piece);
}

inline void copy_short(std::byte* to, const std::byte* from, std::uint32_t size) {
  if (size >= 32) {
    if (size > 64) std::memcpy(to + 32, from + 32, 32);
    copy_ends<32>(to, from, size);
  } else if (size >= 16) {
    copy_ends<16>(to, from, size);
  } else if (size >= 8) {
    copy_ends<8>(to, from, size);
  } else if (size >= 4) {
    copy_ends<4>(to, from, size);
  } else if (size != 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
}
static_assert(inline_text_bytes <= 96);

// -- Sending

inline bool message_store::fits(std::uint32_t size) const {
  const std::uint64_t volume = read(body().volume);
  const std::uint64_t qbytes = read(body().qbytes);
  return (volume >> qnum_bits) + size <= std::min(qbytes, most_bytes) &&
         (volume & most_messages) + 1 <= std::min(qbytes, most_messages);
}

inline std::uint32_t message_store::stage(std::int64_t type, std::uint32_t size) {
  const std::uint32_t number = memory_.take_node();
  if (number == nil) [[unlikely]]
    return nil;
  message_node& staged = memory_.known_node(number);
  staged.type = type;
  staged.size = size;
  if (size > inline_text_bytes && !blocks().take(number, staged)) [[unlikely]] {
    blocks().give(number, staged);
    memory_.give_node(number);
    return nil;
  }
  staged.state = staged_state;
  return number;
}

inline void message_store::write_text(std::uint32_t staged, const std::byte* text) {
  message_node* message = memory_.node(staged);
  if (message == nullptr) return;
  const std::uint32_t size = read(message->size);
  if (size <= inline_text_bytes) [[likely]] {
    copy_short(message->text, text, size);
    return;
  }
  write_long_text(staged, *message, text);
}

inline void message_store::post(std::uint32_t staged, const deed& by, wake_list& wakes) {
  message_node* message = memory_.node(staged);
  if (message == nullptr) return;
  publish(*message);  // commits
  sent(by.pid, by.now);
  place(staged, *message, true, by.now, wakes);
}

inline void message_store::publish(message_node& message) {
  const std::uint64_t ticket = body().ticket;
  commit(message.state, state_of(ticket, node_kind::message));
  body().ticket = ticket + 1;
}

inline void message_store::sent(std::int32_t pid, std::int64_t now) {
  store_if_changed(body().lspid, pid);
  store_if_changed(body().stime, now);
}

inline void message_store::received(std::int32_t pid, std::int64_t now) {
  store_if_changed(body().lrpid, pid);
  store_if_changed(body().rtime, now);
}

// Gives node and blocks of a message back that is none any more.
inline void message_store::release(std::uint32_t number, message_node& message) {
  if (message.size > inline_text_bytes) blocks().give(number, message);
  memory_.give_node(number);
}

// A message that is committed, but in no list yet.
inline void message_store::place(std::uint32_t number, message_node& message, bool newest, std::int64_t now,
                                 wake_list& wakes) {
  if (body().receivers != nil && hand_over(number, message, now, wakes)) [[unlikely]]
    return;
  if (newest) [[likely]] {
    index().append(number, message);
  } else {
    index().insert(number, message);
  }
}

// -- Receiving

inline std::uint32_t message_store::find(const msgtyp_selector& selector) { return index().find(selector); }

inline message_head message_store::head_of(std::uint32_t message) const {
  const message_node* node = memory_.node(message);
  return node == nullptr ? message_head{} : message_head{node->type, read(node->size)};
}

inline void message_store::read_text(std::uint32_t message, std::byte* to, std::uint32_t size) const {
  const message_node* node = memory_.node(message);
  if (node == nullptr) return;
  if (read(node->size) <= inline_text_bytes) [[likely]] {
    copy_short(to, node->text, std::min(size, inline_text_bytes));
    return;
  }
  read_long_text(message, *node, to, size);
}

inline void message_store::take(std::uint32_t message, const deed& by, wake_list& wakes) {
  message_node* node = memory_.node(message);
  if (node == nullptr) return;
  commit(node->state, free_state);
  index().remove(message, *node);
  release(message, *node);
  received(by.pid, by.now);
  if (body().senders != nil) [[unlikely]]
    admit(by.now, wakes);
}

}  // namespace xsipc::engine
