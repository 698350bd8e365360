// The actors themselves: what the suites rely on without proving it.
#include "xsipc/conformance/actor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>

#include "sysv.hpp"
#include "watchdog.hpp"
#include "xsipc/conformance/harness.hpp"
#include "xsipc/conformance/matchers.hpp"
#include "xsipc/conformance/runner.hpp"
#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {
namespace {

harness& sysv() {
  static auto* const made = make_process_harness(sysv_backend).release();
  return *made;
}

class Actor : public testing::Test {
 protected:
  Actor() : session_(sysv().begin_test()) {}

  actor& process(const identity& who = {}) { return session_->process(who); }
  static msqid new_queue(actor& owner) {
    return owner.xsi().get_queue(key::ipc_private, creation::create_only(0600)).value();
  }

  std::unique_ptr<session> session_;
};

XSI_ROUTINE(actor_test_echo) { return {context.input.numbers, context.input.bytes + " back"}; }
XSI_ROUTINE(actor_test_getpid) { return {{::getpid(), ::getppid(), ::geteuid(), ::getuid()}, {}}; }

TEST_F(Actor, IsAProcessOfItsOwn) {
  actor& one = process();
  actor& other = process();
  EXPECT_NE(one.pid(), other.pid());
  EXPECT_NE(one.pid(), ::getpid());
  EXPECT_EQ(one.run("actor_test_getpid").numbers.at(0), one.pid());
}

TEST_F(Actor, RunsRoutinesByValue) {
  const auto outcome = process().run("actor_test_echo", {{1, -2, INT64_MAX}, std::string("a\0b", 3)});
  EXPECT_THAT(outcome.numbers, testing::ElementsAre(1, -2, INT64_MAX));
  EXPECT_EQ(outcome.bytes, std::string("a\0b back", 8));
}

TEST_F(Actor, SaysWhichRoutineItDoesNotKnow) { EXPECT_THROW(process().run("no such routine"), std::runtime_error); }

TEST_F(Actor, RefusesAFurtherCallWhileOneIsPending) {
  actor& one = process();
  actor_thread& other = one.begin_thread();
  const msqid queue = new_queue(one);
  auto call = one.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  EXPECT_THROW(static_cast<void>(one.xsi().limits()), std::logic_error);
  EXPECT_THAT(send_text(other.xsi(), queue, 1, "x"), Succeeds());
  EXPECT_THAT(call.get(), SucceedsWith(message{1, "x"}));
}

TEST_F(Actor, AForkIsAChildThatItsParentWaitsFor) {
  actor& parent = process();
  actor& child = parent.fork();
  EXPECT_EQ(child.run("actor_test_getpid").numbers.at(1), parent.pid());
  child.exit_at_once(7);
  const ending end = parent.wait_for(child);
  EXPECT_TRUE(end.exited);
  EXPECT_EQ(end.code, 7);
}

TEST_F(Actor, ExecKeepsThePidAndForgetsMemory) {
  actor& one = process();
  const auto pid = one.pid();
  one.catch_signal(SIGUSR1, false);
  one.exec();
  EXPECT_EQ(one.run("actor_test_getpid").numbers.at(0), pid);
  one.signal(SIGUSR1);  // the handler is gone with the old image
  const ending end = one.await_end();
  EXPECT_FALSE(end.exited);
  EXPECT_EQ(end.signal, SIGUSR1);
}

TEST_F(Actor, ACallWhoseActorDiesIsEsrch) {
  actor& one = process();
  auto call = one.start(receiving(new_queue(one)));
  ASSERT_TRUE(call.blocked());
  one.kill();
  EXPECT_THAT(call.get(), FailsWith(ESRCH));
  EXPECT_THAT(one.xsi().limits(), FailsWith(ESRCH));
}

TEST_F(Actor, ForbiddenMemoryEndsItBySigsegv) {
  actor& one = process();
  EXPECT_FALSE(one.poke(nullptr, "x"));
  EXPECT_EQ(one.await_end().signal, SIGSEGV);
}

TEST_F(Actor, HandsOverSpansThatLie) {
  actor& one = process();
  const msqid queue = new_queue(one);
  const std::byte some{};
  EXPECT_THAT(one.xsi().send(queue, {1, {static_cast<const std::byte*>(nullptr), 3}}, deadline::immediate()),
              FailsWith(EFAULT));
  EXPECT_THAT(one.xsi().send(queue, {1, {&some, SIZE_MAX}}, deadline::immediate()), FailsWith(EINVAL));
  EXPECT_THAT(one.xsi().send(queue, message_view::framed(reinterpret_cast<void*>(8), 3), deadline::immediate()),
              FailsWith(EFAULT));
}

TEST_F(Actor, IsWhoItIsToldToBe) {
  if (!sysv().offers(need::other_users)) GTEST_SKIP() << "only root may";
  actor& one = process({.uid = alice, .real_uid = 0});
  EXPECT_THAT(one.run("actor_test_getpid").numbers, testing::ElementsAre(one.pid(), testing::_, alice, 0));
  actor& other = process();
  other.become({.uid = bob});
  EXPECT_EQ(other.run("actor_test_getpid").numbers.at(2), bob);
}

TEST_F(Actor, StopsAndGoesOn) {
  actor& one = process();
  auto call = one.start([](spi::backend& xsi) { return xsi.limits(); });
  EXPECT_THAT(call.get(), Succeeds());
  one.stop();
  auto later = one.start([](spi::backend& xsi) { return xsi.limits(); });
  EXPECT_FALSE(later.ended());
  one.resume();
  EXPECT_THAT(later.get(), Succeeds());
}

TEST_F(Actor, ASessionLeavesNoProcessBehind) {
  const auto pid = process().fork().pid();
  session_.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(Watchdog, EndsATestThatHangsAndShowsWhere) {
  const auto world = sysv().begin_test();
  actor& one = world->process();
  const msqid queue = one.xsi().get_queue(key::ipc_private, creation::create_only(0600)).value();
  testing::internal::CaptureStderr();
  {
    const watchdog dog("Suite.Hangs", std::chrono::milliseconds(100));
    auto call = one.start(receiving(queue));
    try {
      EXPECT_THAT(call.get(), FailsWith(ESRCH));  // the actor was killed: its call ends
    } catch (const test_expired&) {
      // or the wait for it was given up first
    }
    EXPECT_THROW(throw_if_test_expired("nothing"), test_expired);
  }
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_THAT(shown, testing::HasSubstr("Suite.Hangs has taken 100 ms"));
  EXPECT_THAT(shown, testing::HasSubstr("process " + std::to_string(one.pid())));
  EXPECT_THAT(shown, testing::HasSubstr("state S"));
}

TEST(Watchdog, LeavesATestInPeaceThatEnds) {
  const watchdog dog("Suite.Ends", std::chrono::seconds(30));
  EXPECT_NO_THROW(throw_if_test_expired("nothing"));
}

}  // namespace
}  // namespace xsipc::conformance

int main(int argc, char** argv) {
  using namespace xsipc::conformance;
  static constexpr const process_backend* backends[] = {&sysv_backend};
  serve_if_actor(argc, argv, backends);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
