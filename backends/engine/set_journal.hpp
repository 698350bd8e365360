// The redo log of a semaphore set: absolute values, made true by one store, applied as often as need be.
//
// For the engine only. A short transaction lies in the set's body, a long one in a run of pages that reserve() has
// taken before. Under the set's lock: begin, add..., then commit, which also applies.
#ifndef XSIPC_ENGINE_SET_JOURNAL_HPP
#define XSIPC_ENGINE_SET_JOURNAL_HPP

#include <cstdint>
#include <span>

#include "page_heap.hpp"
#include "semaphore_layout.hpp"
#include "undo_ledger.hpp"
#include "wait_queue.hpp"

namespace xsipc::engine {

class set_journal {
 public:
  set_journal(const arena& space, const object_ref& set, std::uint32_t& page_chain)
      : memory_(space, set), set_(set), pages_(space), page_chain_(&page_chain) {}

  // Makes room for transactions of that many entries, for good. False: there is no memory.
  [[nodiscard]] bool reserve(std::uint32_t entries);

  // Begins a transaction of at most that many entries. False: reserve() was not called for it.
  [[nodiscard]] bool begin(std::uint32_t entries);
  void add(journal_kind kind, std::uint32_t semnum, std::uint32_t which, std::uint64_t value);
  // Adds a value for each semaphore; nothing can be added after it.
  void add_all(std::span<const std::uint16_t> values, std::int32_t pid);
  [[nodiscard]] static std::uint32_t entries_for_all(std::uint32_t nsems);
  // Sets otime unless it is that already.
  void add_otime(std::int64_t now);

  // Commits, applies.
  void commit(undo_ledger& ledger, wake_list& wakes);

  // Applies what a dead process has committed. Pages and ledger have been recovered.
  void recover(undo_ledger& ledger, wake_list& wakes);

 private:
  [[nodiscard]] std::uint32_t capacity_of_run() const {
    std::uint32_t room = 0;
    static_cast<void>(run(room));
    return room;
  }
  // The run and how many entries fit into it; null and 0 if there is none.
  [[nodiscard]] journal_entry* run(std::uint32_t& room) const;
  void apply(const journal_entry* entries, std::uint32_t count, undo_ledger& ledger, wake_list& wakes) const;
  void apply_all(const journal_entry* entries, std::uint32_t count, undo_ledger& ledger) const;
  void complete(std::uint32_t waiter, wake_list& wakes) const;

  set_memory memory_;
  object_ref set_;
  page_heap pages_;
  std::uint32_t* page_chain_;
  journal_entry* entries_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t room_ = 0;
  std::uint32_t mark_ = 0;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_SET_JOURNAL_HPP
