#include "message_memory.hpp"

#include <algorithm>

namespace xsipc::engine {
namespace {

constexpr std::uint32_t largest_growth = 16;  // pages

}  // namespace

bool message_memory::grow_nodes() {
  page_heap heap = pages();
  std::uint32_t wanted = std::clamp<std::uint32_t>(read(body_->node_pages) / 4, 1, largest_growth);
  // Cleared: all states are free before the pages become part of the queue.
  std::uint32_t first = heap.take(queue_, wanted, 1, true, *page_chain_);
  if (first == nil && wanted > 1) first = heap.take(queue_, wanted = 1, 1, true, *page_chain_);
  if (first == nil) return false;
  heap.name(first, page_use::nodes);
  add_free_run(first, wanted);
  return true;
}

void message_memory::add_free_run(std::uint32_t first, std::uint32_t pages) {
  for (std::uint32_t page = first + pages; page-- > first;) {
    for (std::uint32_t place = nodes_per_page; place-- > 0;) give_node(page * cells_per_page + place);
    add_free_records(page);
  }
}

void message_memory::add_free_records(std::uint32_t page) {
  for (std::uint32_t place = records_per_page; place-- > 0;) {
    type_record& free = known_record(page, place);
    free.head = nil;
    free.hash_next = body_->free_record;
    body_->free_record = page * record_stride + place;
  }
  ++body_->node_pages;
}

}  // namespace xsipc::engine
