// Kills an operation on a set at each of its instructions: a child is single-stepped through it, and every distinct
// image of the arena that it leaves is recovered and looked at. The same for each step of the recovery itself.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/stepping.hpp"
#include "engine/test_arena.hpp"
#include "semaphore_store.hpp"

namespace xsipc::engine {
namespace {

using test_support::image_set;
using test_support::step_instructions;
using test_support::step_stores;
using test_support::stepped;
using test_support::test_arena;
using operations = std::vector<sem_operation>;

constexpr sem_flags plain = sem_flags::none;
constexpr sem_flags no_wait = sem_flags::no_wait;
constexpr sem_flags undo = sem_flags::undo;
constexpr object_ref the_set{object_kind::set, 3, 1};
constexpr object_ref beside_it{object_kind::set, 4, 1};  // its body holds the chain of pages
constexpr std::uint32_t pages = 14;
constexpr int processes = 8;

identity process(int pid) { return {pid, 0, static_cast<std::uint64_t>(pid) * 7}; }

// A set, and those who wait on it.
class world {
 public:
  world() : memory_(64, pages) {}

  void make(std::uint32_t nsems) {
    // Rubbish where it does harm unless it is cleared: in the state of each node. Everywhere would be an image a byte.
    for (std::uint32_t cell = 0; cell < pages * cells_per_page; ++cell) {
      memory_.space().cell<waiter_node>(cell).state = 0xa5;
    }
    chain() = nil;
    ASSERT_TRUE(set().make(nsems));
  }
  [[nodiscard]] semaphore_store set() { return {memory_.space(), the_set, chain()}; }
  [[nodiscard]] test_arena& memory() { return memory_; }

  void operate(const operations& array, int pid = 1, std::int64_t now = 100) {
    wake_list wakes(memory_);
    (void)set().operate(array, process(pid), {pid, now}, true, wakes);
    wake_last(wakes);
  }
  std::uint32_t park(const operations& array, int pid) {
    const std::uint32_t waiter = set().park(array, process(pid));
    if (waiter == nil) return nil;
    set().cell_of(waiter).status = asleep;
    parked_.push_back(waiter);
    return waiter;
  }
  void wake_last(wake_list& wakes) {
    wait_cell* const last = wakes.take_last();
    if (last != nullptr) memory_.wake(*last);
  }

  // Recovers, and returns what is wrong.
  std::string recover() {
    std::set<const wait_cell*> woken;
    memory_.on_wake = [&](wait_cell& cell) { woken.insert(&cell); };
    recover_only();
    memory_.on_wake = nullptr;
    for (const std::uint32_t waiter : parked_) {
      const auto& node = memory_.space().cell<waiter_node>(waiter);
      if (node.state != 0 && !is_parked(node.cell.status) && !woken.contains(&node.cell)) return "not woken";
    }
    return set().check(removed);
  }
  void recover_only() {
    wake_list wakes(memory_);
    set().recover(removed, 100, wakes);
    wake_last(wakes);
  }
  // Everything that callers can see, as text.
  [[nodiscard]] std::string seen() {
    semaphore_store store = set();
    undo_ledger ledger(memory_.space(), the_set, chain());
    std::string text = "otime " + std::to_string(store.otime()) + " ctime " + std::to_string(store.ctime());
    for (std::uint32_t semnum = 0; semnum < store.nsems(); ++semnum) {
      text += ", " + std::to_string(store.value(semnum)) + "/" + std::to_string(store.pid(semnum));
      for (int pid = 1; pid <= processes; ++pid) {
        const int adjustment = ledger.adjustment(ledger.find(process(pid)), semnum);
        if (adjustment != 0) text += " adj" + std::to_string(pid) + ":" + std::to_string(adjustment);
      }
    }
    for (const std::uint32_t waiter : parked_) {
      const auto& node = memory_.space().cell<waiter_node>(waiter);
      text += node.state == 0               ? ", gone"
              : is_parked(node.cell.status) ? ", parked"
              : node.cell.status == done    ? ", done"
                                            : ", failed " + std::to_string(node.cell.detail);
    }
    return text;
  }
  // The set can be used, and its pages are all there. Destroys it.
  std::string use_and_destroy() {
    if (!removed) {
      operate({{3, 1, plain}, {3, -1, undo}}, 7, 101);
      const std::uint32_t waiter = set().park(operations{{3, -32768, plain}}, process(7));
      if (waiter == nil || set().check(false) != "") return "the set can't be used";
      set().leave(waiter);
    }
    page_heap heap(memory_.space());
    heap.give_all(the_set, chain());
    return heap.free_pages() == pages ? "" : "pages are lost";
  }

  [[nodiscard]] std::uint32_t waiter(std::size_t number) const { return parked_[number]; }

  bool removed = false;  // what the registry says

 private:
  std::uint32_t& chain() { return memory_.space().body<std::uint32_t>(beside_it); }
  test_arena memory_;
  std::vector<std::uint32_t> parked_;
};

struct scenario {
  const char* name;
  std::uint32_t nsems;
  void (*prepare)(world&);
  void (*operate)(world&);
  int victim = 0;                    // the process that dies with the operation
  void (*finish)(world&) = nullptr;  // what somebody else does after the recovery
  bool removes = false;              // the set is removed before the first instruction
  void (*then)(world&) = nullptr;    // a second operation
  friend void PrintTo(const scenario& one, std::ostream* to) { *to << one.name; }
};

class SemaphoreImages : public testing::TestWithParam<scenario> {
 protected:
  void prepare() {
    world_ = std::make_unique<world>();
    world_->make(GetParam().nsems);
    GetParam().prepare(*world_);
    ASSERT_EQ(world_->set().check(world_->removed), "");
  }
  // What is seen if nothing, one operation, and both were performed.
  void learn_outcomes() {
    for (int performed = 0; performed <= (GetParam().then != nullptr ? 2 : 1); ++performed) {
      prepare();
      if (performed > 0) GetParam().operate(*world_);
      if (performed > 1) GetParam().then(*world_);
      EXPECT_EQ(recovered(), "");
      outcomes_.push_back({seen_, 0});
    }
  }
  // Recovers the world as it is; returns what is wrong, and leaves what is seen.
  std::string recovered() {
    world_->removed = GetParam().removes;
    world_->memory().revive_all();
    if (GetParam().victim != 0) world_->memory().kill_process(GetParam().victim);
    std::string wrong = world_->recover();
    if (!wrong.empty()) return wrong;
    if (GetParam().finish != nullptr) {
      GetParam().finish(*world_);
      wrong = world_->set().check(world_->removed);
    }
    seen_ = world_->seen();
    return wrong.empty() ? world_->use_and_destroy() : wrong;
  }
  // Recovers what memory holds; it must then be one of the outcomes.
  void examine() {
    ++recoveries_;
    const std::string wrong = recovered();
    ASSERT_EQ(wrong, "");
    bool allowed = false;
    for (outcome& one : outcomes_) {
      if (one.seen != seen_) continue;
      allowed = true;
      ++one.times;
    }
    ASSERT_TRUE(allowed) << seen_ << "\nbefore: " << outcomes_.front().seen << "\nafter: " << outcomes_.back().seen;
  }
  void print(const char* what, long steps, const char* unit, std::size_t images) const {
    std::printf("%-52s %-9s %7ld %-12s %6zu images %6ld recoveries, outcomes", GetParam().name, what, steps, unit,
                images, recoveries_);
    for (const outcome& one : outcomes_) std::printf(" %ld", one.times);
    std::printf("\n");
    std::fflush(stdout);
  }

  std::unique_ptr<world> world_;
  std::unordered_set<std::uint64_t> known_;  // images that have been recovered
  struct outcome {
    std::string seen;
    long times;
  };
  std::vector<outcome> outcomes_;
  std::string seen_;
  long recoveries_ = 0;
};

TEST_P(SemaphoreImages, EachIsRecoveredAndSoIsEachStepOfTheRecovery) {
  learn_outcomes();
  prepare();
  image_set images(world_->memory().bytes(), &known_);
  const stepped operation = step_instructions(
      [this] {
        GetParam().operate(*world_);
        if (GetParam().then != nullptr) GetParam().then(*world_);
      },
      images);
  ASSERT_EQ(operation.problem, "");
  ASSERT_GE(images.size(), 8U) << "not really stepped";
  for (std::size_t at = 0; at < images.size(); ++at) {
    images.restore(at);
    examine();
    if (HasFailure()) return;
  }
  for (const outcome& one : outcomes_) EXPECT_GT(one.times, 0) << one.seen;
  print("operation", operation.instructions, "instructions", images.size());

  long stores = 0;
  std::size_t more = 0;
  for (std::size_t at = 0; at < images.size(); ++at) {
    images.restore(at);
    image_set second(world_->memory().bytes(), &known_);
    stores += step_stores(
        world_->memory().bytes(), [this] { world_->recover_only(); }, second);
    more += second.size();
    for (std::size_t step = 0; step < second.size(); ++step) {
      second.restore(step);
      examine();
      if (HasFailure()) return;
    }
  }
  print("recovery", stores, "stores", more);
}

void nothing(world&) {}
void values_of_3(world& at) {
  for (std::uint16_t semnum = 0; semnum < 3; ++semnum) at.operate({{semnum, 3, plain}}, 8);
}
void kill_and_sweep(world& at) {
  for (const int pid : {4, 5}) at.memory().kill_process(pid);
  wake_list wakes(at.memory());
  at.set().sweep(100, wakes);
  at.wake_last(wakes);
}

const scenario scenarios[] = {
    {"one operation, and another in a new second", 4, values_of_3,
     [](world& at) {
       at.operate({{0, -1, plain}});
     },
     0, nullptr, false,
     [](world& at) {
       at.operate({{0, -1, plain}}, 2, 101);
     }},
    {"one operation that completes a waiter", 4,
     [](world& at) {
       at.park({{0, -1, plain}}, 5);
     },
     [](world& at) {
       at.operate({{0, 1, plain}});
     }},
    {"first operation with undo", 4, values_of_3,
     [](world& at) {
       at.operate({{0, -1, undo}});
     }},
    {"two operations with undo", 4,
     [](world& at) {
       values_of_3(at);
       at.operate({{0, -1, undo}});
     },
     [](world& at) {
       at.operate({{0, -1, undo}});
     },
     0, nullptr, false,
     [](world& at) {
       at.operate({{1, 2, undo}});
     }},
    {"array with undo", 4, values_of_3,
     [](world& at) {
       at.operate({{0, -1, undo}, {1, -2, undo}, {2, 1, plain}, {3, 4, undo}});
     }},
    {"array with repeats", 4, values_of_3,
     [](world& at) {
       at.operate({{0, -3, plain}, {0, 0, plain}, {0, 2, undo}, {1, 1, plain}, {0, 5, undo}});
     }},
    {"array that needs a journal of its own", 64, nothing,
     [](world& at) {
       operations array;
       for (std::uint16_t semnum = 0; semnum < 12; ++semnum) array.push_back({semnum, 1, plain});
       at.operate(array);
     }},
    {"release of two waiters and an array that waits on", 4,
     [](world& at) {
       at.operate({{1, 1, plain}}, 8);
       at.park({{0, -1, plain}}, 4);
       at.park({{0, -2, plain}, {1, -1, plain}}, 5);
       at.park({{0, -1, plain}}, 6);
     },
     [](world& at) {
       at.operate({{0, 2, plain}});
     }},
    {"chain of releases from a zero that does not last", 4,
     [](world& at) {
       at.operate({{0, 1, plain}}, 8);
       at.park({{2, -1, plain}}, 3);
       at.park({{0, 0, plain}}, 4);
       at.park({{1, -1, plain}, {2, 1, undo}}, 5);
       at.park({{0, 0, plain}, {1, 1, plain}, {0, 1, plain}}, 6);
     },
     [](world& at) {
       at.operate({{0, -1, plain}});
     }},
    {"waiter with undo is completed by another", 4,
     [](world& at) {
       at.park({{0, -1, undo}}, 5);
     },
     [](world& at) {
       at.operate({{0, 1, undo}});
     }},
    {"waiters fail with ERANGE and EAGAIN", 4,
     [](world& at) {
       at.park({{1, 32767, plain}, {0, -1, plain}}, 4);
       at.park({{1, 0, no_wait}, {0, -1, plain}}, 5);
       at.park({{1, -1, undo}}, 6);
     },
     [](world& at) {
       at.operate({{1, 2, plain}});
     }},
    {"a dead waiter is passed over", 4,
     [](world& at) {
       at.park({{0, -1, plain}}, 5);
       at.park({{0, -1, plain}}, 6);
     },
     [](world& at) {
       at.memory().kill_process(5);
       at.operate({{0, 1, plain}});
     },
     5},
    {"first to park", 4, nothing,
     [](world& at) {
       (void)at.set().park(operations{{0, -1, plain}}, process(1));
     },
     1},
    {"park among others", 4,
     [](world& at) {
       at.park({{0, -1, plain}}, 5);
       at.park({{1, 1, plain}, {0, -2, plain}}, 6);
     },
     [](world& at) {
       (void)at.set().park(operations{{1, 2, undo}, {0, -1, plain}}, process(1));
     },
     1},
    {"park with a long array, page of nodes full", 64,
     [](world& at) {
       for (int count = 0; count < 32; ++count) at.park({{0, -1, plain}}, 5);
     },
     [](world& at) {
       operations array;
       for (std::uint16_t semnum = 0; semnum < 20; ++semnum) array.push_back({semnum, 1, plain});
       array.push_back({20, -1, plain});
       (void)at.set().park(array, process(1));
     },
     1},
    {"leave", 4,
     [](world& at) {
       for (const int pid : {4, 5, 6}) at.park({{1, 1, undo}, {0, -1, plain}}, pid);
     },
     [](world& at) { at.set().leave(at.waiter(1)); }},
    {"collect one with a long array, another leaves", 64,
     [](world& at) {
       operations array;
       for (std::uint16_t semnum = 0; semnum < 20; ++semnum) array.push_back({semnum, 1, plain});
       array.push_back({20, -1, plain});
       at.park(array, 4);
       at.park({{20, -2, plain}}, 5);
       at.operate({{20, 1, plain}});
     },
     [](world& at) { at.set().collect(at.waiter(0)); }, 0, nullptr, false,
     [](world& at) { at.set().leave(at.waiter(1)); }},
    {"set a value: adjustments go, a waiter proceeds", 4,
     [](world& at) {
       at.operate({{0, 3, undo}, {1, 1, undo}}, 4);
       at.operate({{0, -2, undo}}, 5);
       at.park({{0, -4, plain}}, 6);
     },
     [](world& at) {
       wake_list wakes(at.memory());
       (void)at.set().set_value(0, 5, {1, 100}, wakes);
       at.wake_last(wakes);
     }},
    {"set all of a small set", 4,
     [](world& at) {
       at.operate({{0, 3, undo}, {1, 1, undo}}, 4);
       at.park({{3, -4, plain}}, 6);
     },
     [](world& at) {
       wake_list wakes(at.memory());
       (void)at.set().set_all(std::vector<std::uint16_t>{5, 6, 7, 8}, {1, 100}, wakes);
       at.wake_last(wakes);
     }},
    {"set all of a large set", 64,
     [](world& at) {
       at.operate({{0, 3, undo}, {63, 1, undo}}, 4);
       at.park({{63, -4, plain}}, 6);
     },
     [](world& at) {
       wake_list wakes(at.memory());
       (void)at.set().set_all(std::vector<std::uint16_t>(64, 7), {1, 100}, wakes);
       at.wake_last(wakes);
     }},
    {"undo of an ended process", 4,
     [](world& at) {
       at.operate({{0, 3, undo}, {1, 1, plain}, {1, -1, undo}, {2, 2, undo}}, 4);
       at.operate({{0, 1, undo}, {2, -1, plain}}, 5);
       at.park({{1, -1, plain}, {3, 1, plain}}, 6);
       at.park({{3, -1, plain}}, 7);
     },
     [](world& at) {
       wake_list wakes(at.memory());
       at.set().undo(process(4), 100, wakes);
       at.wake_last(wakes);
     },
     0,
     [](world& at) {
       wake_list wakes(at.memory());
       at.set().undo(process(4), 100, wakes);
       at.wake_last(wakes);
     }},
    {"sweep of two dead holders and a dead waiter", 4,
     [](world& at) {
       at.operate({{0, 3, undo}, {1, 1, plain}, {1, -1, undo}}, 4);
       at.operate({{0, -1, undo}, {2, 2, undo}}, 5);
       at.park({{1, -1, plain}}, 5);
       at.park({{1, -1, plain}}, 6);
     },
     kill_and_sweep, 0, kill_and_sweep},
    {"remove", 4,
     [](world& at) {
       for (const int pid : {4, 5}) at.park({{1, 1, undo}, {0, -1, plain}}, pid);
       at.park({{0, -1, plain}}, 6);
     },
     [](world& at) {
       at.removed = true;
       wake_list wakes(at.memory());
       at.set().remove(wakes);
       at.wake_last(wakes);
     },
     0, nullptr, true},
};

std::string name_of(const testing::TestParamInfo<scenario>& one) {
  return test_support::as_test_name(one.param.name);
}
INSTANTIATE_TEST_SUITE_P(Scenarios, SemaphoreImages, testing::ValuesIn(scenarios), name_of);

}  // namespace
}  // namespace xsipc::engine
