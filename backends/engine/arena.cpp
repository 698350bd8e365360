#include "arena.hpp"

#include <array>
#include <bit>

#include "registry_layout.hpp"

namespace xsipc::engine {
namespace {

constexpr std::uint64_t page_aligned(std::uint64_t offset) {
  return (offset + page_bytes - 1) / page_bytes * page_bytes;
}

}  // namespace

arena_layout arena_layout::of(std::uint32_t slots, std::uint32_t pages) {
  arena_layout made{};
  std::uint64_t at = page_bytes;  // behind the header
  const auto place = [&at](std::uint64_t bytes) {
    const std::uint64_t here = at;
    at = page_aligned(at + bytes);
    return here;
  };
  for (int kind = 0; kind < kinds; ++kind) {
    made.kind[kind] = place(sizeof(kind_header));
    made.buckets[kind] = place(std::uint64_t{buckets_for(slots)} * sizeof(std::uint32_t));
    made.slots[kind] = place(std::uint64_t{slots} * sizeof(object_slot));
    made.bodies[kind] = place(std::uint64_t{slots} * body_bytes);
  }
  made.owners = place(std::uint64_t{pages} * sizeof(std::uint64_t));
  made.chains = place(std::uint64_t{pages} * sizeof(std::uint32_t));
  made.links = place(std::uint64_t{pages} * cells_per_page * sizeof(std::uint32_t));
  made.heap = place(std::uint64_t{pages} * page_bytes);
  made.end = at;
  made.slot_count = slots;
  made.page_count = pages;
  return made;
}

void make_namespace(const arena& space, std::uint32_t slots, std::uint32_t pages, const ipc_limits& limits,
                    std::uint32_t hash_seed) {
  namespace_header& header = space.header();
  header.layout = layout_version;
  header.slots = slots;
  header.pages = pages;
  header.committed_pages = 0;
  header.page_hint = 0;
  header.hash_seed = hash_seed;
  header.limits_lock = 0;
  header.limits_which = 0;
  const auto words = std::bit_cast<std::array<std::uint64_t, limit_count>>(limits);
  copy_words(header.limits[0], words.data(), limit_count);
  commit(header.magic, namespace_magic);
}

void copy_words(std::uint64_t* to, const std::uint64_t* from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t word = std::atomic_ref(const_cast<std::uint64_t&>(from[i])).load(std::memory_order_relaxed);
    std::atomic_ref(to[i]).store(word, std::memory_order_relaxed);
  }
}

ipc_limits limits_of(const arena& space) {
  const namespace_header& header = space.header();
  std::array<std::uint64_t, limit_count> words{};
  // The copy in force doesn't change; if the other came into force meanwhile, the one read may have been written over.
  std::uint32_t which = load(header.limits_which);
  for (;;) {
    copy_words(words.data(), header.limits[which & 1U], limit_count);
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint32_t now = load(header.limits_which);
    if (now == which) return std::bit_cast<ipc_limits>(words);
    which = now;
  }
}

bool can_keep(const ipc_limits& wanted, std::uint32_t slots) {
  constexpr std::uint64_t most_operations = 500;  // the largest that an array's memory is made for
  return wanted.msgmax <= INT32_MAX && wanted.msgmnb <= INT32_MAX && wanted.msgmni <= slots && wanted.semmni <= slots &&
         wanted.shmmni <= slots && wanted.semmsl <= UINT16_MAX && wanted.semmns <= INT32_MAX &&
         wanted.semopm <= most_operations;
}

void set_limits(const arena& space, const ipc_limits& limits) {
  namespace_header& header = space.header();
  const std::uint32_t which = load(header.limits_which) + 1;
  const auto words = std::bit_cast<std::array<std::uint64_t, limit_count>>(limits);
  copy_words(header.limits[which & 1U], words.data(), limit_count);
  commit(header.limits_which, which);
}

}  // namespace xsipc::engine
