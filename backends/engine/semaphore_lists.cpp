// Where waiters stand, and the intervals in which they are not concerned: all of it derived.
#include "semaphore_store.hpp"

namespace xsipc::engine {
namespace {

std::uint16_t bounded(std::int32_t value) { return static_cast<std::uint16_t>(std::clamp(value, 0, largest_value)); }

void raise(std::uint16_t& lo, std::int32_t to) {
  if (load(lo) < to) put(lo, bounded(to));
}
void lower(std::uint16_t& hi, std::int32_t to) {
  if (load(hi) > to) put(hi, bounded(to));
}

// A doubly linked list in the order of tickets, through the members `next` and `prev` of its nodes.
struct ordered_list {
  const set_memory& memory;
  std::uint32_t& head;
  std::uint32_t& tail;
  std::uint32_t waiter_node::*next;
  std::uint32_t waiter_node::*prev;

  // Most come last: looks for the place from the end.
  void insert(std::uint32_t number, waiter_node& node) const {
    std::uint32_t before = load(tail);
    std::uint32_t after = nil;
    const std::uint64_t state = load(node.state);
    for (std::uint32_t walked = memory.most_nodes(); walked > 0; --walked) {
      waiter_node* const at = memory.node(before);
      if (at == nullptr || load(at->state) <= state) break;
      after = before;
      before = load(at->*prev);
    }
    put(node.*prev, before);
    put(node.*next, after);
    set_next(before, number);
    set_prev(after, number);
  }
  void erase(waiter_node& node) const {
    set_next(load(node.*prev), load(node.*next));
    set_prev(load(node.*next), load(node.*prev));
  }

 private:
  void set_next(std::uint32_t of, std::uint32_t to) const {
    waiter_node* const node = memory.node(of);
    put(node == nullptr ? head : node->*next, to);
  }
  void set_prev(std::uint32_t of, std::uint32_t to) const {
    waiter_node* const node = memory.node(of);
    put(node == nullptr ? tail : node->*prev, to);
  }
};

ordered_list all_of(const set_memory& memory) {
  set_body& body = memory.body();
  return {memory, body.all_head, body.all_tail, &waiter_node::all_next, &waiter_node::all_prev};
}
ordered_list fragile_of(const set_memory& memory) {
  set_body& body = memory.body();
  return {memory, body.fragile_head, body.fragile_tail, &waiter_node::fragile_next, &waiter_node::fragile_prev};
}
ordered_list waiters_of(const set_memory& memory, semaphore_waits& waits) {
  return {memory, waits.head, waits.tail, &waiter_node::next, &waiter_node::prev};
}

}  // namespace

void semaphore_store::link_all(std::uint32_t number, waiter_node& node) {
  all_of(memory_).insert(number, node);
  put(body_->parked, load(body_->parked) + 1);
}

void semaphore_store::unlink_all(waiter_node& node) {
  all_of(memory_).erase(node);
  put(body_->parked, load(body_->parked) - 1);
}

void semaphore_store::link(std::uint32_t number, waiter_node& node) {
  semaphore_waits* const waits = memory_.waits(load(node.semnum));
  if (waits == nullptr) return;
  waiters_of(memory_, *waits).insert(number, node);
  put(node.marks, listed);
  narrow(node);
}

void semaphore_store::unlink(std::uint32_t, waiter_node& node) {
  semaphore_waits* const waits = memory_.waits(load(node.semnum));
  const std::uint8_t marks = load(node.marks);
  if ((marks & listed) != 0 && waits != nullptr) waiters_of(memory_, *waits).erase(node);
  if ((marks & fragile) != 0) unlink_fragile(node);
  put(node.marks, 0);
}

void semaphore_store::link_fragile(std::uint32_t number, waiter_node& node) {
  fragile_of(memory_).insert(number, node);
}

void semaphore_store::unlink_fragile(waiter_node& node) {
  fragile_of(memory_).erase(node);
  if ((load(node.marks) & fragile_undo) != 0) put(body_->undo_sensitive, load(body_->undo_sensitive) - 1);
}

// Puts a blocked waiter where `planned` says that it waits.
void semaphore_store::place(std::uint32_t number, waiter_node& node, operation_list operations,
                            const semop_plan& planned) {
  put(node.semnum, operations[planned.at].semnum);
  put(node.threshold, planned.threshold);
  put(node.for_zero, planned.for_zero ? 1 : 0);
  put(node.marks, 0);
  link(number, node);
  if (!may_come_to_fail(operations, planned)) return;
  const auto before = operations.first(planned.at);
  const bool undo = std::any_of(before.begin(), before.end(),
                                [](const sem_operation& operation) { return has(operation.flags, sem_flags::undo); });
  link_fragile(number, node);
  put(node.marks, static_cast<std::uint8_t>(load(node.marks) | fragile | (undo ? fragile_undo : 0)));
  if (undo) put(body_->undo_sensitive, load(body_->undo_sensitive) + 1);
  narrow_fragile(operations, planned);
}

// As place, for one that stands somewhere already. Stays where it is if that is right.
void semaphore_store::replace(std::uint32_t number, waiter_node& node, operation_list operations,
                              const semop_plan& planned) {
  const bool same = (load(node.marks) & listed) != 0 && load(node.semnum) == operations[planned.at].semnum &&
                    load(node.threshold) == planned.threshold && (load(node.for_zero) != 0) == planned.for_zero &&
                    ((load(node.marks) & fragile) != 0) == may_come_to_fail(operations, planned);
  if (same) return;
  unlink(number, node);
  place(number, node, operations, planned);
}

// The values at which the waiter's first blocking operation can proceed are not quiet.
void semaphore_store::narrow(const waiter_node& node) {
  semaphore_waits* const waits = memory_.waits(load(node.semnum));
  if (waits == nullptr) return;
  if (load(node.for_zero) != 0) {
    raise(waits->lo, std::min(load(node.threshold), largest_value) + 1);
  } else {
    lower(waits->hi, std::max(load(node.threshold), 0) - 1);
  }
}

// Nor are those at which an operation before it would fail.
void semaphore_store::narrow_fragile(operation_list operations, const semop_plan& planned) {
  for (std::size_t at = 0; at < planned.at; ++at) {
    const sem_operation& operation = operations[at];
    semaphore_waits* const waits = memory_.waits(operation.semnum);
    if (waits == nullptr) continue;
    const int change = planned.values[at] - memory_.value(operation.semnum);  // up to and with this operation
    if (operation.sem_op > 0) {
      lower(waits->hi, largest_value - change);
    } else if (has(operation.flags, sem_flags::no_wait)) {
      raise(waits->lo, -change);
      if (operation.sem_op == 0) lower(waits->hi, -change);
    }
  }
}

// Makes the intervals of semaphores as wide as their waiters allow. Those that are due have been served.
void semaphore_store::make_quiet(const changed_semaphores& changed) {
  const std::uint32_t most = changed.all ? memory_.nsems() : changed.count;
  std::uint32_t left = memory_.most_nodes();  // for all of them: a node is in one list
  for (std::uint32_t at = 0; at < most; ++at) {
    semaphore_waits* const waits = memory_.waits(changed.all ? at : changed.semnum[at]);
    if (waits == nullptr) continue;
    put(waits->lo, 0);
    put(waits->hi, largest_value);
    std::uint32_t number = load(waits->head);
    for (; left > 0; --left) {
      const waiter_node* const node = memory_.node(number);
      if (node == nullptr) break;
      narrow(*node);
      number = load(node->next);
    }
  }
  std::uint32_t number = load(body_->fragile_head);
  for (std::uint32_t walked = memory_.most_nodes(); walked > 0; --walked) {
    const waiter_node* const node = memory_.node(number);
    if (node == nullptr) break;
    copied_operations operations;
    semop_plan planned;
    if (copy_operations(*node, operations)) {
      plan_of(*node, operations.all(), planned);
      if (planned.is == semop_plan::outcome::blocked) narrow_fragile(operations.all(), planned);
    }
    number = load(node->fragile_next);
  }
}

}  // namespace xsipc::engine
