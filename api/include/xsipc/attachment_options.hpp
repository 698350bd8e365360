// How a segment is made and attached. Plain values.
//
// Source: XSI shmget, shmat; SHMGET-13, SHMGET-14, SHMAT-03 to SHMAT-10.
#ifndef XSIPC_ATTACHMENT_OPTIONS_HPP
#define XSIPC_ATTACHMENT_OPTIONS_HPP

#include <cstdint>

namespace xsipc {

// Asked for at creation, beyond XSI.
struct segment_options {
  bool no_reserve = false;          // SHM_NORESERVE: no swap space is set aside
  bool huge_pages = false;          // SHM_HUGETLB; capability::huge_pages
  std::uint8_t huge_page_log2 = 0;  // size of such a page as a power of two (21 = 2 MiB), 0: the default
};

// Asked for when attaching.
struct attach_options {
  void* address = nullptr;  // where; null lets the backend choose
  bool read_only = false;   // SHM_RDONLY: a write raises SIGSEGV
  bool round = false;       // SHM_RND: round `address` down to a multiple of SHMLBA instead of EINVAL
  bool remap = false;       // SHM_REMAP: replace what is mapped there; capability::segment_remap
  bool execute = false;     // SHM_EXEC: pages may be executed; capability::segment_execute
};

}  // namespace xsipc

#endif  // XSIPC_ATTACHMENT_OPTIONS_HPP
