// Which message comes next: for any msgtyp, and fast.
//
// All messages hang in one list, first in first out, and for each type in one of its own, which a hash finds. Emptied
// types stay in the hash until there are many. All of it is derived. Under the queue's lock.
#ifndef XSIPC_ENGINE_MESSAGE_INDEX_HPP
#define XSIPC_ENGINE_MESSAGE_INDEX_HPP

#include <cstdint>

#include "message_memory.hpp"
#include "xsipc/message.hpp"

namespace xsipc::engine {

inline constexpr std::uint32_t buckets_per_page = page_bytes / sizeof(std::uint32_t);

class message_index {
 public:
  // `memory` must live longer.
  explicit message_index(const message_memory& memory) : memory_(memory) {}

  // No messages and no types; all records are to be free. Without the pages that hash and heap had, which are the
  // caller's to give back.
  void reset();

  // Adds the newest message.
  void append(std::uint32_t number, message_node& message);
  // Adds a message where its ticket belongs. Walks.
  void insert(std::uint32_t number, message_node& message);
  // Removes a message; fast for the first of its type.
  void remove(std::uint32_t number, message_node& message);

  // The message that `selector` admits, or nil.
  [[nodiscard]] std::uint32_t find(const msgtyp_selector& selector);
  // True if a receiver with `selector`, which is not for a copy, may have a message of `type`.
  [[nodiscard]] static bool admits(const msgtyp_selector& selector, std::int64_t type);

  // The record of a type, or nil.
  [[nodiscard]] std::uint32_t record_of(std::int64_t type) const;
  // The head of a hash chain; `slot` is taken modulo the size of the hash.
  [[nodiscard]] std::uint32_t& bucket(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t last_bucket() const;
  [[nodiscard]] std::uint32_t slot_of(std::int64_t type) const {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(type) * memory_.body().multiplier >> hash_shift);
  }

 private:
  static constexpr int hash_shift = 40;
  // What a message adds to volume.
  [[nodiscard]] static constexpr std::uint64_t one_message(std::uint32_t size) {
    return std::uint64_t{size} << qnum_bits | 1;
  }

  [[nodiscard]] std::uint32_t further_record(std::int64_t type, const type_record& first) const;
  [[nodiscard]] std::uint32_t add_record(std::int64_t type);
  void fill_hash(std::uint32_t list);
  void enlarge_hash();
  void sweep_types();
  [[nodiscard]] type_record* join_type(message_node& message);
  void begin_type(std::uint32_t number, const message_node& message, type_record& record);
  void enter_heap(const message_node& message, type_record& record);
  void leave_type(std::uint32_t number, const message_node& message, type_record& record);
  [[nodiscard]] std::uint32_t first_but(std::int64_t type);
  [[nodiscard]] std::uint32_t lowest_for(std::int64_t msgtyp);
  [[nodiscard]] std::uint32_t at_place(std::int64_t place) const;
  template <typename Visitor>
  void for_each_record(Visitor visit) const;

  const message_memory& memory_;
};

}  // namespace xsipc::engine

#include "message_index.ipp"

#endif  // XSIPC_ENGINE_MESSAGE_INDEX_HPP
