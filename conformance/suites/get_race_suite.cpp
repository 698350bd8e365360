// msgget, semget, shmget of one key by several processes at the same moment.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(get_race)

namespace {

using testing::Each;
using testing::Ge;

// Meets the others before each key in a word of shared memory, which loses less time than being woken, then gets the
// key. Returns ids or errnos below zero.
XSI_ROUTINE(get_racing) {
  const auto& numbers = context.input.numbers;
  const kind_calls kind(static_cast<object_kind>(numbers.at(0)));
  const creation how{.create = true, .exclusive = numbers.at(1) != 0, .mode = 0600};
  const auto racers = static_cast<std::uint32_t>(numbers.at(2));
  const auto address = context.xsi.attach(static_cast<shmid>(numbers.at(3)), {});
  if (!address) return {};
  auto* const arrived = static_cast<std::uint32_t*>(*address);
  const auto patience_ends = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  routine_result outcomes;
  for (std::size_t i = 4; i < numbers.size(); ++i) {
    const std::atomic_ref<std::uint32_t> here(arrived[i - 4]);
    ++here;
    for (int spins = 0; here < racers; ++spins) {
      if (spins < 1000) continue;
      if (std::chrono::steady_clock::now() > patience_ends) break;
      std::this_thread::yield();
    }
    const auto got = kind.get(context.xsi, static_cast<key>(static_cast<std::int32_t>(numbers[i])), how);
    outcomes.numbers.push_back(got ? *got : -got.error().code);
  }
  static_cast<void>(context.xsi.detach(*address));
  return outcomes;
}

class GetRace : public each_kind {
 protected:
  static constexpr int rounds = 200;
  static constexpr int racers = 4;

  // Lets processes race for `names`; an outcome for each racer and name.
  std::vector<std::vector<std::int64_t>> race(const std::vector<key>& names, bool exclusive) {
    actor& judge = process();
    const auto meeting = static_cast<std::int64_t>(new_segment(judge, rounds * sizeof(std::uint32_t)));
    routine_input input{{static_cast<std::int64_t>(GetParam()), exclusive, racers, meeting}, {}};
    for (const key name : names) input.numbers.push_back(static_cast<std::int32_t>(name));
    std::vector<pending<routine_result>> calls;
    for (int i = 0; i < racers; ++i) calls.push_back(process().start_run("get_racing", input));
    std::vector<std::vector<std::int64_t>> outcomes;
    for (auto& call : calls) outcomes.push_back(call.get().numbers);
    for (const auto& each : outcomes) EXPECT_EQ(each.size(), names.size());
    return outcomes;
  }

  std::vector<key> fresh_keys() {
    std::vector<key> names(rounds);
    std::generate(names.begin(), names.end(), [this] { return fresh_key(); });
    return names;
  }
};

XSI_FOR_EACH_KIND(GetRace);

TEST_P(GetRace, WithCreatAndExclOneWins) {
  XSI_ASSERTION("GET-17");
  actor& client = process();
  const std::vector<key> names = fresh_keys();
  const auto outcomes = race(names, true);
  ASSERT_THAT(outcomes, Each(testing::SizeIs(names.size())));
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::vector<std::int64_t> winners;
    for (const auto& each : outcomes) {
      if (each[i] >= 0) winners.push_back(each[i]);
      EXPECT_THAT(each[i], testing::AnyOf(Ge(0), -EEXIST));
    }
    ASSERT_EQ(winners.size(), 1u) << "round " << i;
    EXPECT_THAT(kind().get(client.xsi(), names[i], creation::find()), SucceedsWith(winners[0]));
  }
}

TEST_P(GetRace, WithCreatAllGetTheSame) {
  XSI_ASSERTION("GET-17");
  actor& client = process();
  const std::vector<key> names = fresh_keys();
  const auto outcomes = race(names, false);
  ASSERT_THAT(outcomes, Each(testing::SizeIs(names.size())));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto id = kind().get(client.xsi(), names[i], creation::find());
    ASSERT_THAT(id, Succeeds());
    for (const auto& each : outcomes) EXPECT_EQ(each[i], *id) << "round " << i;
  }
}

}  // namespace
}  // namespace xsipc::conformance
