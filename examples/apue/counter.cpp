// A counter in a shared memory segment, guarded by a semaphore with SEM_UNDO: exact, whoever is killed.
//
// Source: W. R. Stevens and S. A. Rago, Advanced Programming in the UNIX Environment, sections 15.8 and 15.9.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <optional>
#include <string>

#include "support/meeting_place.hpp"
#include "support/options.hpp"
#include "support/story.hpp"
#include "xsipc/fresh.hpp"

namespace {

using examples::child;
using examples::expect;
using examples::say;
using examples::temporary;
using xsipc::creation;
using xsipc::key;
using xsipc::sem_flags;
using xsipc::semaphore_set;
using xsipc::shared_memory;

constexpr key usual_key{1508};
constexpr xsipc::ipc_mode mode = 0600;
constexpr int processes = 4;
constexpr std::int64_t rounds = 5000;

// A key names one object of each kind: segment and set share it.
struct stage {
  key agreed{};
  std::optional<temporary<shared_memory>> segment;
  std::optional<temporary<semaphore_set>> set;
  xsipc::shared_memory_attachment attachment;

  [[nodiscard]] volatile std::int64_t& count() const { return attachment.as_span<volatile std::int64_t>()[0]; }
};

void add_one(volatile std::int64_t& count) {
  const std::int64_t before = count;  // in two steps: without the lock some would be lost
  count = before + 1;
}

// What each process does. It finds the objects by the key, as an unrelated program would.
int count_up(key agreed, std::int64_t times) {
  auto set = semaphore_set::get(agreed, 0, creation::find()).value();
  const auto attachment = shared_memory::get(agreed, 0, creation::find()).value().attach().value();
  auto& count = attachment.as_span<volatile std::int64_t>()[0];
  for (std::int64_t i = 0; i < times; ++i) {
    set.acquire(0, 1, sem_flags::undo).value();
    add_one(count);
    set.release(0, 1, sem_flags::undo).value();
  }
  return EXIT_SUCCESS;
}

// Takes the lock, is about to add one, and never comes to it.
int stop_inside(key agreed, sem_flags flags) {
  auto set = semaphore_set::get(agreed, 0, creation::find()).value();
  set.acquire(0, 1, flags).value();
  for (;;) pause();
}

void make_objects(stage& on, const std::optional<key>& wanted) {
  on.agreed = wanted ? *wanted : examples::make_meeting_place(usual_key).key;
  on.segment.emplace(xsipc::create_fresh_segment(on.agreed, sizeof(std::int64_t), mode).value());
  on.set.emplace(xsipc::create_fresh_set(on.agreed, 1, mode).value());
  (*on.set)->set_value(0, 1).value();
  on.attachment = (*on.segment)->attach().value();
  say("segment and set of key " + examples::hexadecimal(on.agreed) + ", count " + std::to_string(on.count()));
}

void expect_count(const stage& on, std::int64_t expected) {
  say("count " + std::to_string(on.count()) + ", expected " + std::to_string(expected));
  expect(on.count() == expected, "the count is wrong");
}

void expect_free(stage& on) { expect((*on.set)->value(0).value() == 1, "the lock is taken"); }

void start(std::list<child>& workers, key agreed) {
  for (int i = 0; i < processes; ++i) workers.emplace_back([=] { return count_up(agreed, rounds); });
}

void await_holder(stage& on, const child& holder) {
  examples::await("process " + std::to_string(holder.pid()) + " has the lock",
                  [&] { return (*on.set)->value(0).value() == 0 && (*on.set)->sempid(0).value() == holder.pid(); });
}

void all_live(stage& on) {
  const std::int64_t before = on.count();
  std::list<child> workers;
  start(workers, on.agreed);
  for (child& worker : workers) examples::await_end(worker);
  say("4 processes, 5000 additions each");
  expect_count(on, before + processes * rounds);
  expect_free(on);
}

void one_is_killed(stage& on) {
  const std::int64_t before = on.count();
  child victim([&] { return stop_inside(on.agreed, sem_flags::undo); });
  await_holder(on, victim);
  std::list<child> workers;
  start(workers, on.agreed);
  examples::await("all others wait", [&] { return (*on.set)->ncnt(0).value() == processes; });
  expect_count(on, before);
  victim.signal(SIGKILL);
  examples::await_end(victim, "signal 9");
  say("4 processes wait for the lock; its holder gets SIGKILL, and the lock is given back");
  for (child& worker : workers) examples::await_end(worker);
  expect_count(on, before + processes * rounds);
  expect_free(on);
}

void many_are_killed(stage& on) {
  constexpr int victims = 20;
  const std::int64_t before = on.count();
  std::list<child> workers;
  start(workers, on.agreed);
  for (int i = 0; i < victims; ++i) {
    child victim([&] { return stop_inside(on.agreed, sem_flags::undo); });
    await_holder(on, victim);
  }  // the end of `victim` kills it
  for (child& worker : workers) examples::await_end(worker);
  say("while 4 processes count, 20 others take the lock and are killed with it");
  expect_count(on, before + processes * rounds);
  expect_free(on);
}

// What SEM_UNDO is for.
void without_undo(stage& on) {
  const std::int64_t before = on.count();
  {
    child victim([&] { return stop_inside(on.agreed, sem_flags::none); });
    await_holder(on, victim);
  }
  examples::expect_error("taking the lock", (*on.set)->acquire(0, 1, sem_flags::no_wait), EAGAIN);
  say("its holder is dead, and everybody would wait for ever; somebody has to set it by hand");
  (*on.set)->set_value(0, 1).value();
  all_live(on);
  expect_count(on, before + processes * rounds);
}

void clean_up(stage& on) {
  on.attachment.detach().value();
  (*on.segment)->remove().value();
  (*on.set)->remove().value();
  examples::expect_error("finding the segment", shared_memory::get(on.agreed, 0, creation::find()), ENOENT);
  examples::expect_error("finding the set", semaphore_set::get(on.agreed, 0, creation::find()), ENOENT);
}

}  // namespace

int main(int argc, char** argv) {
  examples::options options("counter", "[--key=N]", argc, argv);
  const auto wanted = options.key();
  options.end();
  stage on;
  return examples::tell("counter", "APUE 15.8, 15.9: a shared counter and its lock",
                        {
                            {"A segment for the counter, a semaphore for the lock.", [&] { make_objects(on, wanted); }},
                            {"Several processes count.", [&] { all_live(on); }},
                            {"One is killed while it holds the lock.", [&] { one_is_killed(on); }},
                            {"Many are killed while they hold the lock.", [&] { many_are_killed(on); }},
                            {"The same without SEM_UNDO.", [&] { without_undo(on); }},
                            {"Nothing is left.", [&] { clean_up(on); }},
                        });
}
