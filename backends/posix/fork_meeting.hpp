// After fork, the parent waits until its child has counted what it inherited.
//
// Bounded: a child that is stopped or killed before it could arrive costs its parent a tenth of a second, and so does a
// fork that failed. Wants one fork at a time.
#ifndef XSIPC_POSIX_FORK_MEETING_HPP
#define XSIPC_POSIX_FORK_MEETING_HPP

#include <sys/mman.h>

#include <atomic>
#include <cerrno>

#include "system.hpp"

namespace xsipc::posix {

class fork_meeting {
 public:
  fork_meeting() { make_page(); }
  fork_meeting(const fork_meeting&) = delete;
  fork_meeting& operator=(const fork_meeting&) = delete;

  // Before fork. `waits`: there is something to count.
  void prepare(bool waits) {
    waits_ = waits;
    if (!waits) return;
    if (arrived_ == nullptr) make_page();
    if (arrived_ == nullptr) return;
    before_ = std::atomic_ref(*arrived_).load();
  }
  [[nodiscard]] bool parent_waits() const { return waits_; }

  // In the child.
  void arrive() {
    if (!waits_ || arrived_ == nullptr) return;
    std::atomic_ref(*arrived_).fetch_add(1);
    futex_wake(*arrived_, 1);
    arrived_ = nullptr;  // the parent's: the child's own children meet it elsewhere
  }
  // In the parent.
  void wait_for_child() const {
    if (!waits_ || arrived_ == nullptr) return;
    constexpr std::int64_t patience_ns = 100'000'000;
    const std::int64_t end = monotonic_ns() + patience_ns;
    while (std::atomic_ref(*arrived_).load() == before_) {
      if (futex_wait(*arrived_, before_, end, false) == -ETIMEDOUT) return;
    }
  }

 private:
  void make_page() {
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) arrived_ = static_cast<std::uint32_t*>(page);
  }

  bool waits_ = false;
  std::uint32_t* arrived_ = nullptr;
  std::uint32_t before_ = 0;
};

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_FORK_MEETING_HPP
