#include "page_heap.hpp"

#include <algorithm>
#include <cstring>

namespace xsipc::engine {
namespace {

// An owner word: use 4 bits, place 12, length 12, kind 2, slot 16, sequence 16; never 0 for an owned page.
constexpr std::uint64_t packed(const page_owner& owner) {
  return static_cast<std::uint64_t>(owner.use) | std::uint64_t{owner.place & 0xfff} << 4 |
         std::uint64_t{owner.length & 0xfff} << 16 | static_cast<std::uint64_t>(owner.object.kind()) << 28 |
         std::uint64_t{owner.object.slot() & 0xffff} << 30 | std::uint64_t{owner.object.sequence() & 0xffff} << 46;
}

page_owner unpacked(std::uint64_t word) {
  page_owner owner;
  owner.use = static_cast<page_use>(word & 0xf);
  owner.place = word >> 4 & 0xfff;
  owner.length = word >> 16 & 0xfff;
  owner.object = {static_cast<object_kind>(word >> 28 & 3), static_cast<std::uint32_t>(word >> 30 & 0xffff),
                  static_cast<std::uint32_t>(word >> 46 & 0xffff)};
  return owner;
}

constexpr std::uint32_t smallest_growth = 16;

}  // namespace

page_owner page_heap::owner_of(std::uint32_t page) const {
  return space_.holds_page(page) ? unpacked(load(owner_word(page))) : page_owner{};
}

// Claims the run from `first` on; if a page of it is taken, tells which and leaves everything as it was.
bool page_heap::claim(const object_ref& object, std::uint32_t first, std::uint32_t pages, std::uint32_t& taken_at) {
  for (std::uint32_t place = 0; place < pages; ++place) {
    std::uint64_t free = 0;
    const page_owner mine{object, page_use::claimed, place, pages};
    if (!std::atomic_ref(owner_word(first + place)).compare_exchange_strong(free, packed(mine))) {
      release(first, place);
      taken_at = first + place;
      return false;
    }
  }
  return true;
}

void page_heap::release(std::uint32_t first, std::uint32_t pages) {
  // Backwards: while the first page still names the object, recovery finds what is left of the run.
  for (std::uint32_t place = pages; place-- > 0;) commit(owner_word(first + place), 0);
}

// How many pages must be added behind the last, so that a run fits in there.
std::uint32_t page_heap::missing_for(std::uint32_t pages, std::uint32_t alignment) const {
  std::uint32_t begin = space_.committed_pages();
  const std::uint32_t end = begin;
  while (begin > 0 && end - begin < pages && load(owner_word(begin - 1)) == 0) --begin;
  begin = (begin + alignment - 1) & ~(alignment - 1);
  return begin + pages > end ? begin + pages - end : 1;
}

// Makes `pages` more pages touchable, and the words that go with them.
bool page_heap::grow(std::uint32_t pages) {
  namespace_header& header = space_.header();
  const std::uint32_t now = space_.committed_pages();
  const std::uint32_t most = space_.layout().page_count;
  if (most - now < pages) return false;
  const std::uint32_t more = std::min(most - now, std::max({pages, smallest_growth, std::min(now / 2, 1024U)}));
  const arena_layout& at = space_.layout();
  substrate_calls& memory = space_.calls();
  const auto reserve = [&](std::uint64_t table, std::uint64_t bytes_each) {
    return memory.reserve(table + now * bytes_each, more * bytes_each);
  };
  if (!reserve(at.owners, sizeof(std::uint64_t)) || !reserve(at.chains, sizeof(std::uint32_t)) ||
      !reserve(at.links, sizeof(std::uint32_t) * cells_per_page) || !reserve(at.heap, page_bytes)) {
    return false;
  }
  std::atomic_ref committed(header.committed_pages);
  std::uint32_t seen = now;
  while (seen < now + more && !committed.compare_exchange_weak(seen, now + more)) continue;
  return true;
}

std::uint32_t page_heap::find_and_claim(const object_ref& object, std::uint32_t pages, std::uint32_t alignment) {
  const std::uint32_t count = space_.committed_pages();
  const std::uint32_t hint = std::min(load(space_.header().page_hint), count);
  // From the hint to the end, then the part before it.
  const std::uint32_t ranges[2][2] = {{hint, count}, {0, std::min(count, hint + pages + alignment)}};
  for (const auto& [from, to] : ranges) {
    std::uint32_t first = (from + alignment - 1) & ~(alignment - 1);
    while (first + pages <= to) {
      std::uint32_t taken_at = 0;
      if (load(owner_word(first)) == 0 && claim(object, first, pages, taken_at)) {
        std::atomic_ref(space_.header().page_hint).store(first + pages, std::memory_order_relaxed);
        return first;
      }
      first = (std::max(first, taken_at) + alignment) & ~(alignment - 1);
    }
  }
  return nil;
}

std::uint32_t page_heap::take(const object_ref& object, std::uint32_t pages, std::uint32_t alignment, bool cleared,
                              std::uint32_t& chain) {
  if (pages == 0 || pages > longest_run) return nil;
  std::uint32_t first = find_and_claim(object, pages, alignment);
  if (first == nil && grow(missing_for(pages, alignment))) first = find_and_claim(object, pages, alignment);
  if (first == nil) return nil;
  if (cleared) std::memset(space_.page(first), 0, std::size_t{pages} * page_bytes);
  commit(next_of(first), chain);
  commit(chain, first);
  return first;
}

void page_heap::name(std::uint32_t first, page_use use) {
  page_owner owner = owner_of(first);
  owner.use = use;
  commit(owner_word(first), packed(owner));
}

void page_heap::give(std::uint32_t first, std::uint32_t& chain) {
  const std::uint32_t most = space_.committed_pages();
  std::uint32_t* from = &chain;
  if (first >= most) return;
  for (std::uint32_t walked = 0; walked < most; ++walked) {
    const std::uint32_t page = load(*from);
    if (page >= most) break;
    if (page == first) {
      commit(*from, load(next_of(first)));
      break;
    }
    from = &next_of(page);
  }
  const page_owner owner = owner_of(first);
  if (owner.use != page_use::none) release(first, std::min(owner.length, most - first));
}

void page_heap::give_all(const object_ref& object, std::uint32_t& chain) {
  // Of two who bury an object, the later may find the chain of a new one in the same place.
  const page_owner newest = owner_of(load(chain));
  if (newest.use == page_use::none || !(newest.object == object)) return;
  for_each_run(chain, [&](std::uint32_t first, const page_owner& owner) {
    const std::uint32_t most = space_.committed_pages();
    if (owner.object == object && first < most) release(first, std::min(owner.length, most - first));
  });
  commit(chain, nil);
}

void page_heap::recover(const object_ref& object, std::uint32_t& chain) {
  commit(chain, nil);
  const std::uint32_t count = space_.committed_pages();
  // A page belongs to a whole run if the pages before it lead back to a named first page, and no page of it is missing.
  for (std::uint32_t page = 0; page < count;) {
    const page_owner first = owner_of(page);
    if (first.use == page_use::none || !(first.object == object)) {
      ++page;
      continue;
    }
    std::uint32_t whole = 0;
    while (whole < first.length && page + whole < count) {
      const page_owner owner = owner_of(page + whole);
      if (owner.use == page_use::none || !(owner.object == object) || owner.place != whole ||
          owner.length != first.length) {
        break;
      }
      ++whole;
    }
    if (first.use != page_use::claimed && first.place == 0 && first.length != 0 && whole == first.length) {
      commit(next_of(page), chain);
      commit(chain, page);
      page += whole;
    } else {
      commit(owner_word(page), 0);
      ++page;
    }
  }
}

std::uint32_t page_heap::free_pages() const {
  std::uint32_t count = space_.layout().page_count - space_.committed_pages();
  for (std::uint32_t page = 0; page < space_.committed_pages(); ++page) count += load(owner_word(page)) == 0 ? 1U : 0U;
  return count;
}

}  // namespace xsipc::engine
