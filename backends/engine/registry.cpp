#include "registry.hpp"

#include <algorithm>
#include <bit>

namespace xsipc::engine {
namespace {

// How much an object counts in total(): semaphores, or pages of a segment.
std::uint64_t amount_of(object_kind kind, const object_slot& slot) {
  if (kind == object_kind::set) return slot.size;
  return kind == object_kind::segment ? (slot.size + page_bytes - 1) / page_bytes : 0;
}

}  // namespace

std::optional<object_ref> registry::by_index(int index) const {
  if (index < 0 || static_cast<std::uint32_t>(index) >= most_slots) return std::nullopt;
  const auto number = static_cast<std::uint32_t>(index);
  if (number >= load(header_->highest) || number >= space_.layout().slot_count) return std::nullopt;
  return by_id(id_of({kind_, number, word(number).sequence}));
}

std::uint32_t& registry::bucket(std::int32_t key) const {
  auto hash = (static_cast<std::uint32_t>(key) ^ space_.header().hash_seed) * 0x9e3779b1U;
  hash ^= hash >> 15U;
  return bucket_at(hash % buckets_for(space_.layout().slot_count));
}

// A walk of a chain, which others may be changing: bounded, and believing nothing but words.
std::optional<object_ref> registry::walk(std::int32_t key) const {
  const std::uint32_t slots = space_.layout().slot_count;
  std::uint32_t at = load(bucket(key));
  for (std::uint32_t walked = 0; at != 0 && at <= slots && walked <= slots; ++walked) {
    const slot_word seen = word(at - 1);
    if (seen.state == slot_state::live && seen.key == key) return object_ref{kind_, at - 1, seen.sequence};
    at = load(slot(at - 1).next);
  }
  return std::nullopt;
}

std::optional<object_ref> registry::find(std::int32_t key, bool& sure) const {
  const std::uint32_t before = load(header_->version);
  const auto found = walk(key);
  std::atomic_thread_fence(std::memory_order_acquire);
  sure = found.has_value() || (before % 2 == 0 && load(header_->version) == before);
  return found;
}

settable registry::fields(const object_ref& which) const {
  static_assert(sizeof(settable) % sizeof(std::uint64_t) == 0);
  constexpr std::size_t words = sizeof(settable) / sizeof(std::uint64_t);
  const object_slot& from = slot(which);
  std::uint32_t copy = load(from.which);
  for (;;) {
    std::uint64_t read[words];
    copy_words(read, reinterpret_cast<const std::uint64_t*>(&from.fields[copy & 1U]), words);
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint32_t now = load(from.which);
    if (now == copy) {
      settable fields;
      __builtin_memcpy(&fields, read, sizeof fields);
      return fields;
    }
    copy = now;
  }
}

void registry::set_fields(const object_ref& which, const settable& fields) {
  object_slot& to = slot(which);
  const std::uint32_t copy = load(to.which) + 1;
  copy_words(reinterpret_cast<std::uint64_t*>(&to.fields[copy & 1U]), reinterpret_cast<const std::uint64_t*>(&fields),
             sizeof fields / sizeof(std::uint64_t));
  commit(to.which, copy);
}

std::uint32_t registry::highest_index() const {
  for (std::uint32_t number = end(); number-- > 0;) {
    const slot_state state = word(number).state;
    if (state == slot_state::live || state == slot_state::dest) return number;
  }
  return 0;
}

void registry::begin_change() {
  std::atomic_ref(header_->version).store(header_->version + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
}
void registry::end_change() { commit(header_->version, header_->version + 1); }

void registry::mark(std::uint32_t number, bool taken) {
  std::uint64_t& word = header_->taken[number / 64];
  const std::uint64_t bit = std::uint64_t{1} << number % 64;
  word = taken ? word | bit : word & ~bit;
}

std::optional<object_ref> registry::take(std::int32_t key) {
  const std::uint32_t slots = space_.layout().slot_count;
  for (std::uint32_t group = 0; group * 64 < slots; ++group) {
    const std::uint64_t free = ~header_->taken[group];
    if (free == 0) continue;
    const std::uint32_t number = group * 64 + static_cast<std::uint32_t>(std::countr_zero(free));
    if (number >= slots) return std::nullopt;
    if (number >= header_->highest) {
      // The slot may never have been touched, its body neither.
      const arena_layout& at = space_.layout();
      const int kind = static_cast<int>(kind_);
      if (!space_.calls().reserve(at.slots[kind] + number * sizeof(object_slot), sizeof(object_slot)) ||
          !space_.calls().reserve(at.bodies[kind] + std::uint64_t{number} * body_bytes, body_bytes)) {
        return std::nullopt;
      }
      commit(header_->highest, number + 1);
    }
    const slot_word last = word(number);
    mark(number, true);
    commit(slot(number).word, slot_word{key, last.sequence, slot_state::making}.packed());
    return object_ref{kind_, number, last.sequence};
  }
  return std::nullopt;
}

void registry::link(std::uint32_t number, std::int32_t key) {
  std::uint32_t& head = bucket(key);
  commit(slot(number).next, load(head));
  commit(head, number + 1);
}

void registry::publish(const object_ref& which) {
  slot_word made = word(which.slot());
  made.state = slot_state::live;
  begin_change();
  commit(slot(which).word, made.packed());
  if (made.key != 0) link(which.slot(), made.key);
  end_change();
  slot(which).counted = 1;
  commit(header_->used, header_->used + 1);
  commit(header_->total, header_->total + amount_of(kind_, slot(which)));
}

void registry::make_free(std::uint32_t number) {
  commit(slot(number).word, slot_word{0, word(number).sequence + 1, slot_state::free}.packed());
}

void registry::abandon(const object_ref& which) {
  make_free(which.slot());
  mark(which.slot(), false);
}

bool registry::remove(const object_ref& which, slot_state to) {
  std::uint64_t seen = load(slot(which).word);
  slot_word next = slot_word::of(seen);
  if (next.state != slot_state::live || next.sequence != which.sequence()) return false;
  next.state = to;
  return std::atomic_ref(slot(which).word).compare_exchange_strong(seen, next.packed());
}

bool registry::end_dest(const object_ref& which) {
  std::uint64_t seen = load(slot(which).word);
  slot_word next = slot_word::of(seen);
  if (next.state != slot_state::dest || next.sequence != which.sequence()) return false;
  next.state = slot_state::dying;
  return std::atomic_ref(slot(which).word).compare_exchange_strong(seen, next.packed());
}

void registry::unlink(const object_ref& which) {
  const slot_word removed = word(which.slot());
  if (removed.key == 0 || removed.sequence != which.sequence()) return;
  const std::uint32_t slots = space_.layout().slot_count;
  std::uint32_t* from = &bucket(removed.key);
  begin_change();
  for (std::uint32_t walked = 0; walked <= slots; ++walked) {
    const std::uint32_t number = load(*from);
    if (number == 0 || number > slots) break;
    object_slot& at = slot(number - 1);
    if (number == which.slot() + 1) {
      commit(*from, load(at.next));
      break;
    }
    from = &at.next;
  }
  end_change();
}

void registry::uncount(const object_ref& which) {
  if (word(which.slot()).sequence != which.sequence() || slot(which).counted == 0) return;
  slot(which).counted = 0;
  commit(header_->used, header_->used - 1);
  commit(header_->total, header_->total - amount_of(kind_, slot(which)));
}

void registry::release(const object_ref& which) {
  if (word(which.slot()).sequence != which.sequence() || word(which.slot()).state != slot_state::dying) return;
  make_free(which.slot());
  mark(which.slot(), false);
  std::uint32_t highest = end();
  while (highest > 0 && word(highest - 1).state == slot_state::free) --highest;
  // Memory that was reserved stays so, but an id beyond it is refused without a look. Sequences stay in the slots.
  commit(header_->highest, highest);
}

void registry::begin_rebuild() { commit(header_->version, header_->version | 1U); }

void registry::rebuild() {
  for (std::uint32_t i = 0; i < buckets_for(space_.layout().slot_count); ++i) {
    std::atomic_ref(bucket_at(i)).store(0, std::memory_order_relaxed);
  }
  for (std::uint64_t& group : header_->taken) group = 0;
  std::uint32_t used = 0;
  std::uint32_t highest = 0;
  std::uint64_t total = 0;
  const std::uint32_t reserved = std::min(space_.layout().slot_count, most_slots);
  for (std::uint32_t number = 0; number < reserved; ++number) {
    const slot_word seen = word(number);
    if (seen.state == slot_state::free) continue;
    mark(number, true);
    highest = number + 1;
    const bool counts = seen.state == slot_state::live || seen.state == slot_state::dest;
    slot(number).counted = counts ? 1 : 0;
    if (counts) {
      ++used;
      total += amount_of(kind_, slot(number));
    }
    if (seen.state == slot_state::live && seen.key != 0) link(number, seen.key);
  }
  commit(header_->used, used);
  commit(header_->highest, highest);
  commit(header_->total, total);
  commit(header_->version, (header_->version | 1U) + 1);
}

std::string registry::check() const {
  const std::uint32_t slots = space_.layout().slot_count;
  std::uint32_t used = 0;
  std::uint32_t keyed = 0;
  std::uint64_t total = 0;
  for (std::uint32_t number = 0; number < slots; ++number) {
    const slot_word seen = word(number);
    const std::string name = "slot " + std::to_string(number) + ": ";
    if (((header_->taken[number / 64] >> number % 64 & 1U) != 0) != (seen.state != slot_state::free)) {
      return name + "the bitmap is wrong";
    }
    if (seen.state != slot_state::free && number >= header_->highest) return name + "beyond the highest";
    if (seen.state != slot_state::live && seen.state != slot_state::dest) continue;
    ++used;
    total += amount_of(kind_, slot(number));
    if (seen.state != slot_state::live || seen.key == 0) continue;
    ++keyed;
    const auto found = walk(seen.key);
    if (!found || found->slot() != number) return name + "not found by its key";
  }
  if (used != header_->used) return "the count of objects is wrong";
  if (total != header_->total) return "the sum of sizes is wrong";
  if (header_->version % 2 != 0) return "a change never ended";
  std::uint32_t walked = 0;
  std::uint32_t linked = 0;
  for (std::uint32_t i = 0; i < buckets_for(slots); ++i) {
    for (std::uint32_t at = bucket_at(i); at != 0; at = slot(at - 1).next) {
      if (at > slots || ++walked > slots) return "a chain is broken";
      const slot_state state = word(at - 1).state;
      if (state == slot_state::live) ++linked;
      // Who removed a segment that is attached may have died before unlinking it: nobody finds it, and its end does it.
      if (state == slot_state::live || state == slot_state::dest) continue;
      return "a chain holds a slot that is not in use";
    }
  }
  return linked == keyed ? "" : "a chain holds too much";
}

}  // namespace xsipc::engine
