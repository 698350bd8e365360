// The memory of a namespace: where everything lies in it, and how to get at it.
//
// For the engine only. One contiguous range, the arena, holds a namespace: header, registries, page tables, heap pages.
// Any number of processes map it, each at its own address, any of them may be killed at any instruction, and in a
// shared namespace any of them may write rubbish into it. Therefore:
//   - Only trivially copyable types of fixed width; places are numbers (pages, cells, slots), never pointers.
//   - A number read from the arena is loaded once, checked against the bounds here, then used. at() does both.
//   - An operation has ONE aligned word that commits it (a release store, commit()); all that follows is derived and
//     recovery makes it anew.
//
// An `arena` is a plain view; whatever works in it refers to the substrate's, which outlives all calls. Threads, fork,
// signals: as the memory itself; whoever changes an object holds its lock.
#ifndef XSIPC_ENGINE_ARENA_HPP
#define XSIPC_ENGINE_ARENA_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "xsipc/limits.hpp"
#include "xsipc/object_id.hpp"

namespace xsipc::engine {

inline constexpr std::uint32_t nil = 0xffffffff;  // no page, no cell, no slot
inline constexpr std::uint32_t page_bytes = 4096;
inline constexpr std::uint32_t cell_bytes = 128;  // what messages, waiters and small blocks are counted in
inline constexpr std::uint32_t cells_per_page = page_bytes / cell_bytes;
inline constexpr std::uint32_t most_slots = 32768;  // objects of a kind: 15 bits of an id
inline constexpr std::uint32_t body_bytes = 512;    // what an object has without a page of its own
inline constexpr int kinds = 3;

// Stores `value` as the truth of an operation: everything stored before is in memory first.
template <typename T>
void commit(T& word, std::type_identity_t<T> value) {
  std::atomic_ref(word).store(value, std::memory_order_release);
}
// Loads a word that others may be changing: once.
template <typename T>
[[nodiscard]] T load(const T& word) {
  return std::atomic_ref(const_cast<T&>(word)).load(std::memory_order_acquire);
}

// A process, told apart from every other that has or had its pid. Survives exec, differs after fork. Or an image of a
// process, the program that it runs: differs after exec too.
struct identity {
  std::int32_t pid = 0;
  std::uint32_t hint = 0;   // the substrate's: where to look first whether it lives; no part of the identity
  std::uint64_t start = 0;  // when it began, in whatever unit the substrate counts

  friend bool operator==(const identity& a, const identity& b) { return a.pid == b.pid && a.start == b.start; }
};

// In the death word of a waiter: its thread has ended. The bit that the kernel sets in a robust futex.
inline constexpr std::uint32_t death_mark = 0x40000000;

// What a blocked call sleeps on, and how others see whether it still lives. Lies in the arena.
struct wait_cell {
  std::uint32_t status = 0;  // wait_status: the word the waiter sleeps on
  std::uint32_t detail = 0;  // goes with the status: what the waiter was given
  std::uint32_t death = 0;   // the substrate's, but for death_mark
  std::uint32_t thread = 0;  // the waiter's thread, as its substrate numbers it
  identity who;
};
static_assert(sizeof(wait_cell) == 32);

// An object of the namespace. Its sequence number tells it from an earlier one in the same slot.
// One word, so that it travels in a register through the many functions of a call.
class object_ref {
 public:
  constexpr object_ref() = default;
  constexpr object_ref(object_kind kind, std::uint32_t slot, std::uint32_t sequence)
      : packed_(std::uint64_t{slot} << 32U | std::uint64_t{sequence & 0xffffU} << 8U |
                static_cast<std::uint64_t>(kind)) {}

  [[nodiscard]] constexpr object_kind kind() const { return static_cast<object_kind>(packed_ & 0xffU); }
  [[nodiscard]] constexpr std::uint32_t slot() const { return static_cast<std::uint32_t>(packed_ >> 32U); }
  [[nodiscard]] constexpr std::uint32_t sequence() const { return static_cast<std::uint32_t>(packed_ >> 8U) & 0xffffU; }

  friend constexpr bool operator==(const object_ref&, const object_ref&) = default;

 private:
  std::uint64_t packed_ = 0;
};

// What the cold parts of the engine ask of the substrate (substrate.hpp says the rest).
class substrate_calls {
 public:
  // Makes sure that the range can be touched; it reads as zeros if it never was. False: there is no memory.
  virtual bool reserve(std::uint64_t offset, std::uint64_t bytes) = 0;
  // False if the process is known to have ended.
  [[nodiscard]] virtual bool alive(const identity& who) = 0;
  // False if the waiter is known to be dead: its process or, where the substrate can see that, its thread.
  [[nodiscard]] virtual bool alive(const wait_cell& waiter) = 0;
  // Wakes whoever sleeps on `waiter`. No lock need be held.
  virtual void wake(wait_cell& waiter) = 0;

 protected:
  ~substrate_calls() = default;
};

inline constexpr std::size_t limit_count = sizeof(ipc_limits) / sizeof(std::uint64_t);
static_assert(std::is_trivially_copyable_v<ipc_limits> && sizeof(ipc_limits) % sizeof(std::uint64_t) == 0);

struct namespace_header {
  std::uint64_t magic;
  std::uint32_t layout;           // layout_version
  std::uint32_t slots;            // objects of each kind, at most; a multiple of 64
  std::uint32_t pages;            // heap pages, at most
  std::uint32_t committed_pages;  // heap pages that can be touched; only grows
  std::uint32_t page_hint;        // where a search for a free page begins; derived
  std::uint32_t hash_seed;
  std::uint32_t limits_lock;
  std::uint32_t limits_which;  // the copy in force: its low bit. Writing the other and switching is one commit
  std::uint64_t limits[2][limit_count];  // ipc_limits, member by member
};
static_assert(sizeof(namespace_header) <= page_bytes);
inline constexpr std::uint64_t namespace_magic = 0x3163706973780a00;
inline constexpr std::uint32_t layout_version = 1;

// Offsets of everything, computed from two numbers. Tables are sized for all there may ever be and lie in memory that
// is touched only when used.
struct arena_layout {
  std::uint64_t kind[kinds];     // registry_layout.hpp: header and bitmap
  std::uint64_t buckets[kinds];  // slot + 1 at the head of each chain of keys, 0: empty; derived
  std::uint64_t slots[kinds];
  std::uint64_t bodies[kinds];
  std::uint64_t owners;  // page_heap.hpp: a word for each page
  std::uint64_t chains;  // page_heap.hpp: a number for each page
  std::uint64_t links;   // a number for each cell, for whoever owns the page
  std::uint64_t heap;    // the first page
  std::uint64_t end;
  std::uint32_t slot_count;  // what all bounds are made of: the header's numbers may have been spoilt since
  std::uint32_t page_count;

  static arena_layout of(std::uint32_t slots, std::uint32_t pages);
};

class arena {
 public:
  arena(std::byte* base, const arena_layout& layout, substrate_calls& calls)
      : base_(base), heap_(base + layout.heap), layout_(&layout), calls_(&calls) {}

  [[nodiscard]] namespace_header& header() const { return at<namespace_header>(0); }
  [[nodiscard]] const arena_layout& layout() const { return *layout_; }
  [[nodiscard]] substrate_calls& calls() const { return *calls_; }
  [[nodiscard]] std::byte* base() const { return base_; }

  // The T at an offset that the layout gave, or at a checked number of them.
  template <typename T>
  [[nodiscard]] T& at(std::uint64_t offset, std::uint64_t index = 0) const {
    return *reinterpret_cast<T*>(base_ + offset + index * sizeof(T));
  }

  // Memory of an object that is there from the beginning.
  template <typename T>
  [[nodiscard]] T& body(const object_ref& which) const {
    static_assert(sizeof(T) <= body_bytes);
    return at<T>(layout_->bodies[static_cast<int>(which.kind())] + std::uint64_t{which.slot()} * body_bytes);
  }

  // Cells of the heap, numbered through all pages. The caller has checked the number with holds_cell.
  template <typename T>
  [[nodiscard]] T& cell(std::uint32_t number) const {
    static_assert(sizeof(T) <= cell_bytes);
    return *reinterpret_cast<T*>(cell_bytes_at(number));
  }
  [[nodiscard]] std::byte* cell_bytes_at(std::uint32_t number) const {
    return heap_ + std::uint64_t{number} * cell_bytes;
  }
  [[nodiscard]] std::byte* page(std::uint32_t number) const { return heap_ + std::uint64_t{number} * page_bytes; }
  // The number that goes with a cell, kept outside it: a stale copy into the cell can't break a list.
  [[nodiscard]] std::uint32_t& link(std::uint32_t number) const { return at<std::uint32_t>(layout_->links, number); }

  [[nodiscard]] std::uint32_t committed_pages() const {
    const std::uint32_t count = load(header().committed_pages);
    const std::uint32_t most = layout_->page_count;
    return count < most ? count : most;
  }
  [[nodiscard]] bool holds_page(std::uint32_t number) const { return number < committed_pages(); }
  [[nodiscard]] bool holds_cell(std::uint32_t number) const { return number / cells_per_page < committed_pages(); }

 private:
  std::byte* base_;
  std::byte* heap_;
  const arena_layout* layout_;
  substrate_calls* calls_;
};

// Writes header and empty registries into memory that reads as zeros. The magic number is stored last.
void make_namespace(const arena& space, std::uint32_t slots, std::uint32_t pages, const ipc_limits& limits,
                    std::uint32_t hash_seed);

// The limits in force: all of one moment.
[[nodiscard]] ipc_limits limits_of(const arena& space);
// One limit, at little cost: limit_of(space, &ipc_limits::msgmax).
[[nodiscard]] inline std::uint64_t limit_of(const arena& space, std::uint64_t ipc_limits::*which) {
  constexpr ipc_limits none{};
  const auto member = static_cast<std::size_t>(&(none.*which) - &none.msgmax);
  const namespace_header& header = space.header();
  return std::atomic_ref(const_cast<std::uint64_t&>(header.limits[load(header.limits_which) & 1U][member]))
      .load(std::memory_order_relaxed);
}
// True if every limit can be kept: at most `slots` objects, and what the engine's counters hold.
[[nodiscard]] bool can_keep(const ipc_limits& wanted, std::uint32_t slots);
// Puts limits in force. Wants limits_lock.
void set_limits(const arena& space, const ipc_limits& limits);

// Copies a record that another process may be changing, word by word. Whether it is whole the caller finds out.
void copy_words(std::uint64_t* to, const std::uint64_t* from, std::size_t count);

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_ARENA_HPP
