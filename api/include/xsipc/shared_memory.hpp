// A shared memory segment as an application holds it, and an attachment of it.
//
// shared_memory is a copyable pair of id and backend: no state of its own, and no destructor that removes
// anything. shared_memory_attachment is the one owner in xsipc: it detaches when it ends. The backend must
// outlive both. Any number of threads may use them; an attachment is inherited by fork at the same address (the
// child's copy of the object detaches the child's), dropped by exec, and lost at exit.
//
// Source: XSI shmget, shmat, shmdt, shmctl; APUE 15.9.
#ifndef XSIPC_SHARED_MEMORY_HPP
#define XSIPC_SHARED_MEMORY_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "xsipc/open.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc {

// One attachment: `size()` bytes at `data()`. Movable, not copyable; a moved-from one is empty.
class shared_memory_attachment {
 public:
  shared_memory_attachment() noexcept = default;
  // Takes over the attachment at `address`, of `size` bytes, that `on` made.
  shared_memory_attachment(spi::backend& on, void* address, std::size_t size, bool read_only) noexcept
      : backend_(&on), address_(address), size_bytes_(size), read_only_(read_only) {}
  shared_memory_attachment(shared_memory_attachment&& other) noexcept { swap(other); }
  shared_memory_attachment& operator=(shared_memory_attachment&& other) noexcept {
    shared_memory_attachment(std::move(other)).swap(*this);
    return *this;
  }
  // Detaches, and ignores the error of an attachment that is gone already.
  ~shared_memory_attachment() { static_cast<void>(detach()); }

  [[nodiscard]] explicit operator bool() const noexcept { return address_ != nullptr; }
  [[nodiscard]] void* data() const noexcept { return address_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_bytes_; }
  [[nodiscard]] bool read_only() const noexcept { return read_only_; }

  // The segment as objects of type T: as many as fit from its start. Segments begin at page boundaries, so T is
  // aligned. Writing through a read-only attachment raises SIGSEGV; as_const_span says so in its type.
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<T> as_span() const noexcept { return {static_cast<T*>(address_), size_bytes_ / sizeof(T)}; }
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<const T> as_const_span() const noexcept {
    return {static_cast<const T*>(address_), size_bytes_ / sizeof(T)};
  }

  // Detaches now; an empty attachment does nothing. Errors: EINVAL (it was detached behind this object's back).
  // Source: XSI shmdt.
  result<void> detach();

  // Gives the attachment up without detaching and returns its address, which the caller owns now.
  [[nodiscard]] void* release() noexcept {
    size_bytes_ = 0;
    return std::exchange(address_, nullptr);
  }

  void swap(shared_memory_attachment& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(address_, other.address_);
    std::swap(size_bytes_, other.size_bytes_);
    std::swap(read_only_, other.read_only_);
  }

 private:
  spi::backend* backend_ = nullptr;
  void* address_ = nullptr;
  std::size_t size_bytes_ = 0;
  bool read_only_ = false;
};

class shared_memory {
 public:
  // The segment with this id, which need not exist: the calls say so.
  shared_memory(spi::backend& on, shmid id) noexcept : backend_(&on), id_(id) {}

  // Finds or creates the segment of `which` as `how` says; a new one has `size` bytes of value 0. To find one of
  // any size pass 0. key::ipc_private creates a new one, always.
  //
  // Errors: EACCES, EEXIST, EINVAL (size 0 or above SHMMAX for a new one, above the size of the existing one),
  // ENOENT, ENOMEM, ENOSPC (SHMMNI segments or SHMALL pages exist). Source: XSI shmget.
  [[nodiscard]] static result<shared_memory> get(key which, std::size_t size, creation how,
                                                 segment_options options = {}, spi::backend& on = default_backend());

  // Reports every segment of the backend. As message_queue::list.
  [[nodiscard]] static result<std::vector<segment_status>> list(spi::backend& on = default_backend());

  [[nodiscard]] shmid id() const noexcept { return id_; }
  [[nodiscard]] spi::backend& backend() const noexcept { return *backend_; }

  // Attaches the segment. The size of the attachment is asked of the segment: that needs read permission, as
  // attaching does.
  //
  // Errors: EACCES, EINVAL (no such segment; an address that is unaligned, taken or outside of the address
  // space), ENOMEM. Source: XSI shmat.
  [[nodiscard]] result<shared_memory_attachment> attach(const attach_options& options = {}) const;

  // As message_queue::stat, set and remove; a removed segment lives on while it is attached.
  // Source: XSI shmctl IPC_STAT, IPC_SET, IPC_RMID.
  [[nodiscard]] result<segment_status> stat() const;
  result<void> set(const perm_change& change);
  result<void> remove();

  // Keeps the segment's pages in memory, or no longer. Errors: EINVAL, ENOMEM, EPERM, ENOSYS without
  // capability::segment_lock. Source: shmctl(2) SHM_LOCK, SHM_UNLOCK.
  result<void> lock();
  result<void> unlock();

  friend bool operator==(const shared_memory&, const shared_memory&) = default;

 private:
  spi::backend* backend_;
  shmid id_;
};

}  // namespace xsipc

#endif  // XSIPC_SHARED_MEMORY_HPP
