#include "semop_plan.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <vector>

namespace xsipc::engine {
namespace {

using outcome = semop_plan::outcome;
constexpr sem_flags plain = sem_flags::none;
constexpr sem_flags no_wait = sem_flags::no_wait;
constexpr sem_flags undo = sem_flags::undo;

// Evaluates on values and adjustments by semaphore.
class SemopPlan : public testing::Test {
 protected:
  const semop_plan& of(const std::vector<sem_operation>& operations, bool may_wait = true) {
    for (std::size_t at = 0; at < operations.size(); ++at) {
      plan_.values[at] = static_cast<std::int16_t>(values[operations[at].semnum]);
      plan_.adjustments[at] = static_cast<std::int16_t>(adjustments[operations[at].semnum]);
    }
    evaluate(operations, may_wait, plan_);
    return plan_;
  }

  std::map<int, int> values;
  std::map<int, int> adjustments;

 private:
  semop_plan plan_;
};

TEST_F(SemopPlan, OperationsSeeWhatTheOnesBeforeThemLeft) {
  const semop_plan& plan = of({{0, 1, plain}, {0, -1, plain}, {0, 0, plain}, {1, 5, plain}, {0, 7, plain}});
  EXPECT_EQ(plan.is, outcome::performed);
  EXPECT_EQ(plan.values[0], 1);
  EXPECT_EQ(plan.values[2], 0);
  EXPECT_EQ(plan.values[3], 5);
  EXPECT_EQ(plan.values[4], 7);
}

TEST_F(SemopPlan, TheOrderOfTheArrayDecidesWhetherItBlocks) {
  EXPECT_EQ(of({{0, -1, plain}, {0, 1, plain}}).is, outcome::blocked);
  EXPECT_EQ(of({{0, 1, plain}, {0, 0, plain}}).is, outcome::blocked);
  EXPECT_EQ(of({{0, 0, plain}, {0, 1, plain}}).is, outcome::performed);
}

TEST_F(SemopPlan, AThresholdIsOfTheValueBeforeTheArray) {
  const semop_plan& larger = of({{3, 2, plain}, {3, -5, plain}});
  EXPECT_EQ(larger.at, 1U);
  EXPECT_FALSE(larger.for_zero);
  EXPECT_EQ(larger.threshold, 3);
  values[3] = 4;
  const semop_plan& zero = of({{3, -1, plain}, {3, 0, plain}});
  EXPECT_TRUE(zero.for_zero);
  EXPECT_EQ(zero.threshold, 1);
}

TEST_F(SemopPlan, TheFirstThatBlocksDecidesByItsOwnFlag) {
  EXPECT_EQ(of({{0, -1, plain}, {1, -1, no_wait}}).is, outcome::blocked);
  const semop_plan& plan = of({{0, -1, no_wait}, {1, -1, plain}});
  EXPECT_EQ(plan.is, outcome::failed);
  EXPECT_EQ(plan.code, EAGAIN);
  EXPECT_EQ(of({{0, -1, plain}}, false).code, EAGAIN);
}

TEST_F(SemopPlan, TheSmallestNumberBlocksOnTheLargestValue) {
  values[0] = 32767;
  const semop_plan& plan = of({{0, -32768, plain}});
  EXPECT_EQ(plan.is, outcome::blocked);
  EXPECT_EQ(plan.threshold, 32768);
}

TEST_F(SemopPlan, ATransientValueOutOfRangeIsErange) {
  values[0] = 32767;
  EXPECT_EQ(of({{0, 1, plain}, {0, -1, plain}}).code, ERANGE);
  EXPECT_EQ(of({{0, -1, plain}, {0, 1, plain}}).is, outcome::performed);
}

TEST_F(SemopPlan, AnAdjustmentMayReachItsBoundsAndNoFurther) {
  values[0] = 32767;
  adjustments[0] = -32767;
  values[1] = 5;
  adjustments[1] = 32766;
  EXPECT_EQ(of({{1, -1, undo}}).is, outcome::performed);
  EXPECT_EQ(of({{1, -2, undo}}).code, ERANGE);
  adjustments[1] = -32767;
  EXPECT_EQ(of({{1, 1, undo}}).adjustments[0], -32768);
  EXPECT_EQ(of({{1, 2, undo}}).code, ERANGE);
  EXPECT_EQ(of({{1, 1, undo}, {1, 1, undo}}).code, ERANGE);
}

TEST_F(SemopPlan, OnlyOperationsWithUndoAreAdjusted) {
  adjustments[0] = 4;
  const semop_plan& plan = of({{0, 3, undo}, {0, -2, plain}, {0, -1, undo}});
  EXPECT_EQ(plan.adjustments[0], 1);
  EXPECT_EQ(plan.adjustments[1], 1);
  EXPECT_EQ(plan.adjustments[2], 2);
}

TEST_F(SemopPlan, ALongArrayIsEvaluatedAsAShortOne) {
  std::vector<sem_operation> operations;
  for (int at = 0; at < 500; ++at) operations.push_back({static_cast<std::uint16_t>(at % 7 * 1024), 1, undo});
  const semop_plan& plan = of(operations);
  EXPECT_EQ(plan.is, outcome::performed);
  EXPECT_EQ(plan.values[499], 500 / 7 + 1);
  EXPECT_EQ(plan.adjustments[499], -(500 / 7 + 1));
  for (int at = 0; at < 500; ++at)
    operations[static_cast<std::size_t>(at)].semnum = static_cast<std::uint16_t>(at * 64);
  EXPECT_EQ(of(operations).values[499], 1);
}

TEST_F(SemopPlan, AnOperationBeforeTheBlockingOneMayComeToFail) {
  const auto fragile = [&](const std::vector<sem_operation>& operations) {
    return may_come_to_fail(operations, of(operations));
  };
  values[1] = 3;
  EXPECT_FALSE(fragile({{0, -1, plain}, {1, 1, plain}}));
  EXPECT_FALSE(fragile({{1, -1, plain}, {0, -1, plain}}));
  EXPECT_TRUE(fragile({{1, 1, plain}, {0, -1, plain}}));
  EXPECT_TRUE(fragile({{1, -1, no_wait}, {0, -1, plain}}));
  EXPECT_TRUE(fragile({{1, -1, undo}, {0, -1, plain}}));
}

}  // namespace
}  // namespace xsipc::engine
