// What is derived made anew from the states of all nodes, without memory of its own.
//
// Lists of nodes hang together by links.next, and links.prev tells whether a waiter leads to a message: both are
// derived.
#include <algorithm>
#include <array>
#include <cerrno>

#include "message_store.hpp"

namespace xsipc::engine {
namespace {

constexpr std::uint32_t owned = nil - 1;  // in links.prev: a waiter leads to it
constexpr std::uint32_t cells_ahead = 8;  // prefetched

void prefetch(const void* where) { __builtin_prefetch(where); }

// The queue's pages of a kind go; what named them must have been reset.
void give_pages(const message_memory& memory, page_use use) {
  // Giving a run changes the chain, so that the walk begins again after each. There are very few.
  for (std::uint32_t left = memory.space().committed_pages(); left != 0; --left) {
    std::uint32_t found = nil;
    memory.pages().for_each_run(load(memory.page_chain()), [&](std::uint32_t first, const page_owner& owner) {
      if (owner.use == use && owner.object == memory.queue()) found = first;
    });
    if (found == nil) return;
    memory.pages().give(found, memory.page_chain());
  }
}

}  // namespace

// Nodes in a list, at first as they lie in memory.
struct message_store::found_nodes {
  std::uint32_t head = nil;
  std::uint32_t tail = nil;
  std::uint64_t lowest = UINT64_MAX;  // tickets
  std::uint64_t highest = 0;
  bool in_order = true;
  std::uint32_t count = 0;

  void add(const message_memory& memory, std::uint32_t number, message_node& node, std::uint64_t ticket) {
    if (head != nil && ticket <= highest) in_order = false;
    lowest = std::min(lowest, ticket);
    highest = std::max(highest, ticket);
    node.links = {nil, nil};
    (head == nil ? head : memory.known_node(tail).links.next) = number;
    tail = number;
    ++count;
  }
  // Visits each: visit(number, node); the node's links are the visitor's.
  template <typename Visitor>
  void each(const message_memory& memory, Visitor visit) const {
    std::uint32_t number = head;
    for (std::uint32_t left = count; left != 0; --left) {
      message_node* node = memory.node(number);
      if (node == nullptr) return;
      const std::uint32_t next = read(node->links.next);
      if (const message_node* ahead = memory.node(next); ahead != nullptr) prefetch(ahead);
      visit(number, *node);
      number = next;
    }
  }
};

void message_store::scan(found_nodes& messages, found_nodes& waiters) {
  const arena& space = memory_.space();
  memory_.for_each_node_page([&](std::uint32_t page) {
    for (std::uint32_t place = 0; place < nodes_per_page; ++place) {
      const std::uint32_t number = page * cells_per_page + place;
      message_node& node = space.cell<message_node>(number);
      prefetch(&node + cells_ahead);
      const std::uint64_t state = read(node.state);
      switch (kind_of(state)) {
        case node_kind::none: node.links.prev = nil; break;
        case node_kind::message: messages.add(memory_, number, node, ticket_of(state)); break;
        case node_kind::receiver:
        case node_kind::sender: waiters.add(memory_, number, node, ticket_of(state)); break;
      }
    }
  });
}

// By ticket, digit by digit; tickets of a queue are nearly dense, so that there are few.
void message_store::sort(found_nodes& nodes) {
  if (nodes.in_order) return;
  constexpr int digit_bits = 8;
  constexpr std::uint32_t digits = 1U << digit_bits;
  for (int shift = 0; shift < 62 && (nodes.highest - nodes.lowest) >> shift != 0; shift += digit_bits) {
    std::array<list_ends, digits> piles;
    piles.fill({nil, nil});
    nodes.each(memory_, [&](std::uint32_t number, message_node& node) {
      list_ends& pile = piles[(ticket_of(read(node.state)) - nodes.lowest) >> shift & (digits - 1)];
      node.links.next = nil;
      (pile.head == nil ? pile.head : memory_.known_node(pile.tail).links.next) = number;
      pile.tail = number;
    });
    std::uint32_t* from = &nodes.head;
    for (const list_ends& pile : piles) {
      if (pile.head == nil) continue;
      *from = pile.head;
      from = &memory_.known_node(pile.tail).links.next;
    }
  }
}

// The dead go, whom somebody completed is told, and the others are parked again.
void message_store::settle(std::uint32_t number, wait_node& waiter, bool removed, wake_list& wakes) {
  if (!memory_.space().calls().alive(waiter.cell)) {
    commit(waiter.state, free_state);
  } else if (kind_of(waiter.state) == node_kind::receiver) {
    settle_receiver(number, waiter, removed, wakes);
  } else {
    settle_sender(number, waiter, removed, wakes);
  }
}

void message_store::settle_receiver(std::uint32_t number, wait_node& waiter, bool removed, wake_list& wakes) {
  const std::uint32_t status = load(waiter.cell.status);
  if (is_parked(status) && !removed) {
    enter(receivers(), number, waiter);
    return;
  }
  if (status == done) {
    message_node* message = memory_.node(read(waiter.cell.detail));
    if (message == nullptr || kind_of(message->state) != node_kind::message || message->links.prev == owned) {
      commit(waiter.state, free_state);  // it had collected
      return;
    }
    message->links.prev = owned;
  } else if (status != failed) {
    wakes.complete(waiter.cell, failed, EIDRM);
  }
  enter(flight(), number, waiter);
  memory_.space().calls().wake(waiter.cell);  // who completed it may have died before
}

void message_store::settle_sender(std::uint32_t number, wait_node& waiter, bool removed, wake_list& wakes) {
  const std::uint32_t status = load(waiter.cell.status);
  const std::uint32_t staged = read(waiter.staged);
  message_node* message = memory_.node(staged);
  const bool waits = is_parked(status) || status == busy;
  const bool sent = message != nullptr && kind_of(message->state) == node_kind::message;
  const bool usable = message != nullptr && kind_of(message->state) == node_kind::none && message->links.prev != owned;
  if (waits && sent) {
    wakes.complete(waiter.cell, done, staged);
  } else if (usable && (status == busy || (is_parked(status) && !removed))) {
    message->links.prev = owned;
    message->state = staged_state;
    enter(status == busy ? flight() : senders(), number, waiter);
    return;
  } else if (status != done && status != failed) {
    wakes.complete(waiter.cell, failed, EIDRM);
  }
  enter(flight(), number, waiter);
  memory_.space().calls().wake(waiter.cell);
}

// All records, and the nodes that are neither messages nor waiters, nor staged by one.
void message_store::free_unused() {
  queue_body& reset = body();
  reset.free_node = reset.free_record = nil;
  reset.node_pages = 0;
  memory_.for_each_node_page([&](std::uint32_t page) {
    memory_.add_free_records(page);
    for (std::uint32_t place = nodes_per_page; place-- > 0;) {
      const std::uint32_t number = page * cells_per_page + place;
      message_node& node = memory_.known_node(number);
      if (kind_of(node.state) != node_kind::none || (node.state == staged_state && node.links.prev == owned)) continue;
      node.state = free_state;
      memory_.give_node(number);
    }
  });
}

// Who died may have committed a message and not yet placed it.
void message_store::serve_receivers(wake_list& wakes) {
  each(receivers(), [&](std::uint32_t number, wait_node& waiter) {
    const std::uint32_t found = find(selector_of(waiter));
    message_node* message = memory_.node(found);
    if (message == nullptr) return true;
    if (waiter.room < message->size && (waiter.flags & may_truncate) == 0) {
      complete(receivers(), number, waiter, failed, E2BIG, wakes);
      return true;
    }
    index().remove(found, *message);
    complete(receivers(), number, waiter, done, found, wakes);
    received(waiter.cell.who.pid, read(body().stime));
    return true;
  });
}

void message_store::recover(std::uint64_t qbytes, bool removed, wake_list& wakes) {
  queue_body& reset = body();
  memory_.pages().recover(memory_.queue(), memory_.page_chain());
  index().reset();
  give_pages(memory_, page_use::buckets);
  give_pages(memory_, page_use::heap);
  reset.receivers = reset.receivers_tail = nil;
  reset.senders = reset.senders_tail = nil;
  reset.flight = reset.flight_tail = nil;
  reset.qbytes = qbytes;

  found_nodes messages;
  found_nodes waiters;
  scan(messages, waiters);
  reset.ticket = std::max(messages.highest, waiters.highest) + 1;
  sort(messages);
  sort(waiters);
  waiters.each(memory_, [&](std::uint32_t number, const message_node&) {
    settle(number, memory_.known_waiter(number), removed, wakes);
  });
  free_unused();
  messages.each(memory_, [&](std::uint32_t number, message_node& message) {
    if (message.links.prev != owned) index().append(number, message);
  });
  blocks().rebuild();
  if (removed) return;
  serve_receivers(wakes);
  admit(read(reset.stime), wakes);
}

}  // namespace xsipc::engine
