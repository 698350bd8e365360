#include "message_store.hpp"

#include <algorithm>
#include <cstring>

namespace xsipc::engine {

void message_store::make(std::uint64_t qbytes) {
  queue_body& made = body();
  made.ticket = 1;
  made.qbytes = qbytes;
  made.free_node = made.free_record = nil;
  made.receivers = made.receivers_tail = nil;
  made.senders = made.senders_tail = nil;
  made.flight = made.flight_tail = nil;
  made.stime = made.rtime = 0;
  made.lspid = made.lrpid = 0;
  made.node_pages = 0;
  made.block_cells = made.free_cells = made.freed_cells = 0;
  for (std::uint32_t& head : made.free_block) head = nil;
  index().reset();
}

// -- Sending

// A long text begins in the node and goes on in blocks. Not the other way round: callers' buffers begin a few bytes
// behind a page, blocks at one, and a copy to addresses that are that little higher modulo 4096 takes 20 times as long.
void message_store::write_long_text(std::uint32_t staged, message_node& message, const std::byte* text) {
  std::memcpy(message.text, text, inline_text_bytes);
  text += inline_text_bytes;
  static_cast<void>(
      blocks().for_each_block(staged, message, [&](std::uint32_t block, std::uint32_t, std::uint32_t bytes) {
        std::memcpy(memory_.space().cell_bytes_at(block), text, bytes);
        text += bytes;
        return true;
      }));
}

void message_store::drop(std::uint32_t staged) {
  if (message_node* message = memory_.node(staged); message != nullptr) {
    message->state = free_state;
    release(staged, *message);
  }
}

// -- Receiving

void message_store::read_long_text(std::uint32_t message, const message_node& node, std::byte* to,
                                   std::uint32_t size) const {
  const std::uint32_t head = std::min(size, inline_text_bytes);
  std::memcpy(to, node.text, head);
  to += head;
  size -= head;
  if (size == 0) return;
  static_cast<void>(
      blocks().for_each_block(message, node, [&](std::uint32_t block, std::uint32_t, std::uint32_t bytes) {
        const std::uint32_t wanted = std::min(bytes, size);
        std::memcpy(to, memory_.space().cell_bytes_at(block), wanted);
        to += wanted;
        size -= wanted;
        return size != 0;
      }));
}

queue_counts message_store::counts() const {
  const std::uint64_t volume = read(body().volume);
  return {.cbytes = volume >> qnum_bits,
          .qnum = volume & most_messages,
          .stime = read(body().stime),
          .rtime = read(body().rtime),
          .lspid = read(body().lspid),
          .lrpid = read(body().lrpid)};
}

}  // namespace xsipc::engine
