// Every invariant of a queue, for tests.
#include <string>
#include <vector>

#include "message_store.hpp"
#include "type_heap.hpp"

namespace xsipc::engine {
namespace {

enum class role : std::uint8_t { none, queued, in_type, free, parked, staged, in_flight, claimed };

class queue_check {
 public:
  queue_check(const message_memory& memory, bool removed)
      : memory_(memory), index_(memory), removed_(removed), roles_(memory.most_nodes(), role::none) {}

  std::string run() {
    fifo();
    types();
    heap();
    free_nodes();
    parked(memory_.body().receivers, memory_.body().receivers_tail, node_kind::receiver);
    parked(memory_.body().senders, memory_.body().senders_tail, node_kind::sender);
    flight();
    nodes();
    blocks();
    return wrong_;
  }

 private:
  // The first that doesn't hold is what is reported; the checks after it end early.
  bool expect(bool holds, const char* what) {
    if (!holds && wrong_.empty()) wrong_ = what;
    return wrong_.empty();
  }
  bool give_role(std::uint32_t number, role from, role to, const char* what) {
    if (!expect(number < roles_.size() && roles_[number] == from, what)) return false;
    roles_[number] = to;
    return true;
  }

  void fifo();
  void types();
  void records(std::uint32_t slot);
  void type_list(const type_record& record);
  void heap();
  void free_nodes();
  void parked(std::uint32_t head, std::uint32_t tail, node_kind kind);
  void parked_receiver(const wait_node& waiter);
  void parked_sender(const wait_node& waiter);
  void flight();
  void in_flight(const wait_node& waiter);
  void nodes();
  void blocks();
  bool use_cells(std::uint32_t block, std::uint32_t order, const char* what);
  [[nodiscard]] bool fits(std::uint32_t size) const;

  message_memory memory_;
  message_index index_;
  bool removed_;
  std::vector<role> roles_;
  std::vector<bool> cells_;
  std::string wrong_;
  std::uint32_t queued_ = 0;
  std::uint32_t in_types_ = 0;
  std::uint32_t records_ = 0;
  std::uint32_t in_heap_ = 0;
  std::uint32_t node_count_ = 0;
};

void queue_check::fifo() {
  const queue_body& body = memory_.body();
  std::uint64_t bytes = 0;
  std::uint64_t last_ticket = 0;
  std::uint32_t before = nil;
  bool past_cursor = body.cursor == cursor_unknown;
  for (std::uint32_t number = body.fifo.head; number != nil;) {
    if (!give_role(number, role::none, role::queued, "a message is in the list twice")) return;
    const message_node& message = *memory_.node(number);
    expect(kind_of(message.state) == node_kind::message, "what is queued is no message");
    expect(ticket_of(message.state) > last_ticket, "tickets don't rise");
    expect(message.links.prev == before, "links don't agree");
    if (number == body.cursor) past_cursor = true;
    expect(past_cursor || message.type == memory_.node(body.fifo.head)->type, "the cursor has passed a message");
    if (!expect(index_.record_of(message.type) == message.record, "the hash doesn't lead to a type")) return;
    last_ticket = ticket_of(message.state);
    bytes += message.size;
    ++queued_;
    before = number;
    number = message.links.next;
  }
  expect(body.fifo.tail == before, "the tail isn't the last");
  expect(past_cursor || body.cursor == nil, "the cursor is nowhere");
  expect((body.volume & most_messages) == queued_, "qnum is wrong");
  expect(body.volume >> qnum_bits == bytes, "cbytes is wrong");
}

void queue_check::types() {
  const queue_body& body = memory_.body();
  for (std::uint32_t slot = 0; slot <= body.bucket_mask && wrong_.empty(); ++slot) records(slot);
  expect(in_types_ == queued_, "a message isn't in its type");
  expect(records_ == body.types, "types are counted wrong");
  std::uint32_t all = 0;
  memory_.for_each_node_page([&all](std::uint32_t) { all += records_per_page; });
  std::uint32_t free = 0;
  for (std::uint32_t number = body.free_record; number != nil && wrong_.empty();) {
    const type_record* record = memory_.record(number);
    if (!expect(record != nullptr && ++free <= all, "free records are damaged")) return;
    number = record->hash_next;
  }
  expect(free + records_ == all, "a record is lost");
}

void queue_check::records(std::uint32_t slot) {
  const queue_body& body = memory_.body();
  for (std::uint32_t number = index_.bucket(slot); number != nil;) {
    const type_record* record = memory_.record(number);
    if (!expect(record != nullptr && ++records_ <= memory_.most_nodes(), "the hash is damaged")) return;
    expect((index_.slot_of(record->type) & body.bucket_mask) == slot, "a type is in another's bucket");
    if (body.heap_entries != heap_off) {
      if (record->heap_place != nil) ++in_heap_;
      expect(record->head == nil || record->heap_place != nil, "a type isn't in the heap");
    }
    type_list(*record);
    number = record->hash_next;
  }
}

void queue_check::type_list(const type_record& record) {
  std::uint64_t last_ticket = 0;
  std::uint32_t last = record.head;
  for (std::uint32_t number = record.head; number != nil;) {
    if (!give_role(number, role::queued, role::in_type, "a type has a message that isn't queued")) return;
    const message_node& message = *memory_.node(number);
    expect(message.type == record.type, "a type has another's message");
    expect(ticket_of(message.state) > last_ticket, "tickets of a type don't rise");
    last_ticket = ticket_of(message.state);
    last = number;
    ++in_types_;
    number = message.type_next;
  }
  expect(record.head == nil || record.tail == last, "the tail isn't the type's last");
}

void queue_check::heap() {
  if (memory_.body().heap_entries == heap_off) return;
  std::uint32_t count = 0;
  std::uint32_t room = 0;
  const heap_entry* entries = type_heap(memory_).entries(count, room);
  if (!expect(entries != nullptr && count == in_heap_, "the heap is damaged")) return;
  for (std::uint32_t at = 0; at < count; ++at) {
    const type_record* record = memory_.record(entries[at].record);
    expect(record != nullptr && record->heap_place == at && record->type == entries[at].type, "heap: wrong place");
    expect(at == 0 || entries[(at - 1) / 4].type <= entries[at].type, "the heap is out of order");
  }
}

void queue_check::free_nodes() {
  for (std::uint32_t number = memory_.body().free_node; number != nil;) {
    if (!give_role(number, role::none, role::free, "a free node is used")) return;
    expect(memory_.node(number)->state == free_state, "a free node's state");
    number = memory_.node(number)->links.next;
  }
}

bool queue_check::fits(std::uint32_t size) const {
  const queue_body& body = memory_.body();
  return (body.volume >> qnum_bits) + size <= body.qbytes && (body.volume & most_messages) + 1 <= body.qbytes;
}

void queue_check::parked(std::uint32_t head, std::uint32_t tail, node_kind kind) {
  expect(!removed_ || head == nil, "parked in a removed queue");
  std::uint64_t last_ticket = 0;
  std::uint32_t before = nil;
  for (std::uint32_t number = head; number != nil;) {
    if (!give_role(number, role::none, role::parked, "a waiter is in a list twice")) return;
    const wait_node& waiter = *memory_.waiter(number);
    expect(kind_of(waiter.state) == kind, "parked in the wrong list");
    expect(ticket_of(waiter.state) > last_ticket, "waiters aren't in order");
    expect(is_parked(waiter.cell.status), "parked, but not by its status");
    expect(waiter.links.prev == before, "links of waiters don't agree");
    if (!wrong_.empty()) return;
    kind == node_kind::receiver ? parked_receiver(waiter) : parked_sender(waiter);
    last_ticket = ticket_of(waiter.state);
    before = number;
    number = waiter.links.next;
  }
  expect(head == nil || tail == before, "the tail isn't the last waiter");
}

void queue_check::parked_receiver(const wait_node& waiter) {
  const msgtyp_selector wanted{.msgtyp = static_cast<long>(waiter.msgtyp),
                               .except = (waiter.flags & wants_except) != 0};
  for (std::uint32_t number = memory_.body().fifo.head; number != nil; number = memory_.node(number)->links.next) {
    expect(!message_index::admits(wanted, memory_.node(number)->type), "a receiver waits for what is there");
  }
}

void queue_check::parked_sender(const wait_node& waiter) {
  if (!give_role(waiter.staged, role::none, role::staged, "a sender's message is used")) return;
  const message_node& message = *memory_.node(waiter.staged);
  expect(message.state == staged_state, "a sender's message is sent");
  expect((waiter.flags & looks_itself) != 0 || !fits(message.size), "a sender waits although there is room");
}

void queue_check::flight() {
  std::uint32_t before = nil;
  for (std::uint32_t number = memory_.body().flight; number != nil;) {
    if (!give_role(number, role::none, role::in_flight, "one in flight is elsewhere too")) return;
    const wait_node& waiter = *memory_.waiter(number);
    expect(waiter.links.prev == before, "links of those in flight don't agree");
    in_flight(waiter);
    before = number;
    number = waiter.links.next;
  }
  expect(before == nil || memory_.body().flight_tail == before, "the tail isn't the last in flight");
}

void queue_check::in_flight(const wait_node& waiter) {
  const std::uint32_t status = waiter.cell.status;
  if (kind_of(waiter.state) == node_kind::receiver) {
    expect(status == done || status == failed, "a receiver in flight isn't completed");
    if (status != done) return;
    if (!give_role(waiter.cell.detail, role::none, role::claimed, "a message is claimed twice")) return;
    expect(kind_of(memory_.node(waiter.cell.detail)->state) == node_kind::message, "what was claimed is no message");
  } else if (expect(kind_of(waiter.state) == node_kind::sender, "what flies is no waiter")) {
    expect(status == done || status == failed || status == busy, "a sender in flight isn't completed");
    if (status != busy) return;
    if (!give_role(waiter.staged, role::none, role::staged, "a writer's message is used")) return;
    expect(memory_.node(waiter.staged)->state == staged_state, "a writer's message is sent");
  }
}

void queue_check::nodes() {
  memory_.for_each_node_page([&](std::uint32_t page) {
    for (std::uint32_t place = 0; place < nodes_per_page; ++place) {
      const std::uint32_t number = page * cells_per_page + place;
      ++node_count_;
      expect(roles_[number] != role::none, "a node is lost");
      expect(ticket_of(memory_.node(number)->state) < memory_.body().ticket, "a ticket is too high");
    }
  });
  std::uint32_t with_role = 0;
  for (const role is : roles_) with_role += is == role::none ? 0U : 1U;
  expect(with_role == node_count_, "a node isn't the queue's");
}

bool queue_check::use_cells(std::uint32_t block, std::uint32_t order, const char* what) {
  for (std::uint32_t cell = block; cell < block + (1U << order); ++cell) {
    if (!expect(cell < cells_.size() && cells_[cell], what)) return false;
    cells_[cell] = false;
  }
  return true;
}

// Used and free blocks tile the pages.
void queue_check::blocks() {
  const queue_body& body = memory_.body();
  cells_.assign(memory_.most_nodes(), false);
  std::uint32_t all = 0;
  memory_.for_each_page(page_use::blocks, [&](std::uint32_t page) {
    for (std::uint32_t cell = page * cells_per_page; cell < (page + 1) * cells_per_page; ++cell) cells_[cell] = true;
    all += cells_per_page;
  });
  const block_heap heap(memory_);
  for (std::uint32_t number = 0; number < roles_.size() && wrong_.empty(); ++number) {
    const role is = roles_[number];
    if (is != role::in_type && is != role::staged && is != role::claimed) continue;
    const auto use = [&](std::uint32_t block, std::uint32_t order, std::uint32_t) {
      return use_cells(block, order, "a used block overlaps another");
    };
    expect(heap.for_each_block(number, *memory_.node(number), use), "a message's blocks are damaged");
  }
  std::uint32_t free = 0;
  for (std::uint32_t order = 0; order < block_orders; ++order) {
    for (std::uint32_t block = body.free_block[order]; block != nil && wrong_.empty();) {
      if (!expect(block % (1U << order) == 0, "a free block isn't aligned")) return;
      if (!use_cells(block, order, "a free block overlaps another")) return;
      free += 1U << order;
      block = memory_.space().link(block);
    }
  }
  expect(free == body.free_cells, "free cells are counted wrong");
  expect(all == body.block_cells, "cells are counted wrong");
  for (const bool left : cells_) expect(!left, "a block is lost");
}

}  // namespace

std::string message_store::check(bool removed) const { return queue_check(memory_, removed).run(); }

}  // namespace xsipc::engine
