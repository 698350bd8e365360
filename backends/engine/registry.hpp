// Which objects of one kind there are: keys, ids, owners.
//
// The word of a slot, key << 32 | sequence << 16 | state, is the truth: storing LIVE creates the object, DYING removes
// it. Hash chains, the bitmap of slots and the counters are derived from the words; recover() makes them anew.
//
//   FREE -> MAKING -> LIVE -> DYING -> FREE, sequence + 1         DYING: removed; its waiters have yet to notice
//                       \-> DEST -/                               DEST: a removed segment that is still attached
//
// A key is found only at a LIVE object, so that it is free at once when that is removed. Look-ups take no lock; they
// compare the version before and after. Functions that say so want the registry's lock; none takes another.
#ifndef XSIPC_ENGINE_REGISTRY_HPP
#define XSIPC_ENGINE_REGISTRY_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "access.hpp"
#include "arena.hpp"
#include "registry_layout.hpp"
#include "xsipc/key.hpp"

namespace xsipc::engine {

enum class slot_state : std::uint8_t { free = 0, making = 1, live = 2, dest = 3, dying = 4 };

struct slot_word {
  std::int32_t key = 0;
  std::uint32_t sequence = 0;
  slot_state state = slot_state::free;

  [[nodiscard, gnu::always_inline]] static slot_word of(std::uint64_t word) {
    return {static_cast<std::int32_t>(word >> 32U), static_cast<std::uint32_t>(word >> 16U & sequence_mask),
            static_cast<slot_state>(word & 7U)};
  }
  [[nodiscard]] std::uint64_t packed() const {
    return std::uint64_t{static_cast<std::uint32_t>(key)} << 32U | std::uint64_t{sequence & sequence_mask} << 16U |
           static_cast<std::uint64_t>(state);
  }
  static constexpr std::uint32_t sequence_mask = 0xffff;
};

// An id is sequence << 15 | slot, never negative.
[[nodiscard]] constexpr int id_of(const object_ref& which) {
  return static_cast<int>(which.sequence() << 15U | which.slot());
}

class registry {
 public:
  registry(const arena& space, object_kind kind)
      : space_(space),
        kind_(kind),
        header_(&space.at<kind_header>(space.layout().kind[static_cast<int>(kind)])),
        slots_(&space.at<object_slot>(space.layout().slots[static_cast<int>(kind)])) {}

  [[nodiscard]] std::uint32_t& lock_word() const { return header_->lock; }
  [[nodiscard]] object_slot& slot(std::uint32_t number) const { return slots_[number]; }
  [[nodiscard]] object_slot& slot(const object_ref& which) const { return slot(which.slot()); }
  [[nodiscard, gnu::always_inline]] slot_word word(std::uint32_t number) const {
    return slot_word::of(load(slot(number).word));
  }

  // -- Without a lock.
  // The object of an id, if that is LIVE or DEST. Any number may be asked.
  // Inline, as it is part of every call: what it returns then never goes through memory.
  [[nodiscard, gnu::always_inline]] std::optional<object_ref> by_id(int id) const {
    if (id < 0) return std::nullopt;
    const auto number = static_cast<std::uint32_t>(id) % most_slots;
    const std::uint32_t sequence = static_cast<std::uint32_t>(id) / most_slots;
    // Slots never used may have no memory yet.
    if (number >= load(header_->highest) || number >= space_.layout().slot_count) return std::nullopt;
    const slot_word seen = word(number);
    if (seen.sequence != sequence || (seen.state != slot_state::live && seen.state != slot_state::dest)) {
      return std::nullopt;
    }
    return object_ref{kind_, number, sequence};
  }
  [[nodiscard]] std::optional<object_ref> by_index(int index) const;
  // True as long as the object has not been removed; DEST counts only where `or_dest`.
  [[nodiscard, gnu::always_inline]] bool is_live(const object_ref& which, bool or_dest = false) const {
    const slot_word seen = word(which.slot());
    return seen.sequence == which.sequence() &&
           (seen.state == slot_state::live || (or_dest && seen.state == slot_state::dest));
  }
  // The object of a key. Nothing and `sure` false: the chains were being changed, ask again under the lock.
  [[nodiscard]] std::optional<object_ref> find(std::int32_t key, bool& sure) const;
  // The fields of one moment.
  [[nodiscard]] settable fields(const object_ref& which) const;
  // Of them, who owns the object and what its mode is.
  [[nodiscard]] ownership owner_of(const object_ref& which) const {
    const object_slot& from = slot(which);
    std::uint32_t copy = load(from.which);
    for (;;) {
      const settable& now = from.fields[copy & 1U];
      const ownership read{relaxed(now.uid), relaxed(now.gid), relaxed(from.cuid), relaxed(from.cgid),
                           relaxed(now.mode)};
      std::atomic_thread_fence(std::memory_order_acquire);
      const std::uint32_t again = load(from.which);
      if (again == copy) return read;
      copy = again;
    }
  }
  // Semaphores of a set, bytes of a segment.
  [[nodiscard]] std::uint64_t size_of(const object_ref& which) const { return load(slot(which).size); }
  [[nodiscard]] std::uint32_t used() const { return load(header_->used); }
  [[nodiscard]] std::uint64_t total() const { return load(header_->total); }
  // Slots from here on are free.
  [[nodiscard]] std::uint32_t end() const { return std::min(load(header_->highest), space_.layout().slot_count); }
  // The highest slot in use, 0 if none is.
  [[nodiscard]] std::uint32_t highest_index() const;

  // -- With the registry's lock.
  // Takes the lowest free slot, MAKING; nothing if there is none. Everything in it but the word is the caller's to
  // fill.
  [[nodiscard]] std::optional<object_ref> take(std::int32_t key);
  // Commits the creation.
  void publish(const object_ref& which);
  // Takes a creation back.
  void abandon(const object_ref& which);
  // After removal: takes the object out of its chain; does nothing if it is in none.
  void unlink(const object_ref& which);
  // After unlink: it no longer counts; does nothing the second time.
  void uncount(const object_ref& which);
  // The slot of a removed object that is no longer needed becomes free.
  void release(const object_ref& which);
  // Rebuilds everything derived. Creations that were under way are taken back: forget(ref) is called for each.
  template <typename Forget>
  void recover(Forget forget) {
    begin_rebuild();
    for (std::uint32_t number = 0; number < space_.layout().slot_count; ++number) {
      if (word(number).state == slot_state::making) {
        forget(object_ref{kind_, number, word(number).sequence});
        make_free(number);
      }
    }
    rebuild();
  }
  // Removes nothing but what removal already decided: a LIVE word becomes `to`. No lock; false if it was not LIVE.
  [[nodiscard]] bool remove(const object_ref& which, slot_state to);
  // A DEST segment is DYING from now on. No lock; false if it was not DEST.
  [[nodiscard]] bool end_dest(const object_ref& which);

  // -- With the object's lock.
  void set_fields(const object_ref& which, const settable& fields);

  // Every invariant. Empty, or what is wrong. For tests; slow.
  [[nodiscard]] std::string check() const;

 private:
  [[nodiscard]] static std::uint32_t relaxed(const std::uint32_t& word) {
    return std::atomic_ref(const_cast<std::uint32_t&>(word)).load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t& bucket(std::int32_t key) const;
  [[nodiscard]] std::uint32_t& bucket_at(std::uint32_t number) const {
    return space_.at<std::uint32_t>(space_.layout().buckets[static_cast<int>(kind_)], number);
  }
  [[nodiscard]] std::optional<object_ref> walk(std::int32_t key) const;
  void begin_change();
  void end_change();
  void begin_rebuild();
  void rebuild();
  void make_free(std::uint32_t number);
  void mark(std::uint32_t number, bool taken);
  void link(std::uint32_t number, std::int32_t key);

  const arena& space_;
  object_kind kind_;
  kind_header* header_;
  object_slot* slots_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_REGISTRY_HPP
