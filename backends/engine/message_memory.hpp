// Checked access to what a queue consists of, and its nodes.
//
// A view: copy it freely. Everything under the queue's lock.
#ifndef XSIPC_ENGINE_MESSAGE_MEMORY_HPP
#define XSIPC_ENGINE_MESSAGE_MEMORY_HPP

#include <bit>
#include <cstdint>
#include <cstring>

#include "arena.hpp"
#include "message_layout.hpp"
#include "page_heap.hpp"

namespace xsipc::engine {

// Loads a word of the arena once: what is checked is what is used.
template <typename T>
[[nodiscard]] inline T read(const T& word) {
  return std::atomic_ref(const_cast<T&>(word)).load(std::memory_order_relaxed);
}

// Stores two neighbours at once.
template <typename Pair>
inline void store_both(Pair& where, std::type_identity_t<Pair> values) {
  const auto both = std::bit_cast<std::uint64_t>(values);
  std::memcpy(static_cast<void*>(&where), &both, sizeof both);
}

template <typename T>
inline void store_if_changed(T& word, std::type_identity_t<T> value) {
  if (word != value) word = value;
}

class message_memory {
 public:
  message_memory(const arena& space, const object_ref& queue, std::uint32_t& page_chain)
      : space_(space), queue_(queue), page_chain_(&page_chain), body_(&space.body<queue_body>(queue)) {}

  [[nodiscard]] queue_body& body() const { return *body_; }
  [[nodiscard]] const arena& space() const { return space_; }
  [[nodiscard]] const object_ref& queue() const { return queue_; }
  [[nodiscard]] std::uint32_t& page_chain() const { return *page_chain_; }
  [[nodiscard]] page_heap pages() const { return page_heap(space_); }

  // Null for nil and for every number out of bounds.
  [[nodiscard]] message_node* node(std::uint32_t number) const { return cell<message_node>(number); }
  [[nodiscard]] wait_node* waiter(std::uint32_t number) const { return cell<wait_node>(number); }
  [[nodiscard]] type_record* record(std::uint32_t number) const {
    const std::uint32_t page = number / record_stride;
    const std::uint32_t place = number % record_stride;
    if (place >= records_per_page || !space_.holds_page(page)) [[unlikely]]
      return nullptr;
    return &known_record(page, place);
  }

  // Of a number that was found to be in bounds.
  [[nodiscard]] message_node& known_node(std::uint32_t number) const { return space_.cell<message_node>(number); }
  [[nodiscard]] wait_node& known_waiter(std::uint32_t number) const { return space_.cell<wait_node>(number); }

  // More than any list of nodes can hold: where a walk ends that a stranger made a circle of.
  [[nodiscard]] std::uint32_t most_nodes() const { return space_.committed_pages() * cells_per_page; }

  // A free node, or nil: there is no memory. Its content is stale, its state free.
  [[nodiscard]] std::uint32_t take_node() {
    std::uint32_t number = read(body_->free_node);
    message_node* free = node(number);
    if (free == nullptr) [[unlikely]] {
      if (!grow_nodes()) return nil;
      number = read(body_->free_node);
      free = node(number);
      if (free == nullptr) return nil;
    }
    body_->free_node = free->links.next;
    return number;
  }
  void give_node(std::uint32_t number) {
    known_node(number).links.next = body_->free_node;
    body_->free_node = number;
  }

  // Puts the nodes and records of the run, whose states are all free, into the free lists.
  void add_free_run(std::uint32_t first, std::uint32_t pages);
  void add_free_records(std::uint32_t page);

  // Visits every page of nodes.
  template <typename Visitor>
  void for_each_node_page(Visitor visit) const {
    for_each_page(page_use::nodes, visit);
  }
  template <typename Visitor>
  void for_each_page(page_use use, Visitor visit) const {
    const std::uint32_t most = space_.committed_pages();
    pages().for_each_run(load(*page_chain_), [&](std::uint32_t first, const page_owner& owner) {
      if (owner.use != use || !(owner.object == queue_) || owner.length > most - first) return;
      for (std::uint32_t page = first; page < first + owner.length; ++page) visit(page);
    });
  }

 private:
  template <typename T>
  [[nodiscard]] T* cell(std::uint32_t number) const {
    if (!space_.holds_cell(number)) return nullptr;
    return &space_.cell<T>(number);
  }
  [[nodiscard]] type_record& known_record(std::uint32_t page, std::uint32_t place) const {
    return *(reinterpret_cast<type_record*>(space_.page(page) + nodes_per_page * cell_bytes) + place);
  }
  [[nodiscard]] bool grow_nodes();

  const arena& space_;
  object_ref queue_;
  std::uint32_t* page_chain_;
  queue_body* body_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_MESSAGE_MEMORY_HPP
