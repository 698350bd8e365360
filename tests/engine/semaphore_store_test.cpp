#include "semaphore_store.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <random>

#include "engine/naive_set.hpp"
#include "engine/test_arena.hpp"

namespace xsipc::engine {
namespace {

using test_support::naive_set;
using test_support::test_arena;
using operations = std::vector<sem_operation>;

constexpr sem_flags plain = sem_flags::none;
constexpr sem_flags no_wait = sem_flags::no_wait;
constexpr sem_flags undo = sem_flags::undo;
constexpr object_ref the_set{object_kind::set, 3, 1};

identity process(int pid) { return {pid, 0, static_cast<std::uint64_t>(pid) * 7}; }

class SemaphoreStore : public testing::Test {
 protected:
  SemaphoreStore() : memory(64, 4096) { make(4); }

  void make(std::uint32_t nsems) {
    page_heap(memory.space()).give_all(the_set, chain);
    set = std::make_unique<semaphore_store>(memory.space(), the_set, chain);
    ASSERT_TRUE(set->make(nsems));
  }
  // 0, an errno, or naive_set::blocked.
  int operate(const operations& array, int pid = 1, std::int64_t now = 100) {
    wake_list wakes(memory);
    const attempt tried = set->operate(array, process(pid), {pid, now}, true, wakes);
    return tried.is == attempt::outcome::blocked ? naive_set::blocked : tried.code;
  }
  std::uint32_t park(const operations& array, int pid) {
    EXPECT_EQ(operate(array, pid), naive_set::blocked);
    const std::uint32_t waiter = set->park(array, process(pid));
    EXPECT_NE(waiter, nil);
    return waiter;
  }
  int outcome(std::uint32_t waiter) const {
    const wait_cell& cell = set->cell_of(waiter);
    return is_parked(cell.status) ? naive_set::blocked : static_cast<int>(cell.detail);
  }
  void set_value(std::uint32_t semnum, int value, int pid = 9) {
    wake_list wakes(memory);
    ASSERT_TRUE(set->set_value(semnum, value, {pid, 200}, wakes));
  }
  void sweep() {
    wake_list wakes(memory);
    set->sweep(300, wakes);
  }
  void expect_sound() { EXPECT_EQ(set->check(false), ""); }

  test_arena memory;
  std::uint32_t chain = nil;
  std::unique_ptr<semaphore_store> set;
};

TEST_F(SemaphoreStore, SuccessSetsSempidOfTheNamedAndOtime) {
  EXPECT_EQ(operate({{0, 2, plain}, {1, 0, plain}}, 7, 55), 0);
  EXPECT_EQ(set->value(0), 2);
  EXPECT_EQ(set->pid(0), 7);
  EXPECT_EQ(set->pid(1), 7);
  EXPECT_EQ(set->pid(2), 0);
  EXPECT_EQ(set->otime(), 55);
  EXPECT_EQ(operate({{0, -3, no_wait}}, 8, 56), EAGAIN);
  EXPECT_EQ(operate({{0, 1, plain}, {4, 1, plain}}, 8, 56), EFBIG);
  EXPECT_EQ(set->otime(), 55);
  EXPECT_EQ(set->pid(0), 7);
}

TEST_F(SemaphoreStore, AWaiterIsCompletedWithItsOwnPidAndWoken) {
  const std::uint32_t waiter = park({{0, -2, plain}}, 5);
  set->cell_of(waiter).status = asleep;
  EXPECT_EQ(set->waiting(0, false), 1);
  EXPECT_EQ(operate({{0, 1, plain}}, 6), 0);
  EXPECT_EQ(outcome(waiter), naive_set::blocked);
  wake_list wakes(memory);
  (void)set->operate(operations{{0, 1, plain}}, process(6), {6, 100}, true, wakes);
  EXPECT_EQ(wakes.take_last(), &set->cell_of(waiter));
  EXPECT_EQ(outcome(waiter), 0);
  EXPECT_EQ(set->value(0), 0);
  EXPECT_EQ(set->pid(0), 5);
  EXPECT_EQ(set->waiting(0, false), 0);
  EXPECT_FALSE(set->deserted());
  set->collect(waiter);
  EXPECT_TRUE(set->deserted());
  expect_sound();
}

TEST_F(SemaphoreStore, ATransientZeroOfTwoOperationsIsSeenOfOneArrayIsNot) {
  set_value(0, 1);
  const std::uint32_t waiter = park({{0, 0, plain}}, 5);
  EXPECT_EQ(operate({{0, -1, plain}, {0, 1, plain}}), 0);
  EXPECT_EQ(outcome(waiter), naive_set::blocked);
  EXPECT_EQ(operate({{0, -1, plain}}), 0);
  EXPECT_EQ(outcome(waiter), 0);
  expect_sound();
}

TEST_F(SemaphoreStore, ASmallerDemandPassesALargerOne) {
  const std::uint32_t large = park({{0, -3, plain}}, 5);
  const std::uint32_t small = park({{0, -1, plain}}, 6);
  EXPECT_EQ(operate({{0, 1, plain}}), 0);
  EXPECT_EQ(outcome(large), naive_set::blocked);
  EXPECT_EQ(outcome(small), 0);
  expect_sound();
}

TEST_F(SemaphoreStore, OneReleaseLeadsToTheNext) {
  const std::uint32_t third = park({{2, -1, plain}}, 7);
  const std::uint32_t second = park({{1, -1, plain}, {2, 1, plain}}, 6);
  const std::uint32_t first = park({{0, -1, plain}, {1, 1, plain}}, 5);
  EXPECT_EQ(operate({{0, 1, plain}}), 0);
  for (const std::uint32_t waiter : {first, second, third}) EXPECT_EQ(outcome(waiter), 0);
  for (std::uint32_t semnum = 0; semnum < 3; ++semnum) EXPECT_EQ(set->value(semnum), 0);
  expect_sound();
}

TEST_F(SemaphoreStore, AWaitingArrayThatWouldFailFails) {
  const std::uint32_t too_large = park({{1, 32767, plain}, {0, -1, plain}}, 5);
  const std::uint32_t may_not_wait = park({{2, 0, no_wait}, {0, -1, plain}}, 6);
  EXPECT_EQ(operate({{1, 1, plain}}), 0);
  EXPECT_EQ(outcome(too_large), ERANGE);
  EXPECT_EQ(outcome(may_not_wait), naive_set::blocked);
  EXPECT_EQ(operate({{2, 1, plain}}), 0);
  EXPECT_EQ(outcome(may_not_wait), EAGAIN);
  expect_sound();
}

TEST_F(SemaphoreStore, AWaitingArrayFailsWhenAnotherThreadUsesItsAdjustmentUp) {
  set_value(1, 32767);
  EXPECT_EQ(operate({{1, -32766, undo}}, 5), 0);
  const std::uint32_t waiter = park({{1, -1, undo}, {0, -1, plain}}, 5);
  EXPECT_EQ(operate({{1, 1, plain}, {1, -1, undo}}, 5), 0);
  EXPECT_EQ(set->value(1), 1);
  EXPECT_EQ(outcome(waiter), ERANGE);
  expect_sound();
}

TEST_F(SemaphoreStore, TheCountMovesToTheOperationThatBlocks) {
  park({{0, -1, plain}, {1, -1, plain}}, 5);
  EXPECT_EQ(set->waiting(0, false), 1);
  EXPECT_EQ(operate({{0, 1, plain}}), 0);
  EXPECT_EQ(set->waiting(0, false), 0);
  EXPECT_EQ(set->waiting(1, false), 1);
  set_value(0, 0);
  EXPECT_EQ(set->waiting(0, false), 1);
  EXPECT_EQ(set->waiting(1, false), 0);
}

TEST_F(SemaphoreStore, UndoIsClampedAndNamesTheDead) {
  EXPECT_EQ(operate({{0, 5, undo}, {1, 2, plain}, {1, -2, undo}}, 5), 0);
  EXPECT_EQ(operate({{0, -3, plain}}, 6), 0);
  EXPECT_TRUE((set->look_after_ns(nil, process(6)) != 0));
  EXPECT_FALSE((set->look_after_ns(nil, process(5)) != 0));
  const std::uint32_t waiter = park({{1, -2, plain}}, 7);
  memory.kill_process(5);
  sweep();
  EXPECT_EQ(set->value(0), 0);
  EXPECT_EQ(set->pid(0), 5);
  EXPECT_EQ(set->otime(), 300);
  EXPECT_EQ(outcome(waiter), 0);
  EXPECT_EQ(set->pid(1), 7);
  EXPECT_FALSE((set->look_after_ns(nil, process(6)) != 0));
  expect_sound();
}

TEST_F(SemaphoreStore, AnotherProcessOfTheSamePidHasNoneOfItsAdjustments) {
  EXPECT_EQ(operate({{0, 5, undo}}, 5), 0);
  wake_list wakes(memory);
  set->undo({5, 0, 1}, 400, wakes);
  EXPECT_EQ(set->value(0), 5);
  set->undo(process(5), 400, wakes);
  EXPECT_EQ(set->value(0), 0);
}

TEST_F(SemaphoreStore, SettingClearsTheAdjustmentsOfAllProcesses) {
  EXPECT_EQ(operate({{0, 5, undo}, {1, 5, undo}}, 5), 0);
  EXPECT_EQ(operate({{0, 5, undo}}, 6), 0);
  set_value(0, 3);
  EXPECT_EQ(set->pid(0), 9);
  EXPECT_EQ(set->ctime(), 200);
  wake_list wakes(memory);
  set->undo(process(6), 1, wakes);
  set->undo(process(5), 1, wakes);
  EXPECT_EQ(set->value(0), 3);
  EXPECT_EQ(set->value(1), 0);
  expect_sound();
}

TEST_F(SemaphoreStore, TheDeadTakeNothing) {
  const std::uint32_t dead = park({{0, -1, plain}}, 5);
  const std::uint32_t living = park({{0, -1, plain}}, 6);
  memory.kill_process(5);
  EXPECT_EQ(set->waiting(0, false), 1);
  EXPECT_EQ(operate({{0, 1, plain}}), 0);
  EXPECT_EQ(outcome(living), 0);
  EXPECT_EQ(set->value(0), 0);
  (void)dead;
  memory.kill_process(6);
  sweep();
  EXPECT_TRUE(set->deserted());
  expect_sound();
}

TEST_F(SemaphoreStore, RemovalFailsEverybody) {
  const std::uint32_t first = park({{0, -1, plain}}, 5);
  const std::uint32_t second = park({{0, 1, plain}, {0, 0, plain}}, 6);
  wake_list wakes(memory);
  set->remove(wakes);
  EXPECT_EQ(outcome(first), EIDRM);
  EXPECT_EQ(outcome(second), EIDRM);
  EXPECT_EQ(set->check(true), "");
  set->collect(first);
  set->collect(second);
  EXPECT_TRUE(set->deserted());
}

TEST_F(SemaphoreStore, LongArraysWaitToo) {
  make(600);
  operations array;
  for (std::uint16_t semnum = 0; semnum < 499; ++semnum) array.push_back({semnum, 1, undo});
  array.push_back({599, -1, plain});
  const std::uint32_t waiter = park(array, 5);
  EXPECT_EQ(operate({{599, 1, plain}}), 0);
  EXPECT_EQ(outcome(waiter), 0);
  EXPECT_EQ(set->value(498), 1);
  EXPECT_EQ(set->value(599), 0);
  expect_sound();
  memory.kill_process(5);
  sweep();
  EXPECT_EQ(set->value(498), 0);
  EXPECT_TRUE(set->deserted());
  expect_sound();
}

TEST_F(SemaphoreStore, TheLargestSetIsSetAsOne) {
  make(32000);
  const std::uint32_t waiter = park({{31999, -3, undo}}, 5);
  std::vector<std::uint16_t> values(32000);
  for (std::size_t semnum = 0; semnum < values.size(); ++semnum) values[semnum] = static_cast<std::uint16_t>(semnum);
  wake_list wakes(memory);
  ASSERT_TRUE(set->set_all(values, {9, 200}, wakes));
  EXPECT_EQ(set->value(31998), 31998);
  EXPECT_EQ(set->value(31999), 31996);
  EXPECT_EQ(outcome(waiter), 0);
  expect_sound();
}

TEST_F(SemaphoreStore, WithoutMemoryNothingHasChanged) {
  make(100);
  memory.exhaust(true);
  page_heap heap(memory.space());
  std::uint32_t others = nil;
  while (heap.take({object_kind::queue, 1, 1}, 1, 1, false, others) != nil) continue;
  operations array;
  for (std::uint16_t semnum = 0; semnum < 20; ++semnum) array.push_back({semnum, 1, plain});
  EXPECT_EQ(operate(array), ENOMEM);
  EXPECT_EQ(operate({{0, 1, undo}}), ENOMEM);
  EXPECT_EQ(operate({{0, 1, plain}}), 0);
  EXPECT_EQ(set->park(operations{{1, -1, plain}}, process(5)), nil);
  wake_list wakes(memory);
  EXPECT_FALSE(set->set_all(std::vector<std::uint16_t>(100), {9, 200}, wakes));
  EXPECT_EQ(set->value(0), 1);
  expect_sound();
  semaphore_store other(memory.space(), {object_kind::set, 4, 1}, others = nil);
  EXPECT_FALSE(other.make(1000));
}

TEST_F(SemaphoreStore, WaitersThatCannotProceedDoNotSlowOperationsDown) {
  const auto pairs_ns = [&] {
    const auto begin = std::chrono::steady_clock::now();
    for (int round = 0; round < 100'000; ++round) {
      (void)operate({{0, 1, plain}});
      (void)operate({{0, -1, plain}});
    }
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / 100'000;
  };
  const double alone = pairs_ns();
  for (int pid = 10; pid < 1010; ++pid) {
    park(pid % 2 == 0 ? operations{{0, -100, plain}} : operations{{0, -100, plain}, {1, -1, plain}}, pid);
  }
  const double among_waiters = pairs_ns();
  RecordProperty("pair_ns", static_cast<int>(alone));
  RecordProperty("pair_among_1000_waiters_ns", static_cast<int>(among_waiters));
  EXPECT_LT(among_waiters, 10 * alone + 1000);
  expect_sound();
}

TEST_F(SemaphoreStore, RubbishIsSurvived) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    make(round % 2 == 0 ? 4 : 200);
    for (int pid = 5; pid < 9; ++pid) park({{0, 1, undo}, {1, -1, plain}}, pid);
    (void)operate({{2, 3, undo}}, 4);
    const auto page_of = [&](std::uint32_t page) {
      return memory.space().page(page % memory.space().committed_pages());
    };
    for (int spot = 0; spot < 20; ++spot) {
      std::byte* const body = reinterpret_cast<std::byte*>(&memory.space().body<set_body>(the_set));
      std::byte* const at = spot % 2 == 0 ? body + random() % body_bytes
                                          : page_of(static_cast<std::uint32_t>(random())) + random() % page_bytes;
      *at = static_cast<std::byte>(random());
    }
    wake_list wakes(memory);
    (void)operate({{0, 1, plain}, {1, 1, undo}, {2, -1, no_wait}}, 5);
    (void)set->set_value(0, 0, {1, 1}, wakes);
    (void)set->waiting(0, true);
    set->sweep(1, wakes);
    set->recover(false, 1, wakes);
    (void)set->check(false);
    set->remove(wakes);
    memory.space().header().committed_pages = memory.space().header().pages / 8;
  }
}

// Random steps on the engine's set and on the naive one.
class ModelOf : public SemaphoreStore, public testing::WithParamInterface<int> {
 protected:
  static constexpr int processes = 12;

  ModelOf() : model(GetParam() % 2 == 0 ? 4 : 40), random(static_cast<unsigned>(GetParam())) {
    make(static_cast<std::uint32_t>(model.semaphores.size()));
  }
  int below(int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); }

  operations some_operations() {
    operations array(static_cast<std::size_t>(below(3) != 0 ? 1 : below(40) == 0 ? 1 + below(30) : 1 + below(5)));
    for (sem_operation& one : array) {
      one.semnum = static_cast<std::uint16_t>(below(50) == 0 ? below(45) : below(4));
      one.sem_op = static_cast<std::int16_t>(below(60) == 0 ? (below(2) == 0 ? 32767 : -32768) : below(5) - 2);
      if (below(4) == 0) one.flags = one.flags | no_wait;
      if (below(3) == 0) one.flags = one.flags | undo;
    }
    return array;
  }
  void operate_somehow() {
    const operations array = some_operations();
    const int pid = 1 + below(processes);
    const int expected = model.operate(array, pid, now);
    ASSERT_EQ(operate(array, pid, now), expected);
    if (expected != naive_set::blocked || model.waiters.size() > 40) return;
    const std::uint32_t waiter = set->park(array, process(pid));
    ASSERT_NE(waiter, nil);
    set->cell_of(waiter).status = below(2) == 0 ? awake : asleep;
    waiters[model.park(array, pid)] = waiter;
  }
  // One of the waiters leaves, those that are done are collected.
  void let_some_go() {
    for (auto at = model.waiters.begin(); at != model.waiters.end();) {
      const std::uint32_t waiter = waiters[at->first];
      ASSERT_EQ(outcome(waiter), at->second.outcome);
      const bool parked = at->second.outcome == naive_set::blocked;
      if (below(parked ? 30 : 2) != 0) {
        ++at;
        continue;
      }
      parked ? set->leave(waiter) : set->collect(waiter);
      at = model.waiters.erase(at);
    }
  }
  void set_something() {
    const std::size_t semnum = static_cast<std::size_t>(below(4));
    const int value = below(4) == 0 ? 32767 - below(3) : below(4);
    wake_list wakes(memory);
    if (below(4) != 0) {
      model.set_value(semnum, value, 99, now);
      ASSERT_TRUE(set->set_value(static_cast<std::uint32_t>(semnum), value, {99, now}, wakes));
      return;
    }
    std::vector<std::uint16_t> values(model.semaphores.size());
    for (std::uint16_t& one : values) one = static_cast<std::uint16_t>(below(3));
    model.set_all(values, 98, now);
    ASSERT_TRUE(set->set_all(values, {98, now}, wakes));
  }
  // A process ends: its waiters go, its adjustments are given back; in half of the cases somebody else finds out.
  void end_a_process() {
    const int pid = 1 + below(processes);
    const bool killed = below(2) == 0;
    for (auto at = model.waiters.begin(); at != model.waiters.end();) {
      if (at->second.pid != pid) {
        ++at;
        continue;
      }
      if (!killed) set->leave(waiters[at->first]);
      at = model.waiters.erase(at);
    }
    model.undo(pid, now);
    wake_list wakes(memory);
    if (killed) {
      memory.kill_process(pid);
      set->sweep(now, wakes);
      memory.revive_all();
    } else {
      set->undo(process(pid), now, wakes);
    }
  }
  void compare() {
    for (std::size_t semnum = 0; semnum < model.semaphores.size(); ++semnum) {
      const auto number = static_cast<std::uint32_t>(semnum);
      ASSERT_EQ(set->value(number), model.semaphores[semnum].value) << "semaphore " << semnum;
      ASSERT_EQ(set->pid(number), model.semaphores[semnum].pid) << "semaphore " << semnum;
    }
    for (const auto& [ticket, one] : model.waiters) ASSERT_EQ(outcome(waiters[ticket]), one.outcome) << ticket;
    ASSERT_EQ(set->otime(), model.otime);
    ASSERT_EQ(set->ctime(), model.ctime);
  }
  void compare_counts() {
    const int semnum = below(4);
    for (const bool for_zero : {false, true}) {
      ASSERT_EQ(set->waiting(static_cast<std::uint32_t>(semnum), for_zero),
                model.waiting(static_cast<std::size_t>(semnum), for_zero));
    }
    for (int pid = 1; pid <= processes; ++pid) {
      bool others = false;
      for (const auto& [owner, all] : model.adjustments) {
        for (const int adjustment : all) others |= owner != pid && adjustment != 0;
      }
      ASSERT_EQ((set->look_after_ns(nil, process(pid)) != 0), others);
    }
  }
  void step(int number) {
    const int kind = below(100);
    if (kind < 78) {
      operate_somehow();
    } else if (kind < 88) {
      let_some_go();
    } else if (kind < 94) {
      set_something();
    } else if (kind < 97) {
      end_a_process();
    } else if (kind == 97) {
      wake_list wakes(memory);
      set->recover(false, now, wakes);
    } else {
      ++now;
    }
    if (HasFatalFailure()) return;
    compare();
    if (number % 16 == 0 && !HasFatalFailure()) compare_counts();
    if (number < 20'000 || number % 64 == 0) {
      ASSERT_EQ(set->check(false), "");
    }
  }

  naive_set model;
  std::map<std::size_t, std::uint32_t> waiters;
  std::mt19937 random;
  std::int64_t now = 1;
};

TEST_P(ModelOf, RandomStepsAgreeWithTheNaiveSet) {
  std::size_t completed = 0;
  for (int number = 0; number < test_support::random_steps; ++number) {
    step(number);
    if (HasFatalFailure()) {
      FAIL() << "step " << number;
    }
    for (const auto& [ticket, one] : model.waiters) completed += one.outcome != naive_set::blocked ? 1 : 0;
  }
  EXPECT_GT(completed, 1000U);
  wake_list wakes(memory);
  set->remove(wakes);
  EXPECT_EQ(set->check(true), "");
  for (const auto& [ticket, one] : model.waiters) {
    EXPECT_EQ(outcome(waiters[ticket]), one.outcome == naive_set::blocked ? EIDRM : one.outcome);
    set->collect(waiters[ticket]);
  }
  EXPECT_TRUE(set->deserted());
  page_heap(memory.space()).give_all(the_set, chain);
  EXPECT_EQ(page_heap(memory.space()).free_pages(), 4096U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelOf, testing::Range(1, 7));

}  // namespace
}  // namespace xsipc::engine
