// Death: adjustments are given back, dead waiters go, and a set that a dead process left half changed is put right.
#include <cerrno>

#include "semaphore_store.hpp"

namespace xsipc::engine {

// One transaction a semaphore: who continues after a death finds what is left.
void semaphore_store::finish_undo(std::uint32_t record, std::int64_t now, changed_semaphores& changed,
                                  wake_list& wakes) {
  const undo_record* const head = memory_.record(record);
  if (head == nullptr) return;
  const std::int32_t pid = head->who.pid;
  for (std::uint32_t semnum = 0; semnum < memory_.nsems(); ++semnum) {
    const int adjustment = ledger_.adjustment(record, semnum);
    if (adjustment == 0 || !journal_.begin(3)) continue;
    const int value = std::clamp(memory_.value(semnum) + adjustment, 0, largest_value);
    journal_.add(journal_kind::value, semnum, 0, semaphore_word(value, pid));
    journal_.add(journal_kind::adjustment, semnum, record, 0);
    journal_.add_otime(now);
    journal_.commit(ledger_, wakes);
    if (!memory_.quiet(semnum, value)) changed.add(semnum);
  }
  ledger_.discard(record);
}

void semaphore_store::undo(const identity& who, std::int64_t now, wake_list& wakes) {
  const std::uint32_t record = ledger_.find(who);
  if (record == nil) return;
  ledger_.begin_undo(record);
  in_order();
  changed_semaphores changed;
  finish_undo(record, now, changed, wakes);
  if (changed.any() || load(body_->undo_sensitive) != 0) run(changed, now, wakes);
}

// Frees the nodes of the dead.
void semaphore_store::reap() {
  for_each_node([&](std::uint32_t number, waiter_node& node) {
    if (load(node.state) != 0 && !space_.calls().alive(node.cell)) discard(number);
  });
}

void semaphore_store::sweep(std::int64_t now, wake_list& wakes) {
  if (load(body_->in_use) != 0) reap();
  undo_of_the_dead(now, wakes);
}

void semaphore_store::undo_of_dead_holders(std::int64_t now, wake_list& wakes) {
  ledger_.for_each([&](std::uint32_t page, const undo_record& record) {
    if (space_.calls().alive(record.who)) return;
    if (load(record.nonzero) != 0) {
      undo(identity(record.who), now, wakes);
    } else {
      ledger_.discard(page);
    }
  });
}

void semaphore_store::remove(wake_list& wakes) {
  for (std::uint32_t walked = memory_.most_nodes(); walked > 0; --walked) {
    const std::uint32_t number = load(body_->all_head);
    waiter_node* const node = memory_.node(number);
    if (node == nullptr) break;
    unpark(number, *node);
    if (is_parked(load(node->cell.status))) wakes.complete(node->cell, failed, EIDRM);
  }
}

bool semaphore_store::deserted() const { return load(body_->in_use) == 0; }

void semaphore_store::reset_lists() {
  for (std::uint32_t* word :
       {&body_->free, &body_->all_head, &body_->all_tail, &body_->fragile_head, &body_->fragile_tail}) {
    put(*word, nil);
  }
  for (std::uint32_t* word : {&body_->undo_sensitive, &body_->parked, &body_->in_use}) put(*word, 0);
  const page_owner owner = pages_.owner_of(load(body_->waiting_run));
  const bool whole = owner.use == page_use::waiting && owner.object == set_ && owner.place == 0 &&
                     std::uint64_t{owner.length} * page_bytes >= memory_.nsems() * sizeof(semaphore_waits);
  if (!whole) put(body_->waiting_run, nil);
  for (std::uint32_t semnum = 0; whole && semnum < memory_.nsems(); ++semnum) {
    semaphore_waits* const waits = memory_.waits(semnum);
    if (waits != nullptr) *waits = {0, largest_value, nil, nil, 0};
  }
}

namespace {

// Merges two lists through all_next that are in the order of tickets.
std::uint32_t merged(const set_memory& memory, std::uint32_t a, std::uint32_t b) {
  std::uint32_t head = nil;
  std::uint32_t* to = &head;
  waiter_node* first = memory.node(a);
  waiter_node* second = memory.node(b);
  for (std::uint32_t most = memory.most_nodes(); first != nullptr && second != nullptr && most > 0; --most) {
    const bool take_first = load(first->state) <= load(second->state);
    put(*to, take_first ? a : b);
    waiter_node*& from = take_first ? first : second;
    to = &from->all_next;
    (take_first ? a : b) = load(from->all_next);
    from = memory.node(take_first ? a : b);
  }
  put(*to, first != nullptr ? a : b);
  return head;
}

}  // namespace

// Frees what is not in use or belongs to the dead, wakes the completed, and returns the parked, linked by all_next in
// the order of tickets. A merge sort with a list of 2^i nodes in each place: no memory is needed.
std::uint32_t semaphore_store::sort_nodes() {
  constexpr std::uint32_t places = 32;
  std::uint32_t lists[places];
  std::fill(std::begin(lists), std::end(lists), nil);
  std::uint64_t last = load(body_->ticket);
  for_each_node([&](std::uint32_t number, waiter_node& node) {
    const std::uint64_t state = load(node.state);
    const std::uint32_t status = load(node.cell.status);
    const bool completed = status == done || status == failed;
    if (state == 0 || !(completed || is_parked(status)) || !space_.calls().alive(node.cell)) {
      commit(node.state, 0);
      return free_node(number);
    }
    last = std::max(last, state >> 2);
    put(body_->in_use, load(body_->in_use) + 1);
    put(node.marks, 0);
    if (completed) return space_.calls().wake(node.cell);
    put(node.all_next, nil);
    std::uint32_t place = 0;
    while (place + 1 < places && lists[place] != nil) {
      number = merged(memory_, lists[place], number);
      lists[place++] = nil;
    }
    lists[place] = number;
  });
  put(body_->ticket, last);
  std::uint32_t sorted = nil;
  for (const std::uint32_t list : lists) sorted = merged(memory_, list, sorted);
  return sorted;
}

// Puts the parked where they belong; one that is due, where the run that follows finds it.
void semaphore_store::park_again(std::uint32_t number) {
  for (std::uint32_t walked = memory_.most_nodes(); walked > 0; --walked) {
    waiter_node* const node = memory_.node(number);
    if (node == nullptr) break;
    const std::uint32_t next = load(node->all_next);
    link_all(number, *node);
    copied_operations operations;
    semop_plan planned;
    if (copy_operations(*node, operations)) {
      plan_of(*node, operations.all(), planned);
      if (planned.is == semop_plan::outcome::blocked) place(number, *node, operations.all(), planned);
    }
    number = next;
  }
}

// Gives runs back that nothing refers to.
void semaphore_store::give_strays() {
  pages_.for_each_run(load(*page_chain_), [&](std::uint32_t first, const page_owner& owner) {
    bool used = true;
    if (owner.use == page_use::journal) used = load(body_->journal_run) == first;
    if (owner.use == page_use::waiting) used = load(body_->waiting_run) == first;
    if (owner.use == page_use::operations) {
      const auto& head = *reinterpret_cast<const operations_head*>(space_.page(first));
      const waiter_node* const node = memory_.node(load(head.node));
      used = node != nullptr && load(node->state) != 0 && load(node->nops) > inline_operations &&
             load(node->operations) == first;
    }
    if (!used) pages_.give(first, *page_chain_);
  });
}

void semaphore_store::recover(bool removed, std::int64_t now, wake_list& wakes) {
  pages_.recover(set_, *page_chain_);
  ledger_.recover();
  journal_.recover(ledger_, wakes);
  reset_lists();
  park_again(sort_nodes());
  give_strays();
  if (removed) return remove(wakes);
  changed_semaphores changed;
  ledger_.for_each([&](std::uint32_t page, const undo_record& record) {
    if (load(record.state) == record_dying) finish_undo(page, now, changed, wakes);
  });
  if (load(body_->parked) == 0) return;
  changed.all = true;
  run(changed, now, wakes);
}

}  // namespace xsipc::engine
