#include "xsipc/boost.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/container/map.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <cerrno>
#include <functional>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/child.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"
#include "support/threads.hpp"

namespace xsipc {
namespace {

using test_support::FailsWith;
using test_support::Holds;
using test_support::holds_in_child;

using text = boost::container::basic_string<char, std::char_traits<char>, segment_allocator<char>>;
using texts = boost::container::vector<text, segment_allocator<text>>;
using counts = boost::container::map<text, int, std::less<>, segment_allocator<std::pair<const text, int>>>;

constexpr std::size_t size_bytes = 256 * 1024;

std::string word(int number) { return "a word that is too long to be kept in place, " + std::to_string(number); }

text make_text(managed_segment& heap, const std::string& from) {
  return {from.data(), from.size(), heap.get_segment_manager()};
}

void fill(managed_segment& heap, int words) {
  auto& list = *heap.construct<texts>("list")(heap.get_segment_manager());
  auto& map = *heap.construct<counts>("map")(std::less<>(), heap.get_segment_manager());
  for (int i = 0; i < words; ++i) {
    list.push_back(make_text(heap, word(i)));
    map.emplace(make_text(heap, word(i)), i);
  }
}

bool is_filled(managed_segment& heap, int words) {
  const auto [list, lists] = heap.find<texts>("list");
  const auto [map, maps] = heap.find<counts>("map");
  if (lists != 1 || maps != 1 || !heap.check_sanity()) return false;
  if (list->size() != static_cast<std::size_t>(words) || map->size() != list->size()) return false;
  for (int i = 0; i < words; ++i) {
    const text wanted = make_text(heap, word(i));
    const auto found = map->find(wanted);
    if ((*list)[static_cast<std::size_t>(i)] != wanted || found == map->end() || found->second != i) return false;
  }
  return true;
}

class boost_test : public test_support::sysv_test {
 protected:
  semaphore_set new_lock() {
    auto set = new_set(2);
    set.set_values(std::vector<std::uint16_t>{0, 1}).value();
    return set;
  }

  shared_memory segment_ = new_segment(size_bytes);
};

TEST_F(boost_test, AContainerLivesInTheSegment) {
  const auto attachment = segment_.attach().value();
  managed_segment heap = make_managed_segment(attachment);
  fill(heap, 100);
  EXPECT_TRUE(is_filled(heap, 100));
  EXPECT_EQ(heap.get_size(), size_bytes);
  EXPECT_EQ(heap.get_address(), attachment.data());
  const auto* const first = heap.find<texts>("list").first->front().data();
  const auto* const begin = static_cast<const char*>(attachment.data());
  EXPECT_TRUE(first > begin && first < begin + size_bytes);
}

TEST_F(boost_test, EveryAttachmentShowsTheSame) {
  const auto made = segment_.attach().value();
  managed_segment first = make_managed_segment(made);
  fill(first, 100);
  std::vector<shared_memory_attachment> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(segment_.attach().value());
    EXPECT_NE(others.back().data(), made.data());
    managed_segment heap = open_managed_segment(others.back());
    EXPECT_TRUE(is_filled(heap, 100));
    heap.find<texts>("list").first->push_back(make_text(heap, word(100)));
    heap.find<counts>("map").first->emplace(make_text(heap, word(100)), 100);
    EXPECT_TRUE(is_filled(first, 101));
    first.find<texts>("list").first->pop_back();
    first.find<counts>("map").first->erase(make_text(first, word(100)));
  }
}

TEST_F(boost_test, ContainersSurviveDetachingAndAttachingElsewhere) {
  shared_memory_attachment attachment = segment_.attach().value();
  {
    managed_segment heap = make_managed_segment(attachment);
    fill(heap, 200);
  }
  for (int i = 0; i < 5; ++i) {
    shared_memory_attachment elsewhere = segment_.attach().value();
    ASSERT_NE(elsewhere.data(), attachment.data());
    attachment = std::move(elsewhere);
    managed_segment heap = open_managed_segment(attachment);
    EXPECT_TRUE(is_filled(heap, 200));
  }
  EXPECT_EQ(segment_.stat()->nattch, 1U);
}

TEST_F(boost_test, ContainersOutliveTheProcessThatMadeThem) {
  EXPECT_TRUE(holds_in_child([&] {
    const auto attachment = segment_.attach().value();
    managed_segment heap = make_managed_segment(attachment);
    fill(heap, 50);
    return true;
  }));
  const auto attachment = segment_.attach().value();
  managed_segment heap = open_managed_segment(attachment);
  EXPECT_TRUE(is_filled(heap, 50));
}

TEST_F(boost_test, MakingForgetsWhatWasThere) {
  const auto attachment = segment_.attach().value();
  managed_segment first = make_managed_segment(attachment);
  const auto free_bytes = first.get_free_memory();
  fill(first, 50);
  managed_segment second = make_managed_segment(attachment);
  EXPECT_EQ(second.find<texts>("list").first, nullptr);
  EXPECT_EQ(second.get_free_memory(), free_bytes);
}

TEST_F(boost_test, DestroyingGivesAllMemoryBack) {
  const auto attachment = segment_.attach().value();
  managed_segment heap = make_managed_segment(attachment);
  const auto before = heap.get_free_memory();
  fill(heap, 50);
  EXPECT_LT(heap.get_free_memory(), before);
  EXPECT_TRUE(heap.destroy<counts>("map"));
  EXPECT_TRUE(heap.destroy<texts>("list"));
  heap.shrink_to_fit_indexes();
  EXPECT_TRUE(heap.all_memory_deallocated());
}

TEST_F(boost_test, AFullSegmentThrowsBadAllocAndStaysWhole) {
  const auto attachment = segment_.attach().value();
  managed_segment heap = make_managed_segment(attachment);
  fill(heap, 100);
  auto& more = *heap.construct<texts>("more")(heap.get_segment_manager());
  EXPECT_THROW(
      {
        for (;;) more.push_back(make_text(heap, std::string(5000, 'x')));
      },
      boost::interprocess::bad_alloc);
  EXPECT_GT(more.size(), 10U);
  EXPECT_TRUE(is_filled(heap, 100));
  heap.destroy<texts>("more");
  EXPECT_TRUE(is_filled(heap, 100));
  EXPECT_EQ(make_text(heap, std::string(50'000, 'x')).size(), 50'000U);  // there is room again
}

TEST_F(boost_test, ASegmentThatIsTooSmallThrows) {
  const auto attachment = new_segment(64).attach().value();
  EXPECT_THROW(static_cast<void>(make_managed_segment(attachment)), boost::interprocess::interprocess_exception);
}

TEST_F(boost_test, TheLockIsASemaphoreOfTheSet) {
  auto set = new_lock();
  segment_lock lock(set, 1);
  {
    const std::lock_guard guard(lock);
    EXPECT_THAT(set.values(), Holds(std::vector<std::uint16_t>{0, 0}));
    EXPECT_FALSE(lock.try_lock());
  }
  EXPECT_THAT(set.values(), Holds(std::vector<std::uint16_t>{0, 1}));
  EXPECT_TRUE(lock.try_lock());
  EXPECT_FALSE(segment_lock(set, 1).try_lock());
  lock.unlock();
  EXPECT_TRUE(std::unique_lock(lock, std::try_to_lock).owns_lock());
}

TEST_F(boost_test, AProcessThatEndsAfterUnlockingGivesNothingBack) {
  auto set = new_lock();
  EXPECT_TRUE(holds_in_child([&] {
    segment_lock lock(set, 1);
    for (int i = 0; i < 1000; ++i) const std::lock_guard guard(lock);
    return true;
  }));
  EXPECT_THAT(set.value(1), Holds(1));
}

// A child that takes the lock and is killed with it.
pid_t start_holder(segment_lock lock) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    lock.lock();
    if (write(ends[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char ready = 0;
  const bool came = read(ends[0], &ready, 1) == 1;
  for (const int end : ends) close(end);
  return came ? child : -1;
}

TEST_F(boost_test, TheLockIsGivenBackWhenItsHolderIsKilled) {
  auto set = new_lock();
  segment_lock lock(set, 1);
  for (int round = 0; round < 20; ++round) {
    const pid_t holder = start_holder(lock);
    ASSERT_GT(holder, 0);
    ASSERT_FALSE(lock.try_lock());
    bool locked = false;
    test_support::posix_thread waiter([&] {
      lock.lock();
      locked = true;
      lock.unlock();
    });
    ASSERT_TRUE(waiter.blocks_in(SYS_semop));
    kill(holder, SIGKILL);
    waiter.join();
    EXPECT_TRUE(locked);
    waitpid(holder, nullptr, 0);
    EXPECT_THAT(set.value(1), Holds(1));
  }
}

TEST_F(boost_test, LockGoesOnAfterASignal) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer holds signals back from a thread that sleeps in a raw system call";
#endif
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, &before);
  auto set = new_lock();
  segment_lock lock(set, 1);
  lock.lock();
  pthread_t self{};
  bool locked = false;
  test_support::posix_thread waiter([&] {
    self = pthread_self();
    lock.lock();
    locked = true;
  });
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(waiter.blocks_in(SYS_semop));
    pthread_kill(self, SIGUSR1);
  }
  lock.unlock();
  waiter.join();
  EXPECT_TRUE(locked);
  lock.unlock();
  sigaction(SIGUSR1, &before, nullptr);
}

int code_of(const std::function<void()>& call) {
  try {
    call();
    return 0;
  } catch (const std::system_error& problem) {
    return problem.code().value();
  }
}

TEST_F(boost_test, LockingAfterTheSetIsRemovedThrows) {
  auto set = new_lock();
  segment_lock lock(set, 1);
  lock.lock();
  int code = 0;
  test_support::posix_thread waiter([&] { code = code_of([&] { lock.lock(); }); });
  ASSERT_TRUE(waiter.blocks_in(SYS_semop));
  set.remove().value();
  waiter.join();
  EXPECT_EQ(code, EIDRM);
  EXPECT_EQ(code_of([&] { lock.lock(); }), EINVAL);
  EXPECT_EQ(code_of([&] { static_cast<void>(lock.try_lock()); }), EINVAL);
}

TEST_F(boost_test, AGuardOfALockWhoseSetIsRemovedEndsInPeace) {
  auto set = new_lock();
  segment_lock lock(set, 1);
  {
    const std::lock_guard guard(lock);
    set.remove().value();
  }
  EXPECT_THAT(set.value(1), FailsWith(EINVAL));
}

// Two processes change the same containers, each in its own attachment.
TEST_F(boost_test, ProcessesShareContainersUnderTheLock) {
  constexpr int rounds = 300;
  auto set = new_lock();
  const auto attachment = segment_.attach().value();
  {
    managed_segment heap = make_managed_segment(attachment);
    fill(heap, 0);
  }
  const auto add = [&](int from) {
    const auto own = segment_.attach().value();
    managed_segment heap = open_managed_segment(own);
    segment_lock lock(set, 1);
    for (int i = from; i < from + rounds; ++i) {
      const std::lock_guard guard(lock);
      heap.find<texts>("list").first->push_back(make_text(heap, word(i)));
      ++(*heap.find<counts>("map").first)[make_text(heap, word(i % 10))];
    }
    return true;
  };
  std::vector<pid_t> children;
  for (const int from : {0, rounds}) {
    const pid_t child = fork();
    ASSERT_NE(child, -1);
    if (child == 0) _exit(add(from) ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  managed_segment heap = open_managed_segment(attachment);
  EXPECT_TRUE(heap.check_sanity());
  EXPECT_EQ(heap.find<texts>("list").first->size(), std::size_t{2 * rounds});
  const auto& map = *heap.find<counts>("map").first;
  EXPECT_EQ(map.size(), 10U);
  for (const auto& [which, count] : map) EXPECT_EQ(count, 2 * rounds / 10) << which.c_str();
}

}  // namespace
}  // namespace xsipc
