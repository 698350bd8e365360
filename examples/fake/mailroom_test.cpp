// Tests of an application against the fake: no kernel object, no second user, no privilege, no waiting for a time.
#include "mailroom.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "xsipc/fake.hpp"

namespace mailroom {
namespace {

using testing::ElementsAre;
using xsipc::creation;
using xsipc::fake_process;
using xsipc::message_queue;

constexpr auto the_key = static_cast<xsipc::key>(0x4d41494c);

class mailroom_test : public testing::Test {
 protected:
  static message_queue open(fake_process& in) {
    return message_queue::get(the_key, creation::open_or_create(0600), in).value();
  }
  std::future<shift> working(message_queue& queue) {
    return std::async(std::launch::async, [&queue] { return work(queue); });
  }

  xsipc::fake_system system;
  fake_process& office = system.process({.uid = 1000});
  fake_process& clerk = system.process({.uid = 1000});
  message_queue letters = open(office);
  message_queue desk = open(clerk);
};

TEST_F(mailroom_test, LettersAreAnsweredInOrderUntilTheOfficeCloses) {
  auto done = working(desk);
  for (const char* letter : {"one", "two"}) EXPECT_EQ(post(letters, letter), posted::accepted);
  while (letters.stat()->qnum != 0) std::this_thread::yield();
  system.wait_until_blocked(1);
  letters.remove().value();
  EXPECT_THAT(done.get().answered, ElementsAre("one", "two"));
}

TEST_F(mailroom_test, AStrangerIsTurnedAway) {
  fake_process& stranger = system.process({.uid = 1001});
  message_queue door(stranger, letters.id());
  EXPECT_EQ(post(door, "spam"), posted::forbidden);
  letters.remove().value();
}

TEST_F(mailroom_test, AFullQueueAsksToComeBackLater) {
  letters.set({.perm = {.uid = 1000, .gid = 1000, .mode = 0600}, .qbytes = 5}).value();
  EXPECT_EQ(post(letters, "hello"), posted::accepted);
  EXPECT_EQ(post(letters, "world"), posted::later);
  letters.remove().value();
}

TEST_F(mailroom_test, AnotherClerkGoesOnWhereOneWasKilled) {
  auto first = working(desk);
  system.wait_until_blocked(1);
  clerk.kill();
  first.get();
  EXPECT_EQ(post(letters, "still there"), posted::accepted);
  auto second = working(letters);
  system.wait_until_blocked(1);
  letters.remove().value();
  EXPECT_THAT(second.get().answered, ElementsAre("still there"));
}

TEST_F(mailroom_test, ASignalEndsTheShift) {
  auto done = working(desk);
  system.wait_until_blocked(1);
  clerk.interrupt();
  EXPECT_TRUE(done.get().stopped);
  letters.remove().value();
}

TEST_F(mailroom_test, RemovalEndsTheShift) {
  auto done = working(desk);
  system.wait_until_blocked(1);
  letters.remove().value();
  EXPECT_FALSE(done.get().stopped);
  EXPECT_EQ(post(letters, "too late"), posted::closed);
}

}  // namespace
}  // namespace mailroom
