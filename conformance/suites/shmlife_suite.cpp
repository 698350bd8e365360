// The life of attachments (fork, exec, exit, SIGKILL) and of segments (removal with and without attachments).
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(shmlife)

namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;
using testing::Ne;

class ShmLife : public conformance_test {
 protected:
  static void expect_gone(actor& reader, shmid id) {
    EXPECT_THAT(reader.xsi().stat_segment(static_cast<int>(id), lookup::id), FailsWith(EINVAL));
    EXPECT_THAT(reader.xsi().attach(id, {}), FailsWith(EINVAL));
    EXPECT_THAT(reader.xsi().remove_segment(id), FailsWith(EINVAL));
  }
};

TEST_F(ShmLife, ForkInheritsEveryAttachment) {
  XSI_ASSERTION("SHMLIFE-01");
  actor& reader = process();
  actor& parent = process();
  const shmid twice = new_segment(reader);
  const shmid once = new_segment(reader);
  char* const first = attach(parent, twice);
  char* const second = attach(parent, twice, {.read_only = true});
  char* const third = attach(parent, once);
  ASSERT_TRUE(parent.poke(first, "twice"));
  ASSERT_TRUE(parent.poke(third, "once"));
  actor& child = parent.fork();
  EXPECT_EQ(nattch(reader, twice), 4u);
  EXPECT_EQ(nattch(reader, once), 2u);
  EXPECT_EQ(child.peek(second, 5), "twice");
  EXPECT_EQ(child.peek(third, 4), "once");
  ASSERT_TRUE(child.poke(first, "child"));
  EXPECT_EQ(parent.peek(second, 5), "child");
  EXPECT_TRUE(writing_kills(child, second));
  EXPECT_THAT(child.xsi().detach(first), Succeeds());
  EXPECT_EQ(nattch(reader, twice), 3u);
  EXPECT_EQ(parent.peek(first, 5), "child");
}

TEST_F(ShmLife, ForkCountsAsAnAttachOfTheParentOnTheKernel) {
  XSI_ASSERTION("SHMLIFE-02");
  actor& reader = process();
  actor& parent = process();
  const shmid segment = new_segment(reader);
  attach(parent, segment);
  ASSERT_THAT(reader.xsi().detach(attach(reader, segment)), Succeeds());
  const segment_status old = status_of(reader.xsi(), segment);
  ASSERT_EQ(old.lpid, reader.pid());
  wait_out_this_second();
  const ipc_time before = now();
  parent.fork();
  const segment_status status = status_of(reader.xsi(), segment);
  EXPECT_EQ(status.nattch, 2u);
  EXPECT_EQ(status.dtime, old.dtime);
  EXPECT_EQ(status.ctime, old.ctime);
  // Elsewhere a fork may also be no attach at all.
  if (!the_harness().offers(need::kernel_objects) && status.lpid == old.lpid) {
    EXPECT_EQ(status.atime, old.atime);
  } else {
    EXPECT_EQ(status.lpid, parent.pid());
    EXPECT_THAT(status.atime, AllOf(Ge(before), Le(now())));
  }
}

TEST_F(ShmLife, ExecDropsEveryAttachment) {
  XSI_ASSERTION("SHMLIFE-03");
  actor& other = process();
  actor& client = process();
  const shmid segment = new_segment(other);
  char* const elsewhere = attach(other, segment);
  char* const first = attach(client, segment);
  char* const second = attach(client, segment, {.read_only = true});
  ASSERT_TRUE(client.poke(first, "before exec"));
  ASSERT_EQ(nattch(other, segment), 3u);
  client.exec();
  EXPECT_EQ(nattch(other, segment), 1u);
  for (const char* const each : {first, second}) EXPECT_THAT(client.xsi().detach(each), FailsWith(EINVAL));
  EXPECT_EQ(other.peek(elsewhere, 11), "before exec");
  EXPECT_EQ(client.peek(attach(client, segment), 11), "before exec");
  EXPECT_EQ(nattch(other, segment), 2u);
}

TEST_F(ShmLife, ExitDropsEveryAttachment) {
  XSI_ASSERTION("SHMLIFE-04");
  actor& other = process();
  for (const bool at_once : {false, true}) {
    actor& client = process();
    const shmid segment = new_segment(other);
    attach(client, segment);
    attach(client, segment, {.read_only = true});
    attach(other, segment);
    ASSERT_EQ(status_of(other.xsi(), segment).dtime, 0);
    const ipc_time before = now();
    if (at_once) {
      client.exit_at_once(0);
    } else {
      client.exit(0);
    }
    const segment_status status = status_of(other.xsi(), segment);
    EXPECT_EQ(status.nattch, 1u);
    EXPECT_EQ(status.lpid, client.pid());
    EXPECT_THAT(status.dtime, AllOf(Ge(before), Le(now())));
  }
}

TEST_F(ShmLife, SigkillDropsEveryAttachmentBeforeTheParentHasWaited) {
  XSI_ASSERTION("SHMLIFE-05");
  actor& parent = process();
  const shmid segment = new_segment(parent);
  attach(parent, segment);
  actor& child = parent.fork();
  attach(child, segment);
  ASSERT_EQ(nattch(parent, segment), 3u);
  ASSERT_EQ(status_of(parent.xsi(), segment).dtime, 0);
  const ipc_time before = now();
  child.signal(SIGKILL);
  EXPECT_EQ(parent.wait_for(child).signal, SIGKILL);
  const segment_status status = status_of(parent.xsi(), segment);
  EXPECT_EQ(status.nattch, 1u);
  EXPECT_EQ(status.lpid, child.pid());
  EXPECT_THAT(status.dtime, AllOf(Ge(before), Le(now())));
}

TEST_F(ShmLife, TheEndOfTheLastProcessKeepsTheSegment) {
  XSI_ASSERTION("SHMLIFE-06");
  const key name = fresh_key();
  actor& creator = process();
  const auto segment = creator.xsi().get_segment(name, 5000, creation::create_only(0600), {});
  ASSERT_THAT(segment, Succeeds());
  ASSERT_TRUE(creator.poke(attach(creator, *segment), "kept over exit"));
  creator.exit(0);
  actor& second = process();
  ASSERT_EQ(nattch(second, *segment), 0u);
  char* const memory = attach(second, *segment);
  EXPECT_EQ(second.peek(memory, 14), "kept over exit");
  ASSERT_TRUE(second.poke(memory, "kept over kill"));
  second.kill();
  actor& third = process();
  EXPECT_THAT(third.xsi().get_segment(name, 5000, creation::find(), {}), SucceedsWith(*segment));
  EXPECT_EQ(third.peek(attach(third, *segment), 14), "kept over kill");
}

TEST_F(ShmLife, ARemovedSegmentStaysUsableForThoseAttached) {
  XSI_ASSERTION("SHMLIFE-07");
  actor& one = process();
  actor& other = process();
  const shmid segment = new_segment(one);
  char* const here = attach(one, segment);
  char* const there = attach(other, segment);
  ASSERT_TRUE(one.poke(here, "before"));
  ASSERT_THAT(one.xsi().remove_segment(segment), Succeeds());
  EXPECT_EQ(other.peek(there, 6), "before");
  ASSERT_TRUE(other.poke(there, "after!"));
  EXPECT_EQ(one.peek(here, 6), "after!");
  EXPECT_THAT(one.xsi().detach(here), Succeeds());
  EXPECT_EQ(other.peek(there, 6), "after!");
  EXPECT_THAT(other.xsi().detach(there), Succeeds());
}

TEST_F(ShmLife, TheStatusOfARemovedSegmentSaysSoAndHasNoKey) {
  XSI_ASSERTION("SHMLIFE-08");
  actor& client = process();
  const key name = fresh_key();
  const auto segment = client.xsi().get_segment(name, 5000, creation::create_only(0640), {});
  ASSERT_THAT(segment, Succeeds());
  attach(client, *segment);
  const segment_status before = status_of(client.xsi(), *segment);
  EXPECT_FALSE(before.removed);
  EXPECT_EQ(before.perm.object_key, name);
  ASSERT_THAT(client.xsi().remove_segment(*segment), Succeeds());
  const segment_status status = status_of(client.xsi(), *segment);
  EXPECT_TRUE(status.removed);
  EXPECT_EQ(status.perm.object_key, key::ipc_private);
  EXPECT_EQ(status.perm.mode, 0640u);
  EXPECT_EQ(status.segsz, 5000u);
  EXPECT_EQ(status.nattch, 1u);
}

TEST_F(ShmLife, TheKeyOfARemovedSegmentIsFreeAtOnce) {
  XSI_ASSERTION("SHMLIFE-09");
  actor& client = process();
  const key name = fresh_key();
  const auto old_one = client.xsi().get_segment(name, 4096, creation::create_only(0600), {});
  ASSERT_THAT(old_one, Succeeds());
  char* const old_memory = attach(client, *old_one);
  ASSERT_TRUE(client.poke(old_memory, "old"));
  ASSERT_THAT(client.xsi().remove_segment(*old_one), Succeeds());
  EXPECT_THAT(client.xsi().get_segment(name, 0, creation::find(), {}), FailsWith(ENOENT));
  const auto new_one = client.xsi().get_segment(name, 4096, creation::open_or_create(0600), {});
  ASSERT_THAT(new_one, SucceedsWith(Ne(*old_one)));
  char* const new_memory = attach(client, *new_one);
  EXPECT_EQ(client.peek(new_memory, 3), std::string(3, '\0'));
  ASSERT_TRUE(client.poke(new_memory, "new"));
  EXPECT_EQ(client.peek(old_memory, 3), "old");
  EXPECT_THAT(client.xsi().detach(old_memory), Succeeds());
  EXPECT_THAT(client.xsi().get_segment(name, 0, creation::find(), {}), SucceedsWith(*new_one));
  EXPECT_EQ(client.peek(new_memory, 3), "new");
}

TEST_F(ShmLife, ARemovedSegmentIsAttachedByIdWhileSomebodyIsAttached) {
  XSI_ASSERTION("SHMLIFE-10");
  actor& owner = process();
  actor& latecomer = process();
  const shmid segment = new_segment(owner);
  char* const memory = attach(owner, segment);
  ASSERT_TRUE(owner.poke(memory, "still"));
  ASSERT_THAT(owner.xsi().remove_segment(segment), Succeeds());
  char* const late = attach(latecomer, segment);
  EXPECT_EQ(latecomer.peek(late, 5), "still");
  EXPECT_EQ(nattch(owner, segment), 2u);
  EXPECT_THAT(owner.xsi().detach(memory), Succeeds());
  EXPECT_TRUE(status_of(owner.xsi(), segment).removed);
  EXPECT_EQ(latecomer.peek(late, 5), "still");
  EXPECT_THAT(latecomer.xsi().detach(late), Succeeds());
  expect_gone(owner, segment);
}

TEST_F(ShmLife, TheLastDetachDestroysARemovedSegmentHoweverItComes) {
  XSI_ASSERTION("SHMLIFE-11");
  actor& remover = process();
  const std::pair<const char*, std::function<void(actor&, char*)>> ways[] = {
      {"shmdt", [](actor& last, char* memory) { last.xsi().detach(memory).value(); }},
      {"exit", [](actor& last, char*) { last.exit(0); }},
      {"_exit", [](actor& last, char*) { last.exit_at_once(0); }},
      {"exec", [](actor& last, char*) { last.exec(); }},
      {"SIGKILL", [](actor& last, char*) { last.kill(); }},
  };
  for (const auto& [name, way] : ways) {
    SCOPED_TRACE(name);
    actor& last = process();
    const shmid segment = new_segment(remover);
    char* const mine = attach(remover, segment);
    char* const memory = attach(last, segment);
    ASSERT_THAT(remover.xsi().remove_segment(segment), Succeeds());
    ASSERT_THAT(remover.xsi().detach(mine), Succeeds());
    EXPECT_TRUE(status_of(remover.xsi(), segment).removed);
    EXPECT_EQ(nattch(remover, segment), 1u);
    way(last, memory);
    expect_gone(remover, segment);
  }
}

TEST_F(ShmLife, RemovingARemovedSegmentAgainSucceeds) {
  XSI_ASSERTION("SHMLIFE-12");
  actor& owner = process();
  const shmid segment = new_segment(owner);
  char* const memory = attach(owner, segment);
  ASSERT_THAT(owner.xsi().remove_segment(segment), Succeeds());
  EXPECT_THAT(owner.xsi().remove_segment(segment), Succeeds());
  EXPECT_EQ(nattch(owner, segment), 1u);
  ASSERT_TRUE(owner.poke(memory, "alive"));
  ASSERT_THAT(owner.xsi().detach(memory), Succeeds());
  expect_gone(owner, segment);
}

TEST_F(ShmLife, ARemovedSegmentChangesItsModeAndStaysRemoved) {
  XSI_ASSERTION("SHMLIFE-13");
  actor& owner = process();
  const shmid segment = new_segment(owner, 4096, 0600);
  char* const memory = attach(owner, segment);
  ASSERT_THAT(owner.xsi().remove_segment(segment), Succeeds());
  perm_change change = changeable(status_of(owner.xsi(), segment).perm);
  change.mode = 0644;
  EXPECT_THAT(owner.xsi().change_segment(segment, change), Succeeds());
  const segment_status status = status_of(owner.xsi(), segment);
  EXPECT_EQ(status.perm.mode, 0644u);
  EXPECT_TRUE(status.removed);
  ASSERT_THAT(owner.xsi().detach(memory), Succeeds());
  expect_gone(owner, segment);
}

TEST_F(ShmLife, RemovalWithoutAttachmentsDestroysAtOnce) {
  XSI_ASSERTION("SHMLIFE-14");
  actor& owner = process();
  const shmid never_attached = new_segment(owner);
  EXPECT_THAT(owner.xsi().remove_segment(never_attached), Succeeds());
  expect_gone(owner, never_attached);
  const shmid detached = new_segment(owner);
  ASSERT_THAT(owner.xsi().detach(attach(owner, detached)), Succeeds());
  EXPECT_THAT(owner.xsi().remove_segment(detached), Succeeds());
  expect_gone(owner, detached);
}

TEST_F(ShmLife, ForkAfterRemovalInheritsTheAttachment) {
  XSI_ASSERTION("SHMLIFE-15");
  actor& reader = process();
  actor& parent = process();
  const shmid segment = new_segment(parent);
  char* const memory = attach(parent, segment);
  ASSERT_TRUE(parent.poke(memory, "inherited"));
  ASSERT_THAT(parent.xsi().remove_segment(segment), Succeeds());
  actor& child = parent.fork();
  EXPECT_EQ(nattch(reader, segment), 2u);
  EXPECT_THAT(parent.xsi().detach(memory), Succeeds());
  EXPECT_EQ(child.peek(memory, 9), "inherited");
  EXPECT_EQ(nattch(reader, segment), 1u);
  EXPECT_TRUE(status_of(reader.xsi(), segment).removed);
  child.exit_at_once(0);
  expect_gone(reader, segment);
}

XSI_ROUTINE(force_removal) {
  const int file = ::open("/proc/sys/kernel/shm_rmid_forced", O_WRONLY | O_CLOEXEC);
  const auto written = ::write(file, "1", 1);
  ::close(file);
  return {.numbers = {written}};
}

TEST_F(ShmLife, ASettingOfTheKernelDestroysWhatNobodyAttaches) {
  XSI_ASSERTION("SHMLIFE-16");
  XSI_NEEDS(need::private_namespace);
  // Only the kernel has the setting; elsewhere segments persist, as they do on the kernel without it.
  const bool forced = the_harness().offers(need::kernel_objects);
  actor& reader = process();
  if (forced) {
    ASSERT_THAT(reader.run("force_removal").numbers, ElementsAre(1));
  }
  actor& creator = process();
  const shmid never_attached = new_segment(creator);
  const shmid attached = new_segment(creator);
  char* const memory = attach(reader, attached);
  EXPECT_EQ(nattch(reader, never_attached), 0u);
  creator.exit(0);
  EXPECT_EQ(nattch(reader, attached), 1u);
  ASSERT_TRUE(reader.poke(memory, "alive"));
  ASSERT_THAT(reader.xsi().detach(memory), Succeeds());
  for (const shmid each : {never_attached, attached}) {
    if (forced) {
      expect_gone(reader, each);
    } else {
      EXPECT_EQ(nattch(reader, each), 0u);
    }
  }
}

// Starts a program by vfork and exec, waits for its end and returns its exit status.
XSI_ROUTINE(run_a_program) {
  char program[] = "/bin/sh";
  char option[] = "-c";
  char script[] = "exit 7";
  char* const arguments[] = {program, option, script, nullptr};
  const pid_t child = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): the rule is about it
  if (child == 0) {
    ::execv(program, arguments);
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return {};
  return {.numbers = {WEXITSTATUS(status)}};
}

TEST_F(ShmLife, ExecAfterVforkLeavesTheAttachmentsOfTheParent) {
  XSI_ASSERTION("SHMLIFE-17");
  actor& reader = process();
  actor& parent = process();
  const shmid segment = new_segment(reader);
  char* const first = attach(parent, segment);
  char* const second = attach(parent, segment);
  ASSERT_TRUE(parent.poke(first, "in place"));
  ASSERT_THAT(parent.run("run_a_program").numbers, ElementsAre(7));
  EXPECT_EQ(nattch(reader, segment), 2u);
  EXPECT_EQ(parent.peek(second, 8), "in place");
  EXPECT_THAT(parent.xsi().detach(first), Succeeds());
  EXPECT_EQ(nattch(reader, segment), 1u);
}

}  // namespace
}  // namespace xsipc::conformance
