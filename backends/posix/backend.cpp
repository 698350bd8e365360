// make_posix_backend: namespaces that this process has opened, and what fork and exit mean to them.
#include <pthread.h>
#include <sys/auxv.h>

#include <cerrno>
#include <cstdlib>
#include <list>
#include <mutex>

#include "../../api/src/decorators/unusable_backend.hpp"
#include "../../api/src/no_cancellation.hpp"
#include "../engine/backend.hpp"
#include "fork_meeting.hpp"
#include "shared_substrate.hpp"
#include "xsipc/decorators/checked_backend.hpp"
#include "xsipc/posix.hpp"

namespace xsipc {
namespace posix {
namespace {

using engine_backend = engine::backend<shared_substrate>;

capability_set offered() {
  capability_set all;
  for (int i = 0; i < capability_count; ++i) all = all.with(static_cast<capability>(i));
  return all.without(capability::huge_pages).without(capability::readiness);
}

// A namespace that this process uses. Never destroyed: words in it are known to the kernel.
struct opened {
  explicit opened(const namespace_object& object) : substrate(object), sets(substrate), segments(substrate) {}

  // The process ends in order: nobody has to find out.
  void end() {
    if (substrate.is_another_process()) return;  // by a raw fork, and never called
    for (const engine::object_ref& segment : substrate.attached().all()) {
      segments.leave(segment, substrate.image(), {substrate.self().pid, substrate.now()});
    }
    sets.end(substrate.self());
  }

  shared_substrate substrate;
  engine::set_calls<shared_substrate> sets;
  engine::segment_calls<shared_substrate> segments;
};

struct process_wide {
  std::mutex mutex;
  std::list<opened> all;
  fork_meeting meeting;
  std::int32_t forking_pid = 0;
};

process_wide& everything() {
  static auto* const made = new process_wide;  // never destroyed: calls go on during exit
  return *made;
}

[[gnu::destructor]] void at_exit() {
  for (opened& each : everything().all) each.end();
}

bool attached_somewhere() {
  for (opened& each : everything().all) {
    if (!each.substrate.attached().all().empty()) return true;
  }
  return false;
}

void before_fork() {
  process_wide& here = everything();
  here.mutex.lock();
  here.meeting.prepare(attached_somewhere());
  here.forking_pid = own_pid();
  for (opened& each : here.all) each.substrate.attached().before_fork();
}

void after_fork() {
  process_wide& here = everything();
  for (opened& each : here.all) each.substrate.attached().after_fork();
  here.mutex.unlock();
}

// Whoever reads nattch after fork must find the child's attachments: the parent waits until the child has counted them.
void in_parent() {
  everything().meeting.wait_for_child();
  after_fork();
}

void in_child() {
  after_fork();
  process_wide& here = everything();
  if (here.meeting.parent_waits()) {
    for (opened& each : here.all) {
      each.substrate.begin_generation();
      const engine::deed by{here.forking_pid, each.substrate.now()};
      for (const engine::object_ref& segment : each.substrate.attached().all()) {
        each.segments.inherit(segment, each.substrate.image(), by);
      }
    }
  }
  here.meeting.arrive();
}

void watch_forks() {
  static const int once = ::pthread_atfork(before_fork, in_parent, in_child);
  static_cast<void>(once);
}

std::string environment(const char* name) {
  if (::getauxval(AT_SECURE) != 0) return {};  // of whoever started a privileged program
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<namespace_place> place_for(const posix_options& options, namespace_problem& problem) {
  std::string name = options.name_space.empty() ? environment("XSIPC_NAMESPACE") : options.name_space;
  const std::string directory = options.directory.empty() ? environment("XSIPC_DIR") : options.directory;
  if (name.empty()) name = "default";
  auto place = place_of(name, directory);
  if (!place) problem = {EINVAL, "'" + name + "' is no name of a namespace: NAME, shared:NAME or shared:NAME@UID"};
  return place;
}

opened* open(const posix_options& options, namespace_problem& problem) {
  const auto place = place_for(options, problem);
  if (!place) return nullptr;
  process_wide& here = everything();
  const std::lock_guard lock(here.mutex);
  prepare_generations();
  for (opened& each : here.all) {
    // One that was removed and made anew is another.
    if (each.substrate.object().place().path() == place->path() && each.substrate.object().reopen().is_open()) {
      return &each;
    }
  }
  const auto object = namespace_object::open(*place, problem);
  if (!object) return nullptr;
  watch_forks();
  return &here.all.emplace_back(*object);
}

}  // namespace
}  // namespace posix

std::unique_ptr<spi::backend> make_posix_backend(const posix_options& options, std::string* problem) {
  const detail::no_cancellation disabled;
  posix::namespace_problem what;
  posix::opened* const in = posix::open(options, what);
  if (in == nullptr) {
    if (problem != nullptr) *problem = what.text;
    return std::make_unique<detail::unusable_backend>("posix", posix::offered());
  }
  return make_checked_backend(std::make_unique<posix::engine_backend>(in->substrate, "posix", posix::offered()));
}

result<void> make_posix_namespace(const posix_options& options, ipc_mode mode, std::optional<ipc_user> group,
                                  std::string* problem) {
  const detail::no_cancellation disabled;
  posix::namespace_problem what;
  const auto place = posix::place_for(options, what);
  const auto gid = group ? static_cast<gid_t>(*group) : static_cast<gid_t>(-1);
  if (place && posix::namespace_object::make(*place, static_cast<mode_t>(mode), gid, what)) return {};
  if (problem != nullptr) *problem = what.text;
  return ipc_error{.code = what.code};
}

result<void> remove_posix_namespace(const posix_options& options, std::string* problem) {
  const detail::no_cancellation disabled;
  posix::namespace_problem what;
  const auto place = posix::place_for(options, what);
  if (place && posix::namespace_object::remove(*place, what)) return {};
  if (problem != nullptr) *problem = what.text;
  return ipc_error{.code = what.code};
}

void refresh_posix_credentials() { posix::caller_credentials::forget(); }

}  // namespace xsipc
