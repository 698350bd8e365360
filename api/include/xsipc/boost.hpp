// Boost.Interprocess containers in an XSI segment of any backend.
//
// An attachment is memory; Boost's managed_external_buffer turns memory into a heap with named objects. Its own locks
// are left out (null_mutex_family): they do not survive the death of a process that holds them. A semaphore of an XSI
// set with SEM_UNDO does, so that is what guards the heap here (segment_lock). What a killed process was doing to the
// containers is as it left it: the lock is given back, the data may be half changed.
//
// Header only; needs Boost 1.74 or newer. Boost's exceptions come through: boost::interprocess::bad_alloc, which is no
// std::bad_alloc, when the segment is full.
#ifndef XSIPC_BOOST_HPP
#define XSIPC_BOOST_HPP

#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/creation_tags.hpp>
#include <boost/interprocess/indexes/flat_map_index.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>
#include <cerrno>
#include <cstdint>

#include "xsipc/retry.hpp"
#include "xsipc/semaphore_set.hpp"
#include "xsipc/shared_memory.hpp"

namespace xsipc {

// A heap in a segment: Boost's construct<T>, find<T>, destroy<T>, and get_segment_manager() for allocators.
using managed_segment = boost::interprocess::basic_managed_external_buffer<
    char, boost::interprocess::rbtree_best_fit<boost::interprocess::null_mutex_family>,
    boost::interprocess::flat_map_index>;

// An allocator of T for containers in a managed_segment.
template <typename T>
using segment_allocator = boost::interprocess::allocator<T, managed_segment::segment_manager>;

// Makes a new heap of all of `attachment`, forgetting what was there; opens the heap that another process has made.
//
// The attachment must outlive the result and must not be read-only. One process makes, the others open afterwards:
// hold a segment_lock, or have made the segment with `exclusive`. Throws boost::interprocess::interprocess_exception.
inline managed_segment make_managed_segment(const shared_memory_attachment& attachment) {
  return {boost::interprocess::create_only, attachment.data(), attachment.size()};
}
inline managed_segment open_managed_segment(const shared_memory_attachment& attachment) {
  return {boost::interprocess::open_only, attachment.data(), attachment.size()};
}

// A mutex on one semaphore of a set, for std::lock_guard: value 1 is free, 0 is taken. Given back with SEM_UNDO when
// its holder dies. lock() blocks, goes on after signals, and throws std::system_error (EIDRM or EINVAL when the set is
// removed). Not recursive; any thread of the process that locked may unlock, a forked child may not. The set's maker
// sets the semaphore to 1 once (set_value).
class segment_lock {
 public:
  explicit segment_lock(semaphore_set set, std::uint16_t semnum = 0) noexcept : set_(set), semnum_(semnum) {}

  void lock() {
    retry_on_interrupt([&] { return set_.acquire(semnum_, 1, sem_flags::undo); }).value();
  }
  [[nodiscard]] bool try_lock() {
    const auto taken = set_.acquire(semnum_, 1, sem_flags::undo | sem_flags::no_wait);
    if (!taken && taken.error().code != EAGAIN) taken.value();
    return taken.has_value();
  }
  // Never fails: std::lock_guard calls it in a destructor. Of a set that was removed there is nothing to give back.
  void unlock() noexcept { static_cast<void>(set_.release(semnum_, 1, sem_flags::undo)); }

 private:
  semaphore_set set_;
  std::uint16_t semnum_;
};

}  // namespace xsipc

#endif  // XSIPC_BOOST_HPP
