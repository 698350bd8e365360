#include "xsipc/single_instance.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/matchers.hpp"
#include "support/threads.hpp"

namespace xsipc {
namespace {

using test_support::FailsWith;
using test_support::holds_in_child;
using test_support::Succeeds;

// A child that has told that it is ready, and lives until it is killed.
class living_child {
 public:
  explicit living_child(const std::function<bool()>& work) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      const char ready = work() ? 'y' : 'n';
      static_cast<void>(write(ends[1], &ready, 1) == 1);
      for (;;) pause();
    }
    close(ends[1]);
    char ready = 0;
    ready_ = read(ends[0], &ready, 1) == 1 && ready == 'y';
    close(ends[0]);
  }
  ~living_child() { kill(); }
  living_child(const living_child&) = delete;
  living_child& operator=(const living_child&) = delete;

  [[nodiscard]] bool is_ready() const { return ready_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

class single_instance_test : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(directory_.data()), nullptr); }
  ~single_instance_test() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name = "lock") const { return directory_ + "/" + name; }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] bool is_refused_to_another() const {
    return holds_in_child([&] {
      const auto second = single_instance::claim(path());
      return !second && second.error().code == EAGAIN;
    });
  }
  [[nodiscard]] bool is_free_for_another() const {
    return holds_in_child([&] { return single_instance::claim(path()).has_value(); });
  }

  std::string directory_ = std::filesystem::temp_directory_path() / "single_instance-XXXXXX";
};

TEST_F(single_instance_test, ASecondProcessIsRefused) {
  const auto guard = single_instance::claim(path()).value();
  EXPECT_TRUE(is_refused_to_another());
  EXPECT_TRUE(is_refused_to_another());  // that was refused releases nothing
}

TEST_F(single_instance_test, TheFileHoldsThePidOfTheHolder) {
  std::ofstream(path()) << "12345678901234567890 of somebody before";
  const auto guard = single_instance::claim(path()).value();
  EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
  EXPECT_TRUE(is_refused_to_another());
  EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
}

TEST_F(single_instance_test, IsFreeAgainAtTheEndOfTheGuardAndTheFileIsEmpty) {
  { const auto guard = single_instance::claim(path()).value(); }
  EXPECT_TRUE(std::filesystem::exists(path()));
  EXPECT_EQ(content(), "");
  EXPECT_TRUE(is_free_for_another());
  EXPECT_THAT(single_instance::claim(path()), Succeeds());
}

TEST_F(single_instance_test, IsFreeAgainAfterSigkill) {
  std::optional<single_instance> kept;
  living_child holder([&] {
    auto claimed = single_instance::claim(path());
    if (claimed) kept.emplace(*std::move(claimed));
    return kept.has_value();
  });
  ASSERT_TRUE(holder.is_ready());
  EXPECT_THAT(single_instance::claim(path()), FailsWith(EAGAIN));
  EXPECT_EQ(content(), std::to_string(holder.pid()) + "\n");
  holder.kill();
  const auto guard = single_instance::claim(path());
  EXPECT_THAT(guard, Succeeds());
  EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
}

// The holder forks, and is killed: its child lives on and holds nothing.
TEST_F(single_instance_test, IsNotHeldByAForkedChild) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  std::optional<single_instance> kept;
  living_child holder([&] {
    auto claimed = single_instance::claim(path());
    if (!claimed) return false;
    kept.emplace(*std::move(claimed));
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      for (;;) pause();
    }
    return write(ends[1], &grandchild, sizeof grandchild) == sizeof grandchild;
  });
  ASSERT_TRUE(holder.is_ready());
  pid_t grandchild = -1;
  ASSERT_EQ(read(ends[0], &grandchild, sizeof grandchild), ssize_t{sizeof grandchild});
  holder.kill();
  EXPECT_EQ(kill(grandchild, 0), 0);
  EXPECT_THAT(single_instance::claim(path()), Succeeds());
  kill(grandchild, SIGKILL);
  for (const int end : ends) close(end);
}

TEST_F(single_instance_test, AForkedChildThatDestroysItsCopyReleasesNothing) {
  auto guard = std::optional(single_instance::claim(path()).value());
  EXPECT_TRUE(holds_in_child([&] {
    if (single_instance::claim(path())) return false;  // nor does it hold it
    guard.reset();
    return true;
  }));
  EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
  EXPECT_TRUE(is_refused_to_another());
}

TEST_F(single_instance_test, ASecondGuardOfTheSameProcessIsRefusedAndReleasesNothing) {
  const auto guard = single_instance::claim(path()).value();
  ASSERT_EQ(link(path().c_str(), path("other name").c_str()), 0);
  for (const std::string& name : {path(), path("other name"), directory_ + "/./lock"}) {
    EXPECT_THAT(single_instance::claim(name), FailsWith(EAGAIN)) << name;
    EXPECT_TRUE(is_refused_to_another());
  }
  EXPECT_THAT(single_instance::claim(path("another")), Succeeds());
  EXPECT_TRUE(is_refused_to_another());
}

// What a lock of fcntl(2) would not survive.
TEST_F(single_instance_test, ReadingTheFileReleasesNothing) {
  const auto guard = single_instance::claim(path()).value();
  EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
  EXPECT_TRUE(is_refused_to_another());
}

TEST_F(single_instance_test, AForkedChildMayClaimItLaterWithItsCopyOfTheOldGuard) {
  auto guard = std::optional(single_instance::claim(path()).value());
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    close(ends[1]);
    char byte = 0;
    if (read(ends[0], &byte, 1) != 0) _exit(1);  // until the parent has released it
    const auto own = single_instance::claim(path());
    guard.reset();
    _exit(own && is_refused_to_another() && content() == std::to_string(getpid()) + "\n" ? 0 : 2);
  }
  guard.reset();
  for (const int end : ends) close(end);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(single_instance_test, ThreadsThatForkMeanwhileGiveNothingAway) {
  std::atomic<bool> done{false};
  std::atomic<bool> wrong{false};
  test_support::posix_thread forker([&] {
    while (!done) {
      // The child lives until after the guard has gone: what it inherited it must not hold.
      const pid_t child = fork();
      if (child == 0) {
        for (;;) pause();
      }
      if (!single_instance::claim(path("its own")).has_value()) wrong = true;
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  });
  for (int i = 0; i < 200; ++i) {
    if (!single_instance::claim(path()).has_value()) wrong = true;
  }
  done = true;
  forker.join();
  EXPECT_FALSE(wrong);
}

TEST_F(single_instance_test, CanBeMoved) {
  auto first = single_instance::claim(path()).value();
  auto second = std::move(first);
  EXPECT_TRUE(is_refused_to_another());
  auto other = single_instance::claim(path("other")).value();
  other = std::move(second);
  EXPECT_TRUE(is_refused_to_another());
  { const auto last = std::move(other); }
  EXPECT_TRUE(is_free_for_another());
}

TEST_F(single_instance_test, ASymbolicLinkIsRefusedAndWhatItNamesStays) {
  std::ofstream(path("precious")) << "content";
  for (const char* target : {"precious", "nothing", "lock"}) {
    ASSERT_EQ(symlink(target, path().c_str()), 0);
    EXPECT_THAT(single_instance::claim(path()), FailsWith(ELOOP)) << target;
    EXPECT_FALSE(std::filesystem::exists(path("nothing")));
    ASSERT_EQ(unlink(path().c_str()), 0);
  }
  EXPECT_EQ(std::filesystem::file_size(path("precious")), 7U);
}

TEST_F(single_instance_test, ReportsWhatOpenReports) {
  EXPECT_THAT(single_instance::claim(path("no/such/folder")), FailsWith(ENOENT));
  EXPECT_THAT(single_instance::claim(directory_), FailsWith(EISDIR));
  EXPECT_THAT(single_instance::claim(""), FailsWith(ENOENT));
  EXPECT_THAT(single_instance::claim(path(std::string(300, 'x'))), FailsWith(ENAMETOOLONG));
}

TEST_F(single_instance_test, WhatMayNotBeOpenedIsEaccesNotEagain) {
  std::ofstream(path()) << "";
  ASSERT_EQ(chmod(path().c_str(), 0644), 0);
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  EXPECT_TRUE(holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    const auto guard = single_instance::claim(path());
    return !guard && guard.error().code == EACCES;
  }));
}

TEST_F(single_instance_test, TheFileHasMode0644AndIsClosedByExec) {
  const auto guard = single_instance::claim(path()).value();
  struct stat status {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  const mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(status.st_mode & 0777U, 0644U & ~mask);
  int open_descriptors = 0;
  for (int descriptor = 0; descriptor < 256; ++descriptor) {
    struct stat its {};
    if (fstat(descriptor, &its) != 0 || its.st_ino != status.st_ino || its.st_dev != status.st_dev) continue;
    ++open_descriptors;
    EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(open_descriptors, 1);
}

TEST_F(single_instance_test, IsNoCancellationPoint) {
  bool returned = false;
  int state = -1;
  test_support::posix_thread thread([&] {
    pthread_cancel(pthread_self());
    { const auto guard = single_instance::claim(path()).value(); }
    returned = !single_instance::claim(path("no/such/folder"));
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);  // asked for, and never carried out
  });
  EXPECT_FALSE(thread.join());
  EXPECT_TRUE(returned);
  EXPECT_EQ(state, PTHREAD_CANCEL_ENABLE);
  EXPECT_TRUE(is_free_for_another());
}

TEST_F(single_instance_test, OfRacingProcessesOneAtATimeHoldsIt) {
  void* const memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& holders = *new (memory) std::atomic<int>(0);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    ASSERT_NE(child, -1);
    if (child == 0) {
      for (int claimed = 0; claimed < 50;) {
        const auto guard = single_instance::claim(path());
        if (!guard && guard.error().code != EAGAIN) _exit(1);
        if (!guard) continue;
        if (holders.fetch_add(1) != 0) _exit(2);
        if (content() != std::to_string(getpid()) + "\n") _exit(3);
        holders.fetch_sub(1);
        ++claimed;
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  munmap(memory, 4096);
}

TEST_F(single_instance_test, OfRacingThreadsOneAtATimeHoldsIt) {
  std::atomic<int> holders{0};
  std::atomic<bool> wrong{false};
  const auto race = [&] {
    for (int claimed = 0; claimed < 50;) {
      const auto guard = single_instance::claim(path());
      if (!guard && guard.error().code != EAGAIN) wrong = true;
      if (!guard) continue;
      if (holders.fetch_add(1) != 0) wrong = true;
      holders.fetch_sub(1);
      ++claimed;
    }
  };
  {
    test_support::posix_thread first(race);
    test_support::posix_thread second(race);
  }
  EXPECT_FALSE(wrong);
}

}  // namespace
}  // namespace xsipc
