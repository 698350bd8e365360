#include "undo_ledger.hpp"

namespace xsipc::engine {

void undo_ledger::link(std::uint32_t page, undo_record& record) {
  put(record.next, load(memory_.body().records));
  put(memory_.body().records, page);
}

std::uint32_t undo_ledger::find(const identity& who) const {
  std::uint32_t page = load(memory_.body().records);
  for (std::uint32_t walked = memory_.space().committed_pages(); walked > 0; --walked) {
    const undo_record* const record = memory_.record(page);
    if (record == nullptr) break;
    if (record->who == who && load(record->state) == record_live) return page;
    page = load(record->next);
  }
  return nil;
}

std::uint32_t undo_ledger::obtain(const identity& who) {
  const std::uint32_t there = find(who);
  if (there != nil) return there;
  const std::uint32_t page = pages_.take(set_, memory_.record_pages(), 1, true, *page_chain_);
  undo_record* const record = memory_.record(page);
  if (record == nullptr) return nil;
  record->who = who;
  put(record->state, record_live);
  pages_.name(page, page_use::undo);
  link(page, *record);
  return page;
}

int undo_ledger::adjustment(std::uint32_t page, std::uint32_t semnum) const {
  const std::int16_t* const there = memory_.adjustment(page, semnum);
  return there == nullptr ? 0 : load(*there);
}

void undo_ledger::set(std::uint32_t page, std::uint32_t semnum, int adjustment) {
  undo_record* const record = memory_.record(page);
  std::int16_t* const there = memory_.adjustment(page, semnum);
  if (record == nullptr || there == nullptr) return;
  const bool was = load(*there) != 0;
  const bool is = adjustment != 0;
  put(*there, static_cast<std::int16_t>(adjustment));
  if (was == is) return;
  const std::uint32_t nonzero = load(record->nonzero) + (is ? 1U : ~0U);
  put(record->nonzero, nonzero);
  std::uint32_t& holders = memory_.body().holders;
  if (is && nonzero == 1) put(holders, load(holders) + 1);
  if (!is && nonzero == 0) put(holders, load(holders) - 1);
}

void undo_ledger::clear(std::uint32_t semnum) {
  if (load(memory_.body().holders) == 0) return;
  for_each([&](std::uint32_t page, undo_record&) { set(page, semnum, 0); });
}

void undo_ledger::begin_undo(std::uint32_t page) {
  undo_record* const record = memory_.record(page);
  if (record != nullptr) commit(record->state, record_dying);
}

void undo_ledger::discard(std::uint32_t page) {
  std::uint32_t* from = &memory_.body().records;
  for (std::uint32_t walked = memory_.space().committed_pages(); walked > 0; --walked) {
    undo_record* const record = memory_.record(load(*from));
    if (record == nullptr) break;
    if (load(*from) == page) {
      put(*from, load(record->next));
      break;
    }
    from = &record->next;
  }
  pages_.give(page, *page_chain_);
}

bool undo_ledger::foreign(const identity& who) const {
  if (load(memory_.body().holders) == 0) return false;
  bool found = false;
  for_each([&](std::uint32_t, undo_record& record) { found |= load(record.nonzero) != 0 && !(record.who == who); });
  return found;
}

void undo_ledger::recover() {
  set_body& body = memory_.body();
  put(body.records, nil);
  put(body.holders, 0);
  pages_.for_each_run(load(*page_chain_), [&](std::uint32_t page, const page_owner& owner) {
    undo_record* const record = memory_.record(page);
    if (owner.use != page_use::undo || record == nullptr || owner.length != memory_.record_pages()) return;
    std::uint32_t nonzero = 0;
    for (std::uint32_t semnum = 0; semnum < memory_.nsems(); ++semnum) {
      nonzero += adjustment(page, semnum) != 0 ? 1U : 0U;
    }
    put(record->nonzero, nonzero);
    if (nonzero != 0) put(body.holders, load(body.holders) + 1);
    link(page, *record);
  });
}

}  // namespace xsipc::engine
