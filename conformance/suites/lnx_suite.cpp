// Linux's lists of all objects: *_INFO, and *_STAT by index.
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(lnx)

namespace {

using testing::ElementsAre;

// Asks the kind's *ctl function for an *_INFO structure: kind and command in; out the result, then for limits those of
// the kind in the order of ipc_limits, for usage what ipc_usage counts.
XSI_ROUTINE(info_command) {
  const c_calls& c = *context.c;
  const int command = static_cast<int>(context.input.numbers.at(1));
  switch (static_cast<object_kind>(context.input.numbers.at(0))) {
    case object_kind::queue: {
      msginfo info{};
      const int got = c.msgctl(0, command, &info);
      if (command == IPC_INFO) return {.numbers = {got, info.msgmax, info.msgmnb, info.msgmni}};
      return {.numbers = {got, info.msgpool, info.msgmap, info.msgtql}};
    }
    case object_kind::set: {
      seminfo info{};
      const int got = c.semctl(0, 0, command, &info);
      if (command != IPC_INFO) return {.numbers = {got, info.semusz, info.semaem}};
      return {.numbers = {got, info.semmsl, info.semmns, info.semopm, info.semmni, info.semvmx}};
    }
    case object_kind::segment: break;
  }
  const auto number = [](unsigned long value) { return static_cast<std::int64_t>(value); };
  if (command == IPC_INFO) {
    shminfo info{};
    const int got = c.shmctl(0, command, &info);
    return {.numbers = {got, number(info.shmmax), number(info.shmmin), number(info.shmall), number(info.shmmni)}};
  }
  shm_info info{};
  const int got = c.shmctl(0, command, &info);
  return {.numbers = {got, info.used_ids, number(info.shm_tot)}};
}

// What the routine returns for `command`.
std::vector<std::int64_t> info(actor& who, object_kind kind, int command) {
  return who.run("info_command", {.numbers = {static_cast<std::int64_t>(kind), command}}).numbers;
}

// The command that tells the usage of a kind.
int usage_command(object_kind kind) {
  switch (kind) {
    case object_kind::queue: return MSG_INFO;
    case object_kind::set: return SEM_INFO;
    case object_kind::segment: return SHM_INFO;
  }
  return -1;
}

class IpcInfo : public conformance_test {
 protected:
  static ipc_usage usage(actor& who, object_kind kind) { return who.xsi().usage(kind).value(); }

  // What the C function tells, where there is one, is `numbers`.
  template <typename Numbers>
  void expect_info(actor& who, object_kind kind, int command, const Numbers& numbers) const {
    if (the_harness().offers(need::c_calls)) {
      EXPECT_THAT(info(who, kind, command), numbers);
    }
  }
};

TEST_F(IpcInfo, TellsTheLimitsOfQueues) {
  XSI_ASSERTION("LNX-01");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& client = process();
  ipc_limits limits = client.xsi().limits().value();
  expect_info(client, object_kind::queue, IPC_INFO, ElementsAre(0, limits.msgmax, limits.msgmnb, limits.msgmni));
  limits.msgmax = 4321;
  limits.msgmnb = 54321;
  limits.msgmni = 77;
  ASSERT_THAT(client.xsi().change_limits(limits), Succeeds());
  EXPECT_EQ(client.xsi().limits().value(), limits);
  expect_info(client, object_kind::queue, IPC_INFO, ElementsAre(0, 4321, 54321, 77));
}

TEST_F(IpcInfo, TellsTheLimitsOfSets) {
  XSI_ASSERTION("LNX-05");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& client = process();
  ipc_limits limits = client.xsi().limits().value();
  EXPECT_EQ(limits.semvmx, 32767u);
  expect_info(client, object_kind::set, IPC_INFO,
              ElementsAre(0, limits.semmsl, limits.semmns, limits.semopm, limits.semmni, 32767));
  limits.semmsl = 101;
  limits.semmns = 2002;
  limits.semopm = 53;
  limits.semmni = 44;
  ASSERT_THAT(client.xsi().change_limits(limits), Succeeds());
  EXPECT_EQ(client.xsi().limits().value(), limits);
  expect_info(client, object_kind::set, IPC_INFO, ElementsAre(0, 101, 2002, 53, 44, 32767));
}

TEST_F(IpcInfo, TellsTheLimitsOfSegments) {
  XSI_ASSERTION("LNX-08");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& client = process();
  ipc_limits limits = client.xsi().limits().value();
  EXPECT_EQ(limits.shmmin, 1u);
  expect_info(client, object_kind::segment, IPC_INFO,
              ElementsAre(0, static_cast<std::int64_t>(limits.shmmax), 1, static_cast<std::int64_t>(limits.shmall),
                          static_cast<std::int64_t>(limits.shmmni)));
  limits.shmmax = 7654321;
  limits.shmall = 4711;
  limits.shmmni = 33;
  ASSERT_THAT(client.xsi().change_limits(limits), Succeeds());
  EXPECT_EQ(client.xsi().limits().value(), limits);
  expect_info(client, object_kind::segment, IPC_INFO, ElementsAre(0, 7654321, 1, 4711, 33));
}

TEST_F(IpcInfo, CountsQueuesMessagesAndBytes) {
  XSI_ASSERTION("LNX-02");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  actor& reader = process({.uid = missing(need::other_users).empty() ? std::optional(alice) : std::nullopt});
  const auto expect_usage = [&](std::uint64_t queues, std::uint64_t messages, std::uint64_t bytes) {
    const ipc_usage now = usage(reader, object_kind::queue);
    EXPECT_EQ(now.objects, queues);
    EXPECT_EQ(now.messages, messages);
    EXPECT_EQ(now.bytes, bytes);
    EXPECT_EQ(now.semaphores + now.pages + now.pages_resident + now.pages_swapped, 0u);
    expect_info(reader, object_kind::queue, MSG_INFO, ElementsAre(now.highest_index, queues, messages, bytes));
  };
  expect_usage(0, 0, 0);
  const msqid first = new_queue(client);
  const msqid second = new_queue(client);
  static_cast<void>(new_queue(client));
  expect_usage(3, 0, 0);
  send_messages(client.xsi(), first, {{1, "four"}, {2, ""}});
  send_messages(client.xsi(), second, {{3, "ten bytes!"}});
  expect_usage(3, 3, 14);
  ASSERT_THAT(receive_text(client.xsi(), first, {.room = 1, .when_too_long = truncation::allow}), Succeeds());
  expect_usage(3, 2, 10);
  ASSERT_THAT(client.xsi().remove_queue(second), Succeeds());
  expect_usage(2, 1, 0);
}

TEST_F(IpcInfo, CountsSetsAndSemaphores) {
  XSI_ASSERTION("LNX-06");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  const auto expect_usage = [&](std::uint64_t sets, std::uint64_t semaphores) {
    const ipc_usage now = usage(client, object_kind::set);
    EXPECT_EQ(now.objects, sets);
    EXPECT_EQ(now.semaphores, semaphores);
    EXPECT_EQ(now.messages + now.bytes + now.pages + now.pages_resident + now.pages_swapped, 0u);
    expect_info(client, object_kind::set, SEM_INFO, ElementsAre(now.highest_index, sets, semaphores));
  };
  expect_usage(0, 0);
  static_cast<void>(new_set(client, 1));
  const semid two = new_set(client, 2);
  static_cast<void>(new_set(client, 5));
  expect_usage(3, 8);
  ASSERT_THAT(client.xsi().remove_set(two), Succeeds());
  expect_usage(2, 6);
}

TEST_F(IpcInfo, CountsSegmentsAndPages) {
  XSI_ASSERTION("LNX-09");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto expect_usage = [&](std::uint64_t segments, std::uint64_t pages) {
    const ipc_usage now = usage(client, object_kind::segment);
    EXPECT_EQ(now.objects, segments);
    EXPECT_EQ(now.pages, pages);
    EXPECT_EQ(now.messages + now.bytes + now.semaphores, 0u);
    expect_info(client, object_kind::segment, SHM_INFO, ElementsAre(now.highest_index, segments, pages));
  };
  const auto touched = [&] {
    const ipc_usage now = usage(client, object_kind::segment);
    return now.pages_resident + now.pages_swapped;
  };
  expect_usage(0, 0);
  static_cast<void>(new_segment(client, 1));
  const shmid two = new_segment(client, page + 1);
  const shmid ten = new_segment(client, 10 * page);
  expect_usage(3, 13);
  EXPECT_EQ(touched(), 0u);
  char* const memory = attach(client, ten);
  for (const std::size_t number : {0U, 4U, 9U}) ASSERT_TRUE(client.poke(memory + number * page, "x"));
  EXPECT_GE(touched(), 3u);
  EXPECT_LE(touched(), 13u);
  ASSERT_THAT(client.xsi().remove_segment(two), Succeeds());
  expect_usage(2, 11);
  ASSERT_THAT(client.xsi().remove_segment(ten), Succeeds());
  expect_usage(2, 11);
  ASSERT_THAT(client.xsi().detach(memory), Succeeds());
  expect_usage(1, 1);
}

// Asks for the status at an index: kind, command and index in; result and errno, owner, creator, mode, key and one
// number of the kind out: messages, semaphores or bytes.
XSI_ROUTINE(stat_command) {
  const c_calls& c = *context.c;
  const int command = static_cast<int>(context.input.numbers.at(1));
  const int index = static_cast<int>(context.input.numbers.at(2));
  const auto answer = [](int got, const auto& perm, std::uint64_t number) {
    return routine_result{.numbers = {got, got < 0 ? errno : 0, perm.uid, perm.gid, perm.cuid, perm.cgid, perm.mode,
                                      perm.__key, static_cast<std::int64_t>(number)}};
  };
  switch (static_cast<object_kind>(context.input.numbers.at(0))) {
    case object_kind::queue: {
      msqid_ds status{};
      const int got = c.msgctl(index, command, &status);
      return answer(got, status.msg_perm, status.msg_qnum);
    }
    case object_kind::set: {
      semid_ds status{};
      const int got = c.semctl(index, 0, command, &status);
      return answer(got, status.sem_perm, status.sem_nsems);
    }
    case object_kind::segment: break;
  }
  shmid_ds status{};
  const int got = c.shmctl(index, command, &status);
  return answer(got, status.shm_perm, status.shm_segsz);
}

class IpcStat : public each_kind {
 protected:
  // What is where, as `reader` finds it, whatever may be read.
  [[nodiscard]] std::map<int, common_status> list(actor& reader) const {
    std::map<int, common_status> found;
    const int highest = reader.xsi().usage(GetParam()).value().highest_index;
    for (int index = 0; index <= highest; ++index) {
      const auto status = kind().stat(reader.xsi(), index, lookup::index_any);
      if (status) found.emplace(index, *status);
    }
    return found;
  }

  [[nodiscard]] int index_of(actor& reader, int id) const {
    std::vector<int> indexes;
    for (const auto& [index, status] : list(reader)) {
      if (status.id == id) indexes.push_back(index);
    }
    EXPECT_EQ(indexes.size(), 1u) << "places of id " << id;
    return indexes.empty() ? -1 : indexes[0];
  }

  // The kind's *_STAT, and its *_STAT_ANY.
  [[nodiscard]] int stat_by_index() const {
    return GetParam() == object_kind::queue ? MSG_STAT : GetParam() == object_kind::set ? SEM_STAT : SHM_STAT;
  }
  [[nodiscard]] int stat_any() const {
    return GetParam() == object_kind::queue ? MSG_STAT_ANY
           : GetParam() == object_kind::set ? SEM_STAT_ANY
                                            : SHM_STAT_ANY;
  }
  std::vector<std::int64_t> stat(actor& reader, int command, int index) const {
    return reader.run("stat_command", {.numbers = {static_cast<std::int64_t>(GetParam()), command, index}}).numbers;
  }
};

XSI_FOR_EACH_KIND(IpcStat);

TEST_P(IpcStat, TellsAtTheIndexWhatIsToldByTheId) {
  XSI_ASSERTION("LNX-03", "LNX-04", "LNX-07", "LNX-10");
  XSI_NEEDS(capability::lookup_by_index);
  actor& owner = process();
  actor& reader = process();
  std::vector<int> ids;
  for (const ipc_mode mode : {0600U, 0640U, 0604U, 0666U, 0777U}) ids.push_back(new_named(owner, mode).id);
  for (const int id : {ids[0], ids[3]}) ASSERT_THAT(put_number(owner, id, 17), Succeeds());
  ASSERT_THAT(kind().remove(owner.xsi(), ids[1]), Succeeds());
  ids.erase(ids.begin() + 1);
  for (const int id : ids) {
    const common_status expected = status(reader, id);
    const int index = index_of(reader, id);
    for (const lookup how : {lookup::index, lookup::index_any}) {
      EXPECT_THAT(kind().stat(reader.xsi(), index, how), SucceedsWith(expected));
      EXPECT_THAT(kind().stat(owner.xsi(), index, how), SucceedsWith(expected));
    }
    EXPECT_EQ(status(owner, id), expected) << "looking changes nothing";
  }
}

TEST_P(IpcStat, OfAnUnusedIndexIsEinval) {
  XSI_ASSERTION("LNX-03", "LNX-04", "LNX-07", "LNX-10");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::lookup_by_index);
  actor& owner = process();
  std::vector<int> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(new_object(owner));
  const auto before = list(owner);
  ASSERT_EQ(before.size(), 5u);
  ASSERT_THAT(kind().remove(owner.xsi(), ids[1]), Succeeds());
  ASSERT_THAT(kind().remove(owner.xsi(), ids[4]), Succeeds());
  const auto after = list(owner);
  EXPECT_EQ(after.size(), 3u);
  for (int index = -1; index < before.rbegin()->first + 20; ++index) {
    for (const lookup how : {lookup::index, lookup::index_any}) {
      const auto outcome = kind().stat(owner.xsi(), index, how);
      if (after.contains(index)) {
        EXPECT_THAT(outcome, SucceedsWith(after.at(index))) << index;
      } else {
        EXPECT_THAT(outcome, FailsWith(EINVAL)) << index;
      }
    }
  }
}

TEST_P(IpcStat, NeedsReadPermissionExceptForAny) {
  XSI_ASSERTION("LNX-03", "LNX-04", "LNX-07", "LNX-10");
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(capability::lookup_by_index);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  for (const ipc_mode closed : {0600U, 0622U, 0333U}) {
    const int id = new_object(owner, closed | 0600);
    const int index = index_of(stranger, id);
    const common_status expected = status(owner, id);
    EXPECT_THAT(kind().stat(owner.xsi(), index, lookup::index), SucceedsWith(expected));
    EXPECT_THAT(kind().stat(stranger.xsi(), index, lookup::index), FailsWith(EACCES));
    EXPECT_THAT(kind().stat(stranger.xsi(), index, lookup::index_any), SucceedsWith(expected));
    ASSERT_THAT(kind().change(owner.xsi(), id, {alice, alice, 0604}), Succeeds());
    EXPECT_THAT(kind().stat(stranger.xsi(), index, lookup::index), SucceedsWith(status(owner, id)));
  }
}

TEST_P(IpcStat, InCReturnsTheWholeId) {
  XSI_ASSERTION("LNX-03", "LNX-04", "LNX-07", "LNX-10");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(need::c_calls);
  XSI_NEEDS(capability::lookup_by_index);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  // So many that the next id is not its index.
  for (int i = 0; i < 100; ++i) ASSERT_THAT(kind().remove(owner.xsi(), new_object(owner)), Succeeds());
  const named_object object = new_named(owner, 0600);
  ASSERT_THAT(kind().change(owner.xsi(), object.id, {carol, carol, 0620}), Succeeds());
  ASSERT_THAT(put_number(process(), object.id, 3), Succeeds());
  const int index = index_of(stranger, object.id);
  EXPECT_NE(index, object.id);
  const std::int64_t number = GetParam() == object_kind::queue ? 1 : GetParam() == object_kind::set ? 2 : 4096;
  const auto whole = ElementsAre(object.id, 0, carol, carol, alice, alice, 0620, static_cast<int>(object.name), number);
  EXPECT_THAT(stat(owner, stat_by_index(), index), whole);
  EXPECT_THAT(stat(owner, stat_any(), index), whole);
  EXPECT_THAT(stat(stranger, stat_any(), index), whole);
  const auto refused = stat(stranger, stat_by_index(), index);
  EXPECT_EQ(refused[0], -1);
  EXPECT_EQ(refused[1], EACCES);
  for (const int command : {stat_by_index(), stat_any()}) {
    const auto unused = stat(owner, command, index + 1);
    EXPECT_EQ(unused[0], -1);
    EXPECT_EQ(unused[1], EINVAL);
  }
}

TEST_P(IpcStat, TheHighestIndexInUseIsReturned) {
  XSI_ASSERTION("LNX-01");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::lookup_by_index);
  actor& client = process();
  std::vector<int> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(new_object(client));
  ASSERT_THAT(kind().remove(client.xsi(), ids[2]), Succeeds());
  for (auto there = list(client); !there.empty(); there = list(client)) {
    const auto [highest, object] = *there.rbegin();
    EXPECT_EQ(client.xsi().usage(GetParam()).value().highest_index, highest);
    if (the_harness().offers(need::c_calls)) {
      EXPECT_EQ(info(client, GetParam(), IPC_INFO)[0], highest);
      EXPECT_EQ(info(client, GetParam(), usage_command(GetParam()))[0], highest);
    }
    ids.erase(std::remove(ids.begin(), ids.end(), object.id), ids.end());
    ASSERT_THAT(kind().remove(client.xsi(), object.id), Succeeds());
  }
  EXPECT_THAT(ids, ElementsAre(testing::_)) << "all but the one that was removed at first";
}

TEST_P(IpcStat, WithoutObjectsInfoIsZero) {
  XSI_ASSERTION("LNX-15");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::lookup_by_index);
  actor& client = process();
  const auto expect_nothing = [&] {
    if (the_harness().offers(need::c_calls)) {
      EXPECT_EQ(info(client, GetParam(), IPC_INFO)[0], 0);
      EXPECT_THAT(info(client, GetParam(), usage_command(GetParam())), testing::Each(0));
    }
    const ipc_usage usage = client.xsi().usage(GetParam()).value();
    EXPECT_EQ(usage.highest_index, 0);
    EXPECT_EQ(usage.objects, 0u);
    EXPECT_THAT(kind().stat(client.xsi(), 0, lookup::index_any), FailsWith(EINVAL));
  };
  expect_nothing();
  for (const auto other : {object_kind::queue, object_kind::set, object_kind::segment}) {
    if (other != GetParam()) {
      ASSERT_THAT(kind_calls(other).get(client.xsi(), fresh_key(), creation::create_only(0600)), Succeeds());
    }
  }
  expect_nothing();
  const int id = new_object(client);
  EXPECT_EQ(client.xsi().usage(GetParam()).value().objects, 1u);
  ASSERT_THAT(kind().remove(client.xsi(), id), Succeeds());
  expect_nothing();
}

}  // namespace
}  // namespace xsipc::conformance
