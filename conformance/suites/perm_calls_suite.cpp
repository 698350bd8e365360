// Permissions: what single calls ask for.
#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(perm_calls)

namespace {

using testing::ElementsAre;

class PermMsg : public conformance_test {};

TEST_F(PermMsg, SendingNeedsWrite) {
  XSI_ASSERTION("PERM-01");
  actor& owner = process(unprivileged());
  const msqid readable = new_queue(owner, 0400);
  EXPECT_THAT(send_text(owner.xsi(), readable, 1, "no"), FailsWith(EACCES));
  EXPECT_THAT(send_text(owner.xsi(), readable, 1, "no", deadline::never()), FailsWith(EACCES));
  EXPECT_EQ(status_of(owner.xsi(), readable).qnum, 0u);
  EXPECT_THAT(send_text(owner.xsi(), new_queue(owner, 0200), 1, "yes"), Succeeds());
}

TEST_F(PermMsg, ReceivingNeedsRead) {
  XSI_ASSERTION("PERM-02");
  actor& owner = process(unprivileged());
  const msqid queue = new_queue(owner, 0600);
  ASSERT_THAT(send_text(owner.xsi(), queue, 1, "kept"), Succeeds());
  const queue_status before = status_of(owner.xsi(), queue);
  const auto change_mode = [&](ipc_mode mode) {
    return owner.xsi().change_queue(queue, {{before.perm.uid, before.perm.gid, mode}, before.qbytes});
  };
  ASSERT_THAT(change_mode(0200), Succeeds());
  EXPECT_THAT(receive_text(owner.xsi(), queue), FailsWith(EACCES));
  EXPECT_THAT(receive_text(owner.xsi(), queue, {.until = deadline::never()}), FailsWith(EACCES));
  ASSERT_THAT(change_mode(0400), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), queue).qnum, 1u);
  EXPECT_THAT(receive_text(owner.xsi(), queue), SucceedsWith(message{1, "kept"}));
}

class PermSem : public conformance_test {
 protected:
  static result<void> operate(actor& on, semid set, const std::vector<sem_operation>& operations) {
    return on.xsi().operate(set, operations, deadline::immediate());
  }
  static std::vector<std::uint16_t> values(actor& on, semid set) {
    std::vector<std::uint16_t> all(2, 99);
    EXPECT_THAT(on.xsi().get_all(set, all), Succeeds());
    return all;
  }
};

TEST_F(PermSem, WaitingForZeroNeedsRead) {
  XSI_ASSERTION("PERM-17");
  actor& owner = process(unprivileged());
  const std::vector<sem_operation> zeros = {{0, 0}, {1, 0}};
  EXPECT_THAT(operate(owner, new_set(owner, 2, 0200), zeros), FailsWith(EACCES));
  EXPECT_THAT(operate(owner, new_set(owner, 2, 0400), zeros), Succeeds());
}

TEST_F(PermSem, ChangingAValueNeedsAlter) {
  XSI_ASSERTION("PERM-18");
  actor& owner = process(unprivileged());
  const semid readable = new_set(owner, 2, 0400);
  EXPECT_THAT(operate(owner, readable, {{0, 1}}), FailsWith(EACCES));
  EXPECT_THAT(operate(owner, readable, {{0, 0}, {1, 1}}), FailsWith(EACCES));
  EXPECT_THAT(operate(owner, readable, {{0, -1, sem_flags::no_wait}}), FailsWith(EACCES));
  EXPECT_THAT(values(owner, readable), ElementsAre(0, 0));
  EXPECT_THAT(operate(owner, new_set(owner, 2, 0200), {{0, 2}, {0, -1}}), Succeeds());
}

TEST_F(PermSem, AlterAloneServesAnArrayWithAZero) {
  XSI_ASSERTION("PERM-19");
  actor& owner = process(unprivileged());
  EXPECT_THAT(operate(owner, new_set(owner, 2, 0200), {{0, 0}, {1, 1}}), Succeeds());
  EXPECT_THAT(operate(owner, new_set(owner, 2, 0200), {{1, 1}, {0, 0}}), Succeeds());
}

TEST_F(PermSem, EveryQueryNeedsRead) {
  XSI_ASSERTION("PERM-20");
  actor& owner = process(unprivileged());
  const semid alterable = new_set(owner, 2, 0200);
  const semid readable = new_set(owner, 2, 0400);
  for (const auto what : {sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt}) {
    EXPECT_THAT(owner.xsi().query_semaphore(alterable, 0, what), FailsWith(EACCES)) << static_cast<int>(what);
    EXPECT_THAT(owner.xsi().query_semaphore(readable, 0, what), SucceedsWith(0)) << static_cast<int>(what);
  }
  std::vector<std::uint16_t> untouched(2, 99);
  EXPECT_THAT(owner.xsi().get_all(alterable, untouched), FailsWith(EACCES));
  EXPECT_THAT(untouched, ElementsAre(99, 99));
  EXPECT_THAT(values(owner, readable), ElementsAre(0, 0));
  EXPECT_THAT(owner.xsi().stat_set(static_cast<int>(alterable), lookup::id), FailsWith(EACCES));
  EXPECT_THAT(owner.xsi().stat_set(static_cast<int>(readable), lookup::id), Succeeds());
}

TEST_F(PermSem, SettingValuesNeedsAlter) {
  XSI_ASSERTION("PERM-21");
  actor& owner = process(unprivileged());
  const std::vector<std::uint16_t> sevens(2, 7);
  const semid readable = new_set(owner, 2, 0400);
  EXPECT_THAT(owner.xsi().set_value(readable, 0, 7), FailsWith(EACCES));
  EXPECT_THAT(owner.xsi().set_all(readable, sevens), FailsWith(EACCES));
  EXPECT_THAT(values(owner, readable), ElementsAre(0, 0));
  const semid alterable = new_set(owner, 2, 0200);
  EXPECT_THAT(owner.xsi().set_all(alterable, sevens), Succeeds());
  EXPECT_THAT(owner.xsi().set_value(alterable, 0, 8), Succeeds());
}

class PermShm : public conformance_test {
 protected:
  static result<void*> try_attach(actor& in, shmid segment, attach_options how = {}) {
    return in.xsi().attach(segment, how);
  }
};

TEST_F(PermShm, AttachingToWriteNeedsReadAndWrite) {
  XSI_ASSERTION("PERM-22");
  actor& owner = process(unprivileged());
  const shmid readable = new_segment(owner, 4096, 0400);
  EXPECT_THAT(try_attach(owner, readable), FailsWith(EACCES));
  EXPECT_EQ(owner.xsi().stat_segment(static_cast<int>(readable), lookup::id).value().nattch, 0u);
  EXPECT_THAT(try_attach(owner, new_segment(owner, 4096, 0200)), FailsWith(EACCES));
  const auto address = try_attach(owner, new_segment(owner, 4096, 0600));
  ASSERT_THAT(address, Succeeds());
  EXPECT_TRUE(owner.poke(*address, "written"));
  EXPECT_EQ(owner.peek(*address, 7), "written");
}

TEST_F(PermShm, AttachingToReadNeedsReadOnly) {
  XSI_ASSERTION("PERM-23");
  actor& owner = process(unprivileged());
  EXPECT_THAT(try_attach(owner, new_segment(owner, 4096, 0200), {.read_only = true}), FailsWith(EACCES));
  const auto address = try_attach(owner, new_segment(owner, 4096, 0400), {.read_only = true});
  ASSERT_THAT(address, Succeeds());
  EXPECT_EQ(owner.peek(*address, 1), std::string(1, '\0'));
}

TEST_F(PermShm, AnAttachmentKeepsItsAccess) {
  XSI_ASSERTION("PERM-16");
  actor& owner = process(unprivileged());
  // Another user where there is one: everybody's rights go.
  actor& client =
      the_harness().offers(need::other_users) ? process({.uid = carol, .gid = carol}) : process(unprivileged());
  const shmid segment = new_segment(owner, 4096, 0666);
  const perm_change mine = changeable(owner.xsi().stat_segment(static_cast<int>(segment), lookup::id).value().perm);
  const auto owners = try_attach(owner, segment);
  const auto clients = try_attach(client, segment);
  ASSERT_THAT(owners, Succeeds());
  ASSERT_THAT(clients, Succeeds());
  ASSERT_THAT(owner.xsi().change_segment(segment, {mine.uid, mine.gid, 0}), Succeeds());
  EXPECT_TRUE(client.poke(*clients, "still written"));
  EXPECT_EQ(owner.peek(*owners, 13), "still written");
  EXPECT_TRUE(owner.poke(*owners, "and"));
  EXPECT_EQ(client.peek(*clients, 3), "and");
  EXPECT_THAT(try_attach(client, segment), FailsWith(EACCES));
  EXPECT_THAT(try_attach(client, segment, {.read_only = true}), FailsWith(EACCES));
  EXPECT_THAT(try_attach(owner, segment), FailsWith(EACCES));
}

TEST_F(PermShm, ExecutingNeedsTheExecuteBit) {
  XSI_ASSERTION("PERM-14");
  XSI_NEEDS(capability::segment_execute);
  constexpr attach_options execute{.read_only = true, .execute = true};
  actor& owner = process(unprivileged());
  EXPECT_THAT(try_attach(owner, new_segment(owner, 4096, 0477), execute), FailsWith(EACCES));
  EXPECT_THAT(try_attach(owner, new_segment(owner, 4096, 0100), execute), FailsWith(EACCES));
  EXPECT_THAT(try_attach(owner, new_segment(owner, 4096, 0500), execute), Succeeds());
  EXPECT_THAT(try_attach(owner, new_segment(owner, 4096, 0600), {.execute = true}), FailsWith(EACCES));
  EXPECT_THAT(try_attach(owner, new_segment(owner, 4096, 0700), {.execute = true}), Succeeds());
}

TEST_F(PermShm, TheExecuteBitOfTheOwnClassCounts) {
  XSI_ASSERTION("PERM-14");
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(capability::segment_execute);
  constexpr attach_options execute{.read_only = true, .execute = true};
  actor& owner = process({.uid = alice, .gid = alice});
  actor& member = process({.uid = bob, .gid = alice});
  actor& stranger = process({.uid = carol, .gid = carol});
  EXPECT_THAT(try_attach(member, new_segment(owner, 4096, 0747), execute), FailsWith(EACCES));
  EXPECT_THAT(try_attach(member, new_segment(owner, 4096, 0050), execute), Succeeds());
  EXPECT_THAT(try_attach(stranger, new_segment(owner, 4096, 0774), execute), FailsWith(EACCES));
  EXPECT_THAT(try_attach(stranger, new_segment(owner, 4096, 0005), execute), Succeeds());
}

}  // namespace
}  // namespace xsipc::conformance
