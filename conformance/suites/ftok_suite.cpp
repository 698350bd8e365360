// ftok: the key is the file's, not its name's; xsipc::ftok and, where there is one, the backend's C function alike.
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include "xsipc/conformance/suites.hpp"
#include "xsipc/key.hpp"

namespace xsipc::conformance {

XSI_SUITE(ftok)

namespace {

using testing::Ne;

namespace fs = std::filesystem;

routine_result answers(routine_context& context) {
  const auto id = static_cast<int>(context.input.numbers.at(0));
  const std::string& path = context.input.bytes;
  const auto got = ftok(path, id);
  routine_result answer;
  answer.numbers = {got.has_value(), got ? static_cast<std::int32_t>(*got) : got.error().code};
  if (context.c != nullptr) {
    errno = 0;
    answer.numbers.push_back(context.c->ftok(path.c_str(), id));
    answer.numbers.push_back(errno);
  }
  return answer;
}

// Returns whether xsipc::ftok succeeded, its key or errno, and, if there is a C function, what that returned and errno.
XSI_ROUTINE(ftok_answers) { return answers(context); }

// The same without the privilege to go through closed directories. Privileges are the thread's, in every kind of actor.
XSI_ROUTINE(ftok_answers_without_privilege) {
  routine_result answer;
  std::thread([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    ::syscall(SYS_capget, &header, data);
    data[0].effective &= ~(1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH);
    if (::syscall(SYS_capset, &header, data) == 0) answer = answers(context);
  }).join();
  return answer;
}

class Ftok : public conformance_test {
 protected:
  Ftok() {
    std::string name = testing::TempDir() + "xsipc_ftok_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
  }
  ~Ftok() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string new_file(const std::string& name) const {
    std::ofstream(path(name)) << name;
    return path(name);
  }

  // What xsipc::ftok returns in `where`; the C function must agree.
  static result<key> ask(actor_thread& where, const std::string& file, int id, const char* how = "ftok_answers") {
    const auto numbers = where.run(how, {{id}, file}).numbers;
    if (numbers.size() < 2) throw std::runtime_error("no answer");
    const bool succeeded = numbers[0] != 0;
    if (numbers.size() == 4) {
      EXPECT_EQ(numbers[2], succeeded ? numbers[1] : -1) << "from the C function for " << file << ", " << id;
      if (!succeeded) {
        EXPECT_EQ(numbers[3], numbers[1]) << "from the C function for " << file << ", " << id;
      }
    }
    if (!succeeded) return ipc_error{.code = static_cast<int>(numbers[1]), .call = xsi_call::ftok};
    return static_cast<key>(numbers[1]);
  }

 private:
  fs::path directory_;
};

struct stat file_status(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw std::runtime_error("no status of " + path);
  return status;
}

std::uint32_t bits_of(key k) { return static_cast<std::uint32_t>(k); }

key as_glibc_makes_it(const std::string& path, int id) {
  const struct stat status = file_status(path);
  return static_cast<key>((static_cast<std::uint32_t>(id) & 0xffU) << 24U |
                          (static_cast<std::uint32_t>(status.st_dev) & 0xffU) << 16U |
                          (static_cast<std::uint32_t>(status.st_ino) & 0xffffU));
}

TEST_F(Ftok, IsTheSameEachTimeAndInEveryProcess) {
  XSI_ASSERTION("FTOK-01");
  const std::string file = new_file("agreed");
  actor& first = process();
  actor& second = process();
  const auto once = ask(first, file, 'x');
  ASSERT_THAT(once, Succeeds());
  EXPECT_THAT(ask(first, file, 'x'), SucceedsWith(*once));
  EXPECT_THAT(ask(second, file, 'x'), SucceedsWith(*once));
  second.exec();
  EXPECT_THAT(ask(second, file, 'x'), SucceedsWith(*once));
  std::ofstream(file) << "other content, of another length";
  ASSERT_EQ(::chmod(file.c_str(), 0400), 0);
  EXPECT_THAT(ask(first, file, 'x'), SucceedsWith(*once));
  EXPECT_THAT(ftok(file, 'x'), SucceedsWith(*once));
}

TEST_F(Ftok, LooksAtTheLowEightBitsOfTheId) {
  XSI_ASSERTION("FTOK-02");
  const std::string file = new_file("file");
  actor& client = process();
  for (const int id : {1, int{'a'}, 0x7f, 0x80, 0xff}) {
    const auto expected = ask(client, file, id);
    ASSERT_THAT(expected, Succeeds());
    for (const int same : {id + 0x100, id - 0x100, id + 0x7fff00, id | 0x40000000, id | INT_MIN}) {
      EXPECT_THAT(ask(client, file, same), SucceedsWith(*expected)) << same;
    }
  }
}

TEST_F(Ftok, GivesEachOfTheIdsItsOwnKey) {
  XSI_ASSERTION("FTOK-03", "FTOK-12");
  const std::string file = new_file("file");
  actor& client = process();
  std::set<key> keys;
  for (int id = 0; id < 256; ++id) {
    const auto got = ask(client, file, id);
    ASSERT_THAT(got, Succeeds()) << id;
    EXPECT_TRUE(keys.insert(*got).second) << id;
    if (id != 0) {
      EXPECT_NE(*got, key::ipc_private) << id;
    }
  }
}

TEST_F(Ftok, NeverGivesThePrivateKey) {
  XSI_ASSERTION("FTOK-12");
  actor& client = process();
  for (const std::string& place : {new_file("file"), path(""), std::string("/"), std::string("/dev/null")}) {
    for (const int id : {1, 0x7f, 0x80, 0xff, 0x101, -1, INT_MAX}) {
      EXPECT_THAT(ask(client, place, id), SucceedsWith(Ne(key::ipc_private))) << place << ", " << id;
    }
  }
}

TEST_F(Ftok, CountsTheFileNotItsName) {
  XSI_ASSERTION("FTOK-04");
  const std::string file = new_file("file");
  fs::create_hard_link(file, path("hard"));
  fs::create_symlink("file", path("soft"));
  fs::create_symlink("soft", path("softer"));
  fs::create_directory_symlink(".", path("here"));
  actor& client = process();
  const auto expected = ask(client, file, 7);
  ASSERT_THAT(expected, Succeeds());
  for (const char* const name : {"hard", "soft", "softer", "./file", "here/file", "here/hard"}) {
    EXPECT_THAT(ask(client, path(name), 7), SucceedsWith(*expected)) << name;
  }
  fs::rename(file, path("renamed"));
  EXPECT_THAT(ask(client, path("renamed"), 7), SucceedsWith(*expected));
}

TEST_F(Ftok, OfNothingIsEnoent) {
  XSI_ASSERTION("FTOK-05");
  fs::create_symlink("nothing", path("dangling"));
  actor& client = process();
  EXPECT_THAT(ask(client, path("nothing"), 1), FailsWith(ENOENT));
  EXPECT_THAT(ask(client, path("nothing/below"), 1), FailsWith(ENOENT));
  EXPECT_THAT(ask(client, path("dangling"), 1), FailsWith(ENOENT));
  const std::string file = new_file("file");
  ASSERT_THAT(ask(client, file, 1), Succeeds());
  fs::remove(file);
  EXPECT_THAT(ask(client, file, 1), FailsWith(ENOENT));
  EXPECT_THAT(ftok(file, 1), FailsWith(ENOENT));
}

TEST_F(Ftok, SaysWhatIsWrongWithAPath) {
  XSI_ASSERTION("FTOK-06");
  fs::create_symlink("there", path("back"));
  fs::create_symlink("back", path("there"));
  actor& client = process();
  EXPECT_THAT(ask(client, "", 1), FailsWith(ENOENT));
  EXPECT_THAT(ask(client, new_file("file") + "/below", 1), FailsWith(ENOTDIR));
  EXPECT_THAT(ask(client, path(std::string(NAME_MAX + 1, 'n')), 1), FailsWith(ENAMETOOLONG));
  std::string long_path = path("");
  while (long_path.size() < PATH_MAX) long_path += "./";
  EXPECT_THAT(ask(client, long_path, 1), FailsWith(ENAMETOOLONG));
  EXPECT_THAT(ask(client, path("there"), 1), FailsWith(ELOOP));
}

TEST_F(Ftok, SearchesDirectoriesButDoesNotReadTheFile) {
  XSI_ASSERTION("FTOK-07");
  constexpr const char* unprivileged = "ftok_answers_without_privilege";
  fs::create_directory(path("directory"));
  const std::string file = new_file("directory/file");
  const std::string directory = path("directory");
  actor& client = process();
  const auto expected = ask(client, file, 3);
  ASSERT_THAT(expected, Succeeds());
  ASSERT_EQ(::chmod(file.c_str(), 0), 0);
  EXPECT_THAT(ask(client, file, 3, unprivileged), SucceedsWith(*expected));
  ASSERT_EQ(::chmod(directory.c_str(), 0600), 0);
  EXPECT_THAT(ask(client, file, 3, unprivileged), FailsWith(EACCES));
  EXPECT_THAT(ask(client, directory, 3, unprivileged), Succeeds());
  ASSERT_EQ(::chmod(directory.c_str(), 0100), 0);
  EXPECT_THAT(ask(client, file, 3, unprivileged), SucceedsWith(*expected));
  ASSERT_EQ(::chmod(directory.c_str(), 0700), 0);
}

// Sixteen bits of the inode number are kept, so only files that differ in these are looked at.
TEST_F(Ftok, GivesDifferentFilesDifferentKeys) {
  XSI_ASSERTION("FTOK-08");
  actor& client = process();
  std::set<ino_t> inodes;
  std::set<key> keys;
  for (int i = 0; i < 20; ++i) {
    const std::string file = new_file("file" + std::to_string(i));
    if (!inodes.insert(file_status(file).st_ino & 0xffffU).second) continue;
    const auto got = ask(client, file, 'k');
    ASSERT_THAT(got, Succeeds());
    EXPECT_TRUE(keys.insert(*got).second) << file;
  }
  EXPECT_GE(keys.size(), 2u);
}

TEST_F(Ftok, TakesAnIdWithoutLowBitsLikeAnyOther) {
  XSI_ASSERTION("FTOK-09");
  const std::string file = new_file("file");
  actor& client = process();
  const auto one = ask(client, file, 1);
  ASSERT_THAT(one, Succeeds());
  for (const int id : {0, 0x100, 0x10000, INT_MIN}) {
    EXPECT_THAT(ask(client, file, id), SucceedsWith(static_cast<key>(bits_of(*one) & 0xffffffU))) << id;
  }
}

TEST_F(Ftok, HasTheLayoutOfGlibc) {
  XSI_ASSERTION("FTOK-10");
  actor& client = process();
  for (const std::string& place : {new_file("one"), new_file("two"), path(""), std::string("/")}) {
    for (const int id : {0, 1, int{'x'}, 0xff, 0x1234}) {
      EXPECT_THAT(ask(client, place, id), SucceedsWith(as_glibc_makes_it(place, id))) << place << ", " << id;
      EXPECT_THAT(ftok(place, id), SucceedsWith(as_glibc_makes_it(place, id))) << place << ", " << id;
    }
  }
}

TEST_F(Ftok, TakesDirectoriesAndDevices) {
  XSI_ASSERTION("FTOK-11");
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  actor& client = process();
  for (const std::string& place : {path(""), path("fifo"), std::string("/"), std::string("/dev/null")}) {
    const auto got = ask(client, place, 'd');
    ASSERT_THAT(got, SucceedsWith(Ne(key::ipc_private))) << place;
    EXPECT_THAT(ask(client, place, 'd'), SucceedsWith(*got)) << place;
    EXPECT_THAT(ask(client, place, 'e'), SucceedsWith(Ne(*got))) << place;
  }
}

}  // namespace
}  // namespace xsipc::conformance
