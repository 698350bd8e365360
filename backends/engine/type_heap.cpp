#include "type_heap.hpp"

#include <algorithm>

namespace xsipc::engine {
namespace {

constexpr std::uint32_t entries_per_page = page_bytes / sizeof(heap_entry);
constexpr std::uint32_t arity = 4;

}  // namespace

heap_entry* type_heap::entries(std::uint32_t& count, std::uint32_t& room) const {
  const queue_body& body = memory_.body();
  const std::uint32_t page = read(body.heap_page);
  const std::uint32_t pages = read(body.heap_pages);
  const std::uint32_t committed = memory_.space().committed_pages();
  count = read(body.heap_entries);
  room = 0;
  if (page >= committed || pages > committed - page || pages > longest_run) return nullptr;
  room = pages * entries_per_page;
  if (count > room) return nullptr;
  return reinterpret_cast<heap_entry*>(memory_.space().page(page));
}

bool type_heap::turn_on(std::uint32_t types) {
  queue_body& body = memory_.body();
  turn_off();
  if (read(body.heap_pages) * entries_per_page < types || read(body.heap_page) == nil) {
    const std::uint32_t pages = types / entries_per_page + types / entries_per_page / 2 + 1;
    page_heap heap = memory_.pages();
    const std::uint32_t first = heap.take(memory_.queue(), pages, 1, false, memory_.page_chain());
    if (first == nil) return false;
    heap.name(first, page_use::heap);
    const std::uint32_t old = body.heap_page;
    body.heap_page = first;
    body.heap_pages = pages;
    if (old != nil) heap.give(old, memory_.page_chain());
  }
  body.heap_entries = 0;
  return true;
}

void type_heap::place(heap_entry* heap, std::uint32_t at, const heap_entry& entry) {
  heap[at] = entry;
  if (type_record* record = memory_.record(entry.record); record != nullptr) record->heap_place = at;
}

void type_heap::rise(heap_entry* heap, std::uint32_t at, const heap_entry& entry) {
  while (at != 0) {
    const std::uint32_t parent = (at - 1) / arity;
    if (heap[parent].type <= entry.type) break;
    place(heap, at, heap[parent]);
    at = parent;
  }
  place(heap, at, entry);
}

void type_heap::sink(heap_entry* heap, std::uint32_t count, const heap_entry& entry) {
  std::uint32_t at = 0;
  for (;;) {
    const std::uint32_t first = arity * at + 1;
    if (first >= count) break;
    const std::uint32_t end = std::min(first + arity, count);
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < end; ++child) {
      if (heap[child].type < heap[least].type) least = child;
    }
    if (heap[least].type >= entry.type) break;
    place(heap, at, heap[least]);
    at = least;
  }
  place(heap, at, entry);
}

void type_heap::add(std::uint32_t number, type_record& record) {
  std::uint32_t count = 0;
  std::uint32_t room = 0;
  heap_entry* heap = entries(count, room);
  if (heap == nullptr || count == room) {
    turn_off();
    return;
  }
  memory_.body().heap_entries = count + 1;
  rise(heap, count, {record.type, number, 0});
}

std::uint32_t type_heap::lowest() {
  std::uint32_t count = 0;
  std::uint32_t room = 0;
  heap_entry* heap = entries(count, room);
  if (heap == nullptr) return nil;
  while (count != 0) {
    const std::uint32_t number = read(heap[0].record);
    type_record* record = memory_.record(number);
    if (record != nullptr && record->head != nil) return number;
    if (record != nullptr) record->heap_place = nil;
    memory_.body().heap_entries = --count;
    if (count != 0) sink(heap, count, heap_entry(heap[count]));
  }
  return nil;
}

}  // namespace xsipc::engine
