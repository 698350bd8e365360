#include "message_index.hpp"

#include <algorithm>

#include "type_heap.hpp"

namespace xsipc::engine {
namespace {

constexpr std::uint32_t first_large_hash = buckets_per_page;
constexpr std::uint32_t largest_hash = 1U << 21;  // 2,048 pages; a run has at most 4,095
constexpr std::uint32_t tolerated_types = 64;     // records, besides two for each message, before empty ones are swept

// An odd number that differs from queue to queue and that nobody outside the namespace knows.
std::uint64_t multiplier_of(std::uint32_t seed, const object_ref& queue) {
  std::uint64_t mixed =
      (std::uint64_t{seed} << 32 | queue.slot() << 16 | (queue.sequence() & 0xffff)) + 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return (mixed ^ mixed >> 31) | 1;
}

// The highest type that a negative msgtyp admits.
constexpr std::int64_t highest_for(std::int64_t msgtyp) { return msgtyp == INT64_MIN ? INT64_MAX : -msgtyp; }

}  // namespace

void message_index::reset() {
  queue_body& body = memory_.body();
  store_both(body.fifo, {nil, nil});
  body.volume = 0;
  body.cursor = cursor_unknown;
  body.bucket_mask = inline_buckets - 1;
  body.buckets = nil;
  body.heap_entries = heap_off;
  body.heap_page = nil;
  body.heap_pages = 0;
  body.types = 0;
  body.multiplier = multiplier_of(memory_.space().header().hash_seed, memory_.queue());
  for (std::uint32_t& head : body.inline_bucket) head = nil;
}

// -- Types

// However large somebody has made the mask: no more than there is memory for behind the first page.
std::uint32_t message_index::last_bucket() const {
  const queue_body& body = memory_.body();
  const std::uint32_t first = read(body.buckets);
  const std::uint32_t pages = memory_.space().committed_pages();
  std::uint32_t most = inline_buckets;
  if (first < pages) most = std::min(pages - first, largest_hash / buckets_per_page) * buckets_per_page;
  return std::min(read(body.bucket_mask), most - 1);
}

std::uint32_t message_index::further_record(std::int64_t type, const type_record& first) const {
  std::uint32_t number = read(first.hash_next);
  for (std::uint32_t left = memory_.most_nodes(); left != 0; --left) {
    const type_record* record = memory_.record(number);
    if (record == nullptr) break;
    if (record->type == type) return number;
    number = read(record->hash_next);
  }
  return nil;
}

// A record for a type that has none. There are as many records as nodes, so that one is free or empty.
std::uint32_t message_index::add_record(std::int64_t type) {
  queue_body& body = memory_.body();
  if (body.types > tolerated_types + 2 * (body.volume & most_messages) ||
      memory_.record(read(body.free_record)) == nullptr) {
    sweep_types();
  }
  if (body.types > 2 * body.bucket_mask) enlarge_hash();
  const std::uint32_t number = read(body.free_record);
  type_record* record = memory_.record(number);
  if (record == nullptr) return nil;  // somebody has damaged the list
  body.free_record = record->hash_next;
  record->type = type;
  record->head = nil;
  record->heap_place = nil;
  std::uint32_t& head = bucket(slot_of(type));
  record->hash_next = head;
  head = number;
  ++body.types;
  return number;
}

template <typename Visitor>
void message_index::for_each_record(Visitor visit) const {
  std::uint32_t left = memory_.most_nodes();
  const std::uint32_t last = last_bucket();
  for (std::uint32_t slot = 0; slot <= last; ++slot) {
    std::uint32_t number = read(bucket(slot));
    for (; left != 0; --left) {
      type_record* record = memory_.record(number);
      if (record == nullptr) break;
      const std::uint32_t next = read(record->hash_next);
      visit(number, *record);
      number = next;
    }
  }
}

// Clears the hash and puts the records of the list, which hangs together like a hash chain, into it.
void message_index::fill_hash(std::uint32_t list) {
  queue_body& body = memory_.body();
  for (std::uint32_t slot = 0, last = last_bucket(); slot <= last; ++slot) bucket(slot) = nil;
  body.types = 0;
  for (std::uint32_t left = memory_.most_nodes(); left != 0; --left) {
    type_record* record = memory_.record(list);
    if (record == nullptr) break;
    const std::uint32_t next = read(record->hash_next);
    std::uint32_t& head = bucket(slot_of(record->type));
    record->hash_next = head;
    head = list;
    ++body.types;
    list = next;
  }
}

// Frees the records of types that have no messages. They may be in the heap, which therefore ends.
void message_index::sweep_types() {
  queue_body& body = memory_.body();
  body.heap_entries = heap_off;
  std::uint32_t kept = nil;
  for_each_record([&](std::uint32_t number, type_record& record) {
    record.heap_place = nil;
    std::uint32_t& list = record.head == nil ? body.free_record : kept;
    record.hash_next = list;
    list = number;
  });
  fill_hash(kept);
}

// Without memory for it the chains just become longer.
void message_index::enlarge_hash() {
  queue_body& body = memory_.body();
  const std::uint32_t size = body.bucket_mask + 1;
  if (size >= largest_hash) return;
  const std::uint32_t larger = std::max(2 * size, first_large_hash);
  page_heap heap = memory_.pages();
  const std::uint32_t first = heap.take(memory_.queue(), larger / buckets_per_page, 1, false, memory_.page_chain());
  if (first == nil) return;
  heap.name(first, page_use::buckets);
  std::uint32_t all = nil;
  for_each_record([&](std::uint32_t number, type_record& record) {
    record.hash_next = all;
    all = number;
  });
  const std::uint32_t old = body.buckets;
  body.buckets = first;
  body.bucket_mask = larger - 1;
  fill_hash(all);
  if (old != nil) heap.give(old, memory_.page_chain());
}

// -- Lists

void message_index::enter_heap(const message_node& message, type_record& record) {
  type_heap(memory_).add(message.record, record);
}

void message_index::insert(std::uint32_t number, message_node& message) {
  queue_body& body = memory_.body();
  const std::uint64_t ticket = ticket_of(message.state);
  const auto is_later = [ticket](const message_node* other) {
    return other == nullptr || ticket_of(read(other->state)) > ticket;
  };
  std::uint32_t before = nil;
  std::uint32_t after = read(body.fifo.head);
  for (std::uint32_t left = memory_.most_nodes(); left != 0; --left) {
    const message_node* other = memory_.node(after);
    if (is_later(other)) break;
    before = after;
    after = read(other->links.next);
  }
  store_both(message.links, {before, after});
  (before == nil ? body.fifo.head : memory_.known_node(before).links.next) = number;
  message_node* later = memory_.node(after);
  (later == nullptr ? body.fifo.tail : later->links.prev) = number;
  body.cursor = cursor_unknown;
  body.volume += one_message(message.size);

  type_record* record = join_type(message);
  if (record == nullptr) return;
  if (record->head == nil) {
    begin_type(number, message, *record);
    return;
  }
  before = nil;
  after = read(record->head);
  for (std::uint32_t left = memory_.most_nodes(); left != 0; --left) {
    const message_node* other = memory_.node(after);
    if (is_later(other)) break;
    before = after;
    after = read(other->type_next);
  }
  message.type_next = after;
  (before == nil ? record->head : memory_.known_node(before).type_next) = number;
  if (memory_.node(after) == nullptr) record->tail = number;
}

// A message that is not the first of its type.
void message_index::leave_type(std::uint32_t number, const message_node& message, type_record& record) {
  std::uint32_t at = read(record.head);
  for (std::uint32_t left = memory_.most_nodes(); left != 0; --left) {
    message_node* earlier = memory_.node(at);
    if (earlier == nullptr) return;
    if (earlier->type_next == number) {
      earlier->type_next = message.type_next;
      if (record.tail == number) record.tail = at;
      return;
    }
    at = read(earlier->type_next);
  }
}

// -- Choosing

bool message_index::admits(const msgtyp_selector& selector, std::int64_t type) {
  if (selector.msgtyp == 0) return true;
  if (selector.msgtyp > 0) return (type == selector.msgtyp) != selector.except;
  return type <= highest_for(selector.msgtyp);
}

// Each message is passed once in its life: all before the cursor have the head's type.
std::uint32_t message_index::first_but(std::int64_t type) {
  queue_body& body = memory_.body();
  const std::uint32_t head = read(body.fifo.head);
  const message_node* message = memory_.node(head);
  if (message == nullptr || message->type != type) return head;
  std::uint32_t at = read(body.cursor);
  if (at == cursor_unknown) at = head;
  for (std::uint32_t left = memory_.most_nodes(); left != 0; --left) {
    message = memory_.node(at);
    if (message == nullptr || message->type != type) break;
    at = read(message->links.next);
  }
  body.cursor = at;
  return at;
}

std::uint32_t message_index::lowest_for(std::int64_t msgtyp) {
  const std::int64_t most = highest_for(msgtyp);
  type_heap heap(memory_);
  if (!heap.is_on() && heap.turn_on(memory_.body().types)) {
    for_each_record([&heap](std::uint32_t number, type_record& record) {
      record.heap_place = nil;
      if (record.head != nil && heap.is_on()) heap.add(number, record);
    });
  }
  std::uint32_t lowest = nil;
  if (heap.is_on()) {
    lowest = heap.lowest();
  } else {
    std::int64_t least = INT64_MAX;
    for_each_record([&](std::uint32_t number, const type_record& record) {
      if (record.head == nil || record.type > least) return;
      least = record.type;
      lowest = number;
    });
  }
  const type_record* record = memory_.record(lowest);
  return record != nullptr && record->type <= most ? read(record->head) : nil;
}

std::uint32_t message_index::at_place(std::int64_t place) const {
  if (place < 0 || place > memory_.most_nodes()) return nil;
  std::uint32_t at = read(memory_.body().fifo.head);
  for (; place != 0; --place) {
    const message_node* message = memory_.node(at);
    if (message == nullptr) return nil;
    at = read(message->links.next);
  }
  return at;
}

}  // namespace xsipc::engine
