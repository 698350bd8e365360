// Texts that don't fit into their node: blocks of 128 B to 64 KiB, powers of two, aligned to their size.
//
// A text lies in one block, and only in a chain of them if it is longer than the largest or if no large one is to be
// had: blocks of the largest order that the node names, until the rest fits into a smaller one. A block is named by its
// first cell. What links blocks is the link of that cell, never the block itself. The links of used blocks are true;
// free lists are derived. Under the queue's lock, except that whoever owns a message alone reads or writes its blocks
// without.
#ifndef XSIPC_ENGINE_BLOCK_HEAP_HPP
#define XSIPC_ENGINE_BLOCK_HEAP_HPP

#include <algorithm>
#include <cstdint>

#include "message_memory.hpp"

namespace xsipc::engine {

class block_heap {
 public:
  explicit block_heap(const message_memory& memory) : memory_(memory) {}

  // Finds room for what of its size the node doesn't hold itself, and notes it there. False: there is no memory.
  [[nodiscard]] bool take(std::uint32_t number, message_node& node);
  // Gives back the blocks of a node.
  void give(std::uint32_t number, const message_node& node);

  // Visits the pieces of a node's text that lie in blocks, in order: visit(first cell, order, bytes of text in it);
  // ends when it returns false or when the chain is damaged, and then returns false.
  template <typename Visitor>
  bool for_each_block(std::uint32_t number, const message_node& node, Visitor visit) const {
    const arena& space = memory_.space();
    const std::uint32_t size = read(node.size);
    const std::uint32_t largest = read(space.link(number));
    if (size <= inline_text_bytes || largest >= block_orders) return size <= inline_text_bytes;
    std::uint32_t block = read(node.block);
    for (std::uint32_t left = size - inline_text_bytes; left != 0;) {
      const std::uint32_t order = std::min(order_for(left), largest);
      if (!holds_block(block, order)) return false;
      const std::uint32_t bytes = std::min(left, cell_bytes << order);
      const std::uint32_t next = read(space.link(block)) & number_mask;
      if (!visit(block, order, bytes)) return false;
      left -= bytes;
      block = next;
    }
    return true;
  }

  // Everything derived anew: what isn't used by a message or a staged one is free, merged as far as it goes.
  void rebuild();

  // The smallest order that holds `bytes`, or the largest there is.
  [[nodiscard]] static constexpr std::uint32_t order_for(std::uint32_t bytes) {
    const std::uint32_t cells = bytes / cell_bytes + (bytes % cell_bytes != 0 ? 1 : 0);
    return std::min(static_cast<std::uint32_t>(std::bit_width(cells - 1)), block_orders - 1);
  }

 private:
  // The uppermost bit of a link is a mark; all the others set end a chain.
  static constexpr std::uint32_t number_mask = 0x7fffffff;

  [[nodiscard]] bool holds_block(std::uint32_t block, std::uint32_t order) const {
    const std::uint32_t cells = 1U << order;
    return block % cells == 0 && block < number_mask && memory_.space().holds_cell(block + cells - 1);
  }
  [[nodiscard]] std::uint32_t take_block(std::uint32_t order);
  [[nodiscard]] std::uint32_t take_free(std::uint32_t order);
  void give_block(std::uint32_t block, std::uint32_t order);
  [[nodiscard]] bool take_chain(std::uint32_t number, message_node& node, std::uint32_t largest);
  [[nodiscard]] bool fill_chain(message_node& node, std::uint32_t largest);
  [[nodiscard]] bool grow(std::uint32_t order);
  void carve(std::uint32_t from, std::uint32_t to);
  void mark_used();

  message_memory memory_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_BLOCK_HEAP_HPP
