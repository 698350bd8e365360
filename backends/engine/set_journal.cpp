#include "set_journal.hpp"

#include <cstring>

namespace xsipc::engine {
namespace {

constexpr std::uint32_t values_per_entry = sizeof(journal_entry) / sizeof(std::uint16_t);

}  // namespace

journal_entry* set_journal::run(std::uint32_t& room) const {
  room = 0;
  const std::uint32_t first = load(memory_.body().journal_run);
  if (first == nil) return nullptr;
  const page_owner owner = pages_.owner_of(first);
  const bool ours = owner.use == page_use::journal && owner.object == set_ && owner.place == 0;
  if (!ours || !memory_.holds_run(first, owner.length)) return nullptr;
  room = owner.length * entries_per_page;
  return reinterpret_cast<journal_entry*>(memory_.space().page(first));
}

bool set_journal::reserve(std::uint32_t entries) {
  if (entries <= inline_entries || entries <= capacity_of_run()) return true;
  const std::uint32_t pages = set_memory::pages_for(std::uint64_t{entries} * sizeof(journal_entry));
  const std::uint32_t first = pages_.take(set_, pages, 1, false, *page_chain_);
  if (first == nil) return false;
  pages_.name(first, page_use::journal);
  std::uint32_t& current = memory_.body().journal_run;
  const std::uint32_t old = capacity_of_run() != 0 ? load(current) : nil;
  engine::commit(current, first);
  if (old != nil) pages_.give(old, *page_chain_);
  return true;
}

bool set_journal::begin(std::uint32_t entries) {
  count_ = 0;
  if (entries <= inline_entries) {
    entries_ = memory_.body().journal;
    room_ = inline_entries;
    mark_ = 0;
    return true;
  }
  entries_ = run(room_);
  if (entries > room_) return false;
  mark_ = journal_in_run;
  return true;
}

void set_journal::add(journal_kind kind, std::uint32_t semnum, std::uint32_t which, std::uint64_t value) {
  if (count_ < room_) entries_[count_++] = {kind, static_cast<std::uint16_t>(semnum), which, value};
}

void set_journal::add_otime(std::int64_t now) {
  if (load(memory_.body().otime) != now) add(journal_kind::otime, 0, 0, static_cast<std::uint64_t>(now));
}

std::uint32_t set_journal::entries_for_all(std::uint32_t nsems) {
  return 1 + (nsems + values_per_entry - 1) / values_per_entry;
}

void set_journal::add_all(std::span<const std::uint16_t> values, std::int32_t pid) {
  const std::uint32_t entries = entries_for_all(static_cast<std::uint32_t>(values.size()));
  if (entries > room_ - count_) return;
  add(journal_kind::all, 0, 0, static_cast<std::uint32_t>(pid));
  std::memcpy(entries_ + count_, values.data(), values.size_bytes());
  count_ += entries - 1;
}

void set_journal::commit(undo_ledger& ledger, wake_list& wakes) {
  std::uint32_t& truth = memory_.body().journal_count;
  engine::commit(truth, count_ | mark_);
  in_order();
  apply(entries_, count_, ledger, wakes);
  engine::commit(truth, 0);
  in_order();
}

void set_journal::complete(std::uint32_t waiter, wake_list& wakes) const {
  waiter_node* const node = memory_.node(waiter);
  if (node != nullptr && is_parked(load(node->cell.status))) wakes.complete(node->cell, done, 0);
}

void set_journal::apply_all(const journal_entry* entries, std::uint32_t count, undo_ledger& ledger) const {
  const std::uint32_t nsems = std::min(memory_.nsems(), (count - 1) * values_per_entry);
  const auto pid = static_cast<std::int32_t>(entries->value);
  const auto* const values = reinterpret_cast<const std::uint16_t*>(entries + 1);
  for (std::uint32_t semnum = 0; semnum < nsems; ++semnum) {
    put(memory_.word(semnum), semaphore_word(load(values[semnum]), pid));
    ledger.clear(semnum);
  }
}

void set_journal::apply(const journal_entry* entries, std::uint32_t count, undo_ledger& ledger,
                        wake_list& wakes) const {
  set_body& body = memory_.body();
  for (std::uint32_t at = 0; at < count; ++at) {
    const journal_entry entry = entries[at];
    if (entry.semnum >= memory_.nsems()) continue;
    switch (entry.kind) {
      case journal_kind::value: put(memory_.word(entry.semnum), entry.value); break;
      case journal_kind::adjustment:
        ledger.set(entry.which, entry.semnum, static_cast<std::int16_t>(entry.value));
        break;
      case journal_kind::clearing: ledger.clear(entry.semnum); break;
      case journal_kind::otime: put(body.otime, static_cast<std::int64_t>(entry.value)); break;
      case journal_kind::ctime: put(body.ctime, static_cast<std::int64_t>(entry.value)); break;
      case journal_kind::outcome: complete(entry.which, wakes); break;
      case journal_kind::all: return apply_all(entries + at, count - at, ledger);
      case journal_kind::none: break;
    }
  }
}

void set_journal::recover(undo_ledger& ledger, wake_list& wakes) {
  set_body& body = memory_.body();
  const std::uint32_t word = load(body.journal_count);
  const bool in_run = (word & journal_in_run) != 0;
  std::uint32_t room = inline_entries;
  const journal_entry* const entries = in_run ? run(room) : body.journal;
  const std::uint32_t count = std::min(word & ~journal_in_run, room);
  if (count != 0) apply(entries, count, ledger, wakes);
  engine::commit(body.journal_count, 0);
  if (capacity_of_run() == 0) engine::commit(body.journal_run, nil);
}

}  // namespace xsipc::engine
