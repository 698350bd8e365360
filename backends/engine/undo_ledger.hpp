// Adjustments (semadj) of all processes that used undo on a set: a record a process, found by its identity.
//
// For the engine only. A record is a run of pages; naming the run makes it. What is stored here of adjustments comes
// through the journal. The list of records and the counts are derived. Every function wants the set's lock.
#ifndef XSIPC_ENGINE_UNDO_LEDGER_HPP
#define XSIPC_ENGINE_UNDO_LEDGER_HPP

#include <cstdint>

#include "page_heap.hpp"
#include "semaphore_layout.hpp"

namespace xsipc::engine {

class undo_ledger {
 public:
  undo_ledger(const arena& space, const object_ref& set, std::uint32_t& page_chain)
      : memory_(space, set), set_(set), pages_(space), page_chain_(&page_chain) {}

  // The record of `who`, or nil. Not one that is being undone.
  [[nodiscard]] std::uint32_t find(const identity& who) const;
  // As find, but makes it. nil: there is no memory.
  [[nodiscard]] std::uint32_t obtain(const identity& who);

  // semnum is below nsems. 0 if there is no such record.
  [[nodiscard]] int adjustment(std::uint32_t record, std::uint32_t semnum) const;
  void set(std::uint32_t record, std::uint32_t semnum, int adjustment);
  // Nobody has an adjustment of it.
  void clear(std::uint32_t semnum);

  // Commits: the adjustments of the record will be given back, whatever happens.
  void begin_undo(std::uint32_t record);
  // Gives the record back. Its adjustments are 0.
  void discard(std::uint32_t record);

  // True if a process other than `who` has adjustments.
  [[nodiscard]] bool foreign(const identity& who) const;

  // Visits every record: visit(page, record). It may discard the one it is given.
  template <typename Visitor>
  void for_each(Visitor visit) const {
    std::uint32_t page = load(memory_.body().records);
    for (std::uint32_t walked = memory_.space().committed_pages(); walked > 0; --walked) {
      undo_record* const record = memory_.record(page);
      if (record == nullptr) return;
      const std::uint32_t next = load(record->next);
      visit(page, *record);
      page = next;
    }
  }

  // Makes list and counts from the pages, which have been recovered.
  void recover();

 private:
  void link(std::uint32_t page, undo_record& record);

  set_memory memory_;
  object_ref set_;
  page_heap pages_;
  std::uint32_t* page_chain_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_UNDO_LEDGER_HPP
