// The public face of the fake: fake_system, and what it tells of its objects.
#include <cstdio>
#include <utility>

#include "../default_limits.hpp"
#include "fake_world.hpp"
#include "simulated.hpp"
#include "xsipc/fake.hpp"

namespace xsipc {
namespace {

using detail::fake_world;
using detail::simulated;

std::string hex(std::uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", number);
  return text;
}

std::string octal(std::uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

std::string name_of(const char* kind, int id, const ipc_perm& perm) {
  return std::string(kind) + " " + std::to_string(id) + " (key " +
         hex(static_cast<std::uint32_t>(static_cast<std::int32_t>(perm.object_key))) + ")";
}

std::string owner_of(const ipc_perm& perm) {
  std::string text =
      " mode " + octal(perm.mode) + " owner " + std::to_string(perm.uid) + ":" + std::to_string(perm.gid);
  if (perm.cuid != perm.uid || perm.cgid != perm.gid) {
    text += " creator " + std::to_string(perm.cuid) + ":" + std::to_string(perm.cgid);
  }
  return text;
}

// Visits every object as an onlooker sees it.
template <typename Visitor>
void each_status(spi::backend& eye, Visitor visit) {
  const auto all = [&](object_kind kind, auto stat) {
    const int last = eye.usage(kind).value().highest_index;
    for (int i = 0; i <= last; ++i) {
      if (const auto status = (eye.*stat)(i, lookup::index_any)) visit(*status);
    }
  };
  all(object_kind::queue, &spi::backend::stat_queue);
  all(object_kind::set, &spi::backend::stat_set);
  all(object_kind::segment, &spi::backend::stat_segment);
}

std::string name_of(const queue_status& queue) { return name_of("queue", static_cast<int>(queue.id), queue.perm); }
std::string name_of(const set_status& set) { return name_of("set", static_cast<int>(set.id), set.perm); }
std::string name_of(const segment_status& segment) {
  return name_of("segment", static_cast<int>(segment.id), segment.perm);
}

std::string details(spi::backend&, const queue_status& queue) {
  return " " + std::to_string(queue.qnum) + " messages, " + std::to_string(queue.cbytes) + " of " +
         std::to_string(queue.qbytes) + " bytes, lspid " + std::to_string(queue.lspid) + ", lrpid " +
         std::to_string(queue.lrpid);
}

std::string details(spi::backend& eye, const set_status& set) {
  std::string text;
  for (int i = 0; i < static_cast<int>(set.nsems); ++i) {
    const auto ask = [&](sem_query what) { return std::to_string(eye.query_semaphore(set.id, i, what).value_or(-1)); };
    text += "\n    [" + std::to_string(i) + "] value " + ask(sem_query::value) + ", sempid " + ask(sem_query::pid) +
            ", semncnt " + ask(sem_query::ncnt) + ", semzcnt " + ask(sem_query::zcnt);
  }
  return text;
}

std::string details(spi::backend&, const segment_status& segment) {
  return " " + std::to_string(segment.segsz) + " bytes, nattch " + std::to_string(segment.nattch) + ", cpid " +
         std::to_string(segment.cpid) + ", lpid " + std::to_string(segment.lpid) +
         (segment.removed ? ", removed" : "") + (segment.locked ? ", locked" : "");
}

// Onlookers don't count as calls.
class undisturbed {
 public:
  explicit undisturbed(fake_world& world) : world_(world) { world_.watch_only(true); }
  ~undisturbed() { world_.watch_only(false); }
  undisturbed(const undisturbed&) = delete;
  undisturbed& operator=(const undisturbed&) = delete;

 private:
  fake_world& world_;
};

}  // namespace

ipc_limits fake_default_limits() { return detail::linux_limits(); }

fake_system::fake_system(const fake_options& options)
    : world_(std::make_unique<fake_world>(options)), reports_leaks_(options.report_leaks) {}

fake_system::~fake_system() {
  for (simulated* const each : world_->processes()) each->kill();
  if (!reports_leaks_) return;
  for (const std::string& left : objects()) std::fprintf(stderr, "fake_system: left over: %s\n", left.c_str());
}

fake_process& fake_system::process(const fake_user& who) { return world_->begin(who); }
void fake_system::advance(std::chrono::nanoseconds by) { world_->advance(by.count()); }
ipc_time fake_system::now() const { return world_->now(); }
void fake_system::wait_until_blocked(int calls) { world_->wait_until_blocked(calls); }
void fake_system::fail_call(std::uint64_t nth, int code) { world_->fail_call(nth, code); }
void fake_system::fail_allocation(std::uint64_t nth, bool all_after) { world_->fail_allocation(nth, all_after); }

std::vector<std::string> fake_system::objects() const {
  const undisturbed look(*world_);
  std::vector<std::string> all;
  each_status(world_->observer(), [&all](const auto& status) { all.push_back(name_of(status)); });
  return all;
}

std::string fake_system::dump() const {
  const undisturbed look(*world_);
  simulated& eye = world_->observer();
  std::string text = "clock " + std::to_string(world_->now()) + "\n";
  for (simulated* const each : world_->processes()) {
    text += "process " + std::to_string(each->pid()) +
            (each->ended() ? " ended" : ", " + std::to_string(each->blocked_calls()) + " calls blocked") + "\n";
  }
  each_status(
      eye, [&](const auto& status) { text += name_of(status) + owner_of(status.perm) + details(eye, status) + "\n"; });
  return text;
}

std::string fake_system::check() const {
  const undisturbed look(*world_);
  std::string wrong;
  for (const auto kind : {object_kind::queue, object_kind::set, object_kind::segment}) {
    if (wrong.empty()) wrong = engine::registry(world_->space(), kind).check();
  }
  auto& engine = world_->observer().engine();
  engine.queues().each([&wrong](engine::message_store& store) {
    if (wrong.empty()) wrong = store.check(false);
  });
  engine.sets().each([&wrong](engine::semaphore_store& store, engine::wake_list&) {
    if (wrong.empty()) wrong = store.check(false);
  });
  return wrong;
}

namespace {

// The one process of a system of its own.
class single_process final : public detail::interceptor<single_process> {
 public:
  explicit single_process(const fake_options& options)
      : interceptor(nullptr), system_(std::make_unique<fake_system>(options)), process_(system_->process()) {}

  [[nodiscard]] std::string_view name() const override { return process_.name(); }
  [[nodiscard]] capability_set capabilities() const override { return process_.capabilities(); }

  template <auto Member, typename... Arguments>
  auto pass(xsi_call, const Arguments&... arguments)
      -> decltype((std::declval<spi::backend&>().*Member)(arguments...)) {
    return (process_.*Member)(arguments...);
  }

 private:
  std::unique_ptr<fake_system> system_;
  spi::backend& process_;
};

}  // namespace

std::unique_ptr<spi::backend> make_fake_backend(const fake_options& options) {
  fake_options quiet = options;
  quiet.report_leaks = false;
  return std::make_unique<single_process>(quiet);
}

}  // namespace xsipc
