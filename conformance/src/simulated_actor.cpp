#include "simulated_actor.hpp"

#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "process_state.hpp"

namespace xsipc::conformance {
namespace {

bool ignored_by_default(int number) {
  return number == SIGCHLD || number == SIGURG || number == SIGWINCH || number == SIGCONT;
}

bool stops_by_default(int number) {
  return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

// Copies between the test and memory that may not be there, in one of the two directions. False if it isn't.
bool copy_over(iovec own, iovec theirs, bool writing) {
  if (own.iov_len == 0) return true;
  const auto copied = writing ? ::process_vm_writev(::getpid(), &own, 1, &theirs, 1, 0)
                              : ::process_vm_readv(::getpid(), &own, 1, &theirs, 1, 0);
  if (copied < 0 && errno != EFAULT) throw std::system_error(errno, std::generic_category(), "process_vm_readv");
  return copied == static_cast<ssize_t>(own.iov_len);
}

}  // namespace

// A further thread of a simulated process.
class simulated_actor::further_thread final : public actor_thread {
 public:
  further_thread(const simulation_services& services, fake_process& process, ipc_pid tid)
      : seat_(services, process), tid_(tid) {}

  [[nodiscard]] spi::backend& xsi() override { return seat_.xsi(); }
  [[nodiscard]] ipc_pid tid() const override { return tid_; }
  routine_result run(std::string_view name, const routine_input& input) override { return seat_.run(name, input); }
  void end() override {
    seat_.finish();
    wait_for_state("a thread to end", [&] { return seat_.ended(); });
  }
  [[nodiscard]] thread_seat& seat() { return seat_; }

 protected:
  std::shared_ptr<detail::pending_base> launch(std::function<void(actor_thread&)> work) override {
    return seat_.launch(*this, std::move(work));
  }

 private:
  thread_seat seat_;
  ipc_pid tid_;
};

simulated_actor::simulated_actor(const simulation_services& services, fake_process& process, fake_user who,
                                 bool begun_by_test)
    : services_(services),
      process_(process),
      who_(std::move(who)),
      begun_by_test_(begun_by_test),
      main_(services, process) {}

simulated_actor::~simulated_actor() = default;

void simulated_actor::end() { throw std::logic_error("the main thread of an actor ends with its process"); }

actor_thread& simulated_actor::begin_thread() {
  // Any number that is nobody's pid.
  const auto tid = static_cast<ipc_pid>(-1000 * pid() - static_cast<ipc_pid>(threads_.size()));
  threads_.push_back(std::make_unique<further_thread>(services_, process_, tid));
  return *threads_.back();
}

void simulated_actor::cancel(actor_thread& thread) { dynamic_cast<further_thread&>(thread).seat().cancel(); }

actor& simulated_actor::fork() {
  auto child = std::make_unique<simulated_actor>(services_, process_.fork(), who_, false);
  child->dispositions_ = dispositions_;
  child->caught_ = caught_;
  return services_.adopt(std::move(child));
}

void simulated_actor::end_threads(bool all, const std::function<void()>& then) {
  std::vector<thread_seat*> seats;
  for (const auto& each : threads_) seats.push_back(&each->seat());
  if (all) seats.push_back(&main_);
  for (thread_seat* const each : seats) each->begin_end();
  const auto every = [&](bool (thread_seat::*is_so)()) {
    return std::all_of(seats.begin(), seats.end(), [&](thread_seat* each) { return (each->*is_so)(); });
  };
  // Routines use the memory that the process is about to lose: they must have come to a call.
  const auto at_rest = stopped_ ? &thread_seat::at_rest_when_stopped : &thread_seat::at_rest;
  wait_for_state("a process's threads to make their next calls", [&] { return every(at_rest); });
  then();
  for (thread_seat* const each : seats) each->finish();
  wait_for_state("a process's threads to end", [&] { return every(&thread_seat::ended); });
}

void simulated_actor::exec() {
  if (stopped_) resume();
  end_threads(false, [&] { process_.exec(); });
  std::erase_if(dispositions_, [](const auto& each) { return each.second == disposition::caught; });
  caught_.clear();
}

void simulated_actor::end_by(const ending& how) {
  if (ended_) return;
  if (stopped_ && how.exited) resume();  // a killed one ends as it is, with what it was handed meanwhile
  end_threads(true, [&] { how.exited ? process_.exit() : process_.kill(); });
  ended_ = how;
}

void simulated_actor::kill() { end_by({.exited = false, .code = 0, .signal = SIGKILL}); }

ending simulated_actor::await_end() {
  if (!begun_by_test_) throw std::logic_error("a forked actor is waited for by its parent");
  wait_for_state("a process to end", [&] { return ended_.has_value(); });
  return *ended_;
}

ending simulated_actor::wait_for(actor& child) {
  auto& waited_for = dynamic_cast<simulated_actor&>(child);
  wait_for_state("a child to end", [&] { return waited_for.ended_.has_value(); });
  return *waited_for.ended_;
}

void simulated_actor::stop() {
  process_.stop();
  stopped_ = true;
}

void simulated_actor::resume() {
  process_.resume();
  stopped_ = false;
}

void simulated_actor::signal(int number) {
  if (ended_) throw std::system_error(ESRCH, std::generic_category(), "signal");
  const auto how = dispositions_.find(number);
  if (number == SIGCONT) resume();
  if (how != dispositions_.end() && how->second == disposition::ignored) return;
  if (how != dispositions_.end() && how->second == disposition::caught) {
    ++caught_[number];
    // The kernel gives it to the main thread too, unless that has blocked it.
    return process_.interrupt(main_.id());
  }
  if (ignored_by_default(number)) return;
  if (stops_by_default(number)) return stop();
  end_by({.exited = false, .code = 0, .signal = number});
}

void simulated_actor::catch_signal(int number, bool) { dispositions_[number] = disposition::caught; }
void simulated_actor::ignore_signal(int number) { dispositions_[number] = disposition::ignored; }
int simulated_actor::signals_caught(int number) { return caught_[number]; }

void simulated_actor::become(const identity& who) {
  // CAP_SETUID comes with uid 0, and with the privileges of whoever runs the suite.
  const bool has_all = who_.uid == 0 || who_.privileges == fake_privileges::all();
  const bool may = has_all || (!who.uid && !who.gid && who.groups.empty());
  if (!may) throw std::system_error(EPERM, std::generic_category(), "setresuid");
  who_ = fake_user_of(who, who_);
  process_.become(who_);
}

bool simulated_actor::within_reach(const void* address, std::size_t size, bool writable) const {
  return process_.attached(address, size, writable) || !process_.is_segment_memory(address, size);
}

std::optional<std::string> simulated_actor::peek(const void* address, std::size_t size) {
  if (ended_) return std::nullopt;
  std::string bytes(size, '\0');
  // By the system's copying also where it is there: other threads may be writing to it.
  if (within_reach(address, size, false) &&
      copy_over({bytes.data(), size}, {const_cast<void*>(address), size}, false)) {
    return bytes;
  }
  end_by({.exited = false, .code = 0, .signal = SIGSEGV});
  return std::nullopt;
}

bool simulated_actor::poke(void* address, std::string_view bytes) {
  if (ended_) return false;
  if (within_reach(address, bytes.size(), true) &&
      copy_over({const_cast<char*>(bytes.data()), bytes.size()}, {address, bytes.size()}, true)) {
    return true;
  }
  end_by({.exited = false, .code = 0, .signal = SIGSEGV});
  return false;
}

}  // namespace xsipc::conformance
