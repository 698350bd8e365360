#include "segment_table.hpp"

namespace xsipc::engine {
namespace {

constexpr std::uint64_t packed(std::int32_t pid, std::uint32_t count) {
  return count == 0 ? 0 : std::uint64_t{count} << 32U | static_cast<std::uint32_t>(pid);
}
constexpr std::uint32_t count_in(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32U); }
constexpr std::int32_t pid_in(std::uint64_t word) { return static_cast<std::int32_t>(word & 0xffffffffU); }

bool is_of(const attachment_row& row, const identity& who) {
  const std::uint64_t word = load(row.word);
  return word != 0 && pid_in(word) == who.pid && load(row.start) == who.start;
}

}  // namespace

template <typename Visitor>
attachment_row* segment_table::find_row(Visitor visit) const {
  for (attachment_row& row : body_->rows) {
    if (visit(row)) return &row;
  }
  attachment_row* found = nullptr;
  page_heap(space_).for_each_run(*chain_, [&](std::uint32_t first, const page_owner& owner) {
    if (found != nullptr || owner.use != page_use::attachments || !(owner.object == segment_)) return;
    auto* const rows = reinterpret_cast<attachment_row*>(space_.page(first));
    for (std::uint32_t i = 0; i < rows_per_page && found == nullptr; ++i) {
      if (visit(rows[i])) found = &rows[i];
    }
  });
  return found;
}

void segment_table::make(bool reserved) {
  body_->atime = 0;
  body_->dtime = 0;
  body_->lpid = 0;
  body_->locked = 0;
  body_->reserved = reserved ? 1 : 0;
  for (attachment_row& row : body_->rows) row = {};
}

bool segment_table::attach(const identity& who) {
  attachment_row* row = find_row([&who](const attachment_row& each) { return is_of(each, who); });
  if (row == nullptr) {
    row = find_row([](const attachment_row& each) { return load(each.word) == 0; });
    if (row == nullptr) {
      page_heap pages(space_);
      const std::uint32_t page = pages.take(segment_, 1, 1, true, *chain_);
      if (page == nil) return false;
      pages.name(page, page_use::attachments);
      row = reinterpret_cast<attachment_row*>(space_.page(page));
    }
    commit(row->start, who.start);
  }
  commit(row->word, packed(who.pid, count_in(load(row->word)) + 1));
  return true;
}

bool segment_table::detach(const identity& who) {
  attachment_row* const row = find_row([&who](const attachment_row& each) { return is_of(each, who); });
  if (row == nullptr) return false;
  commit(row->word, packed(who.pid, count_in(load(row->word)) - 1));
  return true;
}

void segment_table::stamp_attach(const deed& by) {
  body_->atime = by.now;
  body_->lpid = by.pid;
}
void segment_table::stamp_detach(const deed& by) {
  body_->dtime = by.now;
  body_->lpid = by.pid;
}

void segment_table::sweep(std::int64_t now) {
  static_cast<void>(find_row([&](attachment_row& row) {
    const std::uint64_t word = load(row.word);
    if (word != 0 && !space_.calls().alive(identity{pid_in(word), 0, load(row.start)})) {
      commit(row.word, 0);
      stamp_detach({pid_in(word), now});
    }
    return false;
  }));
}

segment_counts segment_table::counts() const {
  segment_counts all{0, body_->atime, body_->dtime, body_->lpid};
  static_cast<void>(find_row([&all](const attachment_row& row) {
    all.nattch += count_in(load(row.word));
    return false;
  }));
  return all;
}

}  // namespace xsipc::engine
