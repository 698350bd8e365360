// What a semaphore set looks like in the arena, and checked access to it.
//
// For the engine only. Truth: the words of the semaphores, the states of the waiters, the adjustments, the journal; all
// else is derived from them. Whoever changes a set holds its lock; numbers are checked here, so that rubbish in the
// arena leads to rubbish in this set at most.
#ifndef XSIPC_ENGINE_SEMAPHORE_LAYOUT_HPP
#define XSIPC_ENGINE_SEMAPHORE_LAYOUT_HPP

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "arena.hpp"
#include "page_heap.hpp"
#include "xsipc/semaphore_operation.hpp"

namespace xsipc::engine {

inline constexpr std::uint32_t most_semaphores = 32000;
inline constexpr std::uint32_t inline_semaphores = 32;  // that need no page
inline constexpr std::uint32_t words_per_page = page_bytes / sizeof(std::uint64_t);
inline constexpr std::uint32_t inline_operations = 8;  // of a waiter
inline constexpr int largest_value = 32767;

// A semaphore is one word, so that one store changes value and sempid.
[[nodiscard]] constexpr std::uint64_t semaphore_word(int value, std::int32_t pid) {
  return static_cast<std::uint32_t>(value) | std::uint64_t{static_cast<std::uint32_t>(pid)} << 32;
}
[[nodiscard]] constexpr int value_in(std::uint64_t word) { return static_cast<int>(word & 0x7fff); }
[[nodiscard]] constexpr std::int32_t pid_in(std::uint64_t word) { return static_cast<std::int32_t>(word >> 32); }

// A death leaves stores in the order of the program; in_order() keeps the compiler from having another.
template <typename T>
void put(T& word, std::type_identity_t<T> value) {
  std::atomic_ref(word).store(value, std::memory_order_relaxed);
}
inline void in_order() { std::atomic_signal_fence(std::memory_order_seq_cst); }

// Who waits on a semaphore; derived. No waiter is concerned as long as the value stays in [lo, hi].
struct semaphore_waits {
  std::uint16_t lo;
  std::uint16_t hi;
  std::uint32_t head;  // waiters, in the order of tickets
  std::uint32_t tail;
  std::uint32_t pad;
};
static_assert(sizeof(semaphore_waits) == 16);

// A blocked call: a cell. `state` is its truth, ticket << 2 | 1, or 0 if the cell is free; the cell's status tells
// whether it is parked or completed.
struct waiter_node {
  wait_cell cell;
  std::uint64_t state;
  std::uint32_t next, prev;                  // derived: on the same semaphore
  std::uint32_t all_next, all_prev;          // derived: all parked waiters
  std::uint32_t fragile_next, fragile_prev;  // derived: those that a value may turn into a failure
  std::int32_t threshold;  // derived: of the first blocking operation's semaphore, by its present value
  std::uint16_t semnum;    // derived: that semaphore
  std::uint8_t for_zero;   // derived: due if value <= threshold, else if value >= threshold
  std::uint8_t marks;      // derived: waiter_marks
  std::uint16_t nops;
  std::uint16_t constant;    // no operation changes a value
  std::uint32_t operations;  // run that holds them if they are more than fit here
  sem_operation inlined[inline_operations];
};
enum waiter_marks : std::uint8_t { listed = 1, fragile = 2, fragile_undo = 4 };
static_assert(sizeof(waiter_node) == cell_bytes && offsetof(waiter_node, threshold) == 64);

// Before the operations in a run: whose they are.
struct operations_head {
  std::uint32_t node;
  std::uint32_t pad;
};

// Adjustments of one process: a run of pages; one std::int16_t a semaphore follows.
struct undo_record {
  std::uint32_t state;    // record_state
  std::uint32_t nonzero;  // derived: adjustments that are not 0
  std::uint32_t next;     // derived: record
  std::uint32_t pad;
  identity who;
};
enum record_state : std::uint32_t { record_none = 0, record_live = 1, record_dying = 2 };
static_assert(sizeof(undo_record) == 32);

enum class journal_kind : std::uint16_t {
  none,
  value,       // semnum: value is the word
  adjustment,  // semnum, record `which`
  clearing,    // semnum: nobody has an adjustment
  otime,
  ctime,
  outcome,  // waiter `which` is done
  all       // the entries after it are words of 16 bits, one a semaphore; value is the pid; nobody has an adjustment
};
struct journal_entry {
  journal_kind kind;
  std::uint16_t semnum;
  std::uint32_t which;
  std::uint64_t value;
};
static_assert(sizeof(journal_entry) == 16);
inline constexpr std::uint32_t inline_entries = 7;
inline constexpr std::uint32_t entries_per_page = page_bytes / sizeof(journal_entry);

struct set_body {
  alignas(64) std::uint32_t lock;
  alignas(64) std::uint32_t nsems;
  std::uint32_t journal_count;  // commits what the journal holds; with journal_in_run if it is the run that does
  std::uint32_t journal_run;    // or nil
  std::uint32_t waiting_run;    // semaphore_waits of all, or nil as long as nobody ever waited
  std::int64_t otime;
  std::int64_t ctime;
  std::uint64_t ticket;  // the last one given
  std::uint32_t free;    // derived, as all that follows: waiter nodes, linked by arena::link
  std::uint32_t all_head, all_tail;
  std::uint32_t fragile_head, fragile_tail;
  std::uint32_t undo_sensitive;  // fragile waiters that an adjustment may turn into a failure
  std::uint32_t parked;
  std::uint32_t in_use;   // parked or completed
  std::uint32_t records;  // head of the records
  std::uint32_t holders;  // records with adjustments
  journal_entry journal[inline_entries];
  union {
    std::uint64_t words[inline_semaphores];
    std::uint32_t pages[2 * inline_semaphores];  // of more semaphores, words_per_page each
  };
};
inline constexpr std::uint32_t journal_in_run = 0x80000000;
static_assert(sizeof(set_body) <= body_bytes && std::is_trivially_copyable_v<set_body>);
static_assert(most_semaphores <= 2 * inline_semaphores * words_per_page);

// Semaphores that have left the interval in which no waiter is concerned.
struct changed_semaphores {
  static constexpr std::uint32_t most = 16;
  std::uint16_t semnum[most];
  std::uint32_t count = 0;
  bool all = false;  // more than fit: look at every waiter

  // True if it was not in it.
  bool add(std::uint32_t one) {
    if (all || std::find(semnum, semnum + count, one) != semnum + count) return false;
    if (count == most) {
      all = true;
    } else {
      semnum[count++] = static_cast<std::uint16_t>(one);
    }
    return true;
  }
  [[nodiscard]] bool any() const { return all || count != 0; }
};

class set_memory {
 public:
  set_memory(const arena& space, const object_ref& set) : space_(space), body_(&space.body<set_body>(set)) {}

  [[nodiscard]] set_body& body() const { return *body_; }
  [[nodiscard]] const arena& space() const { return space_; }
  [[nodiscard]] std::uint32_t nsems() const { return std::min(load(body_->nsems), most_semaphores); }

  [[nodiscard]] std::uint64_t& word(std::uint32_t semnum) const {
    if (load(body_->nsems) <= inline_semaphores) return body_->words[semnum % inline_semaphores];
    const std::uint32_t page = load(body_->pages[semnum / words_per_page % (2 * inline_semaphores)]);
    if (!space_.holds_page(page)) return body_->words[0];
    return reinterpret_cast<std::uint64_t*>(space_.page(page))[semnum % words_per_page];
  }
  [[nodiscard]] int value(std::uint32_t semnum) const { return value_in(load(word(semnum))); }

  // Null as long as nobody has waited.
  [[nodiscard]] semaphore_waits* waits(std::uint32_t semnum) const {
    const std::uint32_t run = load(body_->waiting_run);
    const std::uint32_t count = space_.committed_pages();
    if (run >= count || semnum * sizeof(semaphore_waits) / page_bytes >= count - run) return nullptr;
    return reinterpret_cast<semaphore_waits*>(space_.page(run)) + semnum;
  }
  // True if no waiter cares for that value.
  [[nodiscard]] bool quiet(std::uint32_t semnum, int value) const {
    const semaphore_waits* const at = waits(semnum);
    return at == nullptr || (value >= load(at->lo) && value <= load(at->hi));
  }

  // Null if there is no such cell.
  [[nodiscard]] waiter_node* node(std::uint32_t number) const {
    return number != nil && space_.holds_cell(number) ? &space_.cell<waiter_node>(number) : nullptr;
  }
  // How many steps a walk may take.
  [[nodiscard]] std::uint32_t most_nodes() const { return space_.committed_pages() * cells_per_page; }

  // Null if there is no such run.
  [[nodiscard]] undo_record* record(std::uint32_t page) const {
    return holds_run(page, record_pages()) ? reinterpret_cast<undo_record*>(space_.page(page)) : nullptr;
  }
  [[nodiscard]] std::uint32_t record_pages() const {
    return pages_for(sizeof(undo_record) + nsems() * sizeof(std::int16_t));
  }
  [[nodiscard]] static std::int16_t& adjustment(undo_record& record, std::uint32_t semnum) {
    return reinterpret_cast<std::int16_t*>(&record + 1)[semnum];
  }
  // Null if there is no such record, or the semaphore's adjustment would lie outside of the arena: how many semaphores
  // there are may have changed since somebody looked.
  [[nodiscard]] std::int16_t* adjustment(std::uint32_t page, std::uint32_t semnum) const {
    const std::uint32_t pages = pages_for(sizeof(undo_record) + (std::uint64_t{semnum} + 1) * sizeof(std::int16_t));
    if (!holds_run(page, pages)) return nullptr;
    return &adjustment(*reinterpret_cast<undo_record*>(space_.page(page)), semnum);
  }

  [[nodiscard]] bool holds_run(std::uint32_t first, std::uint32_t pages) const {
    const std::uint32_t count = space_.committed_pages();
    return first < count && pages <= count - first;
  }
  [[nodiscard]] static constexpr std::uint32_t pages_for(std::uint64_t bytes) {
    return static_cast<std::uint32_t>((bytes + page_bytes - 1) / page_bytes);
  }

 private:
  const arena& space_;
  set_body* body_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_SEMAPHORE_LAYOUT_HPP
