// The substrate of one simulated process: everything in this program's own memory.
//
// Parking, clock and life are the world's (fake_world.hpp); locks are words of the arena, taken by compare-and-swap. No
// holder of a lock dies in here: kill() waits until the calls of its process have left the engine, so lock() never
// returns owner_died. What a death at any instruction leaves behind is tested on images of the arena instead.
#ifndef XSIPC_FAKE_HEAP_SUBSTRATE_HPP
#define XSIPC_FAKE_HEAP_SUBSTRATE_HPP

#include <atomic>
#include <cstdint>
#include <optional>

#include "../engine/substrate.hpp"

namespace xsipc::detail {

class fake_world;
class simulated;

class heap_substrate {
 public:
  explicit heap_substrate(fake_world& world) : world_(world) {}
  // Before any call.
  void belong_to(simulated& process) { process_ = &process; }

  [[nodiscard]] const engine::arena& space() const;

  [[nodiscard]] engine::lock_outcome lock(std::uint32_t& word) {
    std::uint32_t free = 0;
    std::atomic_ref taken(word);
    while (!taken.compare_exchange_weak(free, 1, std::memory_order_acquire)) {
      taken.wait(1, std::memory_order_relaxed);
      free = 0;
    }
    return engine::lock_outcome::taken;
  }
  void unlock(std::uint32_t& word) {
    std::atomic_ref taken(word);
    taken.store(0, std::memory_order_release);
    taken.notify_one();
  }
  void unlock_and_wake(std::uint32_t& word, engine::wait_cell& cell) {
    space().calls().wake(cell);
    unlock(word);
  }
  void unlock_to_park(std::uint32_t& word, engine::wait_cell& cell) {
    engine::commit(cell.death, 0);
    unlock(word);
  }

  [[nodiscard]] engine::wake_reason park(engine::wait_cell& cell, const engine::due& until, bool cancellable);

  [[nodiscard]] engine::identity self() const;
  // exec() detaches everything itself: nothing that an image left is ever found.
  [[nodiscard]] engine::identity image() const { return self(); }
  [[nodiscard]] engine::credentials credentials() const;
  [[nodiscard]] bool may_set_limits() const { return credentials().sys_resource; }
  [[nodiscard]] std::int64_t now() const;
  [[nodiscard]] engine::due due_at(deadline until) const;

  [[nodiscard]] bool readable(const void* address, std::size_t bytes);
  [[nodiscard]] bool writable(const void* address, std::size_t bytes);
  [[nodiscard]] int enter();
  void leave();

  [[nodiscard]] int make_data(const engine::object_ref& segment, std::uint64_t bytes);
  void drop_data(const engine::object_ref& segment);
  [[nodiscard]] engine::mapping_result map(const engine::object_ref& segment, std::uint64_t bytes, bool reserved,
                                           const attach_options& options);
  [[nodiscard]] std::optional<engine::object_ref> mapped(const void* address) const;
  void unmap(const void* address);
  [[nodiscard]] std::uint64_t resident_pages() const;
  [[nodiscard]] int may_lock(std::uint64_t bytes) const;

 private:
  fake_world& world_;
  simulated* process_ = nullptr;
};
static_assert(engine::substrate<heap_substrate>);

}  // namespace xsipc::detail

#endif  // XSIPC_FAKE_HEAP_SUBSTRATE_HPP
