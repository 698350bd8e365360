// The memory of segments, and who has it mapped where.
//
// All simulated processes share this program's one address space. A mapping is real, so an address may be had by
// one segment at a time, whoever asked; a child has its parent's mappings at the same places, and an address is
// unmapped when the last process that has it lets go. Whether a process may use an address is told by has(), not by the
// hardware. The memory of a segment is made when it is first attached; from then on two mappings of ours keep it, one
// of them for reading, of which those of processes are copies: no segment is a descriptor, and none that is only
// created costs anything. Not synchronised: the world's mutex guards it.
#ifndef XSIPC_FAKE_ADDRESS_SPACE_HPP
#define XSIPC_FAKE_ADDRESS_SPACE_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "../engine/substrate.hpp"

namespace xsipc::detail {

class address_space {
 public:
  using process_number = std::int32_t;

  address_space() = default;
  ~address_space();
  address_space(const address_space&) = delete;
  address_space& operator=(const address_space&) = delete;

  void make(const engine::object_ref& segment, std::uint64_t bytes);
  // Mappings stay until they are let go.
  void drop(const engine::object_ref& segment);

  // Maps it into `who`, at options.address if that is said (with options.round rounded down to a page). Attachments of
  // `who` that options.remap replaced are added to `replaced`.
  [[nodiscard]] engine::mapping_result map(process_number who, const engine::object_ref& segment, std::uint64_t bytes,
                                           const attach_options& options, std::vector<engine::object_ref>& replaced);
  // The segment whose mapping in `who` begins exactly there.
  [[nodiscard]] std::optional<engine::object_ref> mapped(process_number who, const void* address) const;
  void unmap(process_number who, const void* address);
  // All of them, by address.
  [[nodiscard]] std::vector<std::pair<void*, engine::object_ref>> all_of(process_number who) const;
  void inherit(process_number parent, process_number child);

  // True if every byte is mapped in `who`, writable if asked.
  [[nodiscard]] bool has(process_number who, const void* address, std::size_t bytes, bool writable) const;
  // How many pages of all segments are in memory; of each the first GiB is counted.
  [[nodiscard]] std::uint64_t resident_pages() const;

  // True if a byte of it is mapped in anybody.
  [[nodiscard]] bool touches(const void* address, std::size_t bytes) const;

 private:
  struct mapping {
    std::size_t length = 0;
    engine::object_ref segment;
    bool read_only = false;
    std::set<process_number> in;
  };
  using place = std::uintptr_t;

  // What keeps the memory of a segment; null while nobody has attached it.
  struct content {
    std::size_t length = 0;
    void* writable = nullptr;
    void* readable = nullptr;
  };

  [[nodiscard]] static bool fill(content& of);
  static void clear(const content& of);
  void release(std::map<place, mapping>::iterator which, process_number who);
  [[nodiscard]] static engine::mapping_result map_new(place wanted, const content& of, const attach_options& options);

  std::map<int, content> contents_;  // by the segment's id
  std::map<place, mapping> mappings_;
};

}  // namespace xsipc::detail

#endif  // XSIPC_FAKE_ADDRESS_SPACE_HPP
