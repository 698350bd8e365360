// The threads that make calls which may block.
#include "helper_threads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>

namespace xsipc::conformance {
namespace {

TEST(HelperThreads, BeginWorkAtOnceHoweverManyAreBusy) {
  helper_threads helpers;
  for (int round = 0; round < 3; ++round) {
    const auto all = std::make_shared<std::latch>(6);  // opens only when all have begun, and is everybody's until then
    for (int i = 0; i < 5; ++i) helpers.run([all] { all->arrive_and_wait(); });
    all->arrive_and_wait();
  }
}

TEST(HelperThreads, JoinWaitsForAllWorkAndLeavesThemUsable) {
  helper_threads helpers;
  for (int round = 1; round <= 3; ++round) {
    std::atomic<int> done = 0;
    for (int i = 0; i < 20; ++i) helpers.run([&] { ++done; });
    helpers.join();
    EXPECT_EQ(done, 20);
  }
}

}  // namespace
}  // namespace xsipc::conformance
