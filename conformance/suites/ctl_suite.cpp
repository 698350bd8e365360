// msgctl, semctl, shmctl: what IPC_STAT tells, what IPC_SET changes, what IPC_RMID leaves.
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <functional>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(ctl)

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

// Leaves a trace of every sort in a new object: a message, an operation, an attachment that stays.
void use(const kind_calls& kind, actor& by, int id) {
  ASSERT_THAT(kind.use_writing(by.xsi(), id), Succeeds());
  ASSERT_THAT(kind.use_reading(by.xsi(), id), Succeeds());
  ASSERT_THAT(kind.use_writing(by.xsi(), id), Succeeds());
  if (kind.which() == object_kind::segment) {
    ASSERT_THAT(by.xsi().attach(static_cast<shmid>(id), {}), Succeeds());
  }
}

perm_change changed_mode(const common_status& from, ipc_mode mode) { return {from.perm.uid, from.perm.gid, mode}; }

// The members that tell who and when, of a new object of `creator`.
void expect_perm_as_created(const ipc_perm& perm, const identity& creator, key name, ipc_mode mode) {
  EXPECT_EQ(perm.uid, creator.uid.value_or(::geteuid()));
  EXPECT_EQ(perm.gid, creator.gid.value_or(::getegid()));
  EXPECT_EQ(perm.cuid, perm.uid);
  EXPECT_EQ(perm.cgid, perm.gid);
  EXPECT_EQ(perm.mode, mode);
  EXPECT_EQ(perm.object_key, name);
}

class CtlStat : public conformance_test {};

TEST_F(CtlStat, TellsAllOfANewQueue) {
  XSI_ASSERTION("CTL-01");
  actor& creator = process(unprivileged());
  const key name = fresh_key();
  const ipc_time before = now();
  const msqid id = creator.xsi().get_queue(name, creation::create_only(0640)).value();
  const queue_status s = status_of(process(unprivileged()).xsi(), id);
  EXPECT_EQ(s.id, id);
  expect_perm_as_created(s.perm, unprivileged(), name, 0640);
  EXPECT_EQ(s.qbytes, creator.xsi().limits().value().msgmnb);
  EXPECT_THAT(s.ctime, AllOf(Ge(before), Le(now())));
  EXPECT_EQ(s.stime, 0);
  EXPECT_EQ(s.rtime, 0);
  EXPECT_EQ(s.cbytes, 0u);
  EXPECT_EQ(s.qnum, 0u);
  EXPECT_EQ(s.lspid, 0);
  EXPECT_EQ(s.lrpid, 0);
}

TEST_F(CtlStat, TellsAllOfANewSet) {
  XSI_ASSERTION("CTL-01");
  actor& creator = process(unprivileged());
  const key name = fresh_key();
  const ipc_time before = now();
  const semid id = creator.xsi().get_set(name, 3, creation::create_only(0640)).value();
  const set_status s = process(unprivileged()).xsi().stat_set(static_cast<int>(id), lookup::id).value();
  EXPECT_EQ(s.id, id);
  expect_perm_as_created(s.perm, unprivileged(), name, 0640);
  EXPECT_THAT(s.ctime, AllOf(Ge(before), Le(now())));
  EXPECT_EQ(s.otime, 0);
  EXPECT_EQ(s.nsems, 3u);
}

TEST_F(CtlStat, TellsAllOfANewSegment) {
  XSI_ASSERTION("CTL-01");
  actor& creator = process(unprivileged());
  const key name = fresh_key();
  const ipc_time before = now();
  const shmid id = creator.xsi().get_segment(name, 5000, creation::create_only(0640), {}).value();
  const segment_status s = process(unprivileged()).xsi().stat_segment(static_cast<int>(id), lookup::id).value();
  EXPECT_EQ(s.id, id);
  expect_perm_as_created(s.perm, unprivileged(), name, 0640);
  EXPECT_THAT(s.ctime, AllOf(Ge(before), Le(now())));
  EXPECT_EQ(s.segsz, 5000u);
  EXPECT_EQ(s.atime, 0);
  EXPECT_EQ(s.dtime, 0);
  EXPECT_EQ(s.cpid, creator.pid());
  EXPECT_EQ(s.lpid, 0);
  EXPECT_EQ(s.nattch, 0u);
  EXPECT_FALSE(s.removed);
  EXPECT_FALSE(s.locked);
}

TEST_F(CtlStat, TellsTheSizeAsAskedFor) {
  XSI_ASSERTION("CTL-16");
  actor& creator = process();
  spi::backend& reader = process().xsi();
  for (const int nsems : {1, 2, 5, 31}) {
    const semid set = new_set(creator, nsems);
    EXPECT_EQ(reader.stat_set(static_cast<int>(set), lookup::id).value().nsems, static_cast<std::uint64_t>(nsems));
  }
  for (const std::size_t size : {1U, 100U, 4095U, 4096U, 4097U, 70001U}) {
    const shmid segment = new_segment(creator, size);
    EXPECT_EQ(reader.stat_segment(static_cast<int>(segment), lookup::id).value().segsz, size);
    ASSERT_THAT(creator.xsi().attach(segment, {}), Succeeds());
    EXPECT_EQ(reader.stat_segment(static_cast<int>(segment), lookup::id).value().segsz, size);
  }
}

class Ctl : public each_kind {};

XSI_FOR_EACH_KIND(Ctl);

TEST_P(Ctl, StatChangesNothing) {
  XSI_ASSERTION("CTL-02");
  actor& user = process();
  actor& first = process();
  actor& second = process();
  const int unused = new_object(user);
  const common_status new_one = status(first, unused);
  EXPECT_EQ(status(first, unused), new_one);
  EXPECT_EQ(status(second, unused), new_one);

  const int used = new_object(user);
  use(kind(), user, used);
  const common_status before = status(first, used);
  EXPECT_EQ(status(second, used), before);
  EXPECT_EQ(status(user, used), before);
}

TEST_P(Ctl, SetChangesOwnerGroupAndModeAndNothingElse) {
  XSI_ASSERTION("CTL-03");
  actor& owner = process(unprivileged());
  const named_object it = new_named(owner, 0600);
  use(kind(), owner, it.id);
  const common_status before = status(owner, it.id);
  ASSERT_THAT(kind().change(owner.xsi(), it.id, {bob, carol, 0751}), Succeeds());
  const common_status after = status(owner, it.id);
  EXPECT_EQ(after.perm.uid, bob);
  EXPECT_EQ(after.perm.gid, carol);
  EXPECT_EQ(after.perm.mode, 0751u);
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.perm.cuid, before.perm.cuid);
  EXPECT_EQ(after.perm.cgid, before.perm.cgid);
  EXPECT_EQ(after.perm.object_key, it.name);
  EXPECT_EQ(after.rest, before.rest);
  EXPECT_THAT(kind().get(owner.xsi(), it.name, creation::find()), SucceedsWith(it.id));
}

TEST_P(Ctl, SetLeavesTimesThatWereNeverSet) {
  XSI_ASSERTION("CTL-04");
  actor& owner = process();
  const int id = new_object(owner);
  const common_status before = status(owner, id);
  ASSERT_THAT(kind().change(owner.xsi(), id, changed_mode(before, 0640)), Succeeds());
  EXPECT_EQ(status(owner, id).perm.mode, 0640u);
  EXPECT_EQ(status(owner, id).rest, before.rest);
}

TEST_P(Ctl, SetIgnoresModeBitsAboveTheNine) {
  XSI_ASSERTION("CTL-05");
  actor& owner = process();
  const int id = new_object(owner, 0600);
  const common_status before = status(owner, id);
  for (const ipc_mode above : {01000U, 02000U, 07000U, 0xfe00U, 0xfffffe00U}) {
    EXPECT_THAT(kind().change(owner.xsi(), id, changed_mode(before, above | 0640U)), Succeeds());
    EXPECT_EQ(status(owner, id).perm.mode, 0640u);
    EXPECT_EQ(status(owner, id).rest, before.rest);
  }
  EXPECT_THAT(kind().use_writing(owner.xsi(), id), Succeeds());
}

TEST_P(Ctl, SetRefusesNobodysIds) {
  XSI_ASSERTION("CTL-06");
  constexpr auto no_user = static_cast<ipc_user>(-1);
  actor& owner = process();
  const int id = new_object(owner, 0600);
  const common_status before = status(owner, id);
  EXPECT_THAT(kind().change(owner.xsi(), id, {no_user, before.perm.gid, 0640}), FailsWith(EINVAL));
  EXPECT_THAT(kind().change(owner.xsi(), id, {before.perm.uid, no_user, 0640}), FailsWith(EINVAL));
  EXPECT_THAT(kind().change(owner.xsi(), id, {bob, no_user, 0640}), FailsWith(EINVAL));
  EXPECT_EQ(status(owner, id), before);
}

TEST_P(Ctl, AnOrdinaryOwnerMayGiveAnObjectToAnybody) {
  XSI_ASSERTION("CTL-07");
  actor& owner = process(unprivileged());
  for (const ipc_user receiver : {ipc_user{0}, bob, nobody}) {
    const int id = new_object(owner);
    EXPECT_THAT(kind().change(owner.xsi(), id, {receiver, receiver, 0600}), Succeeds());
    EXPECT_EQ(status(owner, id).perm.uid, receiver);
    EXPECT_EQ(status(owner, id).perm.gid, receiver);
  }
}

TEST_P(Ctl, AnOwnerWhoGivesAwayWhatHeDidNotCreateIsLockedOut) {
  XSI_ASSERTION("CTL-07");
  XSI_NEEDS(need::other_users);
  actor& creator = process({.uid = alice, .gid = alice});
  actor& owner = process({.uid = bob, .gid = bob});
  const int id = new_object(creator);
  ASSERT_THAT(kind().change(creator.xsi(), id, {bob, bob, 0600}), Succeeds());
  ASSERT_THAT(kind().use_writing(owner.xsi(), id), Succeeds());
  EXPECT_THAT(kind().change(owner.xsi(), id, {carol, carol, 0600}), Succeeds());
  EXPECT_THAT(kind().stat(owner.xsi(), id), FailsWith(EACCES));
  EXPECT_THAT(kind().use_writing(owner.xsi(), id), FailsWith(EACCES));
  EXPECT_THAT(kind().change(owner.xsi(), id, {bob, bob, 0600}), FailsWith(EPERM));
  EXPECT_THAT(kind().remove(owner.xsi(), id), FailsWith(EPERM));
  EXPECT_EQ(status(creator, id).perm.uid, carol);
}

TEST_P(Ctl, AfterRemovalEveryCallIsEinval) {
  XSI_ASSERTION("CTL-08");
  actor& owner = process();
  actor& other = process();
  const named_object it = new_named(owner, 0600);
  ASSERT_THAT(kind().use_writing(owner.xsi(), it.id), Succeeds());
  EXPECT_THAT(kind().remove(owner.xsi(), it.id), Succeeds());
  for (actor* const caller : {&owner, &other}) {
    const auto outcomes = kind().every_call(caller->xsi(), it.id);
    EXPECT_FALSE(outcomes.empty());
    for (const auto& [call, outcome] : outcomes) EXPECT_THAT(outcome, FailsWith(EINVAL)) << call;
    EXPECT_THAT(kind().get(caller->xsi(), it.name, creation::find()), FailsWith(ENOENT));
  }
}

TEST_P(Ctl, ASecondRemovalIsEinval) {
  XSI_ASSERTION("CTL-09");
  actor& owner = process();
  const int id = new_object(owner);
  EXPECT_THAT(kind().remove(owner.xsi(), id), Succeeds());
  EXPECT_THAT(kind().remove(owner.xsi(), id), FailsWith(EINVAL));
  EXPECT_THAT(kind().remove(process().xsi(), id), FailsWith(EINVAL));
  // Nor does it hit one that was made since.
  const int next = new_object(owner);
  EXPECT_THAT(kind().remove(owner.xsi(), id), FailsWith(EINVAL));
  EXPECT_THAT(kind().stat(owner.xsi(), next), Succeeds());
}

TEST_P(Ctl, OnlyAnObjectThatExistsMayBeForbidden) {
  XSI_ASSERTION("CTL-12");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = carol, .gid = carol});
  const int there = new_object(owner);
  EXPECT_THAT(kind().stat(stranger.xsi(), there), FailsWith(EACCES));
  EXPECT_THAT(kind().use_writing(stranger.xsi(), there), FailsWith(EACCES));
  EXPECT_THAT(kind().change(stranger.xsi(), there, {carol, carol, 0600}), FailsWith(EPERM));
  EXPECT_THAT(kind().remove(stranger.xsi(), there), FailsWith(EPERM));
  const int gone = new_object(owner);
  ASSERT_THAT(kind().remove(owner.xsi(), gone), Succeeds());
  for (const int id : {gone, -1, INT_MAX, INT_MIN}) {
    for (const auto& [call, outcome] : kind().every_call(stranger.xsi(), id)) {
      EXPECT_THAT(outcome, FailsWith(EINVAL)) << call << " of id " << id;
    }
  }
}

// Calls the kind's *ctl function: kind, id, command and pointer in, result and errno out.
XSI_ROUTINE(ctl_call) {
  const auto& in = context.input.numbers;
  const int id = static_cast<int>(in.at(1));
  const int command = static_cast<int>(in.at(2));
  // NOLINTNEXTLINE: the pointers under test are numbers.
  void* const pointer = reinterpret_cast<void*>(in.at(3));
  errno = 0;
  int outcome = 0;
  switch (static_cast<object_kind>(in.at(0))) {
    case object_kind::queue: outcome = context.c->msgctl(id, command, pointer); break;
    case object_kind::set: outcome = context.c->semctl(id, 0, command, pointer); break;
    case object_kind::segment: outcome = context.c->shmctl(id, command, pointer); break;
  }
  return {.numbers = {outcome, errno}};
}

// Asks for `mode` by IPC_SET and returns the whole mode word afterwards.
template <typename Status, typename Permissions>
std::int64_t mode_after_set(Permissions Status::*perm, std::int64_t mode, const std::function<int(int, void*)>& ctl) {
  Status status{};
  if (ctl(IPC_STAT, &status) != 0) return -1;
  (status.*perm).mode = static_cast<decltype(Permissions::mode)>(mode);
  if (ctl(IPC_SET, &status) != 0 || ctl(IPC_STAT, &status) != 0) return -1;
  return static_cast<std::int64_t>((status.*perm).mode);
}

// Kind, id and mode in, mode word out.
XSI_ROUTINE(ctl_mode_after_set) {
  const c_calls& c = *context.c;
  const int id = static_cast<int>(context.input.numbers.at(1));
  const std::int64_t mode = context.input.numbers.at(2);
  switch (static_cast<object_kind>(context.input.numbers.at(0))) {
    case object_kind::queue:
      return {{mode_after_set(&msqid_ds::msg_perm, mode, [&](int cmd, void* buf) { return c.msgctl(id, cmd, buf); })}};
    case object_kind::set:
      return {
          {mode_after_set(&semid_ds::sem_perm, mode, [&](int cmd, void* buf) { return c.semctl(id, 0, cmd, buf); })}};
    case object_kind::segment: break;
  }
  return {{mode_after_set(&shmid_ds::shm_perm, mode, [&](int cmd, void* buf) { return c.shmctl(id, cmd, buf); })}};
}

class CtlC : public each_kind {
 protected:
  // Result and errno, which is 0 after success.
  std::vector<std::int64_t> ctl(actor& in, int id, int command, std::int64_t pointer) {
    return in.run("ctl_call", {.numbers = {static_cast<std::int64_t>(GetParam()), id, command, pointer}}).numbers;
  }

  // Commands that no kind has.
  static constexpr int unknown_commands[] = {-1, 21, 99, 9999, INT_MAX, INT_MIN};
  // Nothing is mapped there: null, the first pages, the upper half of the address space.
  static constexpr std::int64_t wild_pointers[] = {0, 1, 8, -4096, -8};
};

XSI_FOR_EACH_KIND(CtlC);

TEST_P(CtlC, RemovalIgnoresItsPointer) {
  XSI_ASSERTION("CTL-10");
  XSI_NEEDS(need::c_calls);
  actor& owner = process();
  for (const std::int64_t pointer : wild_pointers) {
    const int id = new_object(owner);
    EXPECT_THAT(ctl(owner, id, IPC_RMID, pointer), ElementsAre(0, 0)) << pointer;
    EXPECT_THAT(kind().stat(owner.xsi(), id), FailsWith(EINVAL));
  }
}

TEST_P(CtlC, ModeBitsAboveTheNineAreNotStored) {
  XSI_ASSERTION("CTL-05");
  XSI_NEEDS(need::c_calls);
  actor& owner = process();
  const int id = new_object(owner, 0600);
  for (const std::int64_t mode : {0640, 01640, 02640, 07640}) {
    const routine_input input{.numbers = {static_cast<std::int64_t>(GetParam()), id, mode}};
    EXPECT_THAT(owner.run("ctl_mode_after_set", input).numbers, ElementsAre(0640)) << mode;
  }
}

TEST_P(CtlC, AnUnknownCommandIsEinval) {
  XSI_ASSERTION("CTL-11");
  XSI_NEEDS(need::c_calls);
  actor& owner = process();
  const int id = new_object(owner);
  const common_status before = status(owner, id);
  for (const int command : unknown_commands) {
    EXPECT_THAT(ctl(owner, id, command, 0), ElementsAre(-1, EINVAL)) << command;
  }
  EXPECT_EQ(status(owner, id), before);
}

TEST_P(CtlC, AnUnknownCommandOnABadIdIsEinval) {
  XSI_ASSERTION("CTL-12");
  XSI_NEEDS(need::c_calls);
  actor& owner = process();
  const int gone = new_object(owner);
  ASSERT_THAT(kind().remove(owner.xsi(), gone), Succeeds());
  for (const int id : {gone, -1, INT_MAX}) {
    for (const int command : unknown_commands) {
      EXPECT_THAT(ctl(owner, id, command, 0), ElementsAre(-1, EINVAL)) << "command " << command << " of id " << id;
    }
  }
}

TEST_P(CtlC, AnUnknownCommandOnAForbiddenObjectIsEinval) {
  XSI_ASSERTION("CTL-12");
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(need::c_calls);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = carol, .gid = carol});
  const int id = new_object(owner);
  for (const int command : unknown_commands) {
    EXPECT_THAT(ctl(stranger, id, command, 0), ElementsAre(-1, EINVAL)) << command;
  }
  EXPECT_THAT(ctl(stranger, id, IPC_RMID, 0), ElementsAre(-1, EPERM));
}

TEST_P(CtlC, AWildPointerIsEfault) {
  XSI_ASSERTION("CTL-13");
  XSI_NEEDS(need::c_calls);
  XSI_NEEDS(capability::bad_address);
  actor& owner = process();
  const int id = new_object(owner);
  const common_status before = status(owner, id);
  for (const std::int64_t pointer : wild_pointers) {
    EXPECT_THAT(ctl(owner, id, IPC_STAT, pointer), ElementsAre(-1, EFAULT)) << pointer;
    EXPECT_THAT(ctl(owner, id, IPC_SET, pointer), ElementsAre(-1, EFAULT)) << pointer;
  }
  EXPECT_EQ(status(owner, id), before);
}

class CtlSegmentBits : public conformance_test {};

TEST_F(CtlSegmentBits, SetKeepsThatASegmentIsLocked) {
  XSI_ASSERTION("CTL-05");
  XSI_NEEDS(capability::segment_lock);
  actor& owner = process();
  const shmid segment = new_segment(owner);
  const auto stat = [&] { return owner.xsi().stat_segment(static_cast<int>(segment), lookup::id).value(); };
  const perm_change mine = changeable(stat().perm);
  ASSERT_THAT(owner.xsi().lock_segment(segment, true), Succeeds());
  ASSERT_TRUE(stat().locked);
  EXPECT_THAT(owner.xsi().change_segment(segment, {mine.uid, mine.gid, 0640}), Succeeds());
  EXPECT_EQ(stat().perm.mode, 0640u);
  EXPECT_TRUE(stat().locked);
}

TEST_F(CtlSegmentBits, SetKeepsThatASegmentIsRemoved) {
  XSI_ASSERTION("CTL-05");
  actor& owner = process();
  const shmid segment = new_segment(owner);
  const auto stat = [&] { return owner.xsi().stat_segment(static_cast<int>(segment), lookup::id); };
  const perm_change mine = changeable(stat().value().perm);
  const auto address = owner.xsi().attach(segment, {});
  ASSERT_THAT(address, Succeeds());
  ASSERT_THAT(owner.xsi().remove_segment(segment), Succeeds());
  ASSERT_TRUE(stat().value().removed);
  EXPECT_THAT(owner.xsi().change_segment(segment, {mine.uid, mine.gid, 0640}), Succeeds());
  EXPECT_EQ(stat().value().perm.mode, 0640u);
  EXPECT_TRUE(stat().value().removed);
  EXPECT_THAT(owner.xsi().detach(*address), Succeeds());
  EXPECT_THAT(stat(), FailsWith(EINVAL));
}

class CtlTimes : public conformance_test {
 protected:
  // An object as it was in an earlier second.
  struct aged {
    kind_calls kind;
    int id;
    common_status then;
  };

  aged new_used(object_kind which, actor& owner) {
    const kind_calls kind(which);
    const int id = kind.get(owner.xsi(), key::ipc_private, creation::create_only(0600)).value();
    use(kind, owner, id);
    return {kind, id, kind.stat(owner.xsi(), id).value()};
  }
};

constexpr object_kind all_kinds[] = {object_kind::queue, object_kind::set, object_kind::segment};

// All in one test because a second must pass before it.
TEST_F(CtlTimes, ASecondLaterOnlyASuccessfulSetMovesCtime) {
  XSI_ASSERTION("CTL-02", "CTL-04", "CTL-14", "CTL-15");
  actor& owner = process(unprivileged());
  actor& reader = process(unprivileged());
  std::vector<aged> objects;
  for (const object_kind which : all_kinds) objects.push_back(new_used(which, owner));
  wait_out_this_second();
  for (const aged& it : objects) {
    SCOPED_TRACE(kind_name(it.kind.which()));
    const auto stat = [&] { return it.kind.stat(reader.xsi(), it.id).value(); };
    EXPECT_EQ(stat(), it.then);  // CTL-02: nor did the first look move anything
    EXPECT_EQ(stat(), it.then);

    constexpr auto no_user = static_cast<ipc_user>(-1);  // CTL-15
    EXPECT_THAT(it.kind.change(owner.xsi(), it.id, {no_user, no_user, 0640}), FailsWith(EINVAL));
    if (the_harness().offers(need::other_users)) {
      actor& stranger = process({.uid = carol, .gid = carol});
      EXPECT_THAT(it.kind.change(stranger.xsi(), it.id, {carol, carol, 0640}), FailsWith(EPERM));
    }
    EXPECT_EQ(stat(), it.then);

    const ipc_time before = now();
    EXPECT_THAT(it.kind.change(owner.xsi(), it.id, changeable(it.then.perm)), Succeeds());
    common_status expected = it.then;
    expected.ctime = stat().ctime;
    EXPECT_THAT(expected.ctime, AllOf(Ge(before), Le(now())));  // CTL-14
    EXPECT_EQ(stat(), expected);                                // CTL-04
  }
}

}  // namespace
}  // namespace xsipc::conformance
