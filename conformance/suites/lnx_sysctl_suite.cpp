// The kernel's own view of the objects: limits that take effect at once, /proc/sysvipc, IPC namespaces.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(lnx_sysctl)

namespace {

const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));

XSI_ROUTINE(text_of_file) {
  std::ifstream file(context.input.bytes);
  return {.bytes = {std::istreambuf_iterator<char>(file), {}}};
}

std::string text_of_file(actor& reader, const std::string& path) {
  return reader.run("text_of_file", {.numbers = {}, .bytes = path}).bytes;
}

// Path, a space and what to write; returns whether it was written.
XSI_ROUTINE(write_file) {
  const std::string path = context.input.bytes.substr(0, context.input.bytes.find(' '));
  const std::string text = context.input.bytes.substr(path.size() + 1);
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const auto written = ::write(file, text.data(), text.size());
  ::close(file);
  return {.numbers = {written == static_cast<ssize_t>(text.size())}};
}

constexpr const char* sysctls = "/proc/sys/kernel/";

std::vector<std::uint64_t> numbers_of_sysctl(actor& reader, const std::string& name) {
  std::istringstream text(text_of_file(reader, sysctls + name));
  return {std::istream_iterator<std::uint64_t>(text), {}};
}

void write_sysctl(actor& by, const std::string& name, const std::string& text) {
  ASSERT_EQ(by.run("write_file", {.numbers = {}, .bytes = sysctls + name + " " + text}).numbers.at(0), 1) << name;
}

XSI_ROUTINE(enter_new_ipc_namespace) { return {.numbers = {::unshare(CLONE_NEWIPC)}}; }

void leave_namespace(actor& who) { ASSERT_EQ(who.run("enter_new_ipc_namespace").numbers.at(0), 0); }

class LimitsAtOnce : public conformance_test {
 protected:
  // Puts the limits in force as `change` makes them.
  template <typename Change>
  static void change_limits(actor& by, Change change) {
    ipc_limits limits = by.xsi().limits().value();
    change(limits);
    by.xsi().change_limits(limits).value();
    EXPECT_EQ(by.xsi().limits().value(), limits);
  }
};

TEST_F(LimitsAtOnce, OfMessages) {
  XSI_ASSERTION("LNX-12");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& administrator = process();
  actor& client = process();
  const msqid before = new_queue(client);
  const std::uint64_t usual = status_of(client.xsi(), before).qbytes;
  ASSERT_THAT(send_text(client.xsi(), before, 1, "eleven byte"), Succeeds());
  change_limits(administrator, [](ipc_limits& limits) {
    limits.msgmax = 10;
    limits.msgmnb = 123;
  });
  EXPECT_THAT(send_text(client.xsi(), before, 1, "eleven byte"), FailsWith(EINVAL));
  EXPECT_THAT(send_text(client.xsi(), before, 1, "ten bytes!"), Succeeds());
  EXPECT_THAT(receive_text(client.xsi(), before), SucceedsWith(message{1, "eleven byte"}));
  EXPECT_EQ(status_of(client.xsi(), before).qbytes, usual);
  EXPECT_EQ(status_of(client.xsi(), new_queue(client)).qbytes, 123u);
  change_limits(administrator, [](ipc_limits& limits) { limits.msgmax = 11; });
  EXPECT_THAT(send_text(client.xsi(), before, 1, "eleven byte"), Succeeds());
}

TEST_F(LimitsAtOnce, OfSemaphores) {
  XSI_ASSERTION("LNX-12");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& administrator = process();
  actor& client = process();
  const auto create = [&](int nsems) { return client.xsi().get_set(fresh_key(), nsems, creation::create_only(0600)); };
  const semid before = new_set(client, 4);
  change_limits(administrator, [](ipc_limits& limits) {
    limits.semmsl = 3;
    limits.semmns = 9;
    limits.semopm = 2;
  });
  EXPECT_THAT(create(4), FailsWith(EINVAL));
  EXPECT_THAT(create(3), Succeeds());
  EXPECT_THAT(create(3), FailsWith(ENOSPC));
  EXPECT_THAT(create(2), Succeeds());
  const std::vector<sem_operation> adds(3, {3, 1});
  EXPECT_THAT(client.xsi().operate(before, adds, deadline::immediate()), FailsWith(E2BIG));
  EXPECT_THAT(client.xsi().operate(before, std::span(adds).first(2), deadline::immediate()), Succeeds());
  change_limits(administrator, [](ipc_limits& limits) {
    limits.semmsl = 4;
    limits.semmns = 13;
    limits.semopm = 3;
  });
  EXPECT_THAT(client.xsi().operate(before, adds, deadline::immediate()), Succeeds());
  EXPECT_THAT(client.xsi().query_semaphore(before, 3, sem_query::value), SucceedsWith(5));
  EXPECT_THAT(create(4), Succeeds());
}

TEST_F(LimitsAtOnce, OfSharedMemory) {
  XSI_ASSERTION("LNX-12");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& administrator = process();
  actor& client = process();
  const auto create = [&](std::size_t size) {
    return client.xsi().get_segment(fresh_key(), size, creation::create_only(0600), {});
  };
  const shmid before = new_segment(client, 4 * page);
  change_limits(administrator, [](ipc_limits& limits) {
    limits.shmmax = 3 * page;
    limits.shmall = 9;
  });
  EXPECT_THAT(create(3 * page + 1), FailsWith(EINVAL));
  EXPECT_THAT(create(3 * page), Succeeds());
  EXPECT_THAT(create(3 * page), FailsWith(ENOSPC));
  EXPECT_THAT(create(2 * page), Succeeds());
  EXPECT_THAT(client.xsi().detach(attach(client, before)), Succeeds());
  EXPECT_EQ(status_of(client.xsi(), before).segsz, 4 * page);
  change_limits(administrator, [](ipc_limits& limits) {
    limits.shmmax = 3 * page + 1;
    limits.shmall = 13;
  });
  EXPECT_THAT(create(3 * page + 1), Succeeds());
}

TEST_F(LimitsAtOnce, OfTheKernelAreItsSysctlsInTheNamespaceAlone) {
  XSI_ASSERTION("LNX-01", "LNX-05", "LNX-08", "LNX-12");
  XSI_NEEDS(need::kernel_objects);
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  actor& elsewhere = process_elsewhere();
  const ipc_limits untouched = elsewhere.xsi().limits().value();
  const auto expect_as_limits = [](actor& who) {
    const ipc_limits limits = who.xsi().limits().value();
    using testing::ElementsAre;
    EXPECT_THAT(numbers_of_sysctl(who, "msgmax"), ElementsAre(limits.msgmax));
    EXPECT_THAT(numbers_of_sysctl(who, "msgmnb"), ElementsAre(limits.msgmnb));
    EXPECT_THAT(numbers_of_sysctl(who, "msgmni"), ElementsAre(limits.msgmni));
    EXPECT_THAT(numbers_of_sysctl(who, "sem"), ElementsAre(limits.semmsl, limits.semmns, limits.semopm, limits.semmni));
    EXPECT_THAT(numbers_of_sysctl(who, "shmmax"), ElementsAre(limits.shmmax));
    EXPECT_THAT(numbers_of_sysctl(who, "shmall"), ElementsAre(limits.shmall));
    EXPECT_THAT(numbers_of_sysctl(who, "shmmni"), ElementsAre(limits.shmmni));
  };
  expect_as_limits(client);
  const std::pair<const char*, const char*> settings[] = {
      {"msgmax", "1001"},   {"msgmnb", "1002"}, {"msgmni", "103"}, {"sem", "104 1005 106 107"},
      {"shmmax", "100008"}, {"shmall", "1009"}, {"shmmni", "110"}};
  for (const auto& [name, text] : settings) write_sysctl(client, name, text);
  const ipc_limits now = client.xsi().limits().value();
  EXPECT_EQ(now, (ipc_limits{1001, 1002, 103, 104, 1005, 106, 107, untouched.semvmx, 100008, 1, 1009, 110}));
  expect_as_limits(client);
  EXPECT_EQ(elsewhere.xsi().limits().value(), untouched);
  expect_as_limits(elsewhere);
}

class CountLimit : public each_kind {};

XSI_FOR_EACH_KIND(CountLimit);

TEST_P(CountLimit, TakesEffectAtOnceAndTakesNothingAway) {
  XSI_ASSERTION("LNX-12");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& administrator = process();
  actor& client = process();
  const auto limit_to = [&](std::uint64_t count) {
    ipc_limits limits = administrator.xsi().limits().value();
    (GetParam() == object_kind::queue ? limits.msgmni
     : GetParam() == object_kind::set ? limits.semmni
                                      : limits.shmmni) = count;
    ASSERT_THAT(administrator.xsi().change_limits(limits), Succeeds());
  };
  const auto create = [&] { return kind().get(client.xsi(), fresh_key(), creation::create_only(0600)); };
  limit_to(2);
  const auto first = create();
  ASSERT_THAT(first, Succeeds());
  EXPECT_THAT(create(), Succeeds());
  EXPECT_THAT(create(), FailsWith(ENOSPC));
  limit_to(3);
  EXPECT_THAT(create(), Succeeds());
  EXPECT_THAT(create(), FailsWith(ENOSPC));
  limit_to(1);
  ASSERT_THAT(put_number(client, *first, 5), Succeeds()) << "what exists stays";
  EXPECT_THAT(take_number(client, *first), SucceedsWith(5));
  ASSERT_THAT(kind().remove(client.xsi(), *first), Succeeds());
  EXPECT_THAT(create(), FailsWith(ENOSPC));
}

class KernelView : public each_kind {
 protected:
  // The objects that /proc/sysvipc shows to `reader`: for each id the columns of its line by their names.
  [[nodiscard]] std::map<int, std::map<std::string, std::int64_t>> listed(actor& reader) const {
    std::istringstream file(text_of_file(reader, "/proc/sysvipc/" + name()));
    std::string line;
    std::getline(file, line);
    std::istringstream header(line);
    const std::vector<std::string> columns{std::istream_iterator<std::string>(header), {}};
    std::map<int, std::map<std::string, std::int64_t>> objects;
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::map<std::string, std::int64_t> object;
      for (const std::string& column : columns) {
        words >> (column == "perms" ? std::oct : std::dec) >> object[column];
      }
      objects[static_cast<int>(object[id_column()])] = object;
    }
    return objects;
  }

  void expect_listed(actor& reader, int id, const common_status& status) const {
    auto objects = listed(reader);
    ASSERT_TRUE(objects.contains(id)) << id;
    auto& object = objects[id];
    EXPECT_EQ(object["key"], static_cast<std::int32_t>(status.perm.object_key));
    EXPECT_EQ(object["perms"], status.perm.mode);
    EXPECT_EQ(object["uid"], status.perm.uid);
    EXPECT_EQ(object["gid"], status.perm.gid);
    EXPECT_EQ(object["cuid"], status.perm.cuid);
    EXPECT_EQ(object["cgid"], status.perm.cgid);
    EXPECT_EQ(object["ctime"], status.ctime);
  }

  // "msg", "sem" or "shm", as in the names of files and columns.
  [[nodiscard]] std::string name() const {
    return GetParam() == object_kind::queue ? "msg" : GetParam() == object_kind::set ? "sem" : "shm";
  }
  [[nodiscard]] std::string id_column() const { return GetParam() == object_kind::queue ? "msqid" : name() + "id"; }
};

XSI_FOR_EACH_KIND(KernelView);

TEST_P(KernelView, ListsEveryObjectWithKeyIdAndPermissions) {
  XSI_ASSERTION("LNX-11", "LIFE-09");
  XSI_NEEDS(need::kernel_objects);
  actor& owner = process();
  actor& tool = process();
  std::vector<int> ids = {new_object(owner, 0600)};
  for (const ipc_mode mode : {0600U, 0644U, 0777U}) ids.push_back(new_named(owner, mode).id);
  for (const int id : ids) expect_listed(tool, id, status(owner, id));
  for (const auto& [id, object] : listed(tool)) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) continue;
    EXPECT_THAT(kind().remove(tool.xsi(), id), Succeeds());
    EXPECT_FALSE(listed(owner).contains(id));
    EXPECT_THAT(kind().stat(owner.xsi(), id), FailsWith(EINVAL));
  }
}

TEST_P(KernelView, ListsToEverybodyTheSame) {
  XSI_ASSERTION("LNX-11");
  XSI_NEEDS(need::kernel_objects);
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  const int id = new_named(owner, 0600).id;
  const common_status theirs = status(owner, id);
  EXPECT_THAT(kind().stat(stranger.xsi(), id), FailsWith(EACCES));
  expect_listed(stranger, id, theirs);
  EXPECT_EQ(listed(stranger)[id], listed(owner)[id]);
  const int ours = new_named(stranger, 0600).id;
  EXPECT_THAT(listed(owner), testing::IsSupersetOf({testing::Key(id), testing::Key(ours)}));
}

TEST_P(KernelView, EndsAtTheNamespace) {
  XSI_ASSERTION("LNX-13");
  XSI_NEEDS(need::private_namespace);
  const bool has_list = the_harness().offers(need::kernel_objects);
  actor& insider = process();
  actor& outsider = process_elsewhere();
  const named_object object = new_named(insider, 0666);
  ASSERT_THAT(put_number(insider, object.id, 7), Succeeds());
  const common_status before = status(insider, object.id);
  EXPECT_THAT(kind().get(outsider.xsi(), object.name, creation::find()), FailsWith(ENOENT));
  for (const auto& [call, outcome] : kind().every_call(outsider.xsi(), object.id)) {
    EXPECT_THAT(outcome, FailsWith(EINVAL)) << call;
  }
  if (has_list) {
    EXPECT_TRUE(listed(outsider).empty());
  }
  EXPECT_EQ(outsider.xsi().usage(GetParam()).value().objects, 0u);

  const auto namesake = kind().get(outsider.xsi(), object.name, creation::create_only(0666));
  ASSERT_THAT(namesake, Succeeds());
  if (has_list) {
    EXPECT_EQ(*namesake, object.id) << "the first of each namespace";
  }
  ASSERT_THAT(put_number(outsider, *namesake, 9), Succeeds());
  EXPECT_EQ(status(insider, object.id), before);
  EXPECT_THAT(take_number(insider, object.id), SucceedsWith(7));
  EXPECT_THAT(take_number(outsider, *namesake), SucceedsWith(9));
  ASSERT_THAT(kind().remove(outsider.xsi(), *namesake), Succeeds());
  EXPECT_THAT(kind().get(insider.xsi(), object.name, creation::find()), SucceedsWith(object.id));
}

TEST_P(KernelView, TheNextIdCanBeForcedOnce) {
  XSI_ASSERTION("LNX-14");
  XSI_NEEDS(need::kernel_objects);
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  const std::string next_id = name() + "_next_id";
  EXPECT_EQ(text_of_file(client, sysctls + next_id), "-1\n");
  for (const int wanted : {5 * 32768 + 7, 3}) {
    write_sysctl(client, next_id, std::to_string(wanted));
    for (const auto other : {object_kind::queue, object_kind::set, object_kind::segment}) {
      if (other == GetParam()) continue;
      EXPECT_THAT(kind_calls(other).get(client.xsi(), key::ipc_private, creation::create_only(0600)),
                  SucceedsWith(testing::Ne(wanted)));
    }
    EXPECT_EQ(new_object(client), wanted);
    EXPECT_EQ(text_of_file(client, sysctls + next_id), "-1\n");
    EXPECT_NE(new_object(client) % 32768, wanted % 32768);
  }
  write_sysctl(client, next_id, "3");
  EXPECT_NE(new_object(client), 3) << "it is taken";
}

// Locks a segment of a page with a limit of one page; returns 0 or the error.
XSI_ROUTINE(lock_the_only_page) {
  const rlimit one_page{.rlim_cur = page, .rlim_max = page};
  ::setrlimit(RLIMIT_MEMLOCK, &one_page);
  const auto outcome = context.xsi.lock_segment(static_cast<shmid>(context.input.numbers.at(0)), true);
  return {.numbers = {outcome ? 0 : outcome.error().code}};
}

class NamespaceEnd : public conformance_test {
 protected:
  // The error of locking another page in the name of `who`; 0 if it could be locked.
  static std::int64_t lock_page(actor& who, shmid segment) {
    return who.run("lock_the_only_page", {.numbers = {static_cast<std::int64_t>(segment)}}).numbers.at(0);
  }
};

// What is destroyed can't be looked at; that its locked memory is given back to the user is the trace that it leaves.
TEST_F(NamespaceEnd, DestroysItsObjects) {
  XSI_ASSERTION("LNX-13");
  XSI_NEEDS(need::kernel_objects);
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(capability::segment_lock);
  // The account of locked memory is one a user, of all namespaces: other runs of this test must have other users.
  const auto user = static_cast<ipc_user>(20'000 + ::getpid() % 40'000);
  actor& outsider = process({.uid = user, .gid = user});
  const shmid outside = new_segment(outsider, page);
  actor& last_insider = process();
  leave_namespace(last_insider);
  actor& creator = last_insider.fork();
  creator.become({.uid = user, .gid = user});
  ASSERT_EQ(lock_page(creator, new_segment(creator, page)), 0);
  EXPECT_EQ(lock_page(outsider, outside), ENOMEM);
  creator.exit(0);
  EXPECT_EQ(lock_page(outsider, outside), ENOMEM) << "the namespace lives";
  last_insider.kill();
  while (lock_page(outsider, outside) == ENOMEM) continue;
  EXPECT_TRUE(status_of(outsider.xsi(), outside).locked);
}

}  // namespace
}  // namespace xsipc::conformance
