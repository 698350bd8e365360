// Watching an operation change memory: an image after every instruction, or after every store.
//
// An operation that may be cut short at any instruction leaves one of these images behind. Recover each, and the
// operation is proven. x86-64 Linux; one thread. The memory is shared and page-aligned, and what an operation keeps
// elsewhere is lost with it.
#ifndef XSIPC_TESTS_ENGINE_STEPPING_HPP
#define XSIPC_TESTS_ENGINE_STEPPING_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace xsipc::test_support {

// Distinct contents of a piece of memory, kept as what differs from the first.
class image_set {
 public:
  // The first image is what `memory` holds now. `seen`, if given, has images of earlier sets: those are not kept again.
  explicit image_set(std::span<std::byte> memory, std::unordered_set<std::uint64_t>* seen = nullptr);

  // Keeps what `memory` holds now if it was never seen before.
  void add();
  // The same, if nothing but the 64 bytes at `where` and those behind can have changed.
  void add_near(const void* where);

  [[nodiscard]] std::size_t size() const { return kept_.size(); }
  // Writes an image back to the memory.
  void restore(std::size_t which) const;

 private:
  static constexpr std::size_t line_bytes = 64;
  using line = std::array<std::byte, line_bytes>;
  using changes = std::map<std::uint32_t, line>;

  bool note(std::size_t number);
  void keep();

  std::span<std::byte> memory_;
  std::vector<std::byte> first_;
  std::vector<std::byte> last_;
  changes changed_;  // lines of last_ that differ, or once differed, from first_
  std::uint64_t hash_ = 0;
  std::unordered_set<std::uint64_t> own_seen_;
  std::unordered_set<std::uint64_t>* seen_;
  std::vector<std::vector<std::pair<std::uint32_t, line>>> kept_;
};

struct stepped {
  std::string problem;  // empty: the operation was stepped to its end
  long instructions = 0;
};

// Runs `operation` in a forked child, instruction by instruction, and adds an image after each.
[[nodiscard]] stepped step_instructions(const std::function<void()>& operation, image_set& images);

// Runs `operation` here, and adds an image after each instruction that stores into `memory`, which others must not
// touch meanwhile. Much faster, since only those instructions are stopped at. Returns how many there were.
long step_stores(std::span<std::byte> memory, const std::function<void()>& operation, image_set& images);

// True if XSIPC_DOUBLE_CRASHES=all: the recovery of every image is to be interrupted, not of some only.
[[nodiscard]] bool all_double_crashes();

// A scenario's name as GoogleTest allows names.
[[nodiscard]] std::string as_test_name(std::string name);

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_ENGINE_STEPPING_HPP
