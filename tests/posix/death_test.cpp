// What a process that ends leaves behind, and how soon the others notice.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "private_namespace.hpp"
#include "worker.hpp"

namespace xsipc::posix_test {
namespace {

using std::chrono::steady_clock;

constexpr sem_operation take_with_undo{0, -1, sem_flags::undo};
constexpr sem_operation add_with_undo{0, 1, sem_flags::undo};

class Death : public ::testing::Test {
 protected:
  semid new_set(int value) {
    const semid set = place.xsi().get_set(key::ipc_private, 2, creation::create_only(0600)).value();
    EXPECT_TRUE(place.xsi().set_value(set, 0, value));
    return set;
  }
  [[nodiscard]] int value(semid set) const { return place.xsi().query_semaphore(set, 0, sem_query::value).value(); }
  // A process that holds the lock `set` until it ends; returns once it does.
  worker holder_of(semid set) {
    worker holder([this, set] {
      if (!place.xsi().operate(set, {&take_with_undo, 1}, deadline::never())) return 1;
      for (;;) ::pause();
    });
    EXPECT_TRUE(eventually([&] { return value(set) == 0; }));
    return holder;
  }

  private_namespace place;
};

TEST_F(Death, WhoHasWaitedForAKilledHolderSeesTheUndoneValue) {
  const semid set = new_set(1);
  for (int round = 0; round < 50; ++round) {
    worker holder = holder_of(set);
    const pid_t pid = holder.pid();
    holder.kill();
    ASSERT_EQ(value(set), 1);
    EXPECT_EQ(place.xsi().query_semaphore(set, 0, sem_query::pid).value(), pid);
  }
}

TEST_F(Death, AZombieIsDead) {
  const semid set = new_set(1);
  worker holder = holder_of(set);
  holder.signal(SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(holder.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(value(set), 1);
}

TEST_F(Death, AStoppedProcessLives) {
  const semid set = new_set(1);
  worker holder = holder_of(set);
  holder.stop();
  EXPECT_EQ(value(set), 0);
  holder.resume();
  EXPECT_EQ(value(set), 0);
}

TEST_F(Death, AnOrderlyEndGivesBackAtOnce) {
  const semid set = new_set(1);
  worker holder([&] {
    static_cast<void>(place.xsi().operate(set, {&take_with_undo, 1}, deadline::never()));
    std::exit(0);
    return 0;
  });
  holder.wait();
  EXPECT_EQ(value(set), 1);
}

TEST_F(Death, ThreadsOfAProcessShareItsUndo) {
  const semid set = new_set(1);
  worker holder([&] {
    std::thread([&] { static_cast<void>(place.xsi().operate(set, {&take_with_undo, 1}, deadline::never())); }).join();
    for (;;) ::pause();
    return 0;
  });
  ASSERT_TRUE(eventually([&] { return value(set) == 0; }));
  // The thread is gone, its process isn't.
  EXPECT_EQ(value(set), 0);
  holder.kill();
  EXPECT_EQ(value(set), 1);
}

// The thread that stood for the process's life ends; so does the leader, and others go on.
TEST_F(Death, AProcessLivesAsLongAsAnyOfItsThreads) {
  const semid set = new_set(1);
  worker holder([&] {
    std::thread([&] {
      static_cast<void>(place.xsi().operate(set, {&take_with_undo, 1}, deadline::never()));
      for (;;) ::pause();
    }).detach();
    ::syscall(SYS_exit, 0);  // the leader only
    return 0;
  });
  ASSERT_TRUE(eventually([&] { return value(set) == 0; }));
  for (int look = 0; look < 100; ++look) ASSERT_EQ(value(set), 0);
  holder.kill();
  EXPECT_EQ(value(set), 1);
}

TEST_F(Death, AdjustmentsSurviveExecAndNoFork) {
  const semid set = new_set(1);
  worker holder([&] {
    static_cast<void>(place.xsi().operate(set, {&take_with_undo, 1}, deadline::never()));
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    ::execl("/bin/sleep", "sleep", "1000", nullptr);
    return 1;
  });
  ASSERT_TRUE(eventually([&] {
    char name[64] = {};
    const std::string path = "/proc/" + std::to_string(holder.pid()) + "/exe";
    const auto length = ::readlink(path.c_str(), name, sizeof name - 1);
    return length > 0 && std::string(name).find("posix_tests") == std::string::npos;
  }));
  EXPECT_EQ(value(set), 0);
  holder.kill();
  EXPECT_EQ(value(set), 1);
}

TEST_F(Death, OfARawForkIsTheChildsOwn) {
  const semid set = new_set(1);
  worker parent([&] {
    static_cast<void>(place.xsi().operate(set, {&add_with_undo, 1}, deadline::never()));  // 2
    const long child = ::syscall(SYS_fork);
    if (child == 0) {
      static_cast<void>(place.xsi().operate(set, {&add_with_undo, 1}, deadline::never()));  // 3
      ::_exit(0);
    }
    ::waitpid(static_cast<pid_t>(child), nullptr, 0);
    const bool only_the_childs = place.xsi().query_semaphore(set, 0, sem_query::value).value() == 2;
    ::_exit(only_the_childs ? 0 : 1);
    return 0;
  });
  EXPECT_EQ(parent.wait(), 0);
  EXPECT_EQ(value(set), 1);
}

TEST_F(Death, AttachmentsAreCountedThroughForkExecExitAndKill) {
  const shmid segment = place.xsi().get_segment(key::ipc_private, 8192, creation::create_only(0600), {}).value();
  const auto nattch = [&] { return place.xsi().stat_segment(static_cast<int>(segment), lookup::id).value().nattch; };
  const void* const here = place.xsi().attach(segment, {}).value();
  EXPECT_EQ(nattch(), 1U);
  worker killed([] {
    for (;;) ::pause();
    return 0;
  });
  EXPECT_EQ(nattch(), 2U);
  worker raw([] {
    for (;;) ::pause();
    return 0;
  });
  EXPECT_EQ(nattch(), 3U);
  killed.kill();
  EXPECT_EQ(nattch(), 2U);
  raw.kill();
  EXPECT_EQ(nattch(), 1U);
  worker executing([] {
    ::execl("/bin/sleep", "sleep", "1000", nullptr);
    return 1;
  });
  EXPECT_TRUE(eventually([&] { return nattch() == 1U; }));
  worker ending([] { return 0; });
  ending.wait();
  EXPECT_EQ(nattch(), 1U);
  ASSERT_TRUE(place.xsi().detach(here));
  EXPECT_EQ(nattch(), 0U);
  ASSERT_TRUE(place.xsi().remove_segment(segment));
}

// A waiter that was handed a message and died gives it back to its place.
TEST_F(Death, AMessageOfADeadReceiverIsReceivedByTheNext) {
  const msqid queue = place.xsi().get_queue(key::ipc_private, creation::create_only(0600)).value();
  for (int round = 0; round < 20; ++round) {
    worker receiver([&] {
      std::array<std::byte, 8> text{};
      static_cast<void>(place.xsi().receive(queue, msgtyp_selector::any(), message_buffer(text), truncation::refuse,
                                            deadline::never()));
      return 0;
    });
    ASSERT_TRUE(eventually([&] { return receiver.is_parked(); }));
    receiver.stop();
    const std::array<std::byte, 8> text{std::byte{7}};
    ASSERT_TRUE(place.xsi().send(queue, message_view(1, text), deadline::immediate()));
    receiver.kill();
    std::array<std::byte, 8> got{};
    const auto received = place.xsi().receive(queue, msgtyp_selector::any(), message_buffer(got), truncation::refuse,
                                              deadline::immediate());
    ASSERT_TRUE(received) << "round " << round;
    EXPECT_EQ(got, text);
  }
}

// Of a sample: the middle one, and the last.
struct times {
  double median_ms = 0;
  double most_ms = 0;
};
times summary(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return {of[of.size() / 2], of.back()};
}

class NoticedDeath : public Death, public ::testing::WithParamInterface<int> {};

// Holders of adjustments, one of whom has what a waiter waits for: how long after its SIGKILL the waiter goes on.
TEST_P(NoticedDeath, LetsAWaiterProceed) {
  const int holders = GetParam();
  const int rounds = 15;
  std::vector<double> waited;
  const semid set = new_set(1);
  const sem_operation other{1, 1, sem_flags::undo};
  std::vector<worker> others;
  shared<std::atomic<int>> ready;
  for (int i = 1; i < holders; ++i) {
    others.emplace_back([&] {
      static_cast<void>(place.xsi().operate(set, {&other, 1}, deadline::never()));
      ++*ready;
      for (;;) ::pause();
      return 0;
    });
  }
  ASSERT_TRUE(eventually([&] { return *ready == holders - 1; }));
  shared<std::atomic<std::int64_t>> proceeded;
  const auto now_ns = [] { return steady_clock::now().time_since_epoch().count(); };
  for (int round = 0; round < rounds; ++round) {
    worker holder = holder_of(set);
    *proceeded = 0;
    worker waiter([&] {
      static_cast<void>(place.xsi().operate(set, {&take_with_undo, 1}, deadline::never()));
      *proceeded = now_ns();
      return 0;
    });
    ASSERT_TRUE(eventually([&] { return waiter.is_parked(); }));
    const std::int64_t killed = now_ns();
    holder.kill();
    ASSERT_TRUE(eventually([&] { return *proceeded != 0; }));
    waited.push_back(static_cast<double>(*proceeded - killed) / 1e6);
    waiter.wait();
    ASSERT_TRUE(eventually([&] { return value(set) == 1; }));
  }
  const times seen = summary(waited);
  std::printf("%d holders: a waiter proceeds %.1f ms after SIGKILL (median of %d; %.1f at most)\n", holders,
              seen.median_ms, rounds, seen.most_ms);
  EXPECT_LT(seen.median_ms, 25);
}
INSTANTIATE_TEST_SUITE_P(Of, NoticedDeath, ::testing::Values(1, 10, 100));

// A waiter that is asleep before anybody holds adjustments looks as often.
TEST_F(Death, IsNoticedByWhoSleptBeforeThereWasAHolder) {
  const semid set = new_set(0);
  worker waiter([&] {
    const sem_operation two{0, -2, sem_flags::none};
    return place.xsi().operate(set, {&two, 1}, deadline::never()) ? 0 : 1;
  });
  ASSERT_TRUE(eventually([&] { return waiter.is_parked(); }));
  const sem_operation up{0, 1, sem_flags::none};
  ASSERT_TRUE(place.xsi().operate(set, {&up, 1}, deadline::never()));
  ASSERT_TRUE(place.xsi().operate(set, {&up, 1}, deadline::never()));
  EXPECT_EQ(waiter.wait(), 0);

  worker second([&] {
    const sem_operation one{0, -1, sem_flags::none};
    return place.xsi().operate(set, {&one, 1}, deadline::never()) ? 0 : 1;
  });
  ASSERT_TRUE(eventually([&] { return second.is_parked(); }));
  shared<std::atomic<int>> held;
  const sem_operation out_and_in[] = {{1, 1, sem_flags::undo}};
  worker holder([&] {
    static_cast<void>(place.xsi().operate(set, out_and_in, deadline::never()));
    *held = 1;
    for (;;) ::pause();
    return 0;
  });
  ASSERT_TRUE(eventually([&] { return *held == 1; }));
  const auto begin = steady_clock::now();
  holder.kill();
  // Nobody calls: the waiter itself takes the dead one's adjustment back.
  ASSERT_TRUE(eventually([&] { return second.is_parked(); }));
  ASSERT_TRUE(place.xsi().operate(set, {&up, 1}, deadline::never()));
  EXPECT_EQ(second.wait(), 0);
  EXPECT_LT(steady_clock::now() - begin, patience);
}

}  // namespace
}  // namespace xsipc::posix_test
