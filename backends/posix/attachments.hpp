// Segments as memory of this process: their data objects, and what is mapped where.
//
// The data of a segment is a shared memory object of its own, "NAMESPACE.d.ID.NONCE", of exactly its size. Attachments
// are plain mappings of it; this remembers them, as shmdt and fork must know. Threads: all functions at once. Fork:
// before_fork() and after_fork() around it.
#ifndef XSIPC_POSIX_ATTACHMENTS_HPP
#define XSIPC_POSIX_ATTACHMENTS_HPP

#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "../engine/substrate.hpp"
#include "namespace_object.hpp"

namespace xsipc::posix {

class attachments {
 public:
  explicit attachments(namespace_object& in) : in_(in) {}

  // As substrate.hpp says. map() adds to `replaced` the segments whose attachments lay where the new one is.
  [[nodiscard]] int make_data(const engine::object_ref& segment, std::uint64_t bytes);
  void drop_data(const engine::object_ref& segment);
  [[nodiscard]] engine::mapping_result map(const engine::object_ref& segment, std::uint64_t bytes, bool reserved,
                                           const attach_options& options, std::vector<engine::object_ref>& replaced);
  [[nodiscard]] std::optional<engine::object_ref> mapped(const void* address);
  void unmap(const void* address);
  [[nodiscard]] std::uint64_t resident_pages() const;

  [[nodiscard]] std::vector<engine::object_ref> all();
  // Another thread's call would leave what it holds locked in the child.
  void before_fork() { mutex_.lock(); }
  void after_fork() { mutex_.unlock(); }

 private:
  struct attachment {
    std::uint64_t length;
    engine::object_ref segment;
    std::uint64_t device;
    std::uint64_t inode;
  };
  [[nodiscard]] std::uint64_t& nonce(const engine::object_ref& segment) const {
    return in_.at<std::uint64_t>(in_.layout().nonces, segment.slot());
  }
  [[nodiscard]] std::string path_of(const engine::object_ref& segment) const;

  namespace_object& in_;
  std::mutex mutex_;
  std::map<std::uintptr_t, attachment> mapped_;
};

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_ATTACHMENTS_HPP
