#include "simulated.hpp"

#include <cerrno>
#include <utility>

#include "../../api/src/no_cancellation.hpp"
#include "fake_world.hpp"
#include "xsipc/decorators/checked_backend.hpp"

namespace xsipc::detail {
namespace {

capability_set all_but(std::initializer_list<capability> missing) {
  capability_set all;
  for (int i = 0; i < capability_count; ++i) all = all.with(static_cast<capability>(i));
  for (const capability each : missing) all = all.without(each);
  return all;
}

// A user with everything said.
fake_user complete(fake_user who) {
  if (!who.gid) who.gid = who.uid;
  if (!who.privileges) who.privileges = who.uid == 0 ? fake_privileges::all() : fake_privileges{};
  return who;
}

}  // namespace

struct simulated::parts {
  std::unique_ptr<heap_substrate> substrate;
  engine_backend* engine = nullptr;
  std::unique_ptr<spi::backend> checked;

  explicit parts(fake_world& world) : substrate(std::make_unique<heap_substrate>(world)) {
    auto made =
        std::make_unique<engine_backend>(*substrate, "fake", all_but({capability::huge_pages, capability::readiness}));
    engine = made.get();
    checked = make_checked_backend(std::move(made));
  }
};

simulated::simulated(fake_world& world, const engine::identity& who, const fake_user& user)
    : simulated(parts(world), world, who, user) {}

simulated::simulated(parts made, fake_world& world, const engine::identity& who, const fake_user& user)
    : interceptor(std::move(made.checked)),
      world_(world),
      who_(who),
      substrate_(std::move(made.substrate)),
      engine_(made.engine) {
  substrate_->belong_to(*this);
  users_.push_back(std::make_unique<const fake_user>(complete(user)));
}

bool simulated::ended() const {
  const std::lock_guard lock(world_.mutex());
  return ended_;
}

engine::credentials simulated::credentials() const {
  const std::lock_guard lock(world_.mutex());
  const fake_user& user = *users_.back();
  return {.uid = user.uid,
          .gid = *user.gid,
          .groups = user.groups,
          .ipc_owner = user.privileges->ipc_owner,
          .sys_admin = user.privileges->sys_admin,
          .sys_resource = user.privileges->sys_resource};
}

void simulated::become(const fake_user& who) {
  const std::lock_guard lock(world_.mutex());
  users_.push_back(std::make_unique<const fake_user>(complete(who)));
}

int simulated::enter() {
  std::unique_lock lock(world_.mutex());
  world_.changed().wait(lock, [this] { return !stopped_ || ended_; });
  if (ended_) return ESRCH;
  if (const int code = world_.planted_failure(); code != 0) return code;
  ++calls_;
  return 0;
}

void simulated::leave() {
  const no_cancellation disabled;
  std::unique_lock lock(world_.mutex());
  --calls_;
  world_.changed().notify_all();
  world_.changed().wait(lock, [this] { return !stopped_ || going(); });
}

void simulated::stop() {
  const std::lock_guard lock(world_.mutex());
  stopped_ = true;
}

void simulated::resume() {
  const std::lock_guard lock(world_.mutex());
  stopped_ = false;
  world_.rouse(this);
}

void simulated::interrupt() { world_.interrupt(*this, nullptr); }
void simulated::interrupt(std::thread::id thread) { world_.interrupt(*this, &thread); }
int simulated::blocked_calls() const { return world_.blocked(this, nullptr); }
bool simulated::blocked(std::thread::id thread) const { return world_.blocked(this, &thread) != 0; }

bool simulated::attached(const void* address, std::size_t size_bytes, bool writable) const {
  const std::lock_guard lock(world_.mutex());
  return world_.memory().has(who_.pid, address, size_bytes, writable);
}
bool simulated::is_segment_memory(const void* address, std::size_t size_bytes) const {
  const std::lock_guard lock(world_.mutex());
  return world_.memory().touches(address, size_bytes);
}

fake_process& simulated::fork() {
  fake_user user;
  {
    const std::lock_guard lock(world_.mutex());
    user = *users_.back();
  }
  simulated& child = world_.begin(user);
  std::vector<std::pair<void*, engine::object_ref>> attachments;
  {
    const std::lock_guard lock(world_.mutex());
    attachments = world_.memory().all_of(who_.pid);
    world_.memory().inherit(who_.pid, child.who_.pid);
  }
  const engine::deed by{who_.pid, world_.now()};
  for (const auto& [address, segment] : attachments) engine_->segments().inherit(segment, child.who_, by);
  return child;
}

void simulated::wait_until_no_call() {
  std::unique_lock lock(world_.mutex());
  world_.rouse(this);
  world_.changed().wait(lock, [this] { return calls_ == 0; });
}

void simulated::detach_replaced(const std::vector<engine::object_ref>& segments) {
  for (const engine::object_ref& each : segments) {
    engine_->segments().leave(each, who_, {who_.pid, world_.now()});
  }
}

void simulated::detach_all() {
  std::vector<engine::object_ref> segments;
  {
    const std::lock_guard lock(world_.mutex());
    for (const auto& [address, segment] : world_.memory().all_of(who_.pid)) {
      world_.memory().unmap(who_.pid, address);
      segments.push_back(segment);
    }
  }
  detach_replaced(segments);
}

void simulated::exec() {
  {
    const std::lock_guard lock(world_.mutex());
    replaced_ = true;
    world_.mark_dead(*this);
  }
  wait_until_no_call();
  detach_all();
  sweep();
  const std::lock_guard lock(world_.mutex());
  replaced_ = false;
}

// Once: a process that has ended can't end again.
void simulated::end() {
  {
    const std::lock_guard lock(world_.mutex());
    if (std::exchange(ended_, true)) return;
    world_.mark_dead(*this);
  }
  wait_until_no_call();
  detach_all();
  sweep();
}

// What the dead - this process, or threads that exec has ended - have left in sets and queues.
void simulated::sweep() {
  engine_->sets().sweep();
  engine_->queues().sweep();
}

}  // namespace xsipc::detail
