// The semaphores of one set: values, waiters, adjustments, and what puts them right after a death.
//
// A value and its sempid are one word. One operation without undo commits by storing it; everything larger is written
// to the journal first, as absolute values, whose count commits: applying it again changes nothing. Waiters' lists and
// the intervals in which no waiter is concerned are derived, and recover() makes them anew.
//
// Every function wants the set's lock, and none parks or takes another. Operations are the engine's own copy.
#ifndef XSIPC_ENGINE_SEMAPHORE_STORE_HPP
#define XSIPC_ENGINE_SEMAPHORE_STORE_HPP

#include <cstdint>
#include <span>
#include <string>

#include "arena.hpp"
#include "message_store.hpp"
#include "page_heap.hpp"
#include "semaphore_layout.hpp"
#include "semop_plan.hpp"
#include "set_journal.hpp"
#include "undo_ledger.hpp"
#include "wait_queue.hpp"
#include "xsipc/semaphore_operation.hpp"

namespace xsipc::engine {

// What became of an attempt.
struct attempt {
  enum class outcome : std::uint8_t { performed, blocked, failed };
  outcome is = outcome::performed;
  int code = 0;  // of a failure: EFBIG, EAGAIN (it would block and may not), ERANGE, ENOSPC, ENOMEM
};

class semaphore_store {
 public:
  semaphore_store(const arena& space, const object_ref& set, std::uint32_t& page_chain)
      : space_(space),
        set_(set),
        pages_(space),
        page_chain_(&page_chain),
        body_(&space.body<set_body>(set)),
        memory_(space, set),
        ledger_(space, set, page_chain),
        journal_(space, set, page_chain) {}

  // Makes the body of a new set of `nsems` semaphores at 0. False: there is no memory, and no page is kept.
  [[nodiscard]] bool make(std::uint32_t nsems);
  [[nodiscard]] std::uint32_t nsems() const;

  // Performs all operations or none, completes waiters that can then proceed, and tells what became of it. `may_wait`
  // false: as if each operation had no_wait. A blocked attempt changes nothing.
  [[nodiscard]] attempt operate(std::span<const sem_operation> operations, const identity& who, const deed& by,
                                bool may_wait, wake_list& wakes) {
    if (operations.size() == 1 && performed_at_once(operations[0], by)) [[likely]]
      return {};
    return operate_as_planned(operations, who, by, may_wait, wakes);
  }
  // After `blocked`, under the same lock: leaves a waiter with a copy of the operations. nil: there is no memory.
  [[nodiscard]] std::uint32_t park(std::span<const sem_operation> operations, const identity& who);
  [[nodiscard]] wait_cell& cell_of(std::uint32_t waiter) const;
  // A parked waiter goes away; a completed one does.
  void leave(std::uint32_t waiter);
  void collect(std::uint32_t waiter);

  // semnum is below nsems().
  [[nodiscard]] int value(std::uint32_t semnum) const;
  [[nodiscard]] std::int32_t pid(std::uint32_t semnum) const;
  // Live callers whose first blocking operation waits on `semnum` for a larger value, or for zero.
  [[nodiscard]] int waiting(std::uint32_t semnum, bool for_zero) const;
  [[nodiscard]] std::int64_t otime() const;
  [[nodiscard]] std::int64_t ctime() const;  // the latest of creation, SETVAL and SETALL

  // Set one value, or all; clear every process's adjustment of what they set; let waiters proceed. Values are in range.
  // False: there is no memory, and nothing has changed.
  [[nodiscard]] bool set_value(std::uint32_t semnum, int value, const deed& by, wake_list& wakes);
  [[nodiscard]] bool set_all(std::span<const std::uint16_t> values, const deed& by, wake_list& wakes);
  void set_ctime(std::int64_t now);

  // Gives back the adjustments of `who`, which has ended: one semaphore after the other, clamped to 0 and the largest
  // value, sempid its pid. Resumable.
  void undo(const identity& who, std::int64_t now, wake_list& wakes);
  // undo() of everybody who is dead. Cheap if nobody holds adjustments.
  void undo_of_the_dead(std::int64_t now, wake_list& wakes) {
    if (load(body_->records) != nil) [[unlikely]]
      undo_of_dead_holders(now, wakes);
  }
  // The same, and away with dead waiters, of whom nobody else takes notice: as long as there are waiters.
  void sweep(std::int64_t now, wake_list& wakes);
  // How often a parked waiter has to look, in ns, so that it learns in time of the death of one who holds adjustments:
  // 0 if nobody but `who` holds any. One of them looks often for all.
  [[nodiscard]] std::int64_t look_after_ns(std::uint32_t waiter, const identity& who) const;

  // The set was removed: everybody who is parked fails with EIDRM.
  void remove(wake_list& wakes);
  [[nodiscard]] bool deserted() const;

  // As message_store::recover.
  void recover(bool removed, std::int64_t now, wake_list& wakes);
  [[nodiscard]] std::string check(bool removed) const;

 private:
  using operation_list = std::span<const sem_operation>;

  // One operation that no waiter, no adjustment and no time is concerned by: the store of the word is all of it.
  [[nodiscard, gnu::always_inline]] bool performed_at_once(const sem_operation& operation, const deed& by) {
    if (operation.semnum >= memory_.nsems() || has(operation.flags, sem_flags::undo)) return false;
    std::uint64_t& word = memory_.word(operation.semnum);
    const int before = value_in(load(word));
    const int value = before + operation.sem_op;
    if (value < 0 || value > largest_value || (operation.sem_op == 0 && before != 0)) return false;
    if (!memory_.quiet(operation.semnum, value) || load(body_->otime) != by.now) return false;
    commit(word, semaphore_word(value, by.pid));
    return true;
  }

  struct copied_operations {
    std::uint32_t count;
    sem_operation at[most_operations];
    [[nodiscard]] operation_list all() const { return {at, count}; }
  };
  struct cursors {  // into lists of waiters
    std::uint32_t at[changed_semaphores::most + 1];
    std::uint32_t count = 0;
    bool fragile = false;  // the last one goes along that list
  };
  enum class step : std::uint8_t { stays, gone, performed };

  // semaphore_store.cpp
  class holders_watch;
  [[nodiscard]] attempt operate_as_planned(operation_list operations, const identity& who, const deed& by,
                                           bool may_wait, wake_list& wakes);
  [[nodiscard]] bool make_words(std::uint32_t nsems);
  void plan(operation_list operations, std::uint32_t record, bool may_wait, semop_plan& to) const;
  void add_performed(operation_list operations, std::uint32_t record, std::int32_t pid, std::int64_t now,
                     const semop_plan& planned);
  void after(operation_list operations, bool with_undo, std::int64_t now, wake_list& wakes);

  // semaphore_waiting.cpp
  [[nodiscard]] bool copy_operations(const waiter_node& node, copied_operations& to) const;
  void plan_of(const waiter_node& node, operation_list operations, semop_plan& to) const;
  [[nodiscard]] bool ensure_waits();
  [[nodiscard]] std::uint32_t take_node();
  void add_nodes(std::uint32_t page);
  void free_node(std::uint32_t number);
  [[nodiscard]] bool store_operations(std::uint32_t number, waiter_node& node, operation_list operations);
  void discard(std::uint32_t number);

  // semaphore_lists.cpp
  void place(std::uint32_t number, waiter_node& node, operation_list operations, const semop_plan& planned);
  void replace(std::uint32_t number, waiter_node& node, operation_list operations, const semop_plan& planned);
  void link(std::uint32_t number, waiter_node& node);
  void unlink(std::uint32_t number, waiter_node& node);
  void link_all(std::uint32_t number, waiter_node& node);
  void unlink_all(waiter_node& node);
  void link_fragile(std::uint32_t number, waiter_node& node);
  void unlink_fragile(waiter_node& node);
  void narrow(const waiter_node& node);
  void narrow_fragile(operation_list operations, const semop_plan& planned);
  void make_quiet(const changed_semaphores& changed);

  // semaphore_run.cpp
  void run(changed_semaphores& changed, std::int64_t now, wake_list& wakes);
  [[nodiscard]] bool pass(changed_semaphores& changed, bool constant, std::int64_t now, wake_list& wakes);
  [[nodiscard]] cursors cursors_of(const changed_semaphores& changed) const;
  [[nodiscard]] std::uint32_t next_of(cursors& among, bool all, bool& by_fragility) const;
  [[nodiscard]] step attend(std::uint32_t number, waiter_node& node, const copied_operations& operations,
                            std::int64_t now, wake_list& wakes);
  [[nodiscard]] bool must_restart(const copied_operations& operations, changed_semaphores& changed) const;
  void unpark(std::uint32_t number, waiter_node& node);

  // semaphore_recovery.cpp
  void undo_of_dead_holders(std::int64_t now, wake_list& wakes);
  void finish_undo(std::uint32_t record, std::int64_t now, changed_semaphores& changed, wake_list& wakes);
  void reap();
  [[nodiscard]] std::uint32_t sort_nodes();
  void reset_lists();
  void park_again(std::uint32_t sorted);
  void give_strays();
  template <typename Visitor>
  void for_each_node(Visitor visit) const {
    pages_.for_each_run(load(*page_chain_), [&](std::uint32_t first, const page_owner& owner) {
      if (owner.use != page_use::nodes || !memory_.holds_run(first, owner.length)) return;
      const std::uint32_t begin = first * cells_per_page;
      for (std::uint32_t cell = begin; cell < begin + owner.length * cells_per_page; ++cell) {
        visit(cell, space_.cell<waiter_node>(cell));
      }
    });
  }

  // semaphore_check.cpp
  [[nodiscard]] std::string check_nodes(bool removed) const;
  [[nodiscard]] std::string check_parked(const waiter_node& node) const;
  [[nodiscard]] std::string check_lists() const;
  [[nodiscard]] std::string check_records() const;

  const arena& space_;
  object_ref set_;
  page_heap pages_;
  std::uint32_t* page_chain_;
  set_body* body_;
  set_memory memory_;
  undo_ledger ledger_;
  set_journal journal_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_SEMAPHORE_STORE_HPP
