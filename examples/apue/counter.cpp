// A counter in a shared memory segment, guarded by a semaphore with SEM_UNDO: exact, whoever is killed.
//
// Source: W. R. Stevens and S. A. Rago, Advanced Programming in the UNIX Environment, sections 15.8 and 15.9.
#include <signal.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/story.hpp"
#include "xsipc/fresh.hpp"

namespace {

using examples::child;
using examples::expect;
using examples::player;
using examples::say;
using examples::stage;
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
struct objects {
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
int count_up(player& me, key agreed) {
  auto set = semaphore_set::get(agreed, 0, creation::find(), me.backend()).value();
  const auto attachment = shared_memory::get(agreed, 0, creation::find(), {}, me.backend()).value().attach().value();
  auto& count = attachment.as_span<volatile std::int64_t>()[0];
  for (std::int64_t i = 0; i < rounds; ++i) {
    set.acquire(0, 1, sem_flags::undo).value();
    add_one(count);
    set.release(0, 1, sem_flags::undo).value();
  }
  return EXIT_SUCCESS;
}

// Takes the lock, is about to add one, and never comes to it.
int stop_inside(player& me, key agreed, sem_flags flags) {
  semaphore_set::get(agreed, 0, creation::find(), me.backend()).value().acquire(0, 1, flags).value();
  return me.sleep();
}

void make_objects(stage& at, objects& on) {
  on.segment.emplace(xsipc::create_fresh_segment(at.key(), sizeof(std::int64_t), mode, {}, at.backend()).value());
  on.set.emplace(xsipc::create_fresh_set(at.key(), 1, mode, at.backend()).value());
  (*on.set)->set_value(0, 1).value();
  on.attachment = (*on.segment)->attach().value();
  say("segment and set of key " + examples::hexadecimal(at.key()) + ", count " + std::to_string(on.count()));
}

void expect_count(const objects& on, std::int64_t expected) {
  say("count " + std::to_string(on.count()) + ", expected " + std::to_string(expected));
  expect(on.count() == expected, "the count is wrong");
}

void expect_free(objects& on) { expect((*on.set)->value(0).value() == 1, "the lock is taken"); }

std::vector<std::unique_ptr<child>> start(stage& at) {
  std::vector<std::unique_ptr<child>> workers;
  for (int i = 0; i < processes; ++i) {
    workers.push_back(at.fork([agreed = at.key()](player& me) { return count_up(me, agreed); }));
  }
  return workers;
}

void await_all(const std::vector<std::unique_ptr<child>>& workers) {
  for (const auto& worker : workers) examples::await_end(*worker);
}

void await_holder(objects& on, const child& holder) {
  examples::await("process " + std::to_string(holder.pid()) + " has the lock",
                  [&] { return (*on.set)->value(0).value() == 0 && (*on.set)->sempid(0).value() == holder.pid(); });
}

// Starts a process that is going to stop with the lock, and waits until it has it.
std::unique_ptr<child> start_victim(stage& at, objects& on, sem_flags flags) {
  auto victim = at.fork([=, agreed = at.key()](player& me) { return stop_inside(me, agreed, flags); });
  await_holder(on, *victim);
  return victim;
}

void all_live(stage& at, objects& on) {
  const std::int64_t before = on.count();
  const auto workers = start(at);
  await_all(workers);
  say("4 processes, 5000 additions each");
  expect_count(on, before + processes * rounds);
  expect_free(on);
}

void one_is_killed(stage& at, objects& on) {
  const std::int64_t before = on.count();
  const auto victim = start_victim(at, on, sem_flags::undo);
  const auto workers = start(at);
  examples::await("all others wait", [&] { return (*on.set)->ncnt(0).value() == processes; });
  expect_count(on, before);
  victim->signal(SIGKILL);
  examples::await_end(*victim, "signal 9");
  say("4 processes wait for the lock; its holder gets SIGKILL, and the lock is given back");
  await_all(workers);
  expect_count(on, before + processes * rounds);
  expect_free(on);
}

void many_are_killed(stage& at, objects& on) {
  constexpr int victims = 20;
  const std::int64_t before = on.count();
  const auto workers = start(at);
  for (int i = 0; i < victims; ++i) start_victim(at, on, sem_flags::undo).reset();  // which kills it
  await_all(workers);
  say("while 4 processes count, 20 others take the lock and are killed with it");
  expect_count(on, before + processes * rounds);
  expect_free(on);
}

// What SEM_UNDO is for.
void without_undo(stage& at, objects& on) {
  const std::int64_t before = on.count();
  start_victim(at, on, sem_flags::none).reset();
  examples::expect_error("taking the lock", (*on.set)->acquire(0, 1, sem_flags::no_wait), EAGAIN);
  say("its holder is dead, and everybody would wait for ever; somebody has to set it by hand");
  (*on.set)->set_value(0, 1).value();
  all_live(at, on);
  expect_count(on, before + processes * rounds);
}

void clean_up(stage& at, objects& on) {
  on.attachment.detach().value();
  (*on.segment)->remove().value();
  (*on.set)->remove().value();
  examples::expect_error("finding the segment", shared_memory::get(at.key(), 0, creation::find(), {}, at.backend()),
                         ENOENT);
  examples::expect_error("finding the set", semaphore_set::get(at.key(), 0, creation::find(), at.backend()), ENOENT);
}

int play(stage& at) {
  objects on;
  return examples::tell("counter", "APUE 15.8, 15.9: a shared counter and its lock",
                        {
                            {"A segment for the counter, a semaphore for the lock.", [&] { make_objects(at, on); }},
                            {"Several processes count.", [&] { all_live(at, on); }},
                            {"One is killed while it holds the lock.", [&] { one_is_killed(at, on); }},
                            {"Many are killed while they hold the lock.", [&] { many_are_killed(at, on); }},
                            {"The same without SEM_UNDO.", [&] { without_undo(at, on); }},
                            {"Nothing is left.", [&] { clean_up(at, on); }},
                        });
}

}  // namespace

int main(int argc, char** argv) { return examples::run({"counter", usual_key, play}, argc, argv); }
