// What a registry keeps in the arena.
#ifndef XSIPC_ENGINE_REGISTRY_LAYOUT_HPP
#define XSIPC_ENGINE_REGISTRY_LAYOUT_HPP

#include <bit>
#include <cstdint>

#include "arena.hpp"

namespace xsipc::engine {

// Heads of hash chains for so many slots; a power of two.
[[nodiscard]] constexpr std::uint32_t buckets_for(std::uint32_t slots) { return std::bit_ceil(slots) * 2; }

// What IPC_SET changes. There are two copies: the spare one is written, then one word switches to it.
struct settable {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;
  std::uint32_t pad = 0;
  std::int64_t ctime = 0;
  std::uint64_t qbytes = 0;  // of a queue
};

struct alignas(cell_bytes) object_slot {
  std::uint64_t word;   // key << 32 | sequence << 16 | state: the truth
  std::uint32_t next;   // slot behind it in its hash chain; derived
  std::uint32_t which;  // settable copy in force: the low bit
  std::uint32_t cuid;
  std::uint32_t cgid;
  std::uint32_t page_chain;  // page_heap's; derived
  std::uint32_t pad0;
  std::uint64_t size;  // semaphores of a set, bytes of a segment
  settable fields[2];
  std::int32_t cpid;
  std::uint32_t counted;  // it is in the registry's counters; derived
  std::uint32_t pad[2];
};
static_assert(sizeof(object_slot) == cell_bytes);

struct kind_header {
  alignas(64) std::uint32_t lock;
  alignas(64) std::uint32_t version;     // odd while chains are being changed; lock-free look-ups compare it
  std::uint32_t used;                    // objects that count against the limit; derived
  std::uint32_t highest;                 // slots below it may be in use; derived
  std::uint64_t total;                   // semaphores or pages in all objects; derived
  std::uint64_t taken[most_slots / 64];  // a bit for each slot that is not free; derived
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_REGISTRY_LAYOUT_HPP
