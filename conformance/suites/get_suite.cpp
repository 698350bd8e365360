// msgget, semget, shmget: what flags ask of a missing and of an existing object, and what a new one is like.
#include <sys/ipc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(get)

namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;
using testing::Ne;

class Get : public each_kind {
 protected:
  result<int> get(actor_thread& by, key which, creation how) const { return kind().get(by.xsi(), which, how); }

  // Creates an object of a new key; throws if that fails.
  int new_object_of(key name, actor_thread& owner, ipc_mode mode = 0600) const {
    const auto id = get(owner, name, creation::create_only(mode));
    if (!id) throw std::runtime_error("no object to test with: " + id.error().message());
    return *id;
  }

  // For routines.
  [[nodiscard]] std::int64_t kind_number() const { return static_cast<std::int64_t>(GetParam()); }

  // How many objects there are, where that is for the test to say.
  std::uint64_t objects(actor_thread& by) const {
    if (!missing(need::private_namespace).empty()) return 0;
    const auto usage = by.xsi().usage(GetParam());
    return usage ? usage->objects : std::numeric_limits<std::uint64_t>::max();
  }
};

XSI_FOR_EACH_KIND(Get);

key key_of(std::int64_t number) { return static_cast<key>(static_cast<std::int32_t>(number)); }
std::int64_t number_of(key name) { return static_cast<std::int32_t>(name); }

// The id, or the errno below zero.
std::int64_t id_or_errno(const result<int>& got) { return got ? *got : -got.error().code; }

TEST_P(Get, OfAMissingKeyIsEnoent) {
  XSI_ASSERTION("GET-01");
  actor& client = process();
  const key name = fresh_key();
  for (const ipc_mode asked : {0U, 0600U, 0777U}) {
    EXPECT_THAT(get(client, name, creation::find(asked)), FailsWith(ENOENT));
  }
}

TEST_P(Get, WithCreatMakesWhatIsMissing) {
  XSI_ASSERTION("GET-02");
  actor& client = process();
  actor& other = process();
  const int existing = new_object_of(fresh_key(), client);
  const key name = fresh_key();
  const std::uint64_t before = objects(client);
  const auto id = get(client, name, creation::open_or_create(0600));
  ASSERT_THAT(id, SucceedsWith(AllOf(Ge(0), Ne(existing))));
  EXPECT_EQ(objects(client), missing(need::private_namespace).empty() ? before + 1 : 0);
  EXPECT_THAT(get(other, name, creation::find()), SucceedsWith(*id));
  EXPECT_THAT(put_number(client, *id, 12), Succeeds());
  EXPECT_THAT(take_number(other, *id), SucceedsWith(12));
}

TEST_P(Get, WithCreatFindsWhatIsThereAndLeavesIt) {
  XSI_ASSERTION("GET-03");
  actor& creator = process();
  actor& other = process();
  const key name = fresh_key();
  const int id = new_object_of(name, creator, 0640);
  const common_status before = status(creator, id);
  const std::uint64_t count = objects(creator);
  for (actor* const by : {&creator, &other}) {
    for (const ipc_mode mode : {0U, 0400U, 0600U}) {
      EXPECT_THAT(get(*by, name, creation::open_or_create(mode)), SucceedsWith(id));
    }
  }
  EXPECT_EQ(status(creator, id), before);
  EXPECT_EQ(before.perm.mode, 0640u);
  EXPECT_EQ(objects(creator), count);
}

TEST_P(Get, WithCreatAndExclOfAnExistingKeyIsEexist) {
  XSI_ASSERTION("GET-04");
  actor& creator = process();
  actor& other = process();
  const key name = fresh_key();
  const int id = new_object_of(name, creator);
  ASSERT_THAT(put_number(creator, id, 8), Succeeds());
  const common_status before = status(creator, id);
  for (actor* const by : {&creator, &other}) {
    EXPECT_THAT(get(*by, name, creation::create_only(0600)), FailsWith(EEXIST));
    EXPECT_THAT(get(*by, name, creation::create_only(0)), FailsWith(EEXIST));
  }
  EXPECT_EQ(status(creator, id), before);
  EXPECT_THAT(get(other, name, creation::find()), SucceedsWith(id));
  EXPECT_THAT(take_number(other, id), SucceedsWith(8));
}

TEST_P(Get, WithExclAloneFinds) {
  XSI_ASSERTION("GET-05");
  actor& client = process();
  const creation exclusive_only{.create = false, .exclusive = true, .mode = 0600};
  const key name = fresh_key();
  EXPECT_THAT(get(client, name, exclusive_only), FailsWith(ENOENT));
  EXPECT_THAT(get(client, name, creation::find()), FailsWith(ENOENT));
  const int id = new_object_of(name, client);
  EXPECT_THAT(get(client, name, exclusive_only), SucceedsWith(id));
}

TEST_P(Get, ThatMustBeTheFirstSaysEexistNotEacces) {
  XSI_ASSERTION("GET-06");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice});
  actor& stranger = process({.uid = bob});
  const key name = fresh_key();
  const int id = new_object_of(name, owner, 0600);
  EXPECT_THAT(get(stranger, name, creation::create_only(0666)), FailsWith(EEXIST));
  EXPECT_THAT(get(stranger, name, creation::open_or_create(0666)), FailsWith(EACCES));
  EXPECT_THAT(get(owner, name, creation::find()), SucceedsWith(id));
}

TEST_P(Get, AsksForTheAccessThatItsModeSays) {
  XSI_ASSERTION("GET-07", "GET-16");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice});
  actor& member = process({.uid = bob, .gid = alice});
  actor& stranger = process({.uid = carol});
  const key name = fresh_key();
  const int id = new_object_of(name, owner, 0640);
  const common_status before = status(owner, id);
  const std::uint64_t count = objects(owner);
  EXPECT_THAT(get(owner, name, creation::find(0600)), SucceedsWith(id));
  EXPECT_THAT(get(member, name, creation::find(0440)), SucceedsWith(id));
  EXPECT_THAT(get(member, name, creation::find(0600)), FailsWith(EACCES));
  EXPECT_THAT(get(stranger, name, creation::find(0400)), FailsWith(EACCES));
  EXPECT_THAT(get(stranger, name, creation::find(0200)), FailsWith(EACCES));
  EXPECT_THAT(get(stranger, name, creation::open_or_create(0666)), FailsWith(EACCES));
  EXPECT_EQ(status(owner, id), before);
  EXPECT_EQ(objects(owner), count);
  const key own_name = fresh_key();
  const int own = new_object_of(own_name, owner, 0400);
  EXPECT_THAT(get(owner, own_name, creation::find(0400)), SucceedsWith(own));
  EXPECT_THAT(get(owner, own_name, creation::find(0600)), FailsWith(EACCES));
  EXPECT_THAT(get(owner, own_name, creation::open_or_create(0200)), FailsWith(EACCES));
}

TEST_P(Get, ThatAsksForNothingSucceedsForEverybody) {
  XSI_ASSERTION("GET-08");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice});
  actor& stranger = process({.uid = bob});
  const key name = fresh_key();
  const int id = new_object_of(name, owner, 0);
  for (actor* const by : {&owner, &stranger}) {
    EXPECT_THAT(get(*by, name, creation::find(0)), SucceedsWith(id));
    EXPECT_THAT(get(*by, name, creation::open_or_create(0)), SucceedsWith(id));
    EXPECT_THAT(get(*by, name, creation::find(0400)), FailsWith(EACCES));
    EXPECT_THAT(kind().read(by->xsi(), id), FailsWith(EACCES));
    EXPECT_THAT(kind().use_reading(by->xsi(), id), FailsWith(EACCES));
    EXPECT_THAT(kind().use_writing(by->xsi(), id), FailsWith(EACCES));
  }
}

TEST_P(Get, TakesTheThreeClassesOfItsModeTogether) {
  XSI_ASSERTION("GET-12");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice});
  actor& member = process({.uid = bob, .gid = alice});
  actor& stranger = process({.uid = carol});
  const struct {
    actor& caller;
    ipc_mode readable, writable;  // only that for the caller, and everything for the two other classes
  } rows[] = {{owner, 0466, 0266}, {member, 0646, 0626}, {stranger, 0664, 0662}};
  for (const auto& row : rows) {
    const key read_name = fresh_key();
    const key write_name = fresh_key();
    const int readable = new_object_of(read_name, owner, row.readable);
    const int writable = new_object_of(write_name, owner, row.writable);
    for (const unsigned shift : {6U, 3U, 0U}) {
      const creation to_read = creation::find(4U << shift);
      const creation to_write = creation::find(2U << shift);
      EXPECT_THAT(get(row.caller, read_name, to_read), SucceedsWith(readable)) << shift;
      EXPECT_THAT(get(row.caller, read_name, to_write), FailsWith(EACCES)) << shift;
      EXPECT_THAT(get(row.caller, write_name, to_write), SucceedsWith(writable)) << shift;
      EXPECT_THAT(get(row.caller, write_name, to_read), FailsWith(EACCES)) << shift;
    }
  }
}

// The kernel checks execute bits though they grant nothing; user space ignores them, as POSIX has it.
TEST_P(Get, ForExecuteBitsIsRefusedByTheKernelOnly) {
  XSI_ASSERTION("GET-13");
  XSI_NEEDS(need::other_users);
  const bool bits_count = the_harness().offers(need::kernel_objects);
  actor& owner = process({.uid = alice});
  actor& stranger = process({.uid = bob});
  const key without_name = fresh_key();
  const key with_name = fresh_key();
  const int without = new_object_of(without_name, owner, 0666);
  const int with = new_object_of(with_name, owner, 0777);
  for (actor* const by : {&owner, &stranger}) {
    EXPECT_THAT(get(*by, without_name, creation::find(0666)), SucceedsWith(without));
    for (const ipc_mode asked : {0777U, 0100U, 0010U, 0001U}) {
      EXPECT_THAT(get(*by, with_name, creation::find(asked)), SucceedsWith(with));
      const auto got = get(*by, without_name, creation::find(asked));
      if (bits_count) {
        EXPECT_THAT(got, FailsWith(EACCES)) << asked;
      } else {
        EXPECT_THAT(got, SucceedsWith(without)) << asked;
      }
    }
  }
}

// Creates with a umask; returns the id or the errno below zero.
XSI_ROUTINE(get_create_under_umask) {
  const auto& numbers = context.input.numbers;
  const ::mode_t before = ::umask(static_cast<::mode_t>(numbers.at(3)));
  const auto got =
      kind_calls(static_cast<object_kind>(numbers.at(0)))
          .get(context.xsi, key_of(numbers.at(1)), creation::create_only(static_cast<ipc_mode>(numbers.at(2))));
  ::umask(before);
  return {{id_or_errno(got)}, {}};
}

TEST_P(Get, GivesTheModeWhateverTheUmask) {
  XSI_ASSERTION("GET-09");
  actor& creator = process();
  for (const ipc_mode mode : {0600U, 0666U, 0640U, 0444U}) {
    for (const std::int64_t umask : {0022, 0777}) {
      const key name = fresh_key();
      const auto made = creator.run("get_create_under_umask", {{kind_number(), number_of(name), mode, umask}, {}});
      ASSERT_THAT(made.numbers, testing::ElementsAre(Ge(0)));
      EXPECT_EQ(status(creator, static_cast<int>(made.numbers[0])).perm.mode, mode);
      EXPECT_THAT(get(creator, name, creation::find(mode)), SucceedsWith(made.numbers[0]));
    }
  }
}

TEST_P(Get, UnderAUmaskGivesOthersWhatTheModeSays) {
  XSI_ASSERTION("GET-09");
  XSI_NEEDS(need::other_users);
  actor& creator = process({.uid = alice});
  actor& stranger = process({.uid = bob});
  const auto made = creator.run("get_create_under_umask", {{kind_number(), number_of(fresh_key()), 0666, 0777}, {}});
  ASSERT_THAT(made.numbers, testing::ElementsAre(Ge(0)));
  const int id = static_cast<int>(made.numbers[0]);
  EXPECT_THAT(put_number(stranger, id, 31), Succeeds());
  EXPECT_THAT(take_number(creator, id), SucceedsWith(31));
}

TEST_P(Get, StoresExecuteBits) {
  XSI_ASSERTION("GET-10");
  actor& client = process();
  for (const ipc_mode mode : {0700U, 0711U, 0755U, 0777U, 0613U}) {
    EXPECT_EQ(status(client, new_object(client, mode)).perm.mode, mode);
    const int id = new_object_of(fresh_key(), client, mode);
    EXPECT_EQ(status(client, id).perm.mode, mode);
  }
}

TEST_P(Get, StoresExecuteBitsThatGrantNothing) {
  XSI_ASSERTION("GET-10");
  XSI_NEEDS(need::other_users);
  actor& client = process({.uid = alice});
  actor& onlooker = process();
  const int id = new_object(client, 0111);
  EXPECT_THAT(kind().read(client.xsi(), id), FailsWith(EACCES));
  EXPECT_THAT(kind().use_reading(client.xsi(), id), FailsWith(EACCES));
  EXPECT_THAT(kind().use_writing(client.xsi(), id), FailsWith(EACCES));
  if (missing(need::cap_ipc_owner).empty()) {
    EXPECT_EQ(status(onlooker, id).perm.mode, 0111u);
  }
}

// Calls the C function with flags of any kind; returns what it returned and errno.
XSI_ROUTINE(get_with_flags) {
  const auto& numbers = context.input.numbers;
  const auto name = static_cast<int>(numbers.at(1));
  const auto flags = static_cast<int>(numbers.at(2));
  errno = 0;
  std::int64_t got = 0;
  switch (static_cast<object_kind>(numbers.at(0))) {
    case object_kind::queue: got = context.c->msgget(name, flags); break;
    case object_kind::set: got = context.c->semget(name, 2, flags); break;
    case object_kind::segment: got = context.c->shmget(name, 4096, flags); break;
  }
  return {{got, errno}, {}};
}

TEST_P(Get, IgnoresFlagsThatMeanNothing) {
  XSI_ASSERTION("GET-11");
  XSI_NEEDS(need::c_calls);
  // SHM_HUGETLB, SHM_NORESERVE and the size of huge pages mean something to shmget; the former has IPC_NOWAIT's number.
  constexpr std::int64_t unknown = 0x03ffe000;
  constexpr std::int64_t more = 0x7c001800;
  std::vector<std::int64_t> extras = {unknown, 0x8000, 0x10000};
  if (GetParam() != object_kind::segment) {
    extras.insert(extras.end(), {IPC_NOWAIT, unknown | more, std::numeric_limits<std::int32_t>::min()});
  }
  actor& client = process();
  for (const std::int64_t extra : extras) {
    const key name = fresh_key();
    const auto call = [&](std::int64_t flags) {
      return client.run("get_with_flags", {{kind_number(), number_of(name), flags | extra}, {}}).numbers;
    };
    EXPECT_THAT(call(0600), testing::ElementsAre(-1, ENOENT)) << extra;
    const auto made = call(IPC_CREAT | IPC_EXCL | 0640);
    ASSERT_THAT(made, testing::ElementsAre(Ge(0), 0)) << extra;
    EXPECT_EQ(status(client, static_cast<int>(made[0])).perm.mode, 0640u) << extra;
    EXPECT_THAT(get(client, name, creation::find(0600)), SucceedsWith(made[0])) << extra;
    EXPECT_THAT(call(0600), testing::ElementsAre(made[0], 0)) << extra;
    EXPECT_THAT(call(IPC_CREAT | IPC_EXCL | 0640), testing::ElementsAre(-1, EEXIST)) << extra;
  }
}

TEST_P(Get, MakesItsCallerOwnerAndCreator) {
  XSI_ASSERTION("GET-14");
  actor& creator = process();
  for (const int id : {new_object(creator), new_object_of(fresh_key(), creator)}) {
    const ipc_perm perm = status(creator, id).perm;
    EXPECT_EQ(perm.uid, ::geteuid());
    EXPECT_EQ(perm.cuid, ::geteuid());
    EXPECT_EQ(perm.gid, ::getegid());
    EXPECT_EQ(perm.cgid, ::getegid());
  }
}

TEST_P(Get, GivesTheEffectiveIdsNotTheRealOnes) {
  XSI_ASSERTION("GET-14");
  XSI_NEEDS(need::other_users);
  actor& creator = process({.uid = alice, .gid = bob, .real_uid = carol, .real_gid = carol, .groups = {carol}});
  for (const int id : {new_object(creator), new_object_of(fresh_key(), creator)}) {
    const ipc_perm perm = status(creator, id).perm;
    EXPECT_EQ(perm.uid, alice);
    EXPECT_EQ(perm.cuid, alice);
    EXPECT_EQ(perm.gid, bob);
    EXPECT_EQ(perm.cgid, bob);
  }
}

TEST_P(Get, SetsCtimeToNow) {
  XSI_ASSERTION("GET-15");
  actor& creator = process();
  const ipc_time before = now();
  const int id = new_object(creator);
  const int named = new_object_of(fresh_key(), creator);
  const ipc_time after = now();
  EXPECT_THAT(status(creator, id).ctime, AllOf(Ge(before), Le(after)));
  EXPECT_THAT(status(creator, named).ctime, AllOf(Ge(before), Le(after)));
}

TEST_P(Get, ThatFailsLeavesNothingBehind) {
  XSI_ASSERTION("GET-16");
  actor& client = process();
  const key existing = fresh_key();
  const int id = new_object_of(existing, client);
  const common_status before = status(client, id);
  const std::uint64_t count = objects(client);
  const key name = fresh_key();
  EXPECT_THAT(get(client, name, creation::find(0600)), FailsWith(ENOENT));
  EXPECT_THAT(get(client, name, {.create = false, .exclusive = true, .mode = 0600}), FailsWith(ENOENT));
  EXPECT_THAT(get(client, existing, creation::create_only(0600)), FailsWith(EEXIST));
  for (const key wanted : {name, key::ipc_private}) {
    const creation how = creation::create_only(0600);
    if (GetParam() == object_kind::set) {
      for (const int nsems : {0, -1, std::numeric_limits<int>::max()}) {
        EXPECT_THAT(client.xsi().get_set(wanted, nsems, how), FailsWith(EINVAL)) << nsems;
      }
    } else if (GetParam() == object_kind::segment) {
      EXPECT_THAT(client.xsi().get_segment(wanted, 0, how, {}), FailsWith(EINVAL));
      EXPECT_THAT(client.xsi().get_segment(wanted, std::numeric_limits<std::size_t>::max(), how, {}),
                  FailsWith(EINVAL));
    }
  }
  EXPECT_EQ(objects(client), count);
  EXPECT_EQ(status(client, id), before);
  EXPECT_THAT(get(client, name, creation::find()), FailsWith(ENOENT));
  EXPECT_THAT(get(client, name, creation::create_only(0600)), SucceedsWith(Ne(id)));
}

TEST_P(Get, BeyondTheLimitIsEnospc) {
  XSI_ASSERTION("GET-18", "GET-16");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  auto limits = client.xsi().limits();
  ASSERT_THAT(limits, Succeeds());
  std::uint64_t& most = GetParam() == object_kind::queue ? limits->msgmni
                        : GetParam() == object_kind::set ? limits->semmni
                                                         : limits->shmmni;
  most = 3;
  ASSERT_THAT(client.xsi().change_limits(*limits), Succeeds());
  const key name = fresh_key();
  const int first = new_object_of(name, client);
  new_object(client);
  const int third = new_object(client);
  const key next = fresh_key();
  EXPECT_THAT(get(client, next, creation::create_only(0600)), FailsWith(ENOSPC));
  EXPECT_THAT(get(client, next, creation::open_or_create(0600)), FailsWith(ENOSPC));
  EXPECT_THAT(get(client, key::ipc_private, creation::find(0600)), FailsWith(ENOSPC));
  EXPECT_THAT(get(client, next, creation::find()), FailsWith(ENOENT));
  EXPECT_THAT(get(client, name, creation::find(0600)), SucceedsWith(first));
  EXPECT_THAT(get(client, name, creation::open_or_create(0600)), SucceedsWith(first));
  EXPECT_THAT(get(client, name, creation::create_only(0600)), FailsWith(EEXIST));
  EXPECT_EQ(objects(client), 3u);
  for (const auto which : {object_kind::queue, object_kind::set, object_kind::segment}) {
    if (which == GetParam()) continue;
    EXPECT_THAT(kind_calls(which).get(client.xsi(), next, creation::create_only(0600)), Succeeds());
  }
  ASSERT_THAT(kind().remove(client.xsi(), third), Succeeds());
  EXPECT_THAT(get(client, next, creation::create_only(0600)), Succeeds());
  EXPECT_THAT(get(client, key::ipc_private, creation::find(0600)), FailsWith(ENOSPC));
}

class GetLater : public conformance_test {};

// One test for the three kinds: it has to let a second pass.
TEST_F(GetLater, ChangesNoTimeAndNoPid) {
  XSI_ASSERTION("GET-19");
  actor& creator = process();
  actor& other = process();
  struct object {
    kind_calls kind;
    key name;
    int id;
    common_status before;
  };
  std::vector<object> objects;
  for (const auto which : {object_kind::queue, object_kind::set, object_kind::segment}) {
    const kind_calls kind(which);
    const key name = fresh_key();
    const auto id = kind.get(creator.xsi(), name, creation::create_only(0600));
    ASSERT_THAT(id, Succeeds());
    ASSERT_THAT(kind.use_writing(creator.xsi(), *id), Succeeds());
    ASSERT_THAT(kind.use_reading(creator.xsi(), *id), Succeeds());
    const auto before = kind.stat(creator.xsi(), *id);
    ASSERT_THAT(before, Succeeds());
    objects.push_back({kind, name, *id, *before});
  }
  const auto set = static_cast<semid>(objects[1].id);
  const ipc_time then = now();
  while (now() == then) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (const object& each : objects) {
    EXPECT_THAT(each.kind.get(other.xsi(), each.name, creation::find(0600)), SucceedsWith(each.id));
    EXPECT_THAT(each.kind.get(other.xsi(), each.name, creation::open_or_create(0666)), SucceedsWith(each.id));
    EXPECT_THAT(each.kind.get(other.xsi(), each.name, creation::create_only(0600)), FailsWith(EEXIST));
    EXPECT_THAT(each.kind.stat(creator.xsi(), each.id), SucceedsWith(each.before));
  }
  EXPECT_THAT(other.xsi().query_semaphore(set, 0, sem_query::pid), SucceedsWith(creator.pid()));
}

}  // namespace
}  // namespace xsipc::conformance
