// Parked, completed and copying: the waiters of a queue.
#include <algorithm>
#include <cerrno>

#include "message_store.hpp"

namespace xsipc::engine {
namespace {

constexpr std::uint32_t owner_died = 0x40000000;  // in a death word, as in robust futexes

bool is_known_dead(const wait_cell& cell) { return (load(cell.death) & owner_died) != 0; }

}  // namespace

// -- Lists

void message_store::enter(const waiting_list& list, std::uint32_t number, wait_node& waiter) {
  const std::uint32_t last = read(list.tail);
  wait_node* before = list.head == nil ? nullptr : memory_.waiter(last);
  store_both(waiter.links, {before == nullptr ? nil : last, nil});
  (before == nullptr ? list.head : before->links.next) = number;
  list.tail = number;
}

void message_store::unhook(const waiting_list& list, wait_node& waiter) {
  const std::uint32_t prev = read(waiter.links.prev);
  const std::uint32_t next = read(waiter.links.next);
  wait_node* before = memory_.waiter(prev);
  wait_node* after = memory_.waiter(next);
  (before == nullptr ? list.head : before->links.next) = next;
  (after == nullptr ? list.tail : after->links.prev) = prev;
}

std::uint32_t message_store::count(const waiting_list& list) const {
  std::uint32_t counted = 0;
  each(list, [&](std::uint32_t, const wait_node&) { return ++counted != 0; });
  return counted;
}

std::uint32_t message_store::waiting_receivers() const { return count(receivers()); }
std::uint32_t message_store::waiting_senders() const { return count(senders()); }

bool message_store::deserted() const {
  return body().receivers == nil && body().senders == nil && body().flight == nil;
}

// -- Beginning and end of a waiter

std::uint32_t message_store::new_waiter(wait_status status, std::uint32_t detail, const identity& who) {
  const std::uint32_t number = memory_.take_node();
  if (number == nil) return nil;
  wait_node& waiter = memory_.known_waiter(number);
  waiter.msgtyp = 0;
  waiter.room = 0;
  waiter.flags = 0;
  waiter.staged = nil;
  waiter.cell = {.status = status, .detail = detail, .death = 0, .thread = 0, .who = who};
  return number;
}

void message_store::commit_waiter(wait_node& waiter, node_kind kind) {
  const std::uint64_t ticket = body().ticket;
  commit(waiter.state, state_of(ticket, kind));
  body().ticket = ticket + 1;
}

// In no list any more.
void message_store::forget(std::uint32_t number, wait_node& waiter) {
  commit(waiter.state, free_state);
  memory_.give_node(number);
}

void message_store::drop_staged(wait_node& waiter) {
  const std::uint32_t staged = read(waiter.staged);
  if (message_node* message = memory_.node(staged); message != nullptr && message->state == staged_state) drop(staged);
}

// A parked waiter that is dead, or goes.
void message_store::reap(const waiting_list& list, std::uint32_t number, wait_node& waiter) {
  unhook(list, waiter);
  commit(waiter.state, free_state);
  drop_staged(waiter);
  memory_.give_node(number);
}

void message_store::complete(const waiting_list& list, std::uint32_t number, wait_node& waiter, wait_status with,
                             std::uint32_t detail, wake_list& wakes) {
  unhook(list, waiter);
  wakes.complete(waiter.cell, with, detail);
  enter(flight(), number, waiter);
}

// -- Serving those who wait

msgtyp_selector message_store::selector_of(const wait_node& waiter) {
  return {.msgtyp = static_cast<long>(waiter.msgtyp), .except = (waiter.flags & wants_except) != 0};
}

// Gives a message that is in no list to the first parked receiver that it suits. False: to none.
bool message_store::hand_over(std::uint32_t number, const message_node& message, std::int64_t now, wake_list& wakes) {
  bool handed = false;
  each(receivers(), [&](std::uint32_t candidate, wait_node& waiter) {
    if (!message_index::admits(selector_of(waiter), message.type)) return true;
    if (is_known_dead(waiter.cell)) {
      reap(receivers(), candidate, waiter);
      return true;
    }
    if (waiter.room < message.size && (waiter.flags & may_truncate) == 0) {
      complete(receivers(), candidate, waiter, failed, E2BIG, wakes);
      return true;
    }
    complete(receivers(), candidate, waiter, done, number, wakes);
    received(waiter.cell.who.pid, now);
    handed = true;
    return false;
  });
  return handed;
}

// There is room: parked senders' messages are sent on their behalf, in order, each that fits.
void message_store::admit(std::int64_t now, wake_list& wakes) {
  each(senders(), [&](std::uint32_t number, wait_node& waiter) {
    const std::uint32_t staged = read(waiter.staged);
    message_node* message = memory_.node(staged);
    if (message == nullptr || is_known_dead(waiter.cell)) {
      reap(senders(), number, waiter);
      return true;
    }
    if (!fits(message->size)) return true;
    if ((waiter.flags & looks_itself) != 0) {
      wakes.nudge(waiter.cell);
      return true;
    }
    publish(*message);  // commits
    complete(senders(), number, waiter, done, staged, wakes);
    sent(waiter.cell.who.pid, now);
    place(staged, *message, true, now, wakes);
    return true;
  });
}

// -- Parking

std::uint32_t message_store::park_receiver(const msgtyp_selector& selector, std::uint64_t room,
                                           truncation when_too_long, const identity& who) {
  const std::uint32_t number = new_waiter(awake, nil, who);
  if (number == nil) return nil;
  wait_node& waiter = memory_.known_waiter(number);
  waiter.msgtyp = selector.msgtyp;
  waiter.room = static_cast<std::uint32_t>(std::min<std::uint64_t>(room, UINT32_MAX));
  waiter.flags = (selector.except && selector.msgtyp > 0 ? wants_except : 0U) |
                 (when_too_long == truncation::allow ? may_truncate : 0U);
  commit_waiter(waiter, node_kind::receiver);
  enter(receivers(), number, waiter);
  return number;
}

std::uint32_t message_store::park_sender(std::uint32_t staged, const identity& who) {
  const std::uint32_t number = new_waiter(awake, nil, who);
  if (number == nil) return nil;
  wait_node& waiter = memory_.known_waiter(number);
  waiter.staged = staged;
  commit_waiter(waiter, node_kind::sender);
  enter(senders(), number, waiter);
  return number;
}

// A number that came out of bounds since it was given out leads to a cell of nobody's.
wait_cell& message_store::cell_of(std::uint32_t waiter) const {
  wait_node* node = memory_.waiter(waiter);
  return node != nullptr ? node->cell : memory_.space().cell<wait_node>(0).cell;
}

bool message_store::must_look(std::uint32_t waiter) const {
  const wait_node* node = memory_.waiter(waiter);
  return node != nullptr && (node->flags & looks_itself) != 0;
}

std::uint32_t message_store::staged_of(std::uint32_t waiter) const {
  const wait_node* node = memory_.waiter(waiter);
  return node != nullptr ? read(node->staged) : nil;
}

void message_store::leave(std::uint32_t waiter) {
  wait_node* node = memory_.waiter(waiter);
  if (node == nullptr) return;
  reap(kind_of(node->state) == node_kind::receiver ? receivers() : senders(), waiter, *node);
}

void message_store::post_parked(std::uint32_t waiter, const deed& by, wake_list& wakes) {
  wait_node* node = memory_.waiter(waiter);
  if (node == nullptr) return;
  const std::uint32_t staged = read(node->staged);
  message_node* message = memory_.node(staged);
  if (message == nullptr) return;
  unhook(senders(), *node);
  publish(*message);  // commits
  forget(waiter, *node);
  sent(by.pid, by.now);
  place(staged, *message, true, by.now, wakes);
}

void message_store::collect(std::uint32_t waiter) {
  wait_node* node = memory_.waiter(waiter);
  if (node == nullptr) return;
  const std::uint32_t given = read(node->cell.detail);
  message_node* message = nullptr;
  if (kind_of(node->state) == node_kind::receiver && load(node->cell.status) == done) message = memory_.node(given);
  if (message != nullptr) commit(message->state, free_state);  // commits
  unhook(flight(), *node);
  forget(waiter, *node);
  if (message != nullptr) release(given, *message);
}

void message_store::give_back(std::uint32_t waiter, wake_list& wakes) {
  wait_node* node = memory_.waiter(waiter);
  if (node == nullptr) return;
  const std::uint32_t given = read(node->cell.detail);
  message_node* message = memory_.node(given);
  unhook(flight(), *node);
  forget(waiter, *node);  // commits: the message is nobody's
  if (message != nullptr && kind_of(message->state) == node_kind::message) {
    place(given, *message, false, read(body().rtime), wakes);
  }
}

// -- Copying without the lock

std::uint32_t message_store::claim(std::uint32_t message, const identity& who, const deed& by, wake_list& wakes) {
  message_node* claimed = memory_.node(message);
  if (claimed == nullptr) return nil;
  const std::uint32_t number = new_waiter(done, message, who);
  if (number == nil) return nil;
  wait_node& waiter = memory_.known_waiter(number);
  commit_waiter(waiter, node_kind::receiver);
  index().remove(message, *claimed);
  enter(flight(), number, waiter);
  received(by.pid, by.now);
  if (body().senders != nil) admit(by.now, wakes);
  return number;
}

std::uint32_t message_store::begin_writing(std::uint32_t staged, const identity& who) {
  const std::uint32_t number = new_waiter(busy, nil, who);
  if (number == nil) return nil;
  wait_node& waiter = memory_.known_waiter(number);
  waiter.staged = staged;
  commit_waiter(waiter, node_kind::sender);
  enter(flight(), number, waiter);
  return number;
}

void message_store::end_writing(std::uint32_t waiter) {
  wait_node* node = memory_.waiter(waiter);
  if (node == nullptr) return;
  unhook(flight(), *node);
  forget(waiter, *node);
}

// -- Changing

void message_store::set_qbytes(std::uint64_t qbytes, wake_list& wakes) {
  body().qbytes = qbytes;
  admit(read(body().stime), wakes);
}

void message_store::recheck(wake_list& wakes) {
  each(receivers(), [&](std::uint32_t, wait_node& waiter) {
    wakes.nudge(waiter.cell);
    return true;
  });
  each(senders(), [&](std::uint32_t, wait_node& waiter) {
    waiter.flags |= looks_itself;
    wakes.nudge(waiter.cell);
    return true;
  });
}

void message_store::remove(wake_list& wakes) {
  each(receivers(), [&](std::uint32_t number, wait_node& waiter) {
    complete(receivers(), number, waiter, failed, EIDRM, wakes);
    return true;
  });
  each(senders(), [&](std::uint32_t number, wait_node& waiter) {
    complete(senders(), number, waiter, failed, EIDRM, wakes);
    drop_staged(waiter);
    return true;
  });
}

bool message_store::sweep_flight(bool confirm, wake_list& wakes) {
  bool any = false;
  each(flight(), [&](std::uint32_t number, wait_node& waiter) {
    if (!is_known_dead(waiter.cell) && !(confirm && !memory_.space().calls().alive(waiter.cell))) return true;
    any = true;
    if (kind_of(waiter.state) == node_kind::receiver && load(waiter.cell.status) == done) {
      give_back(number, wakes);
    } else if (load(waiter.cell.status) == busy) {
      reap(flight(), number, waiter);
    } else {
      collect(number);
    }
    return true;
  });
  return any;
}

}  // namespace xsipc::engine
