// A substrate whose callers die where a test wants it: a lock that was not given back is found as its dead holder left
// it.
//
// All that outlives a process lies in the arena, so that an image of that is all there is to restore: whether a segment
// has data, too. One thread.
#ifndef XSIPC_TESTS_ENGINE_MORTAL_SUBSTRATE_HPP
#define XSIPC_TESTS_ENGINE_MORTAL_SUBSTRATE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/test_arena.hpp"
#include "substrate.hpp"

namespace xsipc::test_support {

class mortal_substrate {
 public:
  explicit mortal_substrate(test_arena& memory) : memory_(memory) {}

  void become(std::int32_t pid) { caller_ = process(pid); }
  void set_time(std::int64_t now) { now_ = now; }
  [[nodiscard]] static engine::identity process(std::int32_t pid) {
    return {pid, 0, static_cast<std::uint64_t>(pid) + 1000};
  }

  [[nodiscard]] const engine::arena& space() const { return memory_.space(); }
  [[nodiscard]] engine::lock_outcome lock(std::uint32_t& word) {
    const bool left_behind = engine::load(word) != 0;
    engine::commit(word, static_cast<std::uint32_t>(caller_.pid));
    return left_behind ? engine::lock_outcome::owner_died : engine::lock_outcome::taken;
  }
  void unlock(std::uint32_t& word) { engine::commit(word, 0); }
  void unlock_and_wake(std::uint32_t& word, engine::wait_cell& cell) {
    memory_.wake(cell);
    unlock(word);
  }
  void unlock_to_park(std::uint32_t& word, engine::wait_cell&) { unlock(word); }
  [[nodiscard]] engine::wake_reason park(engine::wait_cell&, const engine::due&, bool) {
    return engine::wake_reason::timed_out;
  }

  [[nodiscard]] engine::identity self() const { return caller_; }
  [[nodiscard]] engine::identity image() const { return caller_; }
  [[nodiscard]] engine::credentials credentials() const { return {.uid = 1000, .gid = 1000}; }
  [[nodiscard]] bool may_set_limits() const { return true; }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] engine::due due_at(deadline) const { return {}; }
  [[nodiscard]] bool readable(const void*, std::size_t) const { return true; }
  [[nodiscard]] bool writable(const void*, std::size_t) const { return true; }
  [[nodiscard]] int enter() { return 0; }
  void leave() {}

  [[nodiscard]] int make_data(const engine::object_ref& segment, std::uint64_t) {
    engine::commit(data_of(segment), segment.sequence() + 1);
    return 0;
  }
  void drop_data(const engine::object_ref& segment) {
    if (has_data(segment)) engine::commit(data_of(segment), 0);
  }
  [[nodiscard]] bool has_data(const engine::object_ref& segment) const {
    return engine::load(data_of(segment)) == segment.sequence() + 1;
  }
  [[nodiscard]] bool has_any_data(std::uint32_t slot) const {
    return engine::load(data_of({object_kind::segment, slot, 0})) != 0;
  }
  [[nodiscard]] engine::mapping_result map(const engine::object_ref& segment, std::uint64_t, bool,
                                           const attach_options&) {
    mapped_ = segment;
    return {this, 0};
  }
  [[nodiscard]] std::optional<engine::object_ref> mapped(const void*) const { return mapped_; }
  void unmap(const void*) {}
  [[nodiscard]] std::uint64_t resident_pages() const { return 0; }
  [[nodiscard]] int may_lock(std::uint64_t) const { return 0; }

 private:
  // A word for each slot, in the body of a queue that there never is.
  static constexpr std::uint32_t unused_queue = 63;
  [[nodiscard]] std::uint32_t& data_of(const engine::object_ref& segment) const {
    using words = std::array<std::uint32_t, 64>;
    return space().body<words>({object_kind::queue, unused_queue, 0})[segment.slot()];
  }

  test_arena& memory_;
  engine::identity caller_ = process(1);
  std::int64_t now_ = 5000;
  std::optional<engine::object_ref> mapped_;  // the last; enough for one caller
};
static_assert(engine::substrate<mortal_substrate>);

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_ENGINE_MORTAL_SUBSTRATE_HPP
