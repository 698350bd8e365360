// The lock between processes: exclusion, deaths of holders, jumps out of them.
#include "robust_lock.hpp"

#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "worker.hpp"

namespace xsipc::posix_test {
namespace {

using posix::lock;
using posix::lock_outcome;
using posix::unlock;

struct guarded {
  std::uint32_t word = 0;
  std::uint32_t other = 0;
  std::atomic<int> stage{0};
  long count = 0;
};

class RobustLock : public ::testing::Test {
 protected:
  RobustLock() { posix::prepare_generations(); }
  shared<guarded> at;
};

TEST_F(RobustLock, ExcludesProcessesAndThreads) {
  const auto work = [&] {
    for (int i = 0; i < 50'000; ++i) {
      EXPECT_EQ(lock(at->word), lock_outcome::taken);
      at->count = at->count + 1;
      unlock(at->word);
    }
    return 0;
  };
  worker first(work);
  worker second(work);
  std::thread third(work);
  third.join();
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(second.wait(), 0);
  EXPECT_EQ(at->count, 150'000);
  EXPECT_EQ(at->word, 0U);
}

TEST_F(RobustLock, TellsTheFirstWhoComesAfterADeadHolder) {
  for (const int signal : {SIGKILL, SIGTERM}) {
    worker holder([&] {
      static_cast<void>(lock(at->word));
      at->stage = 1;
      for (;;) ::pause();
      return 0;
    });
    ASSERT_TRUE(eventually([&] { return at->stage == 1; }));
    at->stage = 0;
    holder.signal(signal);
    holder.wait();
    EXPECT_EQ(lock(at->word), lock_outcome::owner_died);
    unlock(at->word);
    EXPECT_EQ(lock(at->word), lock_outcome::taken);
    unlock(at->word);
  }
}

TEST_F(RobustLock, AWaiterGoesOnWhenTheHolderDies) {
  worker holder([&] {
    static_cast<void>(lock(at->word));
    at->stage = 1;
    for (;;) ::pause();
    return 0;
  });
  ASSERT_TRUE(eventually([&] { return at->stage == 1; }));
  worker waiter([&] { return lock(at->word) == lock_outcome::owner_died ? 0 : 1; });
  ASSERT_TRUE(eventually([&] { return (std::atomic_ref(at->word).load() & FUTEX_WAITERS) != 0; }));
  holder.kill();
  EXPECT_EQ(waiter.wait(), 0);
}

TEST_F(RobustLock, ThreadExitAndExecAreDeathsToo) {
  std::thread([&] { static_cast<void>(lock(at->word)); }).join();
  EXPECT_EQ(lock(at->word), lock_outcome::owner_died);
  unlock(at->word);
  worker executes([&] {
    static_cast<void>(lock(at->word));
    ::execl("/bin/true", "true", nullptr);
    return 1;
  });
  executes.wait();
  EXPECT_EQ(lock(at->word), lock_outcome::owner_died);
  unlock(at->word);
}

TEST_F(RobustLock, AForkedChildHoldsNothing) {
  ASSERT_EQ(lock(at->word), lock_outcome::taken);
  worker child([&] {
    at->stage = 1;
    return lock(at->other) == lock_outcome::taken ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
  unlock(at->word);
  EXPECT_EQ(lock(at->other), lock_outcome::owner_died) << "the child ended with it";
  unlock(at->other);
}

sigjmp_buf outside;
std::uint32_t* in_handler = nullptr;
lock_outcome seen_in_handler = lock_outcome::taken;

TEST_F(RobustLock, AHandlerIsToldAndAJumpIsADeath) {
  ::signal(SIGUSR1, [](int) { seen_in_handler = lock(*in_handler); });
  in_handler = &at->word;
  ASSERT_EQ(lock(at->word), lock_outcome::taken);
  ::raise(SIGUSR1);
  EXPECT_EQ(seen_in_handler, lock_outcome::would_deadlock);
  unlock(at->word);

  ::signal(SIGUSR2, [](int) { siglongjmp(outside, 1); });
  if (sigsetjmp(outside, 1) == 0) {
    [&]() __attribute__((noinline)) {
      static_cast<void>(lock(at->word));
      ::raise(SIGUSR2);
    }
    ();
  }
  EXPECT_EQ(lock(at->word), lock_outcome::owner_died);
  unlock(at->word);
  EXPECT_EQ(lock(at->word), lock_outcome::taken);
  unlock(at->word);
}

TEST_F(RobustLock, AJumpIsADeathWhereverTheNextCallComesFrom) {
  ::signal(SIGUSR2, [](int) { siglongjmp(outside, 1); });
  if (sigsetjmp(outside, 1) == 0) {
    static_cast<void>(lock(at->word));
    ::raise(SIGUSR2);
  }
  const auto from_deep_below = [&]() __attribute__((noinline)) {
    volatile char room[1 << 14];
    room[0] = 0;
    const lock_outcome outcome = lock(at->word);
    room[1] = room[0];
    return outcome;
  };
  EXPECT_EQ(from_deep_below(), lock_outcome::owner_died);
  unlock(at->word);
}

}  // namespace
}  // namespace xsipc::posix_test
