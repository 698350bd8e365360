// What a queue consists of in the arena. For the message store only; fixed for a layout_version.
//
// Pages of nodes: 25 cells are nodes (messages and waiters), the other 7 hold 28 records of types. So there is always a
// record for the type of every message, and one commit adds both.
#ifndef XSIPC_ENGINE_MESSAGE_LAYOUT_HPP
#define XSIPC_ENGINE_MESSAGE_LAYOUT_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "arena.hpp"

namespace xsipc::engine {

inline constexpr std::uint32_t cache_line_bytes = 64;
inline constexpr std::uint32_t inline_text_bytes = 88;
inline constexpr std::uint32_t block_orders = 10;  // blocks of 128 B << order: up to 64 KiB
inline constexpr std::uint32_t inline_buckets = 32;
inline constexpr std::uint32_t nodes_per_page = 25;
inline constexpr std::uint32_t records_per_page = 28;
inline constexpr std::uint32_t record_stride = 32;  // numbers of records: page * 32 + place in the page

// A node's state is ticket << 2 | kind. `none` is a free node, or a staged message: recovery frees one to which no
// waiter leads, whatever its state says.
enum class node_kind : std::uint32_t { none, message, receiver, sender };
inline constexpr std::uint64_t free_state = 0;
inline constexpr std::uint64_t staged_state = 4;

[[nodiscard]] constexpr node_kind kind_of(std::uint64_t state) { return static_cast<node_kind>(state & 3); }
[[nodiscard]] constexpr std::uint64_t ticket_of(std::uint64_t state) { return state >> 2; }
[[nodiscard]] constexpr std::uint64_t state_of(std::uint64_t ticket, node_kind kind) {
  return ticket << 2 | static_cast<std::uint64_t>(kind);
}

// Two neighbours that are stored at once: locked instructions wait for all earlier stores.
struct alignas(8) list_ends {
  std::uint32_t head;
  std::uint32_t tail;
};
struct alignas(8) list_links {
  std::uint32_t prev;
  std::uint32_t next;
};

// In `cursor`: nothing is known; MSG_EXCEPT begins at the head. Otherwise all messages before it have the head's type.
inline constexpr std::uint32_t cursor_unknown = nil - 1;
// In `heap_entries`: there is no heap of types.
inline constexpr std::uint32_t heap_off = nil;
// qnum in the lower bits of `volume`, cbytes in the upper.
inline constexpr std::uint32_t qnum_bits = 28;
inline constexpr std::uint64_t most_messages = (std::uint64_t{1} << qnum_bits) - 1;
inline constexpr std::uint64_t most_bytes = (std::uint64_t{1} << (64 - qnum_bits)) - 1;

// All of it is derived, but for the lock, times and pids.
struct queue_body {
  std::uint32_t lock;

  // What every operation touches.
  alignas(cache_line_bytes) std::uint64_t ticket;  // of the next message or waiter
  list_ends fifo;
  std::uint64_t volume;
  std::uint64_t qbytes;
  std::uint32_t free_node;
  std::uint32_t cursor;
  std::uint32_t receivers;  // parked, in the order of tickets
  std::uint32_t senders;
  std::uint32_t flight;  // waiters that are done, failed or busy, not yet collected
  std::uint32_t bucket_mask;
  std::uint32_t buckets;  // first page of the hash; nil: inline_bucket
  std::uint32_t heap_entries;

  alignas(cache_line_bytes) std::int64_t stime;
  std::int64_t rtime;
  std::int32_t lspid;
  std::int32_t lrpid;
  std::uint32_t receivers_tail;
  std::uint32_t senders_tail;
  std::uint32_t flight_tail;
  std::uint32_t types;  // records in the hash, also empty ones
  std::uint32_t free_record;
  std::uint32_t heap_page;
  std::uint32_t heap_pages;
  std::uint32_t node_pages;
  std::uint64_t multiplier;  // of the hash

  alignas(cache_line_bytes) std::uint32_t free_block[block_orders];
  std::uint32_t block_cells;  // all there are
  std::uint32_t free_cells;
  std::uint32_t freed_cells;  // since blocks were last merged

  alignas(cache_line_bytes) std::uint32_t inline_bucket[inline_buckets];
};
static_assert(sizeof(queue_body) <= body_bytes && std::is_trivially_copyable_v<queue_body>);
static_assert(offsetof(queue_body, lock) == 0 && offsetof(queue_body, ticket) == cache_line_bytes);
static_assert(offsetof(queue_body, stime) == 2 * cache_line_bytes);
static_assert(offsetof(queue_body, free_block) == 3 * cache_line_bytes);

// A message, or a free node, whose links.next is the next free one. The text at offset 32: vector stores then don't
// straddle lines. A text that is longer goes on in blocks, the first of which is `block`; the link of the node's cell
// is their largest order.
struct alignas(cell_bytes) message_node {
  std::uint64_t state;
  std::int64_t type;
  std::uint32_t size;
  std::uint32_t block;
  list_links links;
  std::byte text[inline_text_bytes];
  std::uint32_t type_next;
  std::uint32_t record;
};
static_assert(sizeof(message_node) == cell_bytes && offsetof(message_node, text) == 32);

enum waiter_flags : std::uint32_t { wants_except = 1, may_truncate = 2, looks_itself = 4 };

struct alignas(cell_bytes) wait_node {
  std::uint64_t state;
  std::int64_t msgtyp;
  std::uint32_t room;
  std::uint32_t flags;
  list_links links;
  std::uint32_t staged;  // a sender's message; nil for a receiver, and when it was dropped
  std::uint32_t unused[7];
  wait_cell cell;
};
static_assert(sizeof(wait_node) == cell_bytes && offsetof(wait_node, cell) == cache_line_bytes);
static_assert(offsetof(wait_node, links) == offsetof(message_node, links));

// A type and its messages.
struct type_record {
  std::int64_t type;
  std::uint32_t head;
  std::uint32_t tail;
  std::uint32_t hash_next;  // of a free record: the next free one
  std::uint32_t heap_place;
  std::uint64_t unused;
};
static_assert(sizeof(type_record) == 32);
static_assert(nodes_per_page * cell_bytes + records_per_page * sizeof(type_record) == page_bytes);
static_assert(records_per_page >= nodes_per_page && records_per_page <= record_stride);

struct heap_entry {
  std::int64_t type;
  std::uint32_t record;
  std::uint32_t unused;
};
static_assert(sizeof(heap_entry) == 16);

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_MESSAGE_LAYOUT_HPP
