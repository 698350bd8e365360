// Completing waiters on their behalf, in the kernel's order: first who waits for zero and changes nothing, then the
// others by ticket, from the beginning again whenever one of them may have made an earlier one due.
#include "semaphore_store.hpp"

namespace xsipc::engine {

void semaphore_store::unpark(std::uint32_t number, waiter_node& node) {
  unlink(number, node);
  unlink_all(node);
}

semaphore_store::cursors semaphore_store::cursors_of(const changed_semaphores& changed) const {
  cursors among;
  if (changed.all) {
    among.at[among.count++] = load(body_->all_head);
    return among;
  }
  for (std::uint32_t at = 0; at < changed.count; ++at) {
    const semaphore_waits* const waits = memory_.waits(changed.semnum[at]);
    among.at[among.count++] = waits == nullptr ? nil : load(waits->head);
  }
  among.at[among.count++] = load(body_->fragile_head);
  among.fragile = true;
  return among;
}

// The waiter with the lowest ticket that a cursor is at; all cursors at it go on. nil: there is none.
std::uint32_t semaphore_store::next_of(cursors& among, bool all, bool& by_fragility) const {
  std::uint32_t first = nil;
  std::uint64_t lowest = ~std::uint64_t{0};
  for (std::uint32_t at = 0; at < among.count; ++at) {
    const waiter_node* const node = memory_.node(among.at[at]);
    if (node == nullptr || load(node->state) >= lowest) continue;
    lowest = load(node->state);
    first = among.at[at];
  }
  const waiter_node* const node = memory_.node(first);
  by_fragility = false;
  for (std::uint32_t at = 0; at < among.count && node != nullptr; ++at) {
    if (among.at[at] != first) continue;
    const bool fragile_list = among.fragile && at + 1 == among.count;
    by_fragility |= fragile_list;
    among.at[at] = load(all ? node->all_next : fragile_list ? node->fragile_next : node->next);
  }
  return first;
}

// Completes a waiter if it is due.
semaphore_store::step semaphore_store::attend(std::uint32_t number, waiter_node& node,
                                              const copied_operations& operations, std::int64_t now, wake_list& wakes) {
  semop_plan planned;
  plan_of(node, operations.all(), planned);
  if (planned.is == semop_plan::outcome::blocked) {
    replace(number, node, operations.all(), planned);
    return step::stays;
  }
  if (!space_.calls().alive(node.cell)) {
    discard(number);
    return step::gone;
  }
  if (planned.is == semop_plan::outcome::failed) {
    unpark(number, node);
    wakes.complete(node.cell, wait_status::failed, static_cast<std::uint32_t>(planned.code));
    return step::gone;
  }
  const bool undo = std::any_of(operations.at, operations.at + operations.count,
                                [](const sem_operation& one) { return has(one.flags, sem_flags::undo); });
  const std::uint32_t record = undo ? ledger_.find(node.cell.who) : nil;
  if ((undo && record == nil) || !journal_.begin(2 * operations.count + 2)) return step::stays;
  add_performed(operations.all(), record, node.cell.who.pid, now, planned);
  journal_.add(journal_kind::outcome, 0, number, 0);
  journal_.commit(ledger_, wakes);
  unpark(number, node);
  return step::performed;
}

// True if a waiter that was passed may be due now that these operations were performed.
bool semaphore_store::must_restart(const copied_operations& operations, changed_semaphores& changed) const {
  bool restart = operations.count > 1 || load(body_->fragile_head) != nil;
  for (const sem_operation& operation : operations.all()) {
    const int value = memory_.value(operation.semnum);
    if (memory_.quiet(operation.semnum, value)) continue;
    restart |= changed.add(operation.semnum);
    const semaphore_waits* const waits = memory_.waits(operation.semnum);
    restart |= waits != nullptr && value < load(waits->lo);
  }
  return restart;
}

// Attends to the waiters of one sort that may be concerned. True if they must be gone through again.
bool semaphore_store::pass(changed_semaphores& changed, bool constant, std::int64_t now, wake_list& wakes) {
  const bool all = changed.all;
  cursors among = cursors_of(changed);
  bool by_fragility = false;
  for (std::uint32_t walked = memory_.most_nodes(); walked > 0; --walked) {
    const std::uint32_t number = next_of(among, all, by_fragility);
    waiter_node* const node = memory_.node(number);
    if (node == nullptr) return false;
    if ((load(node->constant) != 0) != constant || !is_parked(load(node->cell.status))) continue;
    const int value = memory_.value(load(node->semnum));
    const bool due = load(node->for_zero) != 0 ? value <= load(node->threshold) : value >= load(node->threshold);
    copied_operations operations;
    if (!(due || by_fragility || all) || !copy_operations(*node, operations)) continue;
    if (attend(number, *node, operations, now, wakes) != step::performed || constant) continue;
    if (must_restart(operations, changed)) return true;
  }
  return false;
}

void semaphore_store::run(changed_semaphores& changed, std::int64_t now, wake_list& wakes) {
  std::uint32_t rounds = memory_.most_nodes();  // each but the last completes a waiter
  do {
    (void)pass(changed, true, now, wakes);
  } while (pass(changed, false, now, wakes) && --rounds > 0);
  make_quiet(changed);
}

}  // namespace xsipc::engine
