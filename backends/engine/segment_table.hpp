// Who is attached to a segment, and its times.
//
// A row for each image of a process: {pid, count} is one word, whose store attaches or detaches. nattch is the sum over
// rows of the living. Times and lpid are written after it: a death between the two costs a time, never a count. Every
// function wants the segment's lock.
#ifndef XSIPC_ENGINE_SEGMENT_TABLE_HPP
#define XSIPC_ENGINE_SEGMENT_TABLE_HPP

#include <cstdint>
#include <string>

#include "arena.hpp"
#include "message_store.hpp"
#include "page_heap.hpp"

namespace xsipc::engine {

struct attachment_row {
  std::uint64_t word = 0;  // count << 32 | pid; 0: free
  std::uint64_t start = 0;
};

inline constexpr std::uint32_t rows_inline = 16;
inline constexpr std::uint32_t rows_per_page = page_bytes / sizeof(attachment_row);

struct segment_body {
  alignas(64) std::uint32_t lock;
  alignas(64) std::int64_t atime;
  std::int64_t dtime;
  std::int32_t lpid;
  std::uint16_t locked;    // kept in memory
  std::uint16_t reserved;  // its memory is promised to whoever attaches it
  attachment_row rows[rows_inline];
};
static_assert(sizeof(segment_body) <= body_bytes);

struct segment_counts {
  std::uint64_t nattch = 0;
  std::int64_t atime = 0;
  std::int64_t dtime = 0;
  std::int32_t lpid = 0;
};

class segment_table {
 public:
  segment_table(const arena& space, const object_ref& segment, std::uint32_t& page_chain)
      : space_(space), segment_(segment), chain_(&page_chain), body_(&space.body<segment_body>(segment)) {}

  void make(bool reserved);
  // One more attachment of `who`. False: there is no memory.
  [[nodiscard]] bool attach(const identity& who);
  // One less; false if there was none.
  bool detach(const identity& who);
  // atime or dtime, and lpid.
  void stamp_attach(const deed& by);
  void stamp_detach(const deed& by);
  // Rows of images that have ended go, as if each had detached.
  void sweep(std::int64_t now);

  [[nodiscard]] segment_counts counts() const;
  [[nodiscard]] bool locked() const { return body_->locked != 0; }
  void set_locked(bool locked) { body_->locked = locked ? 1 : 0; }
  [[nodiscard]] bool reserved() const { return body_->reserved != 0; }

  // Rebuilds the chain of pages: all there is that is derived.
  void recover() { page_heap(space_).recover(segment_, *chain_); }

 private:
  // Visits rows until visit(row) says true; returns that row, or null.
  template <typename Visitor>
  attachment_row* find_row(Visitor visit) const;

  const arena& space_;
  object_ref segment_;
  std::uint32_t* chain_;
  segment_body* body_;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_SEGMENT_TABLE_HPP
