// Sequences of calls in a fake system: whatever they are, its invariants hold afterwards.
//
// Calls of the main thread never wait. Those that do are made in threads, a few at a time; the next step begins only
// when each thread is parked or has returned, so that an input always does the same.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <list>
#include <thread>
#include <vector>

#include "call_arguments.hpp"
#include "input.hpp"
#include "xsipc/fake.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1  // as GCC has it
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace xsipc {
namespace {

using fuzz::demand;
using fuzz::free_place;
using fuzz::input;
using fuzz::page;
using fuzz::scratch_bytes;

constexpr std::size_t most_processes = 6;
constexpr std::size_t most_waiting = 4;
constexpr int most_steps = 400;

struct waiting_call {
  fake_process* process = nullptr;
  std::vector<std::byte> memory;
  std::atomic<bool> returned{false};
  std::thread thread;
};

class scene : private fuzz::call_arguments {
 public:
  explicit scene(input& from) : call_arguments(from), system_(fuzz::options_of(from)) {
    begin_process();
    asked_ = processes_[0];
  }
  ~scene() {
    for (fake_process* const each : processes_) each->kill();
    for (waiting_call& each : waiting_) each.thread.join();
  }
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;

  void play() {
    for (int steps = 0; !in_.empty() && steps < most_steps; ++steps) {
      step();
      settle();
    }
    check();
    for (fake_process* const each : processes_) {
      each->resume();
      each->kill();
    }
    settle();
    check();
  }

 private:
  void check() {
    const std::string wrong = system_.check();
    if (!wrong.empty()) demand(false, wrong + "\n" + system_.dump());
  }

  // Every thread is parked or has returned; those of a stopped process can't.
  void settle() {
    for (auto each = waiting_.begin(); each != waiting_.end();) {
      while (!each->returned && !stopped(*each->process) && !each->process->blocked(each->thread.get_id())) {
        std::this_thread::yield();
      }
      if (!each->returned) {
        ++each;
        continue;
      }
      each->thread.join();
      each = waiting_.erase(each);
    }
  }

  // -- Processes.
  bool stopped(const fake_process& one) const {
    for (const fake_process* const each : stopped_) {
      if (each == &one) return true;
    }
    return false;
  }
  fake_process& any_process() { return *processes_[in_.below(processes_.size())]; }
  // One that a call can be made of.
  fake_process& process() {
    fake_process& one = any_process();
    resume(one);
    return one;
  }
  void resume(fake_process& one) {
    one.resume();
    std::erase(stopped_, &one);
    settle();
  }
  void begin_process() {
    if (processes_.size() < most_processes) processes_.push_back(&system_.process(user()));
  }

  // -- Calls.
  template <typename Call>
  void start(fake_process& by, std::vector<std::byte> memory, Call call) {
    if (waiting_.size() == most_waiting) return;
    waiting_call& one = waiting_.emplace_back();
    one.process = &by;
    one.memory = std::move(memory);
    one.thread = std::thread([&one, &by, call] {
      call(by, std::span(one.memory));
      one.returned = true;
    });
  }
  void wait_to_send() {
    fake_process& by = process();
    start(by, std::vector<std::byte>(size()),
          [to = queue(), type = type(), until = some_time()](fake_process& who, std::span<std::byte> text) {
            static_cast<void>(who.send(to, {type, text}, until));
          });
  }
  void wait_to_receive() {
    fake_process& by = process();
    const truncation cut = in_.one_of({truncation::refuse, truncation::allow});
    start(by, std::vector<std::byte>(size()),
          [of = queue(), what = selector(), cut, until = some_time()](fake_process& who, std::span<std::byte> room) {
            static_cast<void>(who.receive(of, what, room, cut, until));
          });
  }
  void wait_to_operate() {
    fake_process& by = process();
    start(by, {}, [on = set(), what = operations(), until = some_time()](fake_process& who, std::span<std::byte>) {
      static_cast<void>(who.operate(on, what, until));
    });
  }

  void attach() {
    attach_options options{.read_only = in_.flag(), .round = in_.flag(), .execute = in_.byte() > 240};
#ifndef __SANITIZE_THREAD__  // which leaves no place free
    if (in_.flag()) options.address = free_place(in_);
    options.remap = options.address != nullptr && in_.flag();
#endif
    fake_process& by = process();
    const auto at = by.attach(segment(), options);
    if (!at) return;
#ifdef __SANITIZE_ADDRESS__
    // There may have been a stack, of which the sanitizer still thinks.
    for (std::size_t i = 0; i < scratch_bytes && by.attached(static_cast<std::byte*>(*at) + i, page, false);
         i += page) {
      __asan_unpoison_memory_region(static_cast<std::byte*>(*at) + i, page);
    }
#endif
    if (attached_.size() < 16) attached_.push_back(*at);
    touch();
  }
  // What is said to be attached can be touched.
  void touch() {
    for (void* const each : attached_) {
      for (const fake_process* const who : processes_) {
        if (who->attached(each, 1, false)) static_cast<void>(*static_cast<volatile std::byte*>(each));
        if (who->attached(each, 1, true)) *static_cast<volatile std::byte*>(each) = std::byte{1};
      }
    }
  }
  void step() {
    switch (in_.below(4)) {
      case 0: return queue_step();
      case 1: return set_step();
      case 2: return segment_step();
      default: return system_step();
    }
  }
  void queue_step() {
    switch (in_.below(12)) {
      case 0: return keep(queues_, process().get_queue(some_key(), how()));
      case 1:
      case 2:
      case 3: return static_cast<void>(process().send(queue(), message(), at_once()));
      case 4:
      case 5: {
        const truncation cut = in_.one_of({truncation::refuse, truncation::allow});
        return static_cast<void>(process().receive(queue(), selector(), buffer(), cut, at_once()));
      }
      case 6: {
        const lookup by = some_lookup();
        return static_cast<void>(process().stat_queue(number_or_id(by, queues_), by));
      }
      case 7: {
        const std::uint64_t qbytes = in_.one_of<std::uint64_t>({100, 16384, 0, 1ULL << 31U, ~0ULL});
        return static_cast<void>(process().change_queue(queue(), {perm(), qbytes}));
      }
      case 8: return static_cast<void>(process().remove_queue(queue()));
      case 9: return wait_to_send();
      default: return wait_to_receive();
    }
  }
  void set_step() {
    switch (in_.below(13)) {
      case 0: {
        const int nsems = in_.one_of<int>({1, 4, 40, 0, -1, in_.byte(), in_.number<std::uint16_t>()});
        return keep(sets_, process().get_set(some_key(), nsems, how()));
      }
      case 1:
      case 2:
      case 3: return static_cast<void>(process().operate(set(), operations(), at_once()));
      case 4: {
        const sem_query what = in_.one_of({sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt});
        return static_cast<void>(process().query_semaphore(set(), in_.number<std::int8_t>(), what));
      }
      case 5: {
        const int semnum = in_.number<std::int8_t>();
        return static_cast<void>(process().set_value(set(), semnum, in_.number<std::int16_t>()));
      }
      case 6: return static_cast<void>(process().get_all(set(), values()));
      case 7: return static_cast<void>(process().set_all(set(), values()));
      case 8: {
        const lookup by = some_lookup();
        return static_cast<void>(process().stat_set(number_or_id(by, sets_), by));
      }
      case 9: return static_cast<void>(process().change_set(set(), perm()));
      case 10: return static_cast<void>(process().remove_set(set()));
      default: return wait_to_operate();
    }
  }
  void segment_step() {
    switch (in_.below(9)) {
      case 0:
      case 1: {
        const segment_options options{.no_reserve = in_.flag(), .huge_pages = in_.byte() > 240, .huge_page_log2 = 0};
        return keep(segments_, process().get_segment(some_key(), segment_size(), how(), options));
      }
      case 2:
      case 3: return attach();
      case 4: {
        const void* const at =
            attached_.empty() || in_.byte() > 240 ? free_place(in_) : attached_[in_.below(attached_.size())];
        return static_cast<void>(process().detach(at));
      }
      case 5: {
        const lookup by = some_lookup();
        return static_cast<void>(process().stat_segment(number_or_id(by, segments_), by));
      }
      case 6: return static_cast<void>(process().change_segment(segment(), perm()));
      case 7: return static_cast<void>(process().remove_segment(segment()));
      default: return static_cast<void>(process().lock_segment(segment(), in_.flag()));
    }
  }
  void system_step() {
    switch (in_.below(18)) {
      case 0: return any_process().interrupt();
      case 1: {
        fake_process& one = any_process();
        one.stop();
        return stopped_.push_back(&one);
      }
      case 2: return resume(any_process());
      case 3: return any_process().become(user());
      case 4:
        if (processes_.size() < most_processes) processes_.push_back(&any_process().fork());
        return;
      case 5: return any_process().exec();
      case 6: return any_process().kill();
      case 7: return any_process().exit();
      case 8: return begin_process();
      case 9: return system_.advance(std::chrono::milliseconds(in_.byte()));
      case 10: return system_.fail_call(in_.byte(), in_.one_of<int>({EINTR, ENOMEM, EINVAL}));
      case 11: return system_.fail_allocation(in_.byte(), in_.byte() > 200);
      case 12: return static_cast<void>(system_.dump());
      case 13: return static_cast<void>(process().limits());
      case 14: return change_limits();
      case 15: {
        const auto kind = in_.one_of({object_kind::queue, object_kind::set, object_kind::segment});
        return static_cast<void>(process().usage(kind));
      }
      case 16: return touch();
      default: return check();
    }
  }
  void change_limits() {
    ipc_limits wanted = process().limits().value_or(ipc_limits{});
    std::uint64_t* const members[] = {&wanted.msgmax, &wanted.msgmnb, &wanted.msgmni, &wanted.semmsl,
                                      &wanted.semmns, &wanted.semopm, &wanted.semmni, &wanted.semvmx,
                                      &wanted.shmmax, &wanted.shmmin, &wanted.shmall, &wanted.shmmni};
    *in_.one_of(members) = in_.one_of<std::uint64_t>({0, 1, 5, 500, 501, 32768, 1U << 31U, ~0ULL, in_.byte()});
    static_cast<void>(process().change_limits(wanted));
  }

  fake_system system_;
  std::vector<fake_process*> processes_;
  std::vector<fake_process*> stopped_;
  std::list<waiting_call> waiting_;
};

}  // namespace
}  // namespace xsipc

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  xsipc::fuzz::input from(data, size);
  xsipc::scene(from).play();
  return 0;
}
