// Kills taking, naming and giving back of pages at each instruction: after the object's recovery a run is whole and the
// object's, or free, and nobody else has lost one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/stepping.hpp"
#include "engine/test_arena.hpp"
#include "page_heap.hpp"

namespace xsipc::engine {
namespace {

using test_support::image_set;
using test_support::test_arena;

constexpr object_ref ours{object_kind::queue, 3, 7};
constexpr object_ref theirs{object_kind::set, 3, 7};
constexpr object_ref holds_chains{object_kind::queue, 5, 0};  // in its body they lie
constexpr std::uint32_t pages = 40;
constexpr std::size_t usual_images = 8;  // with fewer, an operation was not really stepped

struct pages_scene {
  pages_scene() { chain() = their_chain() = nil; }

  test_arena memory{64, pages};
  page_heap heap{memory.space()};
  std::vector<std::uint32_t> made;  // by prepare()

  [[nodiscard]] std::uint32_t& chain() { return memory.space().body<std::uint32_t[2]>(holds_chains)[0]; }
  [[nodiscard]] std::uint32_t& their_chain() { return memory.space().body<std::uint32_t[2]>(holds_chains)[1]; }

  void take(std::uint32_t length, std::uint32_t alignment = 1, bool cleared = false) {
    const std::uint32_t first = heap.take(ours, length, alignment, cleared, chain());
    if (first == nil) return;
    heap.name(first, page_use::nodes);
    made.push_back(first);
  }
  void they_take(std::uint32_t length) {
    const std::uint32_t first = heap.take(theirs, length, 1, false, their_chain());
    if (first != nil) heap.name(first, page_use::values);
  }
  void search_from(std::uint32_t page) { memory.space().header().page_hint = page; }
  void recover() { heap.recover(ours, chain()); }

  // The runs of an object by what its pages say. `wrong`, if something in them can't be.
  std::set<std::pair<std::uint32_t, std::uint32_t>> runs_of(const object_ref& object, std::string& wrong) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> found;
    for (std::uint32_t page = 0; page < memory.space().committed_pages();) {
      const page_owner first = heap.owner_of(page);
      if (first.use == page_use::none || !(first.object == object)) {
        ++page;
        continue;
      }
      if (first.place != 0 || first.use == page_use::claimed) wrong = "page " + std::to_string(page) + " is lost";
      for (std::uint32_t place = 0; place < first.length; ++place) {
        const page_owner owner = heap.owner_of(page + place);
        if (!(owner.object == object) || owner.place != place) wrong = "a run is not whole";
      }
      found.emplace(page, first.length);
      page += std::max(first.length, 1U);
    }
    return found;
  }
  // What is there after recovery, as text; `wrong` as above.
  std::string describe(std::string& wrong) {
    const auto named = runs_of(ours, wrong);
    std::set<std::pair<std::uint32_t, std::uint32_t>> linked;
    heap.for_each_run(chain(), [&](std::uint32_t first, const page_owner& owner) {
      if (!linked.emplace(first, owner.length).second) wrong = "a run is linked twice";
    });
    if (linked != named) wrong = "the chain holds other runs than there are";
    std::string text;
    for (const auto& [first, length] : named) text += std::to_string(first) + "+" + std::to_string(length) + " ";
    text += "|";
    for (const auto& [first, length] : runs_of(theirs, wrong)) {
      text += " " + std::to_string(first) + "+" + std::to_string(length);
    }
    return text;
  }
};

struct scenario {
  const char* name;
  std::function<void(pages_scene&)> prepare;
  std::function<void(pages_scene&)> operate;
  std::size_t outcomes = 2;  // how many states there are, the first and the last among them
  std::size_t images = usual_images;
};

void fill(pages_scene& at) {
  for (std::uint32_t i = 0; i < 4; ++i) {
    at.take(2);
    at.they_take(1);
  }
}

std::vector<scenario> scenarios() {
  return {
      // The number of pages, owner, hint, chain, use.
      {"take a page, the first of all", [](pages_scene&) {}, [](pages_scene& at) { at.take(1); }, 2, 6},
      {"take a run, aligned", fill, [](pages_scene& at) { at.take(4, 4); }},
      {"take a run that must be cleared",
       [](pages_scene& at) {
         fill(at);
         at.take(3);
         for (std::uint32_t i = 0; i < 3; ++i) at.memory.space().page(at.made.back() + i)[64 * i] = std::byte{9};
         at.heap.give(at.made.back(), at.chain());
       },
       [](pages_scene& at) {
         at.search_from(0);
         at.take(3, 1, true);
       }},
      {"take a run, others are in the way",
       [](pages_scene& at) {
         fill(at);
         at.heap.give(at.made[1], at.chain());
         at.search_from(0);
       },
       [](pages_scene& at) { at.take(3); }},
      {"take a run, the heap grows",
       [](pages_scene& at) {
         fill(at);
         at.take(3);
       },
       [](pages_scene& at) { at.take(16, 16); }},
      // Two pages that are claimed and released.
      {"take a run, there is no memory",
       [](pages_scene& at) {
         at.they_take(18);
         at.take(2);
         at.they_take(pages - 20);
         at.heap.give(at.made[0], at.chain());
         at.search_from(0);
       },
       [](pages_scene& at) { at.take(3); }, 1, 3},
      {"give a run back from the middle of the chain",
       [](pages_scene& at) {
         fill(at);
         at.take(7);
         at.take(1);
       },
       [](pages_scene& at) { at.heap.give(at.made[4], at.chain()); }},
      {"give all back", fill, [](pages_scene& at) { at.heap.give_all(ours, at.chain()); }, 5},
      {"recovery",
       [](pages_scene& at) {
         fill(at);
         static_cast<void>(at.heap.take(ours, 3, 1, false, at.chain()));
         at.chain() = at.made[0];
       },
       [](pages_scene& at) { at.recover(); }, 1},
  };
}

class PageImages : public testing::TestWithParam<scenario> {
 protected:
  std::string recovered() {
    scene_.recover();
    std::string wrong;
    std::string text = scene_.describe(wrong);
    return wrong.empty() ? text : "WRONG: " + wrong;
  }
  pages_scene scene_;
};

TEST_P(PageImages, AreWholeRunsAfterRecoveryAndAfterEachStepOfIt) {
  const scenario& each = GetParam();
  each.prepare(scene_);
  image_set images(scene_.memory.bytes());
  const test_support::stepped run = test_support::step_instructions([&] { each.operate(scene_); }, images);
  ASSERT_EQ(run.problem, "");
  EXPECT_GE(images.size(), each.images) << each.name << ": not really stepped";

  std::vector<std::string> states;  // each once, in the order in which they were come to
  std::unordered_set<std::uint64_t> seen;
  std::size_t doubles = 0;
  for (std::size_t i = 0; i < images.size() && !HasFailure(); ++i) {
    images.restore(i);
    const std::string state = recovered();
    EXPECT_FALSE(state.starts_with("WRONG")) << "image " << i << ": " << state;
    if (states.empty() || states.back() != state) states.push_back(state);
    images.restore(i);
    image_set cut(scene_.memory.bytes(), &seen);
    static_cast<void>(test_support::step_stores(
        scene_.memory.bytes(), [this] { scene_.recover(); }, cut));
    for (std::size_t k = 0; k < cut.size() && !HasFailure(); ++k, ++doubles) {
      cut.restore(k);
      EXPECT_EQ(recovered(), state) << "double crash of image " << i;
    }
  }
  EXPECT_EQ(states.size(), each.outcomes) << testing::PrintToString(states);
  std::printf("%-46s %6ld instructions %4zu images %4zu recoveries %6zu double crashes\n", each.name, run.instructions,
              images.size(), images.size(), doubles);
  std::fflush(stdout);
}

std::string name_of(const testing::TestParamInfo<scenario>& one) { return test_support::as_test_name(one.param.name); }
void PrintTo(const scenario& one, std::ostream* to) { *to << one.name; }
INSTANTIATE_TEST_SUITE_P(Scenarios, PageImages, testing::ValuesIn(scenarios()), name_of);

}  // namespace
}  // namespace xsipc::engine
