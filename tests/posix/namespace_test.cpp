// Where objects lie: what is made, what is refused, and why.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "layout.hpp"
#include "private_namespace.hpp"
#include "worker.hpp"

namespace xsipc::posix_test {
namespace {

using ::testing::HasSubstr;

// A folder of its own.
class Namespace : public ::testing::Test {
 protected:
  Namespace() { EXPECT_NE(::mkdtemp(folder.data()), nullptr); }
  ~Namespace() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] posix_options named(const std::string& name) const { return {.name_space = name, .directory = folder}; }
  [[nodiscard]] std::string path() const { return folder + "/xsipc.u" + std::to_string(::geteuid()) + ".n"; }
  // Why the namespace "n" can't be opened; every call then says ENOSYS.
  [[nodiscard]] std::string why_not() const {
    std::string problem;
    const auto xsi = make_posix_backend(named("n"), &problem);
    const auto made = xsi->get_queue(key::ipc_private, creation::create_only(0600));
    EXPECT_EQ(made ? 0 : made.error().code, problem.empty() ? 0 : ENOSYS);
    return problem;
  }
  // Writes over part of its header.
  void spoil(std::size_t offset, const std::string& bytes) const {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  std::string folder = "/dev/shm/xsipc-test-XXXXXX";
};

TEST_F(Namespace, IsMadeForItsUserAloneWhateverTheUmaskIs) {
  for (const mode_t mask : {0U, 077U, 0777U}) {
    const mode_t before = ::umask(mask);
    EXPECT_EQ(why_not(), "");
    ::umask(before);
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    ASSERT_TRUE(remove_posix_namespace(named("n")));
  }
}

TEST_F(Namespace, HasANameThatIsOne) {
  for (const std::string name : {"a/b", "..", "a.b", "shared:", "shared:x@", "shared:x@bob", "a b", ""}) {
    if (name.empty()) continue;  // the default
    std::string problem;
    static_cast<void>(make_posix_backend(named(name), &problem));
    EXPECT_THAT(problem, HasSubstr("is no name of a namespace")) << name;
  }
  std::string problem;
  static_cast<void>(make_posix_backend(named(std::string(65, 'x')), &problem));
  EXPECT_THAT(problem, HasSubstr("is no name"));
}

TEST_F(Namespace, IsNotWhatIsOpenToOthersOrNoFile) {
  worker maker([&] { return why_not().empty() ? 0 : 1; });  // which this process has not opened yet
  EXPECT_EQ(maker.wait(), 0);
  ::chmod(path().c_str(), 0644);
  EXPECT_THAT(why_not(), HasSubstr(path() + ": is open to other users"));
  ASSERT_TRUE(remove_posix_namespace(named("n")));
  ASSERT_EQ(::symlink("/etc/passwd", path().c_str()), 0);
  EXPECT_THAT(why_not(), HasSubstr(path()));
  ::unlink(path().c_str());
  ASSERT_EQ(::mkdir(path().c_str(), 0700), 0);
  EXPECT_THAT(why_not(), HasSubstr(path()));
  ::rmdir(path().c_str());
  std::ofstream(path()) << "something else";
  ::chmod(path().c_str(), 0600);
  EXPECT_THAT(why_not(), HasSubstr("is no namespace of xsipc"));
}

TEST_F(Namespace, OfAnotherVersionOrPidNamespaceIsRefused) {
  EXPECT_EQ(why_not(), "");
  std::filesystem::copy_file(path(), folder + "/copy");
  spoil(offsetof(posix::namespace_prefix, abi), "\x7f");
  // It is known in this process already: another looks at it anew.
  const auto seen_by_another = [&](const std::string& text) {
    worker child([&] { return why_not().find(text) != std::string::npos ? 0 : 1; });
    return child.wait() == 0;
  };
  std::filesystem::rename(folder + "/copy", path());
  spoil(offsetof(posix::namespace_prefix, abi), "\x7f");
  EXPECT_TRUE(seen_by_another("was made by another version of xsipc"));
  spoil(offsetof(posix::namespace_prefix, abi), "\x01");
  spoil(offsetof(posix::namespace_prefix, pid_namespace), "\x7f\x7f");
  EXPECT_TRUE(seen_by_another("belongs to another PID namespace"));
}

TEST_F(Namespace, OfAnotherBootIsMadeAnew) {
  {
    std::string problem;
    const auto xsi = make_posix_backend(named("n"), &problem);
    ASSERT_TRUE(xsi->get_queue(key{75}, creation::create_only(0600)));
  }
  std::filesystem::copy_file(path(), folder + "/copy");
  std::filesystem::rename(folder + "/copy", path());
  spoil(offsetof(posix::namespace_prefix, boot_id), "00000000");
  std::string problem;
  const auto xsi = make_posix_backend(named("n"), &problem);
  EXPECT_EQ(problem, "");
  EXPECT_EQ(xsi->get_queue(key{75}, creation::find()).error().code, ENOENT);
}

TEST_F(Namespace, KeepsOthersOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to become somebody else";
  EXPECT_EQ(why_not(), "");
  ::chmod(folder.c_str(), 0777);
  worker other([&] {
    if (::setresuid(65534, 65534, 65534) != 0) return 1;
    const std::string roots = folder + "/xsipc.u0.n";
    if (::open(roots.c_str(), O_RDONLY) >= 0 || errno != EACCES) return 2;
    return why_not().empty() ? 0 : 3;
  });
  EXPECT_EQ(other.wait(), 0);
  EXPECT_TRUE(std::filesystem::exists(folder + "/xsipc.u65534.n"));
}

TEST_F(Namespace, RemovedGoesWithEverything) {
  std::string problem;
  const auto xsi = make_posix_backend(named("n"), &problem);
  const auto segment = xsi->get_segment(key::ipc_private, 4096, creation::create_only(0600), {}).value();
  ASSERT_TRUE(xsi->attach(segment, {}));
  ASSERT_TRUE(remove_posix_namespace(named("n")));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  EXPECT_EQ(remove_posix_namespace(named("n")).error().code, ENOENT);
  // Who has it open goes on; who opens it finds a new one.
  EXPECT_TRUE(xsi->stat_segment(static_cast<int>(segment), lookup::id));
  const auto anew = make_posix_backend(named("n"), &problem);
  EXPECT_EQ(anew->stat_segment(static_cast<int>(segment), lookup::id).error().code, EINVAL);
}

// A file system that is full: the call says so, no access is answered with SIGBUS.
TEST_F(Namespace, FullIsAnErrorOfTheCall) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a file system of its own";
  worker child([&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
    if (::mount("xsipc", folder.c_str(), "tmpfs", 0, "size=3m") != 0) return 77;
    std::string problem;
    const auto xsi = make_posix_backend(named("n"), &problem);
    const auto queue = xsi->get_queue(key::ipc_private, creation::create_only(0600));
    if (!queue) return 1;
    ipc_limits limits = xsi->limits().value();
    limits.msgmnb = 1U << 30U;
    if (!xsi->change_limits(limits)) return 2;
    const auto status = xsi->stat_queue(static_cast<int>(*queue), lookup::id).value();
    if (!xsi->change_queue(*queue, {changeable(status.perm), 1U << 30U})) return 3;
    const std::vector<std::byte> text(8000, std::byte{1});
    int sent = 0;
    for (;; ++sent) {
      const auto outcome = xsi->send(*queue, message_view(1, text), deadline::immediate());
      if (outcome) continue;
      if (outcome.error().code != ENOMEM) return 4;
      break;
    }
    if (sent < 100) return 5;
    const auto segment = xsi->get_segment(key::ipc_private, 8U << 20U, creation::create_only(0600), {});
    if (segment && xsi->attach(*segment, {}).error().code != ENOMEM) return 6;
    // What is there is whole, and its room is used again.
    std::vector<std::byte> got(8000);
    for (int i = 0; i < sent; ++i) {
      const auto received =
          xsi->receive(*queue, msgtyp_selector::any(), message_buffer(got), truncation::refuse, deadline::immediate());
      if (!received || got != text) return 7;
    }
    for (int i = 0; i < sent; ++i) {
      if (!xsi->send(*queue, message_view(1, text), deadline::immediate())) return 8;
    }
    return 0;
  });
  const int status = child.wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "mount is not allowed";
  EXPECT_EQ(status, 0) << "exit status " << WEXITSTATUS(status) << ", signal " << WTERMSIG(status);
}

TEST_F(Namespace, FollowsTheEnvironment) {
  ::setenv("XSIPC_DIR", folder.c_str(), 1);
  ::setenv("XSIPC_NAMESPACE", "n", 1);
  std::string problem;
  const auto xsi = make_posix_backend({}, &problem);
  ::unsetenv("XSIPC_DIR");
  ::unsetenv("XSIPC_NAMESPACE");
  EXPECT_EQ(problem, "");
  EXPECT_TRUE(std::filesystem::exists(path()));
}

}  // namespace
}  // namespace xsipc::posix_test
