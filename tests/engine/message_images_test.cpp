// Operations on a queue cut short at every instruction, and their recovery at every store.
//
// XSIPC_DOUBLE_CRASHES=all recovers from every interrupted recovery of every image; otherwise a part of them is tried.
#include <gtest/gtest.h>

#include <climits>
#include <cstdio>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/message_scene.hpp"
#include "engine/stepping.hpp"

namespace xsipc {
namespace {

using engine::nil;
using test_support::image_set;
using test_support::message_scene;

constexpr std::int32_t victim = message_scene::victim;
constexpr std::int32_t reader = 11;
constexpr std::int32_t other_reader = 12;
constexpr std::int32_t writer = 21;
constexpr std::int32_t other_writer = 22;
constexpr std::size_t least_images = 8;
// Unless all are asked for: of how many images of each operation the recovery is interrupted, and how often altogether.
constexpr std::size_t interrupted_images = 12;
constexpr std::size_t most_double_crashes = 2000;

struct scenario {
  const char* name;
  std::function<void(message_scene&)> prepare;
  std::function<void(message_scene&)> operate;
  std::set<int> may_go = {};  // messages there before that the operation takes
};

void post(message_scene& on, int number, long type, std::uint32_t size) { on.send(number, type, size); }
const auto nothing = [](message_scene&) {};
const auto mix = [](message_scene& on) { on.send_mix(); };

// Sends message 9 in the operation.
std::function<void(message_scene&)> sends(long type, std::uint32_t size) {
  return [=](message_scene& on) { post(on, 9, type, size); };
}
std::function<void(message_scene&)> takes(const msgtyp_selector& wanted) {
  return [=](message_scene& on) { on.take(wanted); };
}

std::uint32_t the_waiter;  // between prepare and operate

std::vector<scenario> sending() {
  return {
      {"send, the first of all", nothing, sends(5, 64)},
      {"send behind five", mix, sends(5, 64)},
      {"send a new type, heap and cursor in use",
       [](message_scene& on) {
         on.send_mix();
         static_cast<void>(on.store().find({-9}));
         static_cast<void>(on.store().find(msgtyp_selector::all_but(5)));
       },
       sends(4, 64)},
      {"send 1 KiB", mix, sends(3, 1024)},
      {"send 8 KiB", mix, sends(3, 8192)},
      {"send, nodes grow",
       [](message_scene& on) {
         for (int i = 0; i < 25; ++i) post(on, 30 + i, 2, static_cast<std::uint32_t>(1 + i));
       },
       sends(3, 64)},
      {"send, blocks grow", [](message_scene& on) { post(on, 1, 2, 4000); }, sends(3, 2000)},
      {"send a chain above 64 KiB", nothing, sends(3, 70000)},
      {"send, blocks are merged",
       [](message_scene& on) {
         for (int i = 0; i < 16; ++i) post(on, 30 + i, 2, static_cast<std::uint32_t>(300 + i));
         on.memory.exhaust(true);
         for (int i = 0; i < 16; ++i) on.take(msgtyp_selector::any());
       },
       sends(3, 3000)},
      {"send a chain of small blocks, memory is short",
       [](message_scene& on) {
         post(on, 1, 7, 20);
         int i = 0;
         for (; on.store().fits(200); ++i) {
           const std::uint32_t staged = on.stage(100 + i, 2 + i % 2, static_cast<std::uint32_t>(1000 + i));
           if (staged == nil) break;
           on.store().post(staged, {victim, 1}, on.wakes());
         }
         for (int k = 0; k < 10; ++k) on.take(msgtyp_selector::type(2));
       },
       sends(3, 2500)},
      {"many types, the hash grows",
       [](message_scene& on) {
         for (int i = 0; i < 63; ++i) post(on, 30 + i, 100 + i, 8);
       },
       sends(3, 64)},
      {"empty types are swept",
       [](message_scene& on) {
         post(on, 1, 7, 20);
         for (int i = 0; on.body().free_record != nil; ++i) {
           post(on, 30 + i, 100 + i, 8);
           on.take(msgtyp_selector::type(100 + i));
         }
       },
       sends(3, 64)},
      {"send 8 KiB, copied without the lock", mix,
       [](message_scene& on) {
         const std::uint32_t staged = on.store().stage(3, 8192);
         const std::uint32_t waiter = on.store().begin_writing(staged, {victim, 0, 0});
         on.store().drop(on.stage(9, 3, 8192));
         on.store().end_writing(waiter);
         on.store().drop(staged);
         post(on, 9, 3, 8192);
       }},
  };
}

std::vector<scenario> receiving() {
  return {
      {"take any", mix, takes(msgtyp_selector::any()), {1}},
      {"take the last", [](message_scene& on) { post(on, 1, 5, 20); }, takes(msgtyp_selector::any()), {1}},
      {"take from the middle", mix, takes(msgtyp_selector::type(3)), {2}},
      {"take the only one of its type", mix, takes(msgtyp_selector::type(9)), {4}},
      {"take the lowest, the heap is built", mix, takes({-4}), {2}},
      {"take the lowest, the heap is there",
       [](message_scene& on) {
         on.send_mix();
         static_cast<void>(on.store().find({-1}));
         on.take(msgtyp_selector::type(3));
         on.take(msgtyp_selector::type(3));
       },
       takes({LONG_MIN}),
       {1}},
      {"take any but", mix, takes(msgtyp_selector::all_but(5)), {2}},
      {"take 300 bytes behind a run of another type",
       [](message_scene& on) {
         for (int i = 0; i < 3; ++i) post(on, 1 + i, 5, static_cast<std::uint32_t>(20 + i));
         post(on, 4, 4, 300);
         post(on, 5, 4, 30);
       },
       takes(msgtyp_selector::all_but(5)),
       {4}},
      {"claim 8 KiB and collect them",
       [](message_scene& on) {
         post(on, 8, 1, 8192);
         on.send_mix();
       },
       [](message_scene& on) {
         const std::uint32_t found = on.store().find(msgtyp_selector::type(1));
         const std::uint32_t waiter = on.store().claim(found, {victim, 0, 0}, {victim, 100}, on.wakes());
         on.store().collect(waiter);
       },
       {8}},
      {"collect what was handed over",
       [](message_scene& on) {
         on.send_mix();
         the_waiter = on.park_reader(victim, 88, 999);
         post(on, 8, 88, 500);
       },
       [](message_scene& on) { on.store().collect(the_waiter); },
       {8}},
  };
}

std::vector<scenario> waiting() {
  return {
      {"hand-over to the second of two",
       [](message_scene& on) {
         on.park_reader(reader, 100, 100);
         on.park_reader(other_reader, -6, 100);
         post(on, 1, 9, 5);
       },
       sends(5, 64)},
      {"hand-over past one whose room is too small",
       [](message_scene& on) {
         on.park_reader(reader, 5, 10);
         on.park_reader(other_reader, 0, 100);
       },
       sends(5, 64)},
      {"hand-over of 8 KiB, truncated", [](message_scene& on) { on.park_reader(reader, 5, 99, truncation::allow); },
       sends(5, 8192)},
      {"hand-over past a dead one",
       [](message_scene& on) {
         on.mark_dead(on.park_reader(victim, 5, 100));
         on.park_reader(other_reader, 5, 100);
       },
       sends(5, 64)},
      {"take lets a sender in",
       [](message_scene& on) {
         on.send_mix();
         on.make_full();
         on.park_writer(writer, 11, 8, 50);
       },
       takes(msgtyp_selector::type(3)),
       {2}},
      {"take lets two in, one goes to a parked receiver",
       [](message_scene& on) {
         on.send_mix();
         on.make_full();
         on.park_reader(reader, 77, 99);
         on.park_writer(writer, 11, 8, 20);
         on.park_writer(other_writer, 12, 77, 40);
       },
       takes(msgtyp_selector::type(3)),
       {2}},
      {"a larger msg_qbytes lets two in",
       [](message_scene& on) {
         on.send_mix();
         on.make_full();
         on.park_writer(writer, 11, 8, 200);
         on.park_writer(other_writer, 12, 8, 40);
         on.qbytes = 60000;  // the registry's, which is the truth
       },
       [](message_scene& on) { on.store().set_qbytes(60000, on.wakes()); }},
      {"removal with two receivers and a sender",
       [](message_scene& on) {
         on.send_mix();
         on.park_reader(reader, 70, 99);
         on.park_reader(other_reader, 71, 99);
         on.make_full();
         on.park_writer(writer, 11, 8, 300);
         on.removed = true;  // the slot says so
       },
       [](message_scene& on) { on.store().remove(on.wakes()); }},
      {"a receiver parks and leaves", mix,
       [](message_scene& on) { on.store().leave(on.park_reader(victim, 88, 999)); }},
      {"a sender parks and leaves",
       [](message_scene& on) {
         on.send_mix();
         on.make_full();
       },
       [](message_scene& on) { on.store().leave(on.park_writer(victim, 9, 3, 300)); }},
      {"a sender that looks for itself sends",
       [](message_scene& on) {
         on.send_mix();
         on.make_full();
         the_waiter = on.park_writer(victim, 9, 8, 300);
         on.store().recheck(on.wakes());
         on.set_qbytes(60000);
       },
       [](message_scene& on) {
         on.store().post_parked(the_waiter, {victim, 100}, on.wakes());
       }},
      {"a message is given back to its place",
       [](message_scene& on) {
         the_waiter = on.park_reader(victim, 5, 999);
         on.send_mix();
       },
       [](message_scene& on) { on.store().give_back(the_waiter, on.wakes()); }},
      {"a message is given back to another receiver",
       [](message_scene& on) {
         the_waiter = on.park_reader(victim, 5, 999);
         on.send_mix();
         on.park_reader(reader, 77, 999);
         on.store().leave(on.park_reader(victim, 78, 999));
         on.take(msgtyp_selector::type(5));
         on.park_reader(other_reader, 5, 999);
       },
       [](message_scene& on) { on.store().give_back(the_waiter, on.wakes()); },
       {3}},
      {"a dead receiver's message returns",
       [](message_scene& on) {
         on.send_mix();
         the_waiter = on.park_reader(victim, 88, 999);
         post(on, 8, 88, 500);
         post(on, 7, 88, 501);
         on.mark_dead(the_waiter);
       },
       [](message_scene& on) { static_cast<void>(on.store().sweep(false, on.wakes())); }},
      {"recovery",
       [](message_scene& on) {
         on.send_mix();
         on.park_reader(reader, 88, 999);
         post(on, 8, 88, 500);
         on.park_reader(other_reader, 99, 999);
         on.make_full();
         on.park_writer(writer, 11, 8, 200);
         on.park_writer(victim, 12, 8, 300);
         static_cast<void>(on.store().find({-1}));
       },
       [](message_scene& on) { on.store().recover(on.qbytes, on.removed, on.wakes()); }},
  };
}

// What became of all images of one operation.
class verdict {
 public:
  verdict(const scenario& of, message_scene& on) : of_(of), on_(on) {}

  // Recovers the image that is in the memory; nothing that was acknowledged may be gone.
  std::string recovered(const char* what, std::size_t image) {
    std::string problem;
    std::string state = on_.recover(problem);
    if (!problem.empty()) bad(what, image, problem);
    for (const int number : acknowledged) {
      if (!on_.present.contains(number) && !of_.may_go.contains(number) && problem.empty()) {
        bad(what, image, "lost: message " + std::to_string(number));
      }
    }
    return state;
  }
  void bad(const char* what, std::size_t image, const std::string& why) {
    if (++bad_ <= 3) ADD_FAILURE() << of_.name << ", " << what << " " << image << ": " << why;
  }

  std::set<int> acknowledged;

 private:
  const scenario& of_;
  message_scene& on_;
  int bad_ = 0;
};

// Cuts the recovery of each image short at every store, and recovers again: it must come to the same.
std::size_t interrupt_recoveries(message_scene& on, const image_set& images, const std::vector<std::string>& states,
                                 verdict& judge) {
  const bool all = test_support::all_double_crashes();
  const std::size_t stride = all ? 1 : std::max<std::size_t>(images.size() / interrupted_images, 1);
  std::unordered_set<std::uint64_t> seen;
  std::size_t tried = 0;
  for (std::size_t i = 0; i < images.size() && (all || tried < most_double_crashes); i += stride) {
    images.restore(i);
    on.memory.kill_process(victim);
    image_set cut(on.memory.bytes(), &seen);
    static_cast<void>(test_support::step_stores(
        on.memory.bytes(),
        [&on] {
          engine::wake_list wakes(on.memory);
          on.store().recover(on.qbytes, on.removed, wakes);
        },
        cut));
    for (std::size_t k = 0; k < cut.size(); ++k, ++tried) {
      cut.restore(k);
      if (judge.recovered("double crash of image", i) != states[i])
        judge.bad("double crash of image", i, "another state");
    }
  }
  return tried;
}

void prove(const scenario& each) {
  message_scene on;
  each.prepare(on);
  std::string problem;
  if (!on.removed) {
    ASSERT_EQ(on.store().check(false), "") << each.name;
  }
  static_cast<void>(on.describe(problem));
  ASSERT_EQ(problem, "") << each.name;
  verdict judge(each, on);
  judge.acknowledged = on.present;

  image_set images(on.memory.bytes());
  // Once in this process: now it knows the messages that the operation makes.
  each.operate(on);
  images.restore(0);
  const test_support::stepped run = test_support::step_instructions([&] { each.operate(on); }, images);
  ASSERT_EQ(run.problem, "") << each.name;
  EXPECT_GE(images.size(), least_images) << each.name << ": not really stepped";

  std::vector<std::string> states;
  for (std::size_t i = 0; i < images.size(); ++i) {
    images.restore(i);
    states.push_back(judge.recovered("image", i));
  }
  bool after = false;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (!after && states[i] != states.front()) after = true;
    const std::string& expected = after ? states.back() : states.front();
    if (states[i] != expected) judge.bad("image", i, "is " + states[i] + " and not " + expected);
  }
  const std::size_t doubles = interrupt_recoveries(on, images, states, judge);
  std::printf("%-50s %6ld instructions %4zu images %6zu double crashes\n", each.name, run.instructions, images.size(),
              doubles);
  std::fflush(stdout);
}

class MessageImages : public testing::TestWithParam<scenario> {};
TEST_P(MessageImages, AreAsBeforeOrAsAfter) { prove(GetParam()); }

void PrintTo(const scenario& one, std::ostream* to) { *to << one.name; }
std::string name_of(const testing::TestParamInfo<scenario>& one) { return test_support::as_test_name(one.param.name); }
INSTANTIATE_TEST_SUITE_P(Sending, MessageImages, testing::ValuesIn(sending()), name_of);
INSTANTIATE_TEST_SUITE_P(Receiving, MessageImages, testing::ValuesIn(receiving()), name_of);
INSTANTIATE_TEST_SUITE_P(Waiting, MessageImages, testing::ValuesIn(waiting()), name_of);

}  // namespace
}  // namespace xsipc
