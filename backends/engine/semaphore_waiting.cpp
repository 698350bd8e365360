// Parked calls: how they come and go.
#include <cstring>

#include "semaphore_store.hpp"

namespace xsipc::engine {

// A waiter's operations, checked. False: they are rubbish.
bool semaphore_store::copy_operations(const waiter_node& node, copied_operations& to) const {
  to.count = load(node.nops);
  if (to.count == 0 || to.count > most_operations) return false;
  const sem_operation* from = node.inlined;
  if (to.count > inline_operations) {
    const std::uint32_t run = load(node.operations);
    const std::uint64_t bytes = sizeof(operations_head) + to.count * sizeof(sem_operation);
    if (!memory_.holds_run(run, set_memory::pages_for(bytes))) return false;
    from = reinterpret_cast<const sem_operation*>(space_.page(run) + sizeof(operations_head));
  }
  std::memcpy(to.at, from, to.count * sizeof(sem_operation));
  const std::uint32_t nsems = memory_.nsems();
  return std::all_of(to.at, to.at + to.count, [&](const sem_operation& one) { return one.semnum < nsems; });
}

// What the waiter's operations would do now.
void semaphore_store::plan_of(const waiter_node& node, operation_list operations, semop_plan& to) const {
  const bool undo = std::any_of(operations.begin(), operations.end(),
                                [](const sem_operation& one) { return has(one.flags, sem_flags::undo); });
  plan(operations, undo ? ledger_.find(node.cell.who) : nil, true, to);
}

bool semaphore_store::ensure_waits() {
  if (load(body_->waiting_run) != nil) return true;
  const std::uint32_t nsems = memory_.nsems();
  const std::uint32_t pages = set_memory::pages_for(std::uint64_t{nsems} * sizeof(semaphore_waits));
  const std::uint32_t run = pages_.take(set_, pages, 1, false, *page_chain_);
  if (run == nil) return false;
  auto* const waits = reinterpret_cast<semaphore_waits*>(space_.page(run));
  std::fill(waits, waits + nsems, semaphore_waits{0, largest_value, nil, nil, 0});
  pages_.name(run, page_use::waiting);
  commit(body_->waiting_run, run);
  return true;
}

void semaphore_store::free_node(std::uint32_t number) {
  put(space_.link(number), load(body_->free));
  put(body_->free, number);
}

void semaphore_store::add_nodes(std::uint32_t page) {
  for (std::uint32_t cell = (page + 1) * cells_per_page; cell-- > page * cells_per_page;) free_node(cell);
}

std::uint32_t semaphore_store::take_node() {
  if (memory_.node(load(body_->free)) == nullptr && load(body_->in_use) != 0) reap();
  if (memory_.node(load(body_->free)) == nullptr) {
    const std::uint32_t page = pages_.take(set_, 1, 1, true, *page_chain_);
    if (page == nil) return nil;
    pages_.name(page, page_use::nodes);
    add_nodes(page);
  }
  const std::uint32_t number = load(body_->free);
  put(body_->free, load(space_.link(number)));
  return number;
}

bool semaphore_store::store_operations(std::uint32_t number, waiter_node& node, operation_list operations) {
  std::byte* to = reinterpret_cast<std::byte*>(node.inlined);
  put(node.operations, nil);
  if (operations.size() > inline_operations) {
    const std::uint64_t bytes = sizeof(operations_head) + operations.size_bytes();
    const std::uint32_t run = pages_.take(set_, set_memory::pages_for(bytes), 1, false, *page_chain_);
    if (run == nil) return false;
    *reinterpret_cast<operations_head*>(space_.page(run)) = {number, 0};
    pages_.name(run, page_use::operations);
    put(node.operations, run);
    to = space_.page(run) + sizeof(operations_head);
  }
  std::memcpy(to, operations.data(), operations.size_bytes());
  put(node.nops, static_cast<std::uint16_t>(operations.size()));
  const bool constant =
      std::all_of(operations.begin(), operations.end(), [](const sem_operation& one) { return one.sem_op == 0; });
  put(node.constant, constant ? 1 : 0);
  return true;
}

std::uint32_t semaphore_store::park(std::span<const sem_operation> operations, const identity& who) {
  if (operations.empty() || operations.size() > most_operations) return nil;
  // What completing it will need is there from now on: whoever completes it can't fail.
  const bool undo = std::any_of(operations.begin(), operations.end(),
                                [](const sem_operation& one) { return has(one.flags, sem_flags::undo); });
  if (!journal_.reserve(static_cast<std::uint32_t>(2 * operations.size() + 2)) || !ensure_waits()) return nil;
  if (undo && ledger_.obtain(who) == nil) return nil;
  const std::uint32_t number = take_node();
  waiter_node* const node = memory_.node(number);
  if (node == nullptr) return nil;
  if (!store_operations(number, *node, operations)) {
    free_node(number);
    return nil;
  }
  node->cell = {awake, 0, 0, 0, who};
  put(node->marks, 0);
  semop_plan planned;
  plan_of(*node, operations, planned);
  const std::uint64_t ticket = load(body_->ticket) + 1;
  commit(node->state, ticket << 2 | 1);
  in_order();
  put(body_->ticket, ticket);
  put(body_->in_use, load(body_->in_use) + 1);
  link_all(number, *node);
  if (planned.is == semop_plan::outcome::blocked) place(number, *node, operations, planned);
  return number;
}

wait_cell& semaphore_store::cell_of(std::uint32_t waiter) const { return space_.cell<waiter_node>(waiter).cell; }

// The waiter is gone, whatever it was.
void semaphore_store::discard(std::uint32_t number) {
  waiter_node* const node = memory_.node(number);
  if (node == nullptr || load(node->state) == 0) return;
  if (is_parked(load(node->cell.status))) unpark(number, *node);
  commit(node->state, 0);
  in_order();
  put(body_->in_use, load(body_->in_use) - 1);
  const std::uint32_t run = load(node->nops) > inline_operations ? load(node->operations) : nil;
  const page_owner owner = pages_.owner_of(run);
  if (owner.use == page_use::operations && owner.object == set_) pages_.give(run, *page_chain_);
  free_node(number);
}

void semaphore_store::leave(std::uint32_t waiter) { discard(waiter); }
void semaphore_store::collect(std::uint32_t waiter) { discard(waiter); }

int semaphore_store::waiting(std::uint32_t semnum, bool for_zero) const {
  int count = 0;
  std::uint32_t number = load(body_->all_head);
  for (std::uint32_t walked = memory_.most_nodes(); walked > 0; --walked) {
    waiter_node* const node = memory_.node(number);
    if (node == nullptr) break;
    number = load(node->all_next);
    copied_operations operations;
    semop_plan planned;
    if (!is_parked(load(node->cell.status)) || !copy_operations(*node, operations)) continue;
    plan_of(*node, operations.all(), planned);
    if (planned.is != semop_plan::outcome::blocked || planned.for_zero != for_zero) continue;
    if (operations.at[planned.at].semnum == semnum && space_.calls().alive(node->cell)) ++count;
  }
  return count;
}

}  // namespace xsipc::engine
