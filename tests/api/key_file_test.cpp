#include "xsipc/key_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
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
#include <new>
#include <set>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"
#include "support/threads.hpp"
#include "xsipc/decorators/fault_backend.hpp"

namespace xsipc {
namespace {

using test_support::FailsWith;
using test_support::Holds;
using test_support::Succeeds;

constexpr std::size_t content_bytes = 21;  // "xsipc key 0x", eight digits, the end of the line

class key_file_test : public test_support::sysv_test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(directory_.data()), nullptr); }
  ~key_file_test() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name = "key") const { return directory_ + "/" + name; }
  void put(const std::string& content) const { std::ofstream(path()) << content; }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) names.insert(entry.path().filename());
    return names;
  }

  std::string directory_ = std::filesystem::temp_directory_path() / "key_file-XXXXXX";
};

TEST_F(key_file_test, TheFirstCallMakesTheFileAndTheOthersReadIt) {
  const key first = key_from_file(path(), on()).value();
  EXPECT_NE(first, key::ipc_private);
  EXPECT_THAT(files(), testing::ElementsAre("key"));
  const std::string before = content();
  EXPECT_THAT(key_from_file(path(), on()), Holds(first));
  EXPECT_THAT(test_support::value_from_child([&] { return key_from_file(path(), on()).value(); }),
              testing::Optional(first));
  EXPECT_EQ(content(), before);
}

TEST_F(key_file_test, TwoFilesHaveTwoKeys) {
  EXPECT_NE(key_from_file(path("one"), on()).value(), key_from_file(path("two"), on()).value());
}

TEST_F(key_file_test, TheKeyNamesNothing) {
  for (int i = 0; i < 100; ++i) {
    const key chosen = key_from_file(path(std::to_string(i)), on()).value();
    EXPECT_THAT(message_queue::get(chosen, creation::find(), on()), FailsWith(ENOENT));
    EXPECT_THAT(semaphore_set::get(chosen, 0, creation::find(), on()), FailsWith(ENOENT));
    EXPECT_THAT(shared_memory::get(chosen, 0, creation::find(), {}, on()), FailsWith(ENOENT));
  }
}

// EACCES is what a look-up says of an object that exists and is not for the caller.
TEST_F(key_file_test, AKeyThatNamesAnythingIsNotChosen) {
  const auto faulty = make_fault_backend(make_sysv_backend());
  for (const xsi_call call : {xsi_call::msgget, xsi_call::semget, xsi_call::shmget}) {
    faulty->fail({.code = EACCES, .only = call});
    EXPECT_THAT(key_from_file(path(), *faulty), Succeeds());
    EXPECT_EQ(faulty->struck(), 1U);
    ASSERT_EQ(unlink(path().c_str()), 0);
    faulty->fail({.code = EACCES, .persistent = true, .only = call});
    EXPECT_THAT(key_from_file(path(), *faulty), FailsWith(EAGAIN));
    EXPECT_THAT(files(), testing::IsEmpty());
  }
}

TEST_F(key_file_test, ReportsABackendThatCannotTell) {
  const auto faulty = make_fault_backend(make_sysv_backend());
  for (const xsi_call call : {xsi_call::msgget, xsi_call::semget, xsi_call::shmget}) {
    faulty->fail({.code = ENOSYS, .only = call});
    EXPECT_THAT(key_from_file(path(), *faulty), FailsWith(ENOSYS));
    EXPECT_THAT(files(), testing::IsEmpty());
  }
}

TEST_F(key_file_test, AKeyThatIsThereNeedsNoBackend) {
  const auto faulty = make_fault_backend(make_sysv_backend());
  put("xsipc key 0xffffffff\n");
  faulty->fail({.code = ENOSYS, .persistent = true});
  EXPECT_THAT(key_from_file(path(), *faulty), Holds(key{-1}));
}

TEST_F(key_file_test, ForeignContentIsEinvalAndStays) {
  const std::vector<std::string> foreign = {
      "",
      "\n",
      "xsipc key 0x",
      "xsipc key 0x\n",
      "xsipc key 0x0000004b",
      "xsipc key 0x4b\n",
      "xsipc key 0x00000000\n",
      "xsipc key 0x0000004g\n",
      "xsipc key 0x-000004b\n",
      "xsipc key 0x+000004b\n",
      "xsipc key 0x 000004b\n",
      "xsipc key 0x00000004b\n",
      "xsipc key 0x0000004b\n\n",
      "xsipc key 0x0000004b\nmore",
      " xsipc key 0x0000004b\n",
      "Xsipc key 0x0000004b\n",
      std::string("xsipc key 0x0000004\0\n", 21),
      std::string(100'000, 'x'),
  };
  for (const std::string& text : foreign) {
    put(text);
    EXPECT_THAT(key_from_file(path(), on()), FailsWith(EINVAL)) << text.substr(0, 40);
    EXPECT_EQ(content(), text);
  }
  put("xsipc key 0x0000004b\n");
  EXPECT_THAT(key_from_file(path(), on()), Holds(key{75}));
}

TEST_F(key_file_test, WhatIsNoFileIsRefusedWithoutWaiting) {
  EXPECT_THAT(key_from_file(directory_, on()), FailsWith(EISDIR));
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  EXPECT_THAT(key_from_file(path(), on()), FailsWith(EINVAL));
}

TEST_F(key_file_test, ReportsWhatOpenReports) {
  EXPECT_THAT(key_from_file(path("no/such/folder"), on()), FailsWith(ENOENT));
  EXPECT_THAT(key_from_file("", on()), testing::Not(Succeeds()));
  EXPECT_THAT(key_from_file(path(std::string(300, 'x')), on()), FailsWith(ENAMETOOLONG));
}

TEST_F(key_file_test, ASymbolicLinkLeadsToTheFile) {
  const key chosen = key_from_file(path(), on()).value();
  ASSERT_EQ(symlink("key", path("link").c_str()), 0);
  EXPECT_THAT(key_from_file(path("link"), on()), Holds(chosen));
}

TEST_F(key_file_test, EverybodyMayReadTheFileWhateverTheUmask) {
  const mode_t before = umask(077);
  const auto chosen = key_from_file(path(), on());
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  if (geteuid() != 0) return;
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    const auto made = key_from_file(path("other"), on());  // but not make one here
    return key_from_file(path(), on()).value() == chosen.value() && !made && made.error().code == EACCES;
  }));
}

TEST_F(key_file_test, LeavesNoDescriptorOpen) {
  const int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(before);
  static_cast<void>(key_from_file(path(), on()).value());
  static_cast<void>(key_from_file(path(), on()).value());
  put("foreign");
  EXPECT_THAT(key_from_file(path(), on()), FailsWith(EINVAL));
  const int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(after);
  EXPECT_EQ(after, before);
}

TEST_F(key_file_test, IsNoCancellationPoint) {
  for (const char* name : {"key", "key", "no/such/folder"}) {
    bool returned = false;
    int state = -1;
    test_support::posix_thread thread([&] {
      pthread_cancel(pthread_self());
      static_cast<void>(key_from_file(path(name), on()));
      returned = true;
      pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);  // asked for, and never carried out
    });
    EXPECT_FALSE(thread.join());
    EXPECT_TRUE(returned) << name;
    EXPECT_EQ(state, PTHREAD_CANCEL_ENABLE);
  }
  EXPECT_THAT(files(), testing::ElementsAre("key"));
}

// Runs `work` with its number in several processes at once; all must return true.
void expect_in_processes(int count, const std::function<bool(int)>& work) {
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    ASSERT_NE(child, -1);
    if (child == 0) _exit(work(i) ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

constexpr int namers = 4;
constexpr int names = 100;
using name_race = std::array<std::array<std::atomic<std::int32_t>, names>, namers>;

// Each round begins when all have come, and has a file of its own.
TEST_F(key_file_test, RacingProcessesGetTheSameKey) {
  void* const memory = mmap(nullptr, sizeof(name_race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& record = *new (memory) name_race{};
  auto gate = new_set(names);
  ASSERT_THAT(gate.set_values(std::vector<std::uint16_t>(names, namers)), Succeeds());
  expect_in_processes(namers, [&](int me) {
    for (std::uint16_t round = 0; round < names; ++round) {
      gate.acquire(round).value();
      gate.wait_for_zero(round).value();
      record[static_cast<std::size_t>(me)][round] =
          static_cast<std::int32_t>(key_from_file(path(std::to_string(round)), on()).value());
    }
    return true;
  });
  std::set<std::int32_t> keys;
  for (std::size_t round = 0; round < names; ++round) {
    for (const auto& racer : record) EXPECT_EQ(racer[round], record[0][round]);
    keys.insert(record[0][round]);
  }
  EXPECT_EQ(keys.count(0), 0U);
  EXPECT_GT(keys.size(), 90U);
  EXPECT_EQ(files().size(), std::size_t{names});  // and no file besides
  munmap(memory, sizeof(name_race));
}

// One process makes and removes the file, the others look: there is none, or a whole one.
TEST_F(key_file_test, TheFileIsNeverHalfWritten) {
  expect_in_processes(3, [&](int me) {
    for (int round = 0; round < 300; ++round) {
      if (me == 0) {
        static_cast<void>(key_from_file(path(), on()).value());
        unlink(path().c_str());
        continue;
      }
      const int descriptor = open(path().c_str(), O_RDONLY | O_CLOEXEC);
      if (descriptor < 0) continue;
      std::array<char, 64> text{};
      const ssize_t size = read(descriptor, text.data(), text.size());
      struct stat status {};
      const bool whole =
          size == ssize_t{content_bytes} && fstat(descriptor, &status) == 0 && (status.st_mode & 0777U) == 0644U;
      close(descriptor);
      if (!whole) return false;
    }
    return true;
  });
}

}  // namespace
}  // namespace xsipc
