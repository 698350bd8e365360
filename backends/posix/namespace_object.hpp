// A namespace: one shared memory object that holds all queues and sets and what segments need beside their data.
//
// A private namespace belongs to one effective user, and the kernel keeps everybody else out of it. A shared one is
// made for several users, who trust each other: inside of it the library checks permissions.
//
// The whole window is mapped once, far beyond the end of the object; only memory that was reserved is touched. No
// descriptor stays open: programs close those that they don't know, and the numbers are theirs. Threads: opening and
// removing at any time; a `namespace_object` by all threads at once.
#ifndef XSIPC_POSIX_NAMESPACE_OBJECT_HPP
#define XSIPC_POSIX_NAMESPACE_OBJECT_HPP

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "layout.hpp"
#include "system.hpp"
#include "xsipc/limits.hpp"

namespace xsipc::posix {

// Where a namespace lies, and who may own it.
struct namespace_place {
  std::string directory;
  std::string file;
  bool shared = false;
  std::uint32_t owner = 0;  // uid; root may own any

  [[nodiscard]] std::string path() const { return directory + '/' + file; }
};

// What went wrong when a namespace was opened or made: an errno, and a line for a person that names the file.
struct namespace_problem {
  int code = 0;
  std::string text;
};

// Returns where the namespace `name` lies: NAME, or shared:NAME, or shared:NAME@UID for one that UID owns; NAME of 1 to
// 64 letters, digits, '_' and '-'. Nothing if it is no such name.
[[nodiscard]] std::optional<namespace_place> place_of(std::string_view name, std::string_view directory);

class namespace_object {
 public:
  // Opens the namespace, and makes it first if it isn't there and the caller may: a private one always, a shared one if
  // the caller is root, or by make().
  [[nodiscard]] static std::optional<namespace_object> open(const namespace_place& place, namespace_problem& problem);
  // Makes one; EEXIST if it is there. `group` -1: the caller's.
  [[nodiscard]] static bool make(const namespace_place& place, mode_t mode, gid_t group, namespace_problem& problem);
  // Removes the object and the data of all its segments. Who has it mapped keeps using it; ENOENT if it isn't there.
  [[nodiscard]] static bool remove(const namespace_place& place, namespace_problem& problem);

  [[nodiscard]] const namespace_place& place() const { return place_; }
  [[nodiscard]] std::uint32_t owner() const { return owner_; }
  [[nodiscard]] namespace_prefix& prefix() const { return at<namespace_prefix>(0); }
  [[nodiscard]] const object_layout& layout() const { return layout_; }
  [[nodiscard]] std::byte* arena_base() const { return base_ + layout_.arena; }
  template <typename T>
  [[nodiscard]] T& at(std::uint64_t offset, std::uint64_t index = 0) const {
    return *reinterpret_cast<T*>(base_ + offset + index * sizeof(T));
  }

  // Makes sure that the range of the object can be touched. False: there is no memory.
  [[nodiscard]] bool reserve(std::uint64_t offset, std::uint64_t bytes);
  // Opens the object that is mapped; not open if it was removed or replaced.
  [[nodiscard]] file reopen() const;

 private:
  namespace_object(namespace_place place, std::byte* base, const object_layout& layout,
                   const struct stat& status)
      : place_(std::move(place)), base_(base), layout_(layout), inode_(status.st_ino), owner_(status.st_uid) {}
  [[nodiscard]] bool is_reserved(std::uint64_t chunk) const;

  namespace_place place_;
  std::byte* base_;  // never unmapped: the kernel follows words in it when threads end
  object_layout layout_;
  std::uint64_t inode_;
  std::uint32_t owner_;
};

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_NAMESPACE_OBJECT_HPP
