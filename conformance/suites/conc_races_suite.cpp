// Races: death of lock holders, removal of what is in use, keys that come and go.
#include <random>
#include <thread>

#include "xsipc/conformance/kinds.hpp"
#include "xsipc/conformance/semaphores.hpp"
#include "xsipc/conformance/shared_words.hpp"

namespace xsipc::conformance {

XSI_SUITE(conc_races)

namespace {

using testing::AnyOf;
using testing::Each;
using testing::ElementsAre;

enum lock_word : std::uint8_t { holder, intrusions, turns, to_stop };

// Holds a lock again and again, by SEM_UNDO, until told to stop: set, segment, a number of its own. Returns how often
// an operation failed.
XSI_ROUTINE(hold_lock_until_stopped) {
  const auto set = static_cast<semid>(context.input.numbers.at(0));
  const shared_words words(context.xsi, context.input.numbers.at(1));
  const auto self = static_cast<std::uint32_t>(context.input.numbers.at(2));
  std::int64_t failures = 0;
  while (words[to_stop].load() == 0 && failures == 0) {
    failures += operate(context.xsi, set, {take(0, 1, sem_flags::undo)}) ? 0 : 1;
    words[holder].store(self);
    for (int i = 0; i < 300; ++i) {
      if (words[holder].load() != self) ++words[intrusions];
    }
    ++words[turns];
    failures += operate(context.xsi, set, {add(0, 1, sem_flags::undo)}) ? 0 : 1;
  }
  return {.numbers = {failures}};
}

class ConcDeath : public semaphore_test {};

TEST_F(ConcDeath, OfLockHoldersNeitherLosesTheLockNorDoublesIt) {
  XSI_ASSERTION("CONC-06");
  struct contender {
    actor* who;
    pending<routine_result> call;
  };
  actor& observer = process();
  const semid lock = set_of(observer, {1});
  const shmid segment = new_segment(observer);
  char* const memory = attach(observer, segment);
  std::vector<contender> contenders;  // by their number; the dead stay
  const auto begin = [&] {
    actor& who = process();
    const auto number = static_cast<std::int64_t>(contenders.size());
    contenders.push_back(
        {&who, who.start_run("hold_lock_until_stopped", {.numbers = {static_cast<std::int64_t>(lock),
                                                                     static_cast<std::int64_t>(segment), number}})});
  };
  for (int i = 0; i < 3; ++i) begin();
  std::vector<bool> dead(200, false);
  for (int deaths = 0; deaths < 30;) {
    const std::uint32_t turns_before = word_at(observer, memory, turns);
    while (word_at(observer, memory, turns) < turns_before + 5) std::this_thread::yield();
    const std::uint32_t victim = word_at(observer, memory, holder);
    if (dead[victim]) continue;
    contenders[victim].who->kill();
    dead[victim] = true;
    ++deaths;
    begin();
  }
  observer.poke(memory + to_stop * sizeof(std::uint32_t), std::string(1, '\1'));
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (dead[i]) continue;
    EXPECT_THAT(contenders[i].call.get().numbers, ElementsAre(0));
  }
  EXPECT_EQ(word_at(observer, memory, intrusions), 0u);
  EXPECT_THAT(values_of(observer.xsi(), lock), ElementsAre(1));
  EXPECT_THAT(ncnts_of(observer.xsi(), lock), ElementsAre(0));
}

// One of four ways to use an object until it is gone; the first two wait until then. Returns the error at the end.
result<void> use_queue(spi::backend& xsi, msqid queue, std::int64_t way) {
  switch (way) {
    case 0: return send_text(xsi, queue, 1, "some text", deadline::never());
    case 1: {
      const auto got = receive_text(xsi, queue, {.selector = msgtyp_selector::type(9), .until = deadline::never()});
      if (!got) return got.error();
      return {};
    }
    case 2: {
      const auto sent = send_text(xsi, queue, 2, "");
      return sent || sent.error().code == EAGAIN
                 ? kind_calls(object_kind::queue).use_reading(xsi, static_cast<int>(queue))
                 : sent;
    }
    default: return kind_calls(object_kind::queue).read(xsi, static_cast<int>(queue));
  }
}

result<void> use_set(spi::backend& xsi, semid set, std::int64_t way) {
  switch (way) {
    case 0: return operate(xsi, set, {take(0, 2, sem_flags::undo)});
    case 1: return operate(xsi, set, {add(0), zero(1)});
    case 2: {
      const auto added = operate(xsi, set, {add(1, 1, sem_flags::undo)});
      return added ? operate(xsi, set, {take(1, 1, sem_flags::undo)}) : added;
    }
    default: return xsi.set_value(set, 0, 0);
  }
}

result<void> use_segment(spi::backend& xsi, shmid segment) {
  const auto memory = xsi.attach(segment, {});
  if (!memory) return memory.error();
  static_cast<std::uint32_t*>(*memory)[0] = 1;
  const auto status = xsi.stat_segment(static_cast<int>(segment), lookup::id);
  static_cast<void>(xsi.detach(*memory));
  // Attaching goes on while anybody is attached, so this is where users must part from it.
  if (status && status->removed) return ipc_error{.code = EINVAL};
  return {};
}

// Kind, id, way, and a segment whose first word counts who began. Returns the error that ended it.
XSI_ROUTINE(use_until_gone) {
  const auto& in = context.input.numbers;
  const shared_words words(context.xsi, in.at(3));
  ++words[0];
  for (;;) {
    result<void> outcome;
    switch (static_cast<object_kind>(in.at(0))) {
      case object_kind::queue: outcome = use_queue(context.xsi, static_cast<msqid>(in.at(1)), in.at(2)); break;
      case object_kind::set: outcome = use_set(context.xsi, static_cast<semid>(in.at(1)), in.at(2)); break;
      case object_kind::segment: outcome = use_segment(context.xsi, static_cast<shmid>(in.at(1))); break;
    }
    if (!outcome) return {.numbers = {outcome.error().code}};
  }
}

// Removes as many objects, each at the same moment as the others do: kind, removers, a segment with a word for each
// object, ids. Returns 0 or the error for each.
XSI_ROUTINE(remove_racing) {
  const auto& in = context.input.numbers;
  const kind_calls calls(static_cast<object_kind>(in.at(0)));
  const shared_words words(context.xsi, in.at(2));
  routine_result outcomes;
  for (std::size_t i = 3; i < in.size(); ++i) {
    ++words[i - 3];
    spin_until(words[i - 3], static_cast<std::uint32_t>(in[1]));
    const auto removed = calls.remove(context.xsi, static_cast<int>(in[i]));
    outcomes.numbers.push_back(removed ? 0 : removed.error().code);
  }
  return outcomes;
}

class ConcRemoval : public each_kind {
 protected:
  [[nodiscard]] std::int64_t kind_number() const { return static_cast<std::int64_t>(GetParam()); }
};

XSI_FOR_EACH_KIND(ConcRemoval);

TEST_P(ConcRemoval, EndsEveryUse) {
  XSI_ASSERTION("CONC-09");
  actor& remover = process();
  actor& first = process();
  actor& second = process();
  actor_thread* const users[] = {&first.begin_thread(), &second.begin_thread(), &first, &second};
  const shmid segment = new_segment(remover);
  char* const memory = attach(remover, segment);
  std::minstd_rand random(2);
  for (int round = 0; round < 20; ++round) {
    const int id = new_object(remover);
    if (GetParam() == object_kind::set) {
      ASSERT_THAT(remover.xsi().set_value(static_cast<semid>(id), 1, 1), Succeeds());
    }
    remover.poke(memory, std::string(4, '\0'));
    std::vector<pending<routine_result>> calls;
    for (std::int64_t way = 0; way < 4; ++way) {
      calls.push_back(users[way]->start_run("use_until_gone",
                                            {.numbers = {kind_number(), id, way, static_cast<std::int64_t>(segment)}}));
    }
    while (word_at(remover, memory, 0) < 4) std::this_thread::yield();
    dawdle(static_cast<std::uint32_t>(random() % 30'000));
    ASSERT_THAT(kind().remove(remover.xsi(), id), Succeeds());
    for (auto& call : calls) {
      EXPECT_THAT(call.get().numbers, ElementsAre(AnyOf(EIDRM, EINVAL))) << "way " << &call - calls.data();
    }
    EXPECT_THAT(kind().stat(remover.xsi(), id), FailsWith(EINVAL));
    EXPECT_THAT(kind().remove(remover.xsi(), id), FailsWith(EINVAL));
  }
}

TEST_P(ConcRemoval, BySeveralSucceedsOnce) {
  XSI_ASSERTION("CONC-09");
  constexpr int removers = 3;
  constexpr int objects = 100;
  actor& owner = process();
  const auto meeting = static_cast<std::int64_t>(new_segment(owner));
  routine_input input{{kind_number(), removers, meeting}, {}};
  for (int i = 0; i < objects; ++i) input.numbers.push_back(new_object(owner));
  std::vector<pending<routine_result>> calls;
  for (int i = 0; i < removers; ++i) calls.push_back(process().start_run("remove_racing", input));
  std::vector<int> successes(objects, 0);
  for (auto& call : calls) {
    const auto outcomes = call.get().numbers;
    ASSERT_EQ(outcomes.size(), successes.size());
    EXPECT_THAT(outcomes, Each(AnyOf(0, EIDRM, EINVAL)));
    for (std::size_t i = 0; i < outcomes.size(); ++i) successes[i] += outcomes[i] == 0 ? 1 : 0;
  }
  EXPECT_THAT(successes, Each(1));
}

bool is_gone(const ipc_error& error) { return error.code == EINVAL || error.code == EIDRM; }

constexpr ipc_mode ours = 0600;
constexpr ipc_mode foreign = 0640;

// Gets a key, looks at what it got and, if it creates exclusively, removes it: kind, key, what to do, rounds. Returns
// how often it created, how often it removed, and how often something was wrong.
XSI_ROUTINE(meet_at_key) {
  const auto& in = context.input.numbers;
  const kind_calls calls(static_cast<object_kind>(in.at(0)));
  const auto name = static_cast<key>(static_cast<std::int32_t>(in.at(1)));
  const creation how{.create = (in.at(2) & 1) != 0, .exclusive = (in.at(2) & 2) != 0, .mode = ours};
  std::int64_t created = 0;
  std::int64_t removed = 0;
  std::int64_t wrong = 0;
  for (std::int64_t round = 0; round < in.at(3); ++round) {
    const auto got = calls.get(context.xsi, name, how);
    if (!got) {
      if (got.error().code != (how.create ? EEXIST : ENOENT) || (how.create && !how.exclusive)) ++wrong;
      continue;
    }
    created += how.exclusive ? 1 : 0;
    const auto status = calls.stat(context.xsi, *got);
    if (status ? status->perm.object_key != name || status->perm.mode != ours || status->id != *got
               : !is_gone(status.error())) {
      ++wrong;
    }
    if (!how.create) continue;
    const auto outcome = calls.remove(context.xsi, *got);
    removed += outcome ? 1 : 0;
    if (!outcome && !is_gone(outcome.error())) ++wrong;
  }
  return {.numbers = {created, removed, wrong}};
}

// Makes and removes others' objects, so that places are taken by them: kind, rounds. Returns how often that failed.
XSI_ROUTINE(take_places) {
  const kind_calls calls(static_cast<object_kind>(context.input.numbers.at(0)));
  std::int64_t failures = 0;
  for (std::int64_t round = 0; round < context.input.numbers.at(1); ++round) {
    const auto id = calls.get(context.xsi, key::ipc_private, creation::create_only(foreign));
    if (!id || !calls.stat(context.xsi, *id) || !calls.remove(context.xsi, *id)) ++failures;
  }
  return {.numbers = {failures}};
}

class ConcKey : public each_kind {
 protected:
  // What to do, as for the routine.
  static constexpr std::int64_t find = 0;
  static constexpr std::int64_t open_or_create = 1;
  static constexpr std::int64_t create_only = 3;

  // Lets as many meet at `name`, and others take places. Returns what all of them counted together.
  routine_result race(key name, const std::vector<std::int64_t>& doings) {
    constexpr std::int64_t rounds = 400;
    const auto kind_number = static_cast<std::int64_t>(GetParam());
    std::vector<pending<routine_result>> calls;
    for (const std::int64_t what : doings) {
      calls.push_back(process().start_run("meet_at_key",
                                          {.numbers = {kind_number, static_cast<std::int32_t>(name), what, rounds}}));
    }
    auto others = process().start_run("take_places", {.numbers = {kind_number, rounds}});
    routine_result sum{{0, 0, 0}, {}};
    for (auto& call : calls) {
      const auto counted = call.get().numbers;
      for (std::size_t i = 0; i < 3; ++i) sum.numbers[i] += counted.at(i);
    }
    EXPECT_THAT(others.get().numbers, ElementsAre(0));
    return sum;
  }
};

XSI_FOR_EACH_KIND(ConcKey);

TEST_P(ConcKey, CreatedAndRemovedAtOnceNeverGivesAForeignObject) {
  XSI_ASSERTION("CONC-11");
  const key name = fresh_key();
  const auto counted = race(name, {create_only, create_only, find}).numbers;
  EXPECT_GE(counted[0], 1);
  EXPECT_EQ(counted[1], counted[0]) << "each that was created is removed once";
  EXPECT_EQ(counted[2], 0);
  EXPECT_THAT(kind().get(process().xsi(), name, creation::find()), FailsWith(ENOENT));
}

TEST_P(ConcKey, OpenedAndRemovedAtOnceNeverGivesAForeignObject) {
  XSI_ASSERTION("CONC-11");
  const key name = fresh_key();
  const auto counted = race(name, {open_or_create, open_or_create, open_or_create, find}).numbers;
  EXPECT_GE(counted[1], 1);
  EXPECT_EQ(counted[2], 0);
  EXPECT_THAT(kind().get(process().xsi(), name, creation::find()), FailsWith(ENOENT));
}

}  // namespace
}  // namespace xsipc::conformance
