// Differential testing itself: its steps, its comparison, its shrinking, and that it finds defects. The fake against
// itself, bare on one side and with a defect before it on the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <set>

#include "compare.hpp"
#include "fake.hpp"
#include "generator.hpp"
#include "ledger.hpp"
#include "routed_backend.hpp"
#include "shrink.hpp"
#include "summary.hpp"
#include "world.hpp"

namespace xsipc::conformance::differential {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

std::string as_text(const std::vector<step>& steps) {
  std::string text;
  for (const step& each : steps) text += as_test_line({.what = each}) + "\n";
  return text;
}

TEST(Generator, MakesTheSameStepsOfTheSameSeed) {
  EXPECT_EQ(as_text(generator(7).next(500)), as_text(generator(7).next(500)));
  EXPECT_NE(as_text(generator(7).next(500)), as_text(generator(8).next(500)));
}

TEST(Generator, MakesEveryCallInEveryWay) {
  std::set<std::pair<call_kind, object_kind>> made;
  std::set<patience> patiences;
  std::size_t longest = 0;
  for (const step& each : generator(1).next(20'000)) {
    made.emplace(each.call, each.kind);
    patiences.insert(each.waits);
    longest = std::max(longest, each.operations.size());
  }
  for (const auto kind : {object_kind::queue, object_kind::set, object_kind::segment}) {
    for (const auto call : {call_kind::get, call_kind::stat, call_kind::change, call_kind::remove}) {
      EXPECT_TRUE(made.contains({call, kind})) << call_kind_name(call);
    }
  }
  std::set<call_kind> calls;
  for (const auto& [call, kind] : made) calls.insert(call);
  EXPECT_THAT(calls, SizeIs(call_kinds));
  EXPECT_THAT(patiences, SizeIs(4));
  EXPECT_EQ(longest, 501u);
}

TEST(Shrink, LeavesTheStepsThatAreNeeded) {
  std::vector<step> steps(200);
  steps[17].actor = 1;
  steps[150].actor = 2;
  steps[150].operations.assign(5, {});
  steps[150].operations[3].sem_op = -7;
  const auto shows = [](const std::vector<step>& some) {
    const auto one = std::find_if(some.begin(), some.end(), [](const step& s) { return s.actor == 1; });
    return std::any_of(one, some.end(), [](const step& s) {
      return s.actor == 2 &&
             std::any_of(s.operations.begin(), s.operations.end(), [](const auto& o) { return o.sem_op < 0; });
    });
  };
  const auto shrunk = shrink(steps, shows);
  ASSERT_THAT(shrunk, SizeIs(2));
  EXPECT_EQ(shrunk[0].actor, 1);
  EXPECT_THAT(shrunk[1].operations, SizeIs(1));
}

TEST(Shrink, AsksNoMoreOftenThanItMay) {
  std::size_t asked = 0;
  const auto shows = [&](const std::vector<step>&) { return ++asked, false; };
  EXPECT_THAT(shrink(std::vector<step>(100), shows, 20), SizeIs(100));
  EXPECT_THAT(asked, Le(20u));
}

constexpr side_names names{"one", "other"};

TEST(Compare, TellsResultsApart) {
  freedom_counts freedoms;
  const action any{.what = {.call = call_kind::receive}};
  const outcome message{.numbers = {3, 2}, .bytes = "ab"};
  EXPECT_FALSE(difference(names, any, {}, message, message, freedoms));
  EXPECT_TRUE(difference(names, any, {}, message, {.numbers = {3, 2}, .bytes = "ac"}, freedoms));
  EXPECT_TRUE(difference(names, any, {}, message, {.numbers = {2, 2}, .bytes = "ab"}, freedoms));
  EXPECT_TRUE(difference(names, any, {}, {.code = EAGAIN}, {.blocked = true}, freedoms));
  EXPECT_THAT(difference(names, any, {}, {.code = EAGAIN}, {.code = ENOMSG}, freedoms).value_or(""),
              AllOf(HasSubstr("one says EAGAIN"), HasSubstr("other says ENOMSG")));
  EXPECT_THAT(freedoms, IsEmpty());
}

TEST(Compare, ExecuteBitsThatAreAskedForAreOpen) {
  freedom_counts freedoms;
  action get{.what = {.call = call_kind::get, .perm = {.mode = 0777}}};
  EXPECT_FALSE(difference(names, get, {}, {.code = EACCES}, {.numbers = {0}}, freedoms));
  EXPECT_EQ(freedoms[freedom::execute_bits_asked], 1u);
  get.what.perm.mode = 0666;
  EXPECT_TRUE(difference(names, get, {}, {.code = EACCES}, {.numbers = {0}}, freedoms));
}

TEST(Compare, TellsBlockedCallsThatEndedApart) {
  EXPECT_FALSE(difference(names, {{1, 0, {.code = EIDRM}}}, {{1, 0, {.code = EIDRM}}}));
  EXPECT_TRUE(difference(names, {{1, 0, {.code = EIDRM}}}, {}));
  EXPECT_TRUE(difference(names, {{1, 0, {.code = EIDRM}}}, {{2, 0, {.code = EIDRM}}}));
}

TEST(Compare, KnowsThatAskingForSemzcntIsAsOpenAsTheField) {
  freedom_counts freedoms;
  action asked{.what = {.call = call_kind::query, .kind = object_kind::set, .what = sem_query::zcnt}};
  const outcome none{.numbers = {0}};
  const outcome one{.numbers = {1}};
  EXPECT_TRUE(difference(names, asked, {}, none, one, freedoms));
  EXPECT_FALSE(difference(names, asked, {.zcnt = true}, none, one, freedoms));
  EXPECT_EQ(freedoms[freedom::stale_zcnt], 1u);
  EXPECT_TRUE(difference(names, asked, {.zcnt = true}, none, {.code = EACCES}, freedoms));
  asked.what.what = sem_query::ncnt;
  EXPECT_TRUE(difference(names, asked, {.zcnt = true}, none, one, freedoms));
}

TEST(Compare, FindsTheFieldThatDiffers) {
  const std::vector<std::pair<object_kind, int>> objects = {{object_kind::set, 4}};
  const std::vector<open_fields> nothing_open(1);
  fields set(first_semaphore_field + fields_per_semaphore, 1);
  snapshot one{.objects = {{0, set}}};
  snapshot other = one;
  freedom_counts freedoms;
  EXPECT_FALSE(difference(names, objects, nothing_open, one, other, freedoms));
  other.objects[0].values.back() = 2;
  EXPECT_THAT(difference(names, objects, nothing_open, one, other, freedoms).value_or(""),
              HasSubstr("semzcnt[0] of set 4"));
  EXPECT_FALSE(difference(names, objects, {{.zcnt = true}}, one, other, freedoms));
  EXPECT_EQ(freedoms[freedom::stale_zcnt], 1u);
  other = one;
  other.objects[0].values[first_semaphore_field - 2] = 0;
  EXPECT_THAT(difference(names, objects, {{.zcnt = true}}, one, other, freedoms).value_or(""),
              HasSubstr("otime of set 4"));
  EXPECT_FALSE(difference(names, objects, {{.otime = true}}, one, other, freedoms));
}

TEST(Ledger, LetsOneSenderWaitForAQueueAndNoSecond) {
  ledger known({0, 0, 0}, true);
  freedom_counts left_out;
  const auto get =
      known.resolve({.call = call_kind::get, .kind = object_kind::queue, .key = 1, .create = true}, left_out);
  ASSERT_TRUE(get);
  known.note(*get, {.numbers = {0}});
  const step send{.call = call_kind::send, .waits = patience::endless, .type = 1};
  const auto first = known.resolve(send, left_out);
  ASSERT_TRUE(first && may_wait(first->what));
  known.note(*first, {.blocked = true});
  const auto second = known.resolve(send, left_out);
  ASSERT_TRUE(second);
  EXPECT_FALSE(may_wait(second->what));
  EXPECT_NE(second->what.thread, first->what.thread);
  EXPECT_EQ(left_out[freedom::order_of_senders], 1u);
}

// A ledger that knows a new object of number 0, and calls that wait for it.
class Waiting : public testing::Test {
 protected:
  std::optional<action> resolve(const step& wanted) { return known_.resolve(wanted, left_out_); }
  void make(object_kind kind) {
    const auto get = resolve({.call = call_kind::get, .kind = kind, .key = 1, .create = true, .size = 2});
    known_.note(get.value(), {.numbers = {0}});
  }
  // The thread that waits then.
  void let_wait(const step& wanted) {
    const auto call = resolve(wanted);
    ASSERT_TRUE(call && may_wait(call->what));
    known_.note(*call, {.blocked = true});
  }

  ledger known_{{0, 0, 0}, true};
  freedom_counts left_out_;
};

const step waiting_receive{.call = call_kind::receive, .waits = patience::endless, .type = 7};
const step waiting_send{.call = call_kind::send, .waits = patience::endless, .type = 1};
const step ipc_set{.call = call_kind::change};

TEST_F(Waiting, IpcSetIsLeftOutWhereReceiverAndSenderWouldRace) {
  make(object_kind::queue);
  ASSERT_TRUE(resolve(ipc_set));
  let_wait(waiting_receive);
  EXPECT_TRUE(resolve(ipc_set)) << "one receiver races with nobody";
  let_wait(waiting_send);
  EXPECT_FALSE(resolve(ipc_set));
  EXPECT_EQ(left_out_[freedom::order_of_receivers], 1u);
}

TEST_F(Waiting, NoWaitForZeroIsBesideAnArrayOfThem) {
  make(object_kind::set);
  const step single{.call = call_kind::operate,
                    .kind = object_kind::set,
                    .waits = patience::endless,
                    .operations = {{0, 0, sem_flags::none}}};
  step array = single;
  array.operations.push_back({1, 0, sem_flags::none});
  step taker = array;
  taker.operations[1].sem_op = -1;
  let_wait(single);
  let_wait(single);
  let_wait(taker);
  const auto resolved = resolve(array);
  ASSERT_TRUE(resolved);
  EXPECT_FALSE(may_wait(resolved->what));
  EXPECT_EQ(left_out_[freedom::order_of_zero_waits], 1u);
}

TEST_F(Waiting, AProcessThatWaitsForASetDoesNotExit) {
  make(object_kind::queue);
  const step exits{.call = call_kind::exit};
  let_wait({.call = call_kind::receive, .thread = 1, .waits = patience::endless, .type = 7});
  EXPECT_EQ(resolve(exits).value().what.call, call_kind::exit);
  make(object_kind::set);
  let_wait({.call = call_kind::operate,
            .kind = object_kind::set,
            .thread = 2,
            .waits = patience::endless,
            .operations = {{0, -1, sem_flags::none}}});
  EXPECT_EQ(resolve(exits).value().what.call, call_kind::kill);
  EXPECT_FALSE(resolve({.call = call_kind::fork, .actor = 1, .pick = 1})) << "which ends another process by exit";
  EXPECT_EQ(left_out_[freedom::undo_in_exit], 2u);
}

// A defect before a backend: the base passes everything on.
class defect : public routed_backend {
 public:
  explicit defect(spi::backend& beneath) : routed_backend(beneath), beneath_(beneath) {}

 protected:
  bool route(const one_call& call, deadline) override {
    call(beneath_);
    return true;
  }

 private:
  spi::backend& beneath_;
};

class negative_type_as_exact final : public defect {
 public:
  using defect::defect;
  result<received> receive(msqid id, msgtyp_selector selector, message_buffer into, truncation when_too_long,
                           deadline until) override {
    if (selector.msgtyp < 0 && selector.msgtyp > -5 && !selector.copy) selector.msgtyp = -selector.msgtyp;
    return defect::receive(id, selector, into, when_too_long, until);
  }
};

class undo_ignored final : public defect {
 public:
  using defect::defect;
  result<void> operate(semid id, std::span<const sem_operation> operations, deadline until) override {
    std::vector<sem_operation> plain(operations.begin(), operations.end());
    for (sem_operation& each : plain)
      each.flags = has(each.flags, sem_flags::no_wait) ? sem_flags::no_wait : sem_flags::none;
    return defect::operate(id, plain, until);
  }
};

class removal_needs_nothing final : public defect {
 public:
  using defect::defect;
  result<void> remove_set(semid id) override {
    const auto removed = defect::remove_set(id);
    return !removed && removed.error().code == EPERM ? result<void>{} : removed;
  }
};

class size_rounded final : public defect {
 public:
  using defect::defect;
  result<shmid> get_segment(key which, std::size_t size, creation how, segment_options options) override {
    const bool odd = size < (1U << 20U) && size % 4096 != 0;
    return defect::get_segment(which, odd ? size + 4096 - size % 4096 : size, how, options);
  }
};

// Asking for a semaphore changes a segment: the one that the thread made last.
class asking_changes_a_segment final : public defect {
 public:
  using defect::defect;
  result<shmid> get_segment(key which, std::size_t size, creation how, segment_options options) override {
    const auto made = defect::get_segment(which, size, how, options);
    if (made) last_ = *made;
    return made;
  }
  result<int> query_semaphore(semid id, int semnum, sem_query what) override {
    if (last_) static_cast<void>(defect::change_segment(*last_, {.mode = 0600}));
    return defect::query_semaphore(id, semnum, what);
  }

 private:
  std::optional<shmid> last_;
};

template <typename Defect>
std::unique_ptr<spi::backend> with(spi::backend& beneath) {
  return std::make_unique<Defect>(beneath);
}

class Lockstep : public testing::Test {
 protected:
  std::optional<divergence> run(std::uint64_t seed, std::size_t length) {
    steps_ = generator(seed).next(length);
    return run(steps_);
  }
  std::optional<divergence> run(const std::vector<step>& steps) {
    return run_in_lockstep({.on = one_.get()}, {.on = other_.get(), .decorate = decorate_},
                           {.actors = 4, .narrow_limits = narrow_}, steps, counts_);
  }

  std::unique_ptr<harness> one_ = make_fake_harness();
  std::unique_ptr<harness> other_ = make_fake_harness();
  std::function<std::unique_ptr<spi::backend>(spi::backend&)> decorate_;
  bool narrow_ = false;
  tally counts_;
  std::vector<step> steps_;
};

TEST_F(Lockstep, TheSameBackendOnBothSidesNeverDiffers) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    narrow_ = seed % 2 == 0;
    const auto found = run(seed, 250);
    ASSERT_FALSE(found) << found->what << "\n" << found->lines.back();
  }
  EXPECT_TRUE(varied(counts_));
}

// What an action can't change according to the ledger is looked at now and then, and at the end.
TEST_F(Lockstep, AChangeOfAnotherObjectShowsAtTheNextLookAtEverything) {
  decorate_ = &with<asking_changes_a_segment>;
  const step query{.call = call_kind::query, .kind = object_kind::set};
  std::vector<step> steps = {
      {.call = call_kind::get,
       .kind = object_kind::segment,
       .key = 1,
       .create = true,
       .perm = {.mode = 0666},
       .size = 1},
      {.call = call_kind::get, .kind = object_kind::set, .key = 1, .create = true, .perm = {.mode = 0666}, .size = 1},
      query};
  const auto in_the_end = run(steps);
  ASSERT_TRUE(in_the_end);
  EXPECT_THAT(in_the_end->what, HasSubstr("mode of segment 0"));
  steps.resize(30, query);
  const auto now_and_then = run(steps);
  ASSERT_TRUE(now_and_then);
  EXPECT_THAT(now_and_then->step, Le(10u));
}

class FindsDefects : public Lockstep,
                     public testing::WithParamInterface<std::unique_ptr<spi::backend> (*)(spi::backend&)> {};

TEST_P(FindsDefects, AndShrinksWhatShowsThem) {
  decorate_ = GetParam();
  std::optional<divergence> found;
  for (std::uint64_t seed = 1; seed <= 40 && !found; ++seed) found = run(seed, 250);
  ASSERT_TRUE(found) << "not within " << counts_.steps << " steps";
  EXPECT_THAT(found->lines, Not(IsEmpty()));
  const std::vector<step> needed(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(found->step) + 1);
  const auto shrunk = shrink(needed, [this](const auto& some) { return run(some).has_value(); });
  EXPECT_THAT(shrunk, SizeIs(Le(7u)));
  const auto again = run(shrunk);
  ASSERT_TRUE(again);
  std::ostringstream told;
  print_divergence(told, *again, {.actors = 4}, true);
  EXPECT_THAT(told.str(), AllOf(HasSubstr("actor& a0 = process("), HasSubstr("here: ")));
}

INSTANTIATE_TEST_SUITE_P(Planted, FindsDefects,
                         testing::Values(&with<negative_type_as_exact>, &with<undo_ignored>,
                                         &with<removal_needs_nothing>, &with<size_rounded>));

}  // namespace
}  // namespace xsipc::conformance::differential
