#include "block_heap.hpp"

#include <bit>

namespace xsipc::engine {
namespace {

constexpr std::uint32_t used_mark = 0x80000000;  // in the links of used cells, during a rebuild
constexpr std::uint32_t page_order = 5;          // a block of this order is a page
constexpr std::uint32_t largest_growth = 16;     // pages; also what the largest block needs

static_assert(cells_per_page == 1U << page_order && largest_growth == 1U << (block_orders - 1 - page_order));

// Others read the links of their own messages without the lock; for them the mark means nothing.
void set_link(const arena& space, std::uint32_t cell, std::uint32_t value) {
  std::atomic_ref(space.link(cell)).store(value, std::memory_order_relaxed);
}

}  // namespace

bool block_heap::take(std::uint32_t number, message_node& node) {
  node.block = nil;
  const std::uint32_t bytes = node.size - inline_text_bytes;
  const std::uint32_t order = order_for(bytes);
  if (bytes > cell_bytes << order) return take_chain(number, node, order);
  const std::uint32_t block = take_block(order);
  if (block == nil) return order != 0 && take_chain(number, node, order - 1);
  memory_.space().link(number) = order;
  memory_.space().link(block) = number_mask;
  node.block = block;
  return true;
}

// With smaller and smaller blocks until there are enough of them.
bool block_heap::take_chain(std::uint32_t number, message_node& node, std::uint32_t largest) {
  bool merged = memory_.body().freed_cells == 0;
  for (std::uint32_t orders = largest + 1; orders != 0;) {
    memory_.space().link(number) = orders - 1;
    if (fill_chain(node, orders - 1)) return true;
    give(number, node);
    node.block = nil;
    if (merged) --orders;
    if (!merged) rebuild();
    merged = true;
  }
  return false;
}

// What it took stays in the node, also if it isn't enough.
bool block_heap::fill_chain(message_node& node, std::uint32_t largest) {
  std::uint32_t* from = &node.block;
  for (std::uint32_t left = node.size - inline_text_bytes; left != 0;) {
    const std::uint32_t order = std::min(order_for(left), largest);
    std::uint32_t block = take_free(order);
    // Nothing may be merged here: nobody knows yet that the chain is used.
    if (block == nil && grow(order)) block = take_free(order);
    if (block == nil) return false;
    *from = block;
    from = &memory_.space().link(block);
    *from = number_mask;
    left -= std::min(left, cell_bytes << order);
  }
  return true;
}

void block_heap::give(std::uint32_t number, const message_node& node) {
  static_cast<void>(for_each_block(number, node, [this](std::uint32_t block, std::uint32_t order, std::uint32_t) {
    give_block(block, order);
    memory_.body().freed_cells += 1U << order;
    return true;
  }));
}

void block_heap::give_block(std::uint32_t block, std::uint32_t order) {
  queue_body& body = memory_.body();
  memory_.space().link(block) = body.free_block[order];
  body.free_block[order] = block;
  body.free_cells += 1U << order;
}

// Merging is worth its walk if much is free and much was freed since the last one.
std::uint32_t block_heap::take_block(std::uint32_t order) {
  std::uint32_t block = take_free(order);
  if (block != nil) [[likely]]
    return block;
  const queue_body& body = memory_.body();
  if (body.free_cells >= body.block_cells / 2 && body.freed_cells > body.block_cells / 8) {
    rebuild();
    block = take_free(order);
    if (block != nil) return block;
  }
  if (grow(order)) return take_free(order);
  if (body.freed_cells == 0) return nil;
  rebuild();
  return take_free(order);
}

// A free block of the order, or half of one that is larger.
std::uint32_t block_heap::take_free(std::uint32_t order) {
  queue_body& body = memory_.body();
  for (std::uint32_t from = order; from < block_orders; ++from) {
    const std::uint32_t block = read(body.free_block[from]);
    if (!holds_block(block, from)) continue;
    body.free_block[from] = memory_.space().link(block);
    body.free_cells -= 1U << from;
    for (std::uint32_t half = from; half-- > order;) give_block(block + (1U << half), half);
    return block;
  }
  return nil;
}

bool block_heap::grow(std::uint32_t order) {
  const std::uint32_t needed = order > page_order ? 1U << (order - page_order) : 1;
  const std::uint32_t more = std::bit_floor(memory_.body().block_cells / cells_per_page / 4 + 1);
  std::uint32_t wanted = std::clamp(more, needed, largest_growth);
  page_heap heap = memory_.pages();
  std::uint32_t first = heap.take(memory_.queue(), wanted, wanted, false, memory_.page_chain());
  if (first == nil && wanted > needed) {
    wanted = needed;
    first = heap.take(memory_.queue(), wanted, wanted, false, memory_.page_chain());
  }
  if (first == nil) return false;
  heap.name(first, page_use::blocks);
  memory_.body().block_cells += wanted * cells_per_page;
  carve(first * cells_per_page, (first + wanted) * cells_per_page);
  return true;
}

// Frees a range of cells, as few blocks as it takes.
void block_heap::carve(std::uint32_t from, std::uint32_t to) {
  while (from < to) {
    const std::uint32_t aligned = from == 0 ? block_orders - 1 : static_cast<std::uint32_t>(std::countr_zero(from));
    std::uint32_t order = std::min(aligned, block_orders - 1);
    while ((1U << order) > to - from) --order;
    give_block(from, order);
    from += 1U << order;
  }
}

void block_heap::mark_used() {
  const arena& space = memory_.space();
  memory_.for_each_page(page_use::blocks, [&](std::uint32_t page) {
    for (std::uint32_t cell = page * cells_per_page; cell < (page + 1) * cells_per_page; ++cell) {
      set_link(space, cell, read(space.link(cell)) & ~used_mark);
    }
  });
  memory_.for_each_node_page([&](std::uint32_t page) {
    for (std::uint32_t place = 0; place < nodes_per_page; ++place) {
      const std::uint32_t number = page * cells_per_page + place;
      const message_node& node = space.cell<message_node>(number);
      const std::uint64_t state = read(node.state);
      const node_kind kind = kind_of(state);
      if (kind != node_kind::message && (kind != node_kind::none || state == free_state)) continue;
      static_cast<void>(for_each_block(number, node, [&](std::uint32_t block, std::uint32_t order, std::uint32_t) {
        // Nobody shares a block: somebody has made a circle of it.
        if ((read(space.link(block)) & used_mark) != 0) return false;
        // The link of the first cell is true and must stay; those of the others mean nothing.
        for (std::uint32_t cell = block; cell < block + (1U << order); ++cell) {
          set_link(space, cell, read(space.link(cell)) | used_mark);
        }
        return true;
      }));
    }
  });
}

void block_heap::rebuild() {
  queue_body& body = memory_.body();
  const arena& space = memory_.space();
  mark_used();
  for (std::uint32_t& head : body.free_block) head = nil;
  body.block_cells = body.free_cells = body.freed_cells = 0;
  // Free cells of neighbouring pages belong together: the chain of runs needn't be in order, but pages of a run are.
  std::uint32_t from = nil;
  std::uint32_t to = nil;
  const auto flush = [&] {
    if (from != nil) carve(from, to);
    from = nil;
  };
  memory_.for_each_page(page_use::blocks, [&](std::uint32_t page) {
    body.block_cells += cells_per_page;
    for (std::uint32_t cell = page * cells_per_page; cell < (page + 1) * cells_per_page; ++cell) {
      const bool used = (read(space.link(cell)) & used_mark) != 0;
      if (used || cell != to) flush();
      if (used) continue;
      if (from == nil) from = cell;
      to = cell + 1;
    }
  });
  flush();
}

}  // namespace xsipc::engine
