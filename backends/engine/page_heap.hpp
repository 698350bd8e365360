// Pages of the namespace: who owns which, taken and given back without a lock.
//
// Each page has an owner word: 0 if it is free, else whose it is, what for, and its place in a run of pages that were
// taken together. Taking is a compare-and-swap of that word, so an object takes pages under its own lock and no second
// one. A run is first CLAIMED, then prepared by its taker, then named: the store of its use to the FIRST page's word
// makes it part of the object. Who dies before leaves claimed pages behind, which the object's recovery gives back.
//
// The pages of an object hang together in a chain (derived: recovery rebuilds it), beginning at a word in its body.
// Threads: take and give of different objects at once; those of one object under its lock.
#ifndef XSIPC_ENGINE_PAGE_HEAP_HPP
#define XSIPC_ENGINE_PAGE_HEAP_HPP

#include <cstdint>

#include "arena.hpp"

namespace xsipc::engine {

enum class page_use : std::uint8_t {
  none,
  claimed,     // taken, not yet part of anything
  nodes,       // messages and waiters, one a cell
  blocks,      // texts of messages
  types,       // records of message types
  buckets,     // hash of types
  heap,        // heap of types
  values,      // of a set: values of semaphores
  waiting,     // of a set: who waits on which semaphore
  undo,        // of a set: adjustments of one process
  operations,  // of a set: arrays of waiters
  journal,     // of a set: redo log
  attachments  // of a segment: who is attached how often
};

struct page_owner {
  object_ref object;
  page_use use = page_use::none;
  std::uint32_t place = 0;   // of the page in its run
  std::uint32_t length = 0;  // of the run, in pages; at most longest_run
};
inline constexpr std::uint32_t longest_run = 4095;

class page_heap {
 public:
  explicit page_heap(const arena& space) : space_(space) {}

  // Takes `pages` pages side by side, the first a multiple of `alignment` (a power of two), for `object`, and adds them
  // to `chain`. Their content is what the last owner left, unless `cleared`. Returns the first, or nil: there is no
  // memory. Not yet part of the object: name() makes them so.
  [[nodiscard]] std::uint32_t take(const object_ref& object, std::uint32_t pages, std::uint32_t alignment, bool cleared,
                                   std::uint32_t& chain);
  // Commits: the run that begins at `first` is now used for `use`.
  void name(std::uint32_t first, page_use use);

  // Gives the run that begins at `first` back, which must be in `chain`.
  void give(std::uint32_t first, std::uint32_t& chain);
  // Gives all runs of the object back.
  void give_all(const object_ref& object, std::uint32_t& chain);

  // Rebuilds `chain` from the owner words of all pages, and gives runs back that were never named or are not whole.
  void recover(const object_ref& object, std::uint32_t& chain);

  // Visits each run of the chain: visit(first page, owner). Bounded by the number of pages.
  template <typename Visitor>
  void for_each_run(std::uint32_t chain, Visitor visit) const {
    const std::uint32_t most = space_.committed_pages();
    for (std::uint32_t walked = 0; chain < most && walked < most; ++walked) {
      const std::uint32_t next = load(next_of(chain));
      visit(chain, owner_of(chain));
      chain = next;
    }
  }

  // Who owns the page; use is none for a free one and for a number out of bounds.
  [[nodiscard]] page_owner owner_of(std::uint32_t page) const;

  // How many pages are free, and how many could still be added. Counts; for tests and reports.
  [[nodiscard]] std::uint32_t free_pages() const;

 private:
  [[nodiscard]] std::uint64_t& owner_word(std::uint32_t page) const {
    return space_.at<std::uint64_t>(space_.layout().owners, page);
  }
  [[nodiscard]] std::uint32_t& next_of(std::uint32_t page) const {
    return space_.at<std::uint32_t>(space_.layout().chains, page);
  }
  [[nodiscard]] std::uint32_t find_and_claim(const object_ref& object, std::uint32_t pages, std::uint32_t alignment);
  [[nodiscard]] bool claim(const object_ref& object, std::uint32_t first, std::uint32_t pages, std::uint32_t& taken_at);
  [[nodiscard]] std::uint32_t missing_for(std::uint32_t pages, std::uint32_t alignment) const;
  [[nodiscard]] bool grow(std::uint32_t pages);
  void release(std::uint32_t first, std::uint32_t pages);

  const arena& space_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_PAGE_HEAP_HPP
