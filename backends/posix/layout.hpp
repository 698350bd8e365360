// What lies before the engine's arena in a namespace's memory: who it belongs to, the processes, what is reserved.
//
// For backends/posix only. As in the arena, every number read is checked before it is used.
#ifndef XSIPC_POSIX_LAYOUT_HPP
#define XSIPC_POSIX_LAYOUT_HPP

#include <pthread.h>

#include <cstddef>
#include <cstdint>

#include "../engine/arena.hpp"

namespace xsipc::posix {

inline constexpr std::uint64_t posix_magic = 0x7870697363697378;
inline constexpr std::uint32_t posix_abi = 1;       // raised with every change of this layout or the engine's
inline constexpr std::uint32_t robust_futex = 1;    // the lock tag: what a lock word means (robust_lock.hpp)
inline constexpr std::uint32_t chunk_bytes = 16384;  // what memory is reserved in
inline constexpr std::uint32_t most_images = 32768;

struct namespace_prefix {
  std::uint64_t magic;
  std::uint32_t abi;
  std::uint32_t lock_tag;
  std::uint64_t pid_namespace;  // inode: no lock may be shared over PID namespaces
  char boot_id[40];             // what a crash of the system left is no namespace
  std::uint32_t slots;
  std::uint32_t pages;
  std::uint32_t shared;  // users other than the owner may use it: pointers in it are not to be followed
  alignas(64) std::uint32_t images_lock;
  std::uint32_t images_end;  // rows below it may be in use
  std::uint32_t images_next;  // where a search for rows of the dead begins
  std::uint32_t serial;       // of the last image
};
static_assert(sizeof(namespace_prefix) <= engine::page_bytes);

// An image: a program that runs in a process. `start` is the process's; `serial` tells images of one row apart.
struct image_row {
  std::uint32_t serial;  // 0: free; stored last
  std::int32_t pid;
  std::uint64_t start;
  std::uint32_t uid;  // whose file its liveness is in (liveness.hpp)
  std::uint32_t unused[3];
};
static_assert(sizeof(image_row) == 32);

struct alignas(64) liveness_row {
  pthread_mutex_t mutex;
};

// Offsets of everything in the object, from two numbers.
struct object_layout {
  std::uint64_t nonces;    // of data objects: their names can't be guessed
  std::uint64_t images;    // image_row
  std::uint64_t liveness;  // liveness_row; used in private namespaces
  std::uint64_t reserved;  // a bit for each chunk that is known to be there
  std::uint64_t arena;
  std::uint64_t end;
  engine::arena_layout in_arena;

  [[nodiscard]] static object_layout of(std::uint32_t slots, std::uint32_t pages) {
    object_layout made{};
    made.in_arena = engine::arena_layout::of(slots, pages);
    const auto aligned = [](std::uint64_t offset) { return (offset + chunk_bytes - 1) / chunk_bytes * chunk_bytes; };
    made.nonces = engine::page_bytes;
    made.images = aligned(made.nonces + std::uint64_t{slots} * sizeof(std::uint64_t));
    made.liveness = aligned(made.images + std::uint64_t{most_images} * sizeof(image_row));
    made.reserved = aligned(made.liveness + std::uint64_t{most_images} * sizeof(liveness_row));
    // Of all chunks, those of the bitmap itself included; there are at most one more than 4 for each page of the arena.
    const std::uint64_t chunks = (made.reserved + made.in_arena.end) / chunk_bytes + 64;
    made.arena = aligned(made.reserved + chunks / 8 + chunks / 8 / chunk_bytes + sizeof(std::uint64_t));
    made.end = aligned(made.arena + made.in_arena.end);
    return made;
  }
};

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_LAYOUT_HPP
