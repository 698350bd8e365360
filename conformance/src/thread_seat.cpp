// The threads of simulated processes, and who they are.
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <stdexcept>

#include "simulated_actor.hpp"
#include "wire.hpp"
#include "xsipc/decorators/checked_backend.hpp"

namespace xsipc::conformance {
namespace {

// A call that was launched: a thread of the test's that waits for the actor's thread to make it.
class launched_call final : public detail::pending_base {
 public:
  explicit launched_call(thread_seat& on) : on_(on) {}

  [[nodiscard]] bool ended() override { return ended_; }
  [[nodiscard]] bool asleep() override { return on_.asleep(); }
  void throw_problem() override {
    if (problem_) std::rethrow_exception(problem_);
  }

  void work(const std::function<void()>& work) {
    try {
      work();
    } catch (...) {
      problem_ = std::current_exception();
    }
    ended_ = true;
  }

 private:
  thread_seat& on_;
  std::exception_ptr problem_;
  std::atomic<bool> ended_{false};
};

constexpr std::size_t guard_bytes = 64;
constexpr std::byte guard_byte{0x5a};

}  // namespace

fake_user runner_as_fake_user() {
  std::vector<::gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return {.uid = ::geteuid(),
          .gid = ::getegid(),
          .groups = {groups.begin(), groups.end()},
          .privileges = fake_privileges::all()};
}

fake_user fake_user_of(const identity& who, const fake_user& now) {
  fake_user made = now;
  fake_privileges may = now.privileges.value_or(fake_privileges{});
  if (who.uid || !who.groups.empty()) made.groups = who.groups;
  if (who.gid || who.uid) made.gid = who.gid ? who.gid : who.uid;
  if (who.uid) {
    made.uid = *who.uid;
    if (made.uid != 0) may = {};  // as Linux does when the last id ceases to be 0
  }
  for (const int capability : who.without_capabilities) {
    if (capability == CAP_IPC_OWNER) may.ipc_owner = false;
    if (capability == CAP_SYS_ADMIN) may.sys_admin = false;
    // Linux has one for the limit of locked memory and one for those of queues, the fake has one for both.
    if (capability == CAP_SYS_RESOURCE || capability == CAP_IPC_LOCK) may.sys_resource = false;
  }
  made.privileges = may;
  return made;
}

thread_seat::thread_seat(const simulation_services& services, fake_process& process)
    : services_(services),
      process_(process),
      own_(make_checked_backend(std::make_unique<own_calls>(*this))),
      for_test_(*this) {}

namespace {

// Says that a call is under way for as long as it lives.
class call_mark {
 public:
  explicit call_mark(std::atomic<bool>& in_call) : in_call_(in_call) { in_call_ = true; }
  ~call_mark() { in_call_ = false; }
  call_mark(const call_mark&) = delete;
  call_mark& operator=(const call_mark&) = delete;

 private:
  std::atomic<bool>& in_call_;
};

}  // namespace

bool thread_seat::own_calls::route(const one_call& call, deadline until) {
  if (seat_.ending_) throw thread_ends{};
  if (until.is_timed()) seat_.services_.catch_up();
  {
    const call_mark mark(seat_.in_call_);
    call(seat_.process_);
  }
  if (seat_.ending_) throw thread_ends{};
  return true;
}

// Destructors call it: it must not throw. The end of the process detaches what is attached.
result<void> thread_seat::own_calls::detach(const void* address) {
  if (seat_.ending_) return ipc_error{.code = ESRCH};
  const call_mark mark(seat_.in_call_);
  return seat_.process_.detach(address);
}

bool thread_seat::asked_calls::route(const one_call& call, deadline) {
  return seat_.work_.perform([&] { call(*seat_.own_); });
}

// Into memory with a guard behind it that no call may touch.
result<received> thread_seat::asked_calls::receive(msqid id, msgtyp_selector selector, message_buffer into,
                                                   truncation when_too_long, deadline until) {
  constexpr std::size_t longest = std::size_t{1} << 20;
  if (into.is_framed() || into.text() == nullptr || into.size_bytes() > longest) {
    return routed_backend::receive(id, selector, into, when_too_long, until);
  }
  std::vector<std::byte> room(into.size_bytes() + guard_bytes, guard_byte);
  std::copy_n(into.text(), into.size_bytes(), room.begin());
  const auto outcome =
      routed_backend::receive(id, selector, std::span(room).first(into.size_bytes()), when_too_long, until);
  const auto guard = std::span(room).last(guard_bytes);
  if (std::any_of(guard.begin(), guard.end(), [](std::byte each) { return each != guard_byte; })) {
    throw std::runtime_error("a call wrote behind its buffer");
  }
  std::copy_n(room.begin(), into.size_bytes(), into.text());
  return outcome;
}

routine_result thread_seat::run(std::string_view name, const routine_input& input) {
  const auto found = [&] {
    try {
      return find_routine(name);
    } catch (const std::out_of_range& unknown) {
      throw std::runtime_error(unknown.what());
    }
  };
  const routine body = found();
  routine_result outcome;
  const bool done = work_.perform([&] {
    routine_context context{*own_, nullptr, input};
    outcome = body(context);
  });
  if (!done) throw disconnected("the actor has ended");
  return outcome;
}

std::shared_ptr<detail::pending_base> thread_seat::launch(actor_thread& self, std::function<void(actor_thread&)> work) {
  auto call = std::make_shared<launched_call>(*this);
  services_.beside.run([call, &self, work = std::move(work)] { call->work([&] { work(self); }); });
  return call;
}

}  // namespace xsipc::conformance
