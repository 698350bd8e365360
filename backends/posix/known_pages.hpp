// Whether the caller's memory can be touched, at little cost: pages that were found so lately are not asked for again.
//
// EFAULT is for pointers into nowhere; a page that a program takes away after it was used here is found by its access,
// with SIGSEGV, as anywhere else. Each thread keeps what it has seen. Safe in handlers.
#ifndef XSIPC_POSIX_KNOWN_PAGES_HPP
#define XSIPC_POSIX_KNOWN_PAGES_HPP

#include <cstddef>
#include <cstdint>

#include "../caller_memory.hpp"
#include "../engine/arena.hpp"

namespace xsipc::posix::known_pages {

inline constexpr std::size_t count = 64;  // a power of two

// The number of a page, and in the low bit of the number shifted by one whether it can be written; 0: nothing.
struct cache {
  std::uintptr_t pages[count];
};
extern thread_local constinit cache seen;

[[nodiscard]] inline bool reach(const void* address, std::size_t bytes, bool writable) {
  if (bytes == 0) return true;
  const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(address) / engine::page_bytes;
  const std::uintptr_t last = (reinterpret_cast<std::uintptr_t>(address) + bytes - 1) / engine::page_bytes;
  if (last < first || last - first >= count) return detail::reaches(address, bytes, writable);
  for (std::uintptr_t page = first; page <= last; ++page) {
    std::uintptr_t& entry = seen.pages[page % count];
    if (entry >> 1 == page && page != 0 && (!writable || (entry & 1U) != 0)) continue;
    if (!detail::reaches(reinterpret_cast<const void*>(page * engine::page_bytes), 1, writable)) return false;
    entry = page << 1 | (writable ? 1U : 0U);
  }
  return true;
}

}  // namespace xsipc::posix::known_pages

#endif  // XSIPC_POSIX_KNOWN_PAGES_HPP
