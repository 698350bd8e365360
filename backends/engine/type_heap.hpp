// The types of a queue, lowest first: for negative msgtyp.
//
// A 4-ary heap with the key in its entries, built when first asked for. A type whose last message went stays in it
// until it comes to the top. Derived: it may be turned off at any time, and is where memory for it can't be had. Under
// the lock.
#ifndef XSIPC_ENGINE_TYPE_HEAP_HPP
#define XSIPC_ENGINE_TYPE_HEAP_HPP

#include <cstdint>

#include "message_memory.hpp"

namespace xsipc::engine {

class type_heap {
 public:
  explicit type_heap(const message_memory& memory) : memory_(memory) {}

  [[nodiscard]] bool is_on() const { return read(memory_.body().heap_entries) != heap_off; }
  void turn_off() { memory_.body().heap_entries = heap_off; }
  // Empties it, with room for `types` at least. False: there is no memory; the heap is then off.
  [[nodiscard]] bool turn_on(std::uint32_t types);

  // Adds a type that is not in it. Turns the heap off if it is full.
  void add(std::uint32_t number, type_record& record);
  // The lowest type that has messages, or nil.
  [[nodiscard]] std::uint32_t lowest();

  // Null if the heap is off or what the body says of it is impossible; else room for `entries` entries.
  [[nodiscard]] heap_entry* entries(std::uint32_t& count, std::uint32_t& room) const;

 private:
  void place(heap_entry* heap, std::uint32_t at, const heap_entry& entry);
  void rise(heap_entry* heap, std::uint32_t at, const heap_entry& entry);
  void sink(heap_entry* heap, std::uint32_t count, const heap_entry& entry);

  message_memory memory_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_TYPE_HEAP_HPP
