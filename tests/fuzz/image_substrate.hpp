// A substrate over memory that somebody has spoilt: every lock's holder has died, if the input says so, and whatever
// the engine asks may change memory once more, as another process could.
//
// The arena lies between pages that can't be touched. One thread.
#ifndef XSIPC_TESTS_FUZZ_IMAGE_SUBSTRATE_HPP
#define XSIPC_TESTS_FUZZ_IMAGE_SUBSTRATE_HPP

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <vector>

#include "input.hpp"
#include "substrate.hpp"

namespace xsipc::fuzz {

class image_substrate final : public engine::substrate_calls {
 public:
  image_substrate(std::uint32_t slots, std::uint32_t pages)
      : layout_(engine::arena_layout::of(slots, pages)), space_(guarded(layout_.end), layout_, *this) {}
  image_substrate(const image_substrate&) = delete;
  image_substrate& operator=(const image_substrate&) = delete;

  // What the input decides.
  engine::identity caller{.pid = 100, .hint = 0, .start = 100};
  bool holders_die = false;     // whoever takes a lock for the first time finds its holder dead
  std::uint32_t dead_pids = 0;  // bit n: pid 100 + n
  bool no_memory = false;
  engine::wake_reason parks = engine::wake_reason::timed_out;  // what becomes of whoever parks
  bool privileged = true;
  std::function<void()> meddle = [] {};  // called at each question

  [[nodiscard]] std::size_t size() const { return layout_.end; }
  void begin() {
    recovered_.clear();
    held_ = nullptr;
  }

  // substrate_calls
  bool reserve(std::uint64_t offset, std::uint64_t bytes) override {
    meddle();
    demand(offset <= layout_.end && bytes <= layout_.end - offset, "memory outside of the arena was asked for");
    return !no_memory;
  }
  [[nodiscard]] bool alive(const engine::identity& who) override {
    meddle();
    const auto number = static_cast<std::uint32_t>(who.pid) - 100U;
    return number < 32 && (dead_pids >> number & 1U) == 0;
  }
  [[nodiscard]] bool alive(const engine::wait_cell& waiter) override {
    return (engine::load(waiter.death) & engine::death_mark) == 0 && alive(waiter.who);
  }
  void wake(engine::wait_cell& waiter) override {
    demand(inside(&waiter), "somebody outside of the arena was woken");
    meddle();
  }

  // The rest of the substrate.
  [[nodiscard]] const engine::arena& space() const { return space_; }
  [[nodiscard]] engine::lock_outcome lock(std::uint32_t& word) {
    demand(inside(&word), "a lock outside of the arena was taken");
    demand(held_ == nullptr, "a second lock was taken");
    held_ = &word;
    meddle();
    const bool first = std::find(recovered_.begin(), recovered_.end(), &word) == recovered_.end();
    if (!holders_die || !first) return engine::lock_outcome::taken;
    recovered_.push_back(&word);
    return engine::lock_outcome::owner_died;
  }
  void unlock(std::uint32_t& word) {
    demand(held_ == &word, "a lock was given back that wasn't held");
    held_ = nullptr;
  }
  void unlock_and_wake(std::uint32_t& word, engine::wait_cell& cell) {
    wake(cell);
    unlock(word);
  }
  void unlock_to_park(std::uint32_t& word, engine::wait_cell& cell) {
    demand(inside(&cell), "somebody parks outside of the arena");
    unlock(word);
  }
  [[nodiscard]] engine::wake_reason park(engine::wait_cell& cell, const engine::due&, bool) {
    demand(inside(&cell), "somebody parks outside of the arena");
    meddle();
    return parks;
  }
  [[nodiscard]] engine::identity self() const { return caller; }
  [[nodiscard]] engine::identity image() const { return caller; }
  [[nodiscard]] bool may_set_limits() const { return privileged; }
  [[nodiscard]] engine::credentials credentials() const {
    meddle();
    return {.uid = 1000, .gid = 1000, .ipc_owner = privileged, .sys_admin = privileged, .sys_resource = privileged};
  }
  [[nodiscard]] std::int64_t now() const {
    meddle();
    return 1'000'000;
  }
  [[nodiscard]] engine::due due_at(deadline) const { return {}; }
  // Not asked of the kernel: what the engine makes of a size that it found in the arena must not reach the caller's
  // memory.
  [[nodiscard]] bool readable(const void*, std::size_t) { return true; }
  [[nodiscard]] bool writable(const void*, std::size_t) { return true; }
  [[nodiscard]] int enter() { return 0; }
  void leave() {}
  [[nodiscard]] int make_data(const engine::object_ref&, std::uint64_t) { return no_memory ? ENOMEM : 0; }
  void drop_data(const engine::object_ref&) {}
  [[nodiscard]] engine::mapping_result map(const engine::object_ref& segment, std::uint64_t, bool, const attach_options&) {
    mapped_ = segment;
    return {&mapped_, 0};
  }
  [[nodiscard]] std::optional<engine::object_ref> mapped(const void*) const { return mapped_; }
  void unmap(const void*) {}
  [[nodiscard]] std::uint64_t resident_pages() const { return 0; }
  [[nodiscard]] int may_lock(std::uint64_t) const { return 0; }

 private:
  static std::byte* guarded(std::uint64_t bytes) {
    constexpr std::size_t guard = std::size_t{1} << 30U;
    void* const all = mmap(nullptr, bytes + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    demand(all != MAP_FAILED, "no memory");
    std::byte* const inner = static_cast<std::byte*>(all) + guard;
    demand(mprotect(inner, bytes, PROT_READ | PROT_WRITE) == 0, "no memory");
    return inner;
  }
  [[nodiscard]] bool inside(const void* address) const {
    const auto at = static_cast<std::size_t>(static_cast<const std::byte*>(address) - space_.base());
    return at < layout_.end;
  }

  engine::arena_layout layout_;
  engine::arena space_;
  std::vector<const std::uint32_t*> recovered_;
  std::uint32_t* held_ = nullptr;
  std::optional<engine::object_ref> mapped_;
};
static_assert(engine::substrate<image_substrate>);

}  // namespace xsipc::fuzz

#endif  // XSIPC_TESTS_FUZZ_IMAGE_SUBSTRATE_HPP
