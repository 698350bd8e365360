#include "caller_memory.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "raw_syscall.hpp"

namespace xsipc::detail {
namespace {

constexpr std::uintptr_t page_bytes = 4096;

// The kernel faults the pages in as an access would, or says why not; EINVAL: it is too old, or can't with this memory.
long populate(std::uintptr_t page, std::size_t bytes, bool writable) {
  return raw_syscall(SYS_madvise, static_cast<long>(page), static_cast<long>(bytes),
                     writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

// Writing back what was read would race with other threads: whether the page can be written stays open then.
bool byte_reaches(std::uintptr_t at) {
  char byte = 0;
  const iovec here{&byte, 1};
  const iovec there{reinterpret_cast<void*>(at), 1};
  return raw_syscall(SYS_process_vm_readv, raw_syscall(SYS_getpid), reinterpret_cast<long>(&here), 1,
                     reinterpret_cast<long>(&there), 1, 0) != -EFAULT;
}

}  // namespace

bool reaches(const void* address, std::size_t bytes, bool writable) {
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  if (bytes == 0) return true;
  if (begin + bytes < begin) return false;
  const std::uintptr_t first = begin - begin % page_bytes;
  const long populated = populate(first, (begin + bytes - first + page_bytes - 1) / page_bytes * page_bytes, writable);
  if (populated != -EINVAL) return populated == 0;
  const std::uintptr_t last = begin + bytes - 1;
  for (std::uintptr_t at = begin; at <= last; at = at - at % page_bytes + page_bytes) {
    if (!byte_reaches(at)) return false;
  }
  return true;
}

int may_keep_in_memory(std::uint64_t bytes, bool privileged) {
  if (privileged) return 0;
  rlimit most{};
  ::getrlimit(RLIMIT_MEMLOCK, &most);
  if (most.rlim_cur == 0) return EPERM;
  return bytes > most.rlim_cur ? ENOMEM : 0;
}

}  // namespace xsipc::detail
