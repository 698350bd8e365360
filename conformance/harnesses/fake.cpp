#include "fake.hpp"

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "fake_skips.hpp"
#include "simulated_actor.hpp"
#include "watchdog.hpp"
#include "xsipc/fake.hpp"

namespace xsipc::conformance {
namespace {

using std::chrono::steady_clock;

// The system whose objects a session tests, and, if a test wants one, another that is none of its business.
class simulated_world {
 public:
  simulated_world() {
    add();
    watch_simulation([it = systems_.front()] { std::cerr << it->dump() << std::flush; });
    clock_ = std::thread([this] { run_clock(); });
  }

  ~simulated_world() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    clock_.join();
    watch_simulation(nullptr);
  }
  simulated_world(const simulated_world&) = delete;
  simulated_world& operator=(const simulated_world&) = delete;

  fake_system& system() { return *systems_.front(); }
  fake_system& other_system() {
    const std::lock_guard lock(mutex_);
    if (systems_.size() == 1) add();
    return *systems_.back();
  }

  // The fake's time is never ahead of the system's, so that waits take at least what they should; and it is not behind
  // when one begins.
  void catch_up() {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    advance(now - caught_up_);
    caught_up_ = now;
  }
  void pass(std::chrono::seconds time) {
    const std::lock_guard lock(mutex_);
    advance(time);
  }

 private:
  void add() {
    fake_options options;
    options.report_leaks = false;
    systems_.push_back(std::make_shared<fake_system>(options));
  }
  void advance(std::chrono::nanoseconds by) {
    for (const auto& each : systems_) each->advance(by);
  }

  void run_clock() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, std::chrono::milliseconds(2), [&] { return over_; })) {
      lock.unlock();
      catch_up();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::vector<std::shared_ptr<fake_system>> systems_;  // shared with the watchdog
  steady_clock::time_point caught_up_ = steady_clock::now();
  std::thread clock_;
};

class fake_session final : public session {
 public:
  fake_session()
      : services_{[this] { world_.catch_up(); }, beside_,
                  [this](std::unique_ptr<simulated_actor> born) -> actor& { return keep(std::move(born)); }} {}

  ~fake_session() override {
    for (const auto& each : actors_) each->kill();
    beside_.join();
  }

  actor& process(const identity& who) override { return process_in(world_.system(), who); }
  actor& process_elsewhere() override { return process_in(world_.other_system(), {}); }
  key fresh_key() override { return static_cast<key>(next_key_++); }

  simulated_world& world() { return world_; }

 private:
  actor& process_in(fake_system& system, const identity& who) {
    const fake_user user = fake_user_of(who, runner_as_fake_user());
    return keep(std::make_unique<simulated_actor>(services_, system.process(user), user, true));
  }
  actor& keep(std::unique_ptr<simulated_actor> born) {
    actors_.push_back(std::move(born));
    return *actors_.back();
  }

  simulated_world world_;
  simulation_services services_;
  std::uint32_t next_key_ = 0x10000001;
  std::vector<std::unique_ptr<simulated_actor>> actors_;
  helper_threads beside_;
};

class fake_harness final : public harness {
 public:
  fake_harness() : capabilities_(fake_system().process().capabilities()) {}

  [[nodiscard]] std::string_view name() const override { return "fake"; }
  [[nodiscard]] capability_set capabilities() const override { return capabilities_; }
  [[nodiscard]] std::string_view expected_skips() const override { return fake_skips; }

  [[nodiscard]] bool offers(need what) const override {
    switch (what) {
      case need::other_users:
      case need::private_namespace:
      case need::cap_sys_resource:
      case need::cap_ipc_owner:
      case need::cap_sys_admin: return true;
      case need::c_calls:
      case need::kernel_objects:
      case need::real_processes: return false;
    }
    return false;
  }

  [[nodiscard]] std::unique_ptr<session> begin_test() override {
    auto begun = std::make_unique<fake_session>();
    running_ = &begun->world();
    return begun;
  }

  [[nodiscard]] ipc_time now() const override { return running_->system().now(); }
  void wait_out_this_second() const override { running_->pass(std::chrono::seconds(1)); }

 private:
  capability_set capabilities_;
  simulated_world* running_ = nullptr;  // the last one
};

}  // namespace

std::unique_ptr<harness> make_fake_harness() { return std::make_unique<fake_harness>(); }

}  // namespace xsipc::conformance
