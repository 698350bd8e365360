#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "support/child.hpp"
#include "support/matchers.hpp"
#include "xsipc/key.hpp"

namespace xsipc {
namespace {

using test_support::FailsAs;
using test_support::Holds;

constexpr int ids[] = {1, 2, 'a', 0x7f, 0x80, 0xff, 0x100, 0x141, 0x12345678, -1, 0};

class ftok_test : public ::testing::Test {
 protected:
  ftok_test() {
    std::string name = (std::filesystem::temp_directory_path() / "xsipc_ftok_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::filesystem::filesystem_error(name, {errno, std::generic_category()});
    directory_ = name;
    file_ = directory_ + "/file";
    ::close(::open(file_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  }
  ~ftok_test() override { std::filesystem::remove_all(directory_); }

  static void expect_as_libc(const std::string& path) {
    for (const int id : ids) EXPECT_THAT(ftok(path, id), Holds(static_cast<key>(::ftok(path.c_str(), id)))) << id;
  }
  static void expect_error(const std::string& path, int code) {
    EXPECT_THAT(ftok(path, 1), FailsAs(ipc_error{.code = code, .call = xsi_call::ftok}));
  }

  std::string directory_;
  std::string file_;
};

TEST_F(ftok_test, GivesTheKeyOfLibcForAFile) { expect_as_libc(file_); }
TEST_F(ftok_test, GivesTheKeyOfLibcForADirectory) { expect_as_libc(directory_); }
TEST_F(ftok_test, GivesTheKeyOfLibcForADevice) { expect_as_libc("/dev/null"); }

// Many inode numbers, so that each bit of theirs that counts is met.
TEST_F(ftok_test, GivesTheKeyOfLibcForEveryProgramOfTheSystem) {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/bin")) {
    const int libc = ::ftok(entry.path().c_str(), 5);
    if (libc == -1) continue;  // a link to nowhere
    EXPECT_THAT(ftok(entry.path().string(), 5), Holds(static_cast<key>(libc))) << entry.path();
  }
}

TEST_F(ftok_test, IsMadeOfIdDeviceAndInode) {
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  const unsigned expected = 0x41U << 24U | (static_cast<unsigned>(status.st_dev) & 0xffU) << 16U |
                            (static_cast<unsigned>(status.st_ino) & 0xffffU);
  EXPECT_THAT(ftok(file_, 0x41), Holds(static_cast<key>(expected)));
}

TEST_F(ftok_test, OnlyTheLowEightBitsOfTheIdCount) {
  EXPECT_EQ(ftok(file_, 0x41).value(), ftok(file_, 0x7777741).value());
  EXPECT_NE(ftok(file_, 0x41).value(), ftok(file_, 0x42).value());
}

TEST_F(ftok_test, ASymbolicLinkHasTheKeyOfItsTarget) {
  const std::string link = directory_ + "/symbolic";
  ASSERT_EQ(::symlink(file_.c_str(), link.c_str()), 0);
  expect_as_libc(link);
  EXPECT_EQ(ftok(link, 5).value(), ftok(file_, 5).value());
}

TEST_F(ftok_test, AHardLinkHasTheKeyOfItsFile) {
  const std::string link = directory_ + "/hard";
  ASSERT_EQ(::link(file_.c_str(), link.c_str()), 0);
  expect_as_libc(link);
  EXPECT_EQ(ftok(link, 5).value(), ftok(file_, 5).value());
}

TEST_F(ftok_test, TwoFilesHaveTwoKeys) { EXPECT_NE(ftok(file_, 5).value(), ftok(directory_, 5).value()); }

TEST_F(ftok_test, AMissingFileIsEnoent) {
  expect_error(directory_ + "/missing", ENOENT);
  expect_error("", ENOENT);
}

TEST_F(ftok_test, ALinkToNowhereIsEnoent) {
  const std::string link = directory_ + "/dangling";
  ASSERT_EQ(::symlink("nowhere", link.c_str()), 0);
  expect_error(link, ENOENT);
}

TEST_F(ftok_test, AFileInTheMiddleOfThePathIsEnotdir) { expect_error(file_ + "/below", ENOTDIR); }

TEST_F(ftok_test, LinksInACircleAreEloop) {
  const std::string link = directory_ + "/circle";
  ASSERT_EQ(::symlink("circle", link.c_str()), 0);
  expect_error(link, ELOOP);
}

TEST_F(ftok_test, ATooLongNameIsEnametoolong) { expect_error(directory_ + "/" + std::string(300, 'x'), ENAMETOOLONG); }

TEST_F(ftok_test, ADirectoryThatMayNotBeSearchedIsEacces) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  ASSERT_EQ(::chmod(directory_.c_str(), 0700), 0);
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    const auto made = ftok(file_, 1);
    return !made && made.error() == ipc_error{.code = EACCES, .call = xsi_call::ftok};
  }));
}

}  // namespace
}  // namespace xsipc
