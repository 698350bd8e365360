#include "fake_world.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <chrono>
#include <new>
#include <random>

#include "../../api/src/no_cancellation.hpp"
#include "simulated.hpp"

namespace xsipc::detail {
namespace {

std::byte* map_memory(std::uint64_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

std::uint32_t pages_for(std::uint64_t bytes) {
  constexpr std::uint64_t most = 1U << 26U;  // 256 GiB; cells are numbered with 32 bits
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / engine::page_bytes, most));
}

constexpr std::uint32_t whole_groups(std::uint32_t objects) {
  const std::uint32_t most = objects < engine::most_slots ? objects : engine::most_slots;
  return (most + 63) / 64 * 64;
}

std::int64_t steady_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

fake_world::fake_world(const fake_options& options)
    : layout_(engine::arena_layout::of(whole_groups(options.objects), pages_for(options.memory_bytes))),
      base_(map_memory(layout_.end)),
      space_(base_, layout_, *this),
      epoch_(options.epoch.count()),
      steady_at_start_ns_(steady_now_ns()) {
  std::seed_seq seeds{static_cast<std::uint32_t>(options.seed), static_cast<std::uint32_t>(options.seed >> 32U)};
  std::mt19937 chance(seeds);
  engine::make_namespace(space_, whole_groups(options.objects), pages_for(options.memory_bytes), options.limits,
                         static_cast<std::uint32_t>(chance()));
  observer_ = std::make_unique<simulated>(*this, engine::identity{.pid = 1, .hint = 0, .start = 1}, fake_user{});
}

fake_world::~fake_world() {
  for (simulated* const each : processes()) each->kill();
  ::munmap(base_, layout_.end);
}

bool fake_world::reserve(std::uint64_t, std::uint64_t) {
  const std::lock_guard lock(mutex_);
  if (allocations_until_failure_ != 0 && --allocations_until_failure_ == 0) {
    refusing_ = all_after_;
    return false;
  }
  return !refusing_;
}

void fake_world::fail_allocation(std::uint64_t nth, bool all_after) {
  const std::lock_guard lock(mutex_);
  allocations_until_failure_ = nth;
  all_after_ = all_after;
  refusing_ = false;
}

void fake_world::fail_call(std::uint64_t nth, int code) {
  const std::lock_guard lock(mutex_);
  calls_until_failure_ = nth;
  planted_code_ = code;
}

void fake_world::watch_only(bool looking) {
  const std::lock_guard lock(mutex_);
  onlookers_ += looking ? 1 : -1;
}

int fake_world::planted_failure() {
  if (onlookers_ != 0) return 0;
  return calls_until_failure_ != 0 && --calls_until_failure_ == 0 ? planted_code_ : 0;
}

bool fake_world::alive(const engine::identity& who) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : processes_) {
    if (each->who() == who) return !each->gone();
  }
  return false;
}

simulated& fake_world::begin(const fake_user& who) {
  const std::lock_guard lock(mutex_);
  const std::int32_t pid = next_pid_++;
  const engine::identity itself{.pid = pid, .hint = 0, .start = static_cast<std::uint64_t>(pid)};
  processes_.push_back(std::make_unique<simulated>(*this, itself, who));
  return *processes_.back();
}

std::vector<simulated*> fake_world::processes() {
  const std::lock_guard lock(mutex_);
  std::vector<simulated*> all;
  for (const auto& each : processes_) all.push_back(each.get());
  return all;
}

engine::due fake_world::due_at(deadline until) const {
  if (!until.is_timed()) return {};
  const std::int64_t begin = until.which() == deadline::kind::after ? clock_ns() : -steady_at_start_ns_;
  std::int64_t at = 0;
  if (__builtin_add_overflow(begin, until.nanoseconds(), &at)) return {};
  return {.never = false, .at_ns = at};
}

void fake_world::advance(std::int64_t by_ns) {
  const std::lock_guard lock(mutex_);
  clock_ns_.store(clock_ns_.load(std::memory_order_relaxed) + by_ns, std::memory_order_release);
  rouse(nullptr);
}

bool fake_world::still_waiting(const sleeper& one) const {
  if (one.process->going() || one.interrupted) return false;
  if (engine::load(one.cell->status) != engine::asleep) return false;
  return one.until.never || clock_ns() < one.until.at_ns;
}

// In the list of sleepers for as long as it lives; a cancelled thread unwinds through it.
struct fake_world::parked {
  parked(fake_world& world, sleeper& one) : world_(world) {
    at_ = world_.sleepers_.insert(world_.sleepers_.end(), &one);
    world_.changed_.notify_all();
  }
  ~parked() {
    world_.sleepers_.erase(at_);
    world_.changed_.notify_all();
  }
  parked(const parked&) = delete;
  parked& operator=(const parked&) = delete;

  fake_world& world_;
  std::list<sleeper*>::iterator at_;
};

engine::wake_reason fake_world::park(simulated& process, engine::wait_cell& cell, const engine::due& until,
                                     bool cancellable) {
  std::optional<no_cancellation> disabled;
  if (!cancellable) disabled.emplace();
  std::unique_lock lock(mutex_);
  std::uint32_t expected = engine::awake;
  const bool sleeps =
      std::atomic_ref(cell.status).compare_exchange_strong(expected, engine::asleep) || expected == engine::asleep;
  sleeper self{&cell, &process, std::this_thread::get_id(), until, false, {}};
  const parked entry(*this, self);
  while ((sleeps && still_waiting(self)) || (process.stopped() && !process.going())) self.wake.wait(lock);
  // The cell may be somebody else's by now: it is not touched.
  if (process.going()) return engine::wake_reason::ended;
  if (engine::load(cell.status) != engine::asleep) return engine::wake_reason::woken;
  return self.interrupted ? engine::wake_reason::interrupted : engine::wake_reason::timed_out;
}

void fake_world::wake(engine::wait_cell& waiter) {
  const std::lock_guard lock(mutex_);
  for (sleeper* const each : sleepers_) {
    if (each->cell == &waiter) each->wake.notify_all();
  }
  changed_.notify_all();
}

void fake_world::rouse(const simulated* process) {
  for (sleeper* const each : sleepers_) {
    if (process == nullptr || each->process == process) each->wake.notify_all();
  }
  changed_.notify_all();
}

void fake_world::mark_dead(const simulated& process) {
  for (const sleeper* const each : sleepers_) {
    if (each->process == &process) engine::commit(each->cell->death, engine::death_mark);
  }
}

void fake_world::interrupt(const simulated& process, const std::thread::id* thread) {
  const std::lock_guard lock(mutex_);
  for (sleeper* const each : sleepers_) {
    if (each->process == &process && (thread == nullptr || each->thread == *thread)) each->interrupted = true;
  }
  rouse(&process);
}

int fake_world::blocked(const simulated* process, const std::thread::id* thread) {
  const std::lock_guard lock(mutex_);
  int count = 0;
  for (const sleeper* const each : sleepers_) {
    const bool counts = (process == nullptr || each->process == process) &&
                        (thread == nullptr || each->thread == *thread) && still_waiting(*each);
    count += counts ? 1 : 0;
  }
  return count;
}

void fake_world::wait_until_blocked(int calls) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this, calls] {
    int count = 0;
    for (const sleeper* const each : sleepers_) count += still_waiting(*each) ? 1 : 0;
    return count >= calls;
  });
}

}  // namespace xsipc::detail
