#include "xsipc/fake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <thread>

#include "support/matchers.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::FailsWith;
using test_support::Succeeds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr deadline for_ever = deadline::never();

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

class fake_system_test : public testing::Test {
 protected:
  fake_system_test() : system({.report_leaks = false}) {}

  msqid new_queue(spi::backend& in, ipc_mode mode = 0600) {
    return in.get_queue(key::ipc_private, creation::create_only(mode)).value();
  }
  semid new_set(spi::backend& in, int nsems = 1, ipc_mode mode = 0600) {
    return in.get_set(key::ipc_private, nsems, creation::create_only(mode)).value();
  }
  shmid new_segment(spi::backend& in, std::size_t size = 4096) {
    return in.get_segment(key::ipc_private, size, creation::create_only(0600), {}).value();
  }
  // A call of `who` in a thread of its own, blocked when this returns.
  template <typename Call>
  std::thread blocked(fake_process& who, Call call) {
    const int before = who.blocked_calls();
    std::thread thread(call);
    while (who.blocked_calls() == before) std::this_thread::yield();
    return thread;
  }
  result<received> receive(spi::backend& who, msqid queue, deadline until) {
    std::byte room[64];
    return who.receive(queue, msgtyp_selector::any(), std::span(room), truncation::refuse, until);
  }
  result<void> change(spi::backend& who, semid set, int by, sem_flags flags = sem_flags::none,
                      deadline until = at_once) {
    const sem_operation one{0, static_cast<std::int16_t>(by), flags};
    return who.operate(set, std::span(&one, 1), until);
  }
  int value(spi::backend& who, semid set) { return who.query_semaphore(set, 0, sem_query::value).value(); }
  std::uint64_t nattch(spi::backend& who, shmid segment) {
    return who.stat_segment(static_cast<int>(segment), lookup::id).value().nattch;
  }

  fake_system system;
};

TEST_F(fake_system_test, ProcessesShareObjectsAndSystemsDoNot) {
  fake_process& one = system.process();
  fake_process& other = system.process();
  EXPECT_NE(one.pid(), other.pid());
  const msqid queue = one.get_queue(static_cast<key>(5), creation::create_only(0600)).value();
  EXPECT_EQ(other.get_queue(static_cast<key>(5), creation::find()).value(), queue);
  EXPECT_THAT(make_fake_backend()->get_queue(static_cast<key>(5), creation::find()), FailsWith(ENOENT));
}

TEST_F(fake_system_test, UsersHaveTheRightsOfTheirIds) {
  fake_process& owner = system.process({.uid = 1000});
  fake_process& stranger = system.process({.uid = 1001});
  const msqid queue = new_queue(owner);
  EXPECT_THAT(stranger.send(queue, {1, bytes("x")}, at_once), FailsWith(EACCES));
  EXPECT_THAT(stranger.remove_queue(queue), FailsWith(EPERM));
  stranger.become({.uid = 1001, .privileges = fake_privileges::all()});
  EXPECT_THAT(stranger.send(queue, {1, bytes("x")}, at_once), Succeeds());
  stranger.become({.uid = 1001, .groups = {1000}});
  EXPECT_THAT(stranger.send(queue, {1, bytes("x")}, at_once), FailsWith(EACCES));
}

TEST_F(fake_system_test, KillEndsCallsUndoesAndDetaches) {
  fake_process& victim = system.process();
  fake_process& witness = system.process();
  const msqid queue = new_queue(victim);
  const semid set = new_set(victim);
  const shmid segment = new_segment(victim);
  ASSERT_THAT(victim.attach(segment, {}), Succeeds());
  ASSERT_THAT(change(victim, set, 3, sem_flags::undo), Succeeds());
  result<received> outcome = received{};
  std::thread waiting = blocked(victim, [&] { outcome = receive(victim, queue, for_ever); });
  victim.kill();
  waiting.join();
  EXPECT_THAT(outcome, FailsWith(ESRCH));
  EXPECT_EQ(value(witness, set), 0);
  EXPECT_EQ(witness.query_semaphore(set, 0, sem_query::pid).value(), victim.pid());
  EXPECT_EQ(nattch(witness, segment), 0u);
  EXPECT_THAT(witness.send(queue, {1, bytes("not for the dead")}, at_once), Succeeds());
  EXPECT_EQ(witness.stat_queue(static_cast<int>(queue), lookup::id).value().qnum, 1u);
  EXPECT_TRUE(victim.ended());
  EXPECT_THAT(new_queue(witness), testing::Ne(queue));
  EXPECT_THAT(victim.limits(), Succeeds()) << "what concerns no process may still be asked";
  EXPECT_THAT(victim.remove_queue(queue), FailsWith(ESRCH));
  EXPECT_EQ(system.check(), "");
}

TEST_F(fake_system_test, UndoWakesWhoWaitsForIt) {
  fake_process& holder = system.process();
  fake_process& waiter = system.process();
  const semid set = new_set(holder);
  ASSERT_THAT(change(holder, set, 1), Succeeds());
  ASSERT_THAT(change(holder, set, -1, sem_flags::undo), Succeeds());
  result<void> outcome;
  std::thread waiting = blocked(waiter, [&] { outcome = change(waiter, set, -1, sem_flags::none, for_ever); });
  holder.exit();
  waiting.join();
  EXPECT_THAT(outcome, Succeeds());
}

TEST_F(fake_system_test, AChildHasTheAttachmentsAndNoAdjustments) {
  fake_process& parent = system.process({.uid = 1000});
  const semid set = new_set(parent);
  const shmid segment = new_segment(parent);
  void* const memory = parent.attach(segment, {}).value();
  ASSERT_THAT(change(parent, set, 1, sem_flags::undo), Succeeds());
  fake_process& child = parent.fork();
  EXPECT_EQ(nattch(parent, segment), 2u);
  EXPECT_TRUE(child.attached(memory, 4096, true));
  child.exit();
  EXPECT_EQ(value(parent, set), 1);
  EXPECT_EQ(nattch(parent, segment), 1u);
  EXPECT_FALSE(child.attached(memory, 1, false));
  EXPECT_TRUE(parent.attached(memory, 4096, true));
}

TEST_F(fake_system_test, ExecKeepsAdjustmentsAndDropsAttachmentsAndCalls) {
  fake_process& process = system.process();
  fake_process& witness = system.process();
  const semid set = new_set(process);
  const msqid queue = new_queue(process);
  const shmid segment = new_segment(process);
  ASSERT_THAT(process.attach(segment, {}), Succeeds());
  ASSERT_THAT(change(process, set, 1, sem_flags::undo), Succeeds());
  result<void> waited;
  result<received> received_none = received{};
  std::thread one = blocked(process, [&] { waited = change(process, set, -2, sem_flags::none, for_ever); });
  std::thread two = blocked(process, [&] { received_none = receive(process, queue, for_ever); });
  process.exec();
  one.join();
  two.join();
  EXPECT_THAT(waited, FailsWith(ESRCH));
  EXPECT_THAT(received_none, FailsWith(ESRCH));
  EXPECT_EQ(witness.query_semaphore(set, 0, sem_query::ncnt).value(), 0);
  EXPECT_EQ(nattch(witness, segment), 0u);
  EXPECT_EQ(value(witness, set), 1);
  EXPECT_THAT(process.send(queue, {1, bytes("from the new program")}, at_once), Succeeds());
  process.exit();
  EXPECT_EQ(value(witness, set), 0);
}

TEST_F(fake_system_test, InterruptIsEintrForAllBlockedCallsOrOneThread) {
  fake_process& process = system.process();
  const msqid queue = new_queue(process);
  const semid set = new_set(process);
  result<received> first = received{};
  result<void> second;
  std::thread one = blocked(process, [&] { first = receive(process, queue, for_ever); });
  std::thread two = blocked(process, [&] { second = change(process, set, -1, sem_flags::none, for_ever); });
  process.interrupt(one.get_id());
  one.join();
  EXPECT_THAT(first, FailsWith(EINTR));
  EXPECT_EQ(process.blocked_calls(), 1);
  EXPECT_TRUE(process.blocked(two.get_id()));
  process.interrupt();
  two.join();
  EXPECT_THAT(second, FailsWith(EINTR));
  EXPECT_EQ(process.query_semaphore(set, 0, sem_query::ncnt).value(), 0);
}

TEST_F(fake_system_test, TimePassesOnlyWhenToldTo) {
  fake_process& process = system.process();
  const semid set = new_set(process);
  const auto begin = system.now();
  EXPECT_EQ(process.stat_set(static_cast<int>(set), lookup::id).value().ctime, begin);
  result<void> outcome;
  std::thread waiting = blocked(
      process, [&] { outcome = change(process, set, -1, sem_flags::none, deadline::after(std::chrono::hours(2))); });
  system.advance(std::chrono::hours(1));
  EXPECT_EQ(process.blocked_calls(), 1);
  system.advance(std::chrono::hours(1));
  waiting.join();
  EXPECT_THAT(outcome, FailsWith(EAGAIN));
  EXPECT_EQ(system.now(), begin + 2 * 3600);
  ASSERT_THAT(change(process, set, 1), Succeeds());
  EXPECT_EQ(process.stat_set(static_cast<int>(set), lookup::id).value().otime, begin + 2 * 3600);
}

TEST_F(fake_system_test, AStoppedProcessIsServedButDoesNotGoOn) {
  fake_process& process = system.process();
  fake_process& other = system.process();
  const msqid queue = new_queue(process);
  std::atomic<bool> returned = false;
  std::thread waiting = blocked(process, [&] {
    EXPECT_THAT(receive(process, queue, for_ever), Succeeds());
    returned = true;
  });
  process.stop();
  ASSERT_THAT(other.send(queue, {1, bytes("x")}, at_once), Succeeds());
  EXPECT_EQ(other.stat_queue(static_cast<int>(queue), lookup::id).value().qnum, 0u) << "it has the message";
  EXPECT_FALSE(returned);
  process.resume();
  waiting.join();
  EXPECT_TRUE(returned);
}

TEST_F(fake_system_test, TheNthCallFailsAndDoesNothing) {
  fake_process& process = system.process();
  const msqid queue = new_queue(process);
  system.fail_call(2, EIDRM);
  EXPECT_THAT(process.send(queue, {1, bytes("a")}, at_once), Succeeds());
  EXPECT_THAT(process.send(queue, {1, bytes("b")}, at_once), FailsWith(EIDRM));
  EXPECT_THAT(process.send(queue, {1, bytes("c")}, at_once), Succeeds());
  EXPECT_EQ(process.stat_queue(static_cast<int>(queue), lookup::id).value().qnum, 2u);
}

TEST_F(fake_system_test, ARefusedAllocationIsEnomemAndLeavesEverythingAsItWas) {
  fake_process& process = system.process();
  const msqid queue = new_queue(process);
  system.fail_allocation(1, true);
  EXPECT_THAT(process.send(queue, {1, bytes("a")}, at_once), FailsWith(ENOMEM));
  EXPECT_EQ(system.check(), "");
  system.fail_allocation(0);
  EXPECT_THAT(process.send(queue, {1, bytes("a")}, at_once), Succeeds());
}

// Of a message larger than all the memory there is, and of as many messages as fit.
TEST_F(fake_system_test, AFullStoreIsEnomemUntilSomethingIsTaken) {
  fake_system small({.memory_bytes = 64 * 4096, .report_leaks = false});
  fake_process& process = small.process();
  auto limits = process.limits().value();
  limits.msgmnb = limits.msgmax = 1 << 20;
  ASSERT_THAT(process.change_limits(limits), Succeeds());
  const msqid queue = new_queue(process);
  const std::string text(3000, 'x');
  int sent = 0;
  while (process.send(queue, {1, bytes(text)}, at_once)) ++sent;
  EXPECT_THAT(process.send(queue, {1, bytes(text)}, at_once), FailsWith(ENOMEM));
  EXPECT_GT(sent, 30);
  EXPECT_EQ(small.check(), "");
  std::vector<std::byte> room(4096);
  const auto take = [&] {
    return process.receive(queue, msgtyp_selector::any(), std::span(room), truncation::refuse, at_once);
  };
  EXPECT_THAT(take(), Succeeds());
  EXPECT_THAT(process.send(queue, {1, bytes(text)}, at_once), Succeeds());
  while (take()) continue;
  EXPECT_EQ(small.check(), "");
}

TEST_F(fake_system_test, LeftOverObjectsAreNamed) {
  fake_process& process = system.process();
  EXPECT_THAT(system.objects(), IsEmpty());
  const msqid queue = process.get_queue(static_cast<key>(42), creation::create_only(0600)).value();
  new_set(process, 2);
  EXPECT_THAT(system.objects(), ElementsAre("queue 0 (key 0x2a)", "set 0 (key 0x0)"));
  testing::internal::CaptureStderr();
  {
    fake_system leaky;
    static_cast<void>(leaky.process().get_queue(static_cast<key>(7), creation::create_only(0600)));
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("left over: queue 0 (key 0x7)"));
  ASSERT_THAT(process.send(queue, {1, bytes("hello")}, at_once), Succeeds());
  EXPECT_THAT(system.dump(), HasSubstr("queue 0 (key 0x2a) mode 0600 owner 0:0 1 messages, 5 of 16384 bytes"));
}

TEST_F(fake_system_test, LooksDoNotCountAsCalls) {
  fake_process& process = system.process();
  const msqid queue = new_queue(process);
  system.fail_call(1, EIO);
  EXPECT_THAT(system.objects(), ElementsAre("queue 0 (key 0x0)"));
  EXPECT_THAT(process.send(queue, {1, bytes("a")}, at_once), FailsWith(EIO));
}

TEST_F(fake_system_test, PointersIntoNowhereAreEfault) {
  fake_process& process = system.process();
  fake_process& other = system.process();
  const msqid queue = new_queue(process);
  auto* const nowhere = reinterpret_cast<const std::byte*>(16);
  EXPECT_THAT(process.send(queue, {1, {nowhere, 10}}, at_once), FailsWith(EFAULT));
  const shmid segment = new_segment(process);
  auto* const memory = static_cast<std::byte*>(process.attach(segment, {}).value());
  EXPECT_THAT(process.send(queue, {1, {memory, 10}}, at_once), Succeeds());
  EXPECT_THAT(other.send(queue, {1, {memory, 10}}, at_once), FailsWith(EFAULT)) << "attached by another only";
  auto* const read_only = static_cast<std::byte*>(process.attach(segment, {.read_only = true}).value());
  EXPECT_THAT(process.receive(queue, msgtyp_selector::any(), std::span(read_only, 10), truncation::refuse, at_once),
              FailsWith(EFAULT));
  EXPECT_EQ(process.stat_queue(static_cast<int>(queue), lookup::id).value().qnum, 1u);
}

}  // namespace
}  // namespace xsipc
