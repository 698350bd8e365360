// The harness of backends that real processes share: sessions, their namespace or keys, their cleaning up.
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <set>
#include <utility>

#include "absl/random/random.h"
#include "mutex.hpp"
#include "process_actor.hpp"
#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {
namespace {

bool have_capability(int number) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  return (data[number / 32].effective >> (static_cast<unsigned>(number) % 32) & 1U) != 0;
}

class process_session final : public session {
 public:
  process_session(const process_backend& what, capability_set capabilities, beginner& begins, bool in_namespace)
      : services_{what,    capabilities,
                  begins,  [this](object_kind kind, int id) { note_object(kind, id); },
                  beside_, [this](std::unique_ptr<process_actor> born) -> actor& { return keep(std::move(born)); }},
        in_namespace_(in_namespace) {}

  ~process_session() override {
    end_all();
    if (!in_namespace_) remove_objects();
  }

  actor& process(const identity& who) override {
    const auto [ours, theirs] = make_socket_pair();
    static_cast<void>(services_.begins.begin_process(who, theirs));
    ::close(theirs);
    return keep(std::make_unique<process_actor>(services_, ours, true));
  }

  actor& process_elsewhere() override {
    auto& born = static_cast<process_actor&>(process({}));
    born.enter_new_namespace();
    return born;
  }

  // Random, so that tests without a namespace of their own meet nobody's objects; all above the keys that people
  // choose.
  key fresh_key() override {
    for (;;) {
      const auto candidate = absl::Uniform<std::uint32_t>(random_, 0x10000000U, 0xf0000000U);
      if (keys_.insert(candidate).second) return static_cast<key>(candidate);
    }
  }

 private:
  actor& keep(std::unique_ptr<process_actor> born) {
    actors_.push_back(std::move(born));
    return *actors_.back();
  }

  // May be called on the threads of pending calls.
  void note_object(object_kind kind, int id) {
    const annotated_lock lock(mutex_);
    objects_.emplace(kind, id);
  }

  // Kills all actors first: then every pending call returns and its thread can be joined.
  void end_all() {
    for (const auto& each : actors_) each->begin_kill();
    services_.begins.reap_all();
    beside_.join();
    actors_.clear();
  }

  // For objects that are everybody's to see. By id, and by the keys that were handed out, for what routines made.
  void remove_objects() {
    spi::backend& xsi = process({}).xsi();
    for (const auto which : {object_kind::queue, object_kind::set, object_kind::segment}) {
      for (const std::uint32_t used : keys_) {
        static_cast<void>(kind_calls(which).get(xsi, static_cast<key>(used), creation::find()));
      }
    }
    std::set<std::pair<object_kind, int>> made;
    {
      const annotated_lock lock(mutex_);
      made = objects_;
    }
    for (const auto& [kind, id] : made) static_cast<void>(kind_calls(kind).remove(xsi, id));
    end_all();
  }

  session_services services_;
  bool in_namespace_;
  annotated_mutex mutex_;
  std::set<std::pair<object_kind, int>> objects_ ABSL_GUARDED_BY(mutex_);
  std::set<std::uint32_t> keys_;
  absl::BitGen random_;
  std::vector<std::unique_ptr<process_actor>> actors_;
  helper_threads beside_;
};

class process_harness final : public harness {
 public:
  explicit process_harness(const process_backend& what)
      : what_(what), capabilities_(what.make()->capabilities()), begins_(what) {
    namespaces_ = (what.in_ipc_namespace || what.enter_new_namespace != nullptr) && begins_.enter_new_namespace();
  }

  [[nodiscard]] std::string_view name() const override { return what_.name; }
  [[nodiscard]] capability_set capabilities() const override { return capabilities_; }
  [[nodiscard]] std::string_view expected_skips() const override { return what_.expected_skips; }

  [[nodiscard]] bool offers(need what) const override {
    switch (what) {
      case need::other_users: return other_users();
      case need::private_namespace: return namespaces_;
      case need::c_calls: return what_.c != nullptr;
      case need::cap_sys_resource: return have_capability(CAP_SYS_RESOURCE);
      case need::cap_ipc_owner: return have_capability(CAP_IPC_OWNER);
      case need::cap_sys_admin: return have_capability(CAP_SYS_ADMIN);
      case need::kernel_objects: return what_.kernel_objects;
      case need::real_processes: return true;
    }
    return false;
  }

  // To become somebody else is not enough: it takes a privilege to see that another user's process is blocked, and,
  // where objects don't go with their namespace, one to remove what another user made.
  [[nodiscard]] bool other_users() const {
    return have_capability(CAP_SETUID) && have_capability(CAP_SETGID) && have_capability(CAP_SYS_PTRACE) &&
           (namespaces_ || have_capability(CAP_SYS_ADMIN));
  }

  [[nodiscard]] std::unique_ptr<session> begin_test() override {
    if (namespaces_ && !begins_.enter_new_namespace()) throw std::runtime_error("no new IPC namespace is to be had");
    return std::make_unique<process_session>(what_, capabilities_, begins_, namespaces_);
  }

 private:
  const process_backend& what_;
  capability_set capabilities_;
  beginner begins_;
  bool namespaces_ = false;
};

}  // namespace

bool enter_new_namespace(const process_backend& what) {
  return what.enter_new_namespace != nullptr ? what.enter_new_namespace() : ::unshare(CLONE_NEWIPC) == 0;
}

std::unique_ptr<harness> make_process_harness(const process_backend& what) {
  return std::make_unique<process_harness>(what);
}

}  // namespace xsipc::conformance
