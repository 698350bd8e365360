// A simulated world: memory, clock, processes, and who sleeps.
#ifndef XSIPC_FAKE_FAKE_WORLD_HPP
#define XSIPC_FAKE_FAKE_WORLD_HPP

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../engine/arena.hpp"
#include "../engine/substrate.hpp"
#include "address_space.hpp"
#include "xsipc/fake.hpp"

namespace xsipc::detail {

class simulated;

// A thread that parks.
struct sleeper {
  engine::wait_cell* cell = nullptr;
  simulated* process = nullptr;
  std::thread::id thread;
  engine::due until;
  bool interrupted = false;
  std::condition_variable wake;
};

// All members are guarded by mutex() unless said otherwise.
class fake_world final : public engine::substrate_calls {
 public:
  explicit fake_world(const fake_options& options);
  ~fake_world();
  fake_world(const fake_world&) = delete;
  fake_world& operator=(const fake_world&) = delete;

  [[nodiscard]] const engine::arena& space() const { return space_; }  // no mutex
  [[nodiscard]] std::mutex& mutex() { return mutex_; }                 // taken last: never around a lock of the engine
  [[nodiscard]] address_space& memory() { return memory_; }

  // substrate_calls; each takes the mutex for a moment.
  bool reserve(std::uint64_t offset, std::uint64_t bytes) override;
  [[nodiscard]] bool alive(const engine::identity& who) override;
  [[nodiscard]] bool alive(const engine::wait_cell& waiter) override {
    return (engine::load(waiter.death) & engine::death_mark) == 0 && alive(waiter.who);
  }
  void wake(engine::wait_cell& waiter) override;

  // The clock; no mutex.
  [[nodiscard]] std::int64_t clock_ns() const { return clock_ns_.load(std::memory_order_acquire); }
  [[nodiscard]] std::int64_t now() const { return epoch_ + clock_ns() / 1'000'000'000; }
  [[nodiscard]] engine::due due_at(deadline until) const;
  void advance(std::int64_t by_ns);

  // Parks the calling thread (substrate.hpp).
  [[nodiscard]] engine::wake_reason park(simulated& process, engine::wait_cell& cell, const engine::due& until,
                                         bool cancellable);
  // The next call: 0, or the errno that fail_call planted. Wants the mutex.
  [[nodiscard]] int planted_failure();

  // Wakes sleepers so that they look again at their reasons: all of a process, or one thread's. Wants the mutex.
  void rouse(const simulated* process);
  // Its sleepers are dead: from the moment at which it is. Wants the mutex.
  void mark_dead(const simulated& process);
  void interrupt(const simulated& process, const std::thread::id* thread);
  // Whether a sleeper still waits for what it went to sleep for.
  [[nodiscard]] int blocked(const simulated* process, const std::thread::id* thread);
  void wait_until_blocked(int calls);

  simulated& begin(const fake_user& who);
  [[nodiscard]] std::vector<simulated*> processes();
  // A process that only looks: for reports.
  [[nodiscard]] simulated& observer() { return *observer_; }

  // While an onlooker looks, planted failures wait.
  void watch_only(bool looking);
  void fail_call(std::uint64_t nth, int code);
  void fail_allocation(std::uint64_t nth, bool all_after);

  // Something that somebody may wait for has changed. Wants the mutex.
  std::condition_variable& changed() { return changed_; }

 private:
  struct parked;
  [[nodiscard]] bool still_waiting(const sleeper& one) const;

  engine::arena_layout layout_;
  std::byte* base_;
  engine::arena space_;
  std::int64_t epoch_;
  std::int64_t steady_at_start_ns_;
  std::atomic<std::int64_t> clock_ns_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  address_space memory_;
  std::list<sleeper*> sleepers_;
  std::vector<std::unique_ptr<simulated>> processes_;
  std::unique_ptr<simulated> observer_;
  std::int32_t next_pid_ = 1000;
  std::uint64_t calls_until_failure_ = 0;
  int planted_code_ = 0;
  int onlookers_ = 0;
  std::uint64_t allocations_until_failure_ = 0;
  bool all_after_ = false;
  bool refusing_ = false;
};

}  // namespace xsipc::detail

#endif  // XSIPC_FAKE_FAKE_WORLD_HPP
