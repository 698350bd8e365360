// The invariants of a set.
#include "semaphore_store.hpp"

namespace xsipc::engine {

std::string semaphore_store::check(bool removed) const {
  for (std::uint32_t semnum = 0; semnum < memory_.nsems(); ++semnum) {
    if ((load(memory_.word(semnum)) & 0xffffffff) > static_cast<std::uint64_t>(largest_value)) {
      return "value out of range";
    }
  }
  if (load(body_->journal_count) != 0) return "the journal is not empty";
  std::string wrong = check_nodes(removed);
  if (wrong.empty()) wrong = check_lists();
  if (wrong.empty()) wrong = check_records();
  return wrong;
}

// Each node is exactly one of free, parked and completed, and the counters agree.
std::string semaphore_store::check_nodes(bool removed) const {
  std::uint32_t in_use = 0;
  std::uint32_t parked = 0;
  std::uint32_t unused = 0;
  std::string wrong;
  for_each_node([&](std::uint32_t, const waiter_node& node) {
    const std::uint64_t state = load(node.state);
    if (state == 0) {
      ++unused;
      return;
    }
    ++in_use;
    if (state >> 2 > load(body_->ticket)) wrong = "a ticket from the future";
    const std::uint32_t status = load(node.cell.status);
    if (status != done && status != failed && !is_parked(status)) wrong = "status of a waiter";
    if (!is_parked(status)) {
      if (load(node.marks) != 0) wrong = "a completed waiter is in a list";
      return;
    }
    ++parked;
    if (removed) wrong = "somebody is parked on a removed set";
    if (wrong.empty()) wrong = check_parked(node);
  });
  if (!wrong.empty()) return wrong;
  if (in_use != load(body_->in_use)) return "count of waiters in use";
  if (parked != load(body_->parked)) return "count of parked waiters";
  std::uint32_t number = load(body_->free);
  for (; memory_.node(number) != nullptr && unused > 0; --unused) {
    if (load(memory_.node(number)->state) != 0) return "a waiter in use is in the free list";
    number = load(space_.link(number));
  }
  return unused != 0 || number != nil ? "the free list" : "";
}

// It is blocked, where it is said to be, and the quiet intervals know.
std::string semaphore_store::check_parked(const waiter_node& node) const {
  copied_operations operations;
  semop_plan planned;
  if (!copy_operations(node, operations)) return "operations of a waiter";
  plan_of(node, operations.all(), planned);
  if (planned.is != semop_plan::outcome::blocked) return "a waiter that is due is parked";
  if ((load(node.marks) & listed) == 0) return "a parked waiter is in no list";
  const std::uint16_t semnum = load(node.semnum);
  const int value = memory_.value(semnum);
  const int threshold = load(node.threshold);
  const semaphore_waits* const waits = memory_.waits(semnum);
  if (waits == nullptr) return "no data of waiting";
  if (load(node.for_zero) != 0 ? value <= threshold : value >= threshold) return "a threshold was passed";
  if (load(node.for_zero) != 0 ? load(waits->lo) <= threshold : load(waits->hi) >= threshold) {
    return "the quiet interval is too wide";
  }
  const bool stands_here = operations.at[planned.at].semnum == semnum && planned.threshold == threshold;
  if (stands_here && may_come_to_fail(operations.all(), planned) != ((load(node.marks) & fragile) != 0)) {
    return "a waiter that may come to fail is not in that list";
  }
  return "";
}

// Lists are in the order of tickets, complete, and linked both ways.
std::string semaphore_store::check_lists() const {
  const auto walk = [&](std::uint32_t head, std::uint32_t tail, auto next, auto prev, auto belongs) {
    std::uint32_t before = nil;
    std::uint64_t last = 0;
    std::uint32_t count = 0;
    for (std::uint32_t number = head; number != nil; ++count) {
      const waiter_node* const node = memory_.node(number);
      if (node == nullptr || count > memory_.most_nodes()) return nil;
      if (load(node->*prev) != before || load(node->state) <= last || !belongs(*node)) return nil;
      last = load(node->state);
      before = number;
      number = load(node->*next);
    }
    return tail == before ? count : nil;
  };
  std::uint32_t fragile_ones = 0;
  std::uint32_t sensitive = 0;
  const auto all = walk(load(body_->all_head), load(body_->all_tail), &waiter_node::all_next, &waiter_node::all_prev,
                        [&](const waiter_node& node) {
                          fragile_ones += (load(node.marks) & fragile) != 0 ? 1U : 0U;
                          sensitive += (load(node.marks) & fragile_undo) != 0 ? 1U : 0U;
                          return is_parked(load(node.cell.status));
                        });
  if (all != load(body_->parked)) return "the list of all waiters";
  const auto fragile_count =
      walk(load(body_->fragile_head), load(body_->fragile_tail), &waiter_node::fragile_next, &waiter_node::fragile_prev,
           [](const waiter_node& node) { return (load(node.marks) & fragile) != 0; });
  if (fragile_count != fragile_ones || sensitive != load(body_->undo_sensitive)) return "the list of fragile waiters";
  std::uint32_t total = 0;
  for (std::uint32_t semnum = 0; semnum < memory_.nsems(); ++semnum) {
    const semaphore_waits* const waits = memory_.waits(semnum);
    if (waits == nullptr) break;
    const auto count =
        walk(load(waits->head), load(waits->tail), &waiter_node::next, &waiter_node::prev,
             [&](const waiter_node& node) { return (load(node.marks) & listed) != 0 && load(node.semnum) == semnum; });
    if (count == nil) return "the list of a semaphore's waiters";
    total += count;
  }
  return total == load(body_->parked) ? "" : "waiters of all semaphores";
}

// One record a process, counts that agree, and no run that nothing refers to.
std::string semaphore_store::check_records() const {
  std::uint32_t holders = 0;
  std::uint32_t records = 0;
  std::string wrong;
  ledger_.for_each([&](std::uint32_t page, undo_record& record) {
    std::uint32_t nonzero = 0;
    for (std::uint32_t semnum = 0; semnum < memory_.nsems(); ++semnum) {
      nonzero += load(set_memory::adjustment(record, semnum)) != 0 ? 1U : 0U;
    }
    if (nonzero != load(record.nonzero)) wrong = "count of adjustments";
    if (load(record.state) != record_live || ledger_.find(record.who) != page) wrong = "state of a record";
    holders += nonzero != 0 ? 1U : 0U;
    ++records;
  });
  if (!wrong.empty()) return wrong;
  if (holders != load(body_->holders)) return "count of records with adjustments";
  std::uint32_t journals = 0;
  pages_.for_each_run(load(*page_chain_), [&](std::uint32_t first, const page_owner& owner) {
    if (!(owner.object == set_)) wrong = "a page of somebody else";
    if (owner.use == page_use::undo) --records;
    if (owner.use == page_use::journal && first != load(body_->journal_run)) ++journals;
    if (owner.use == page_use::waiting && first != load(body_->waiting_run)) ++journals;
    if (owner.use == page_use::claimed || owner.use == page_use::none) ++journals;
  });
  if (records != 0) return "records and their pages";
  if (journals != 0) return "a run that nothing refers to";
  return wrong;
}

}  // namespace xsipc::engine
