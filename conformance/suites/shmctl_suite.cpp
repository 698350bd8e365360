// shmctl: what the status tells of a segment's past. Removal: shmlife_suite; locking: shmlock_suite.
#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(shmctl)

namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;

class ShmCtl : public conformance_test {};

TEST_F(ShmCtl, OnlyCreationAndIpcSetMoveCtime) {
  XSI_ASSERTION("SHMCTL-05");
  actor& client = process();
  const ipc_time at_first = now();
  const shmid segment = new_segment(client);
  const ipc_time created = status_of(client.xsi(), segment).ctime;
  ASSERT_THAT(created, AllOf(Ge(at_first), Le(now())));
  wait_out_this_second();
  const ipc_time before = now();
  const auto ctime = [&] { return status_of(client.xsi(), segment).ctime; };
  char* const memory = attach(client, segment);
  EXPECT_EQ(ctime(), created);
  attach(client, segment, {.read_only = true});
  ASSERT_THAT(client.xsi().detach(memory), Succeeds());
  EXPECT_EQ(ctime(), created);
  ASSERT_THAT(client.xsi().remove_segment(segment), Succeeds());
  EXPECT_EQ(ctime(), created);
  const perm_change same = changeable(status_of(client.xsi(), segment).perm);
  ASSERT_THAT(client.xsi().change_segment(segment, same), Succeeds());
  EXPECT_THAT(ctime(), AllOf(Ge(before), Le(now())));
}

TEST_F(ShmCtl, NattchCountsTheAttachmentsOfAllProcessesThroughout) {
  XSI_ASSERTION("SHMCTL-06");
  actor& reader = process();
  actor& one = process();
  actor& two = process();
  const shmid segment = new_segment(reader);
  const shmid other = new_segment(reader);
  attach(reader, other);
  EXPECT_EQ(nattch(reader, segment), 0u);
  char* const one_first = attach(one, segment);
  char* const one_second = attach(one, segment, {.read_only = true});
  EXPECT_EQ(nattch(reader, segment), 2u);
  char* const two_first = attach(two, segment);
  EXPECT_EQ(nattch(reader, segment), 3u);
  actor& child = one.fork();
  EXPECT_EQ(nattch(reader, segment), 5u);
  actor& grandchild = child.fork();
  EXPECT_EQ(nattch(reader, segment), 7u);
  EXPECT_THAT(one.xsi().detach(one_first), Succeeds());
  EXPECT_EQ(nattch(reader, segment), 6u);
  attach(child, segment);
  EXPECT_EQ(nattch(reader, segment), 7u);
  grandchild.exec();
  EXPECT_EQ(nattch(reader, segment), 5u);
  EXPECT_THAT(one.xsi().detach(one_first), FailsWith(EINVAL));
  EXPECT_EQ(nattch(reader, segment), 5u);
  child.kill();
  EXPECT_EQ(nattch(reader, segment), 2u);
  one.exit(0);
  EXPECT_EQ(nattch(reader, segment), 1u);
  EXPECT_THAT(two.xsi().detach(two_first), Succeeds());
  EXPECT_EQ(nattch(reader, segment), 0u);
  EXPECT_THAT(grandchild.xsi().detach(one_second), FailsWith(EINVAL));
  EXPECT_EQ(nattch(reader, other), 1u);
}

TEST_F(ShmCtl, NattchCountsManyAttachments) {
  XSI_ASSERTION("SHMCTL-06");
  constexpr int many = 200;
  actor& client = process();
  actor& reader = process();
  const shmid segment = new_segment(client);
  std::vector<char*> attached;
  for (int i = 0; i < many; ++i) attached.push_back(attach(client, segment));
  EXPECT_EQ(nattch(reader, segment), std::uint64_t{many});
  for (const char* const each : attached) ASSERT_THAT(client.xsi().detach(each), Succeeds());
  EXPECT_EQ(nattch(reader, segment), 0u);
}

TEST_F(ShmCtl, CpidIsTheCreatingProcessForEver) {
  XSI_ASSERTION("SHMCTL-07");
  actor& creator = process();
  actor& other = process();
  const shmid by_main_thread = new_segment(creator);
  const shmid by_thread = new_segment(creator.begin_thread());
  actor& child = creator.fork();
  const shmid by_child = new_segment(child);
  for (const shmid segment : {by_main_thread, by_thread}) {
    EXPECT_EQ(status_of(other.xsi(), segment).cpid, creator.pid());
    attach(creator, segment);
    attach(other, segment);
    const perm_change same = changeable(status_of(other.xsi(), segment).perm);
    ASSERT_THAT(other.xsi().change_segment(segment, same), Succeeds());
    EXPECT_EQ(status_of(other.xsi(), segment).cpid, creator.pid());
  }
  EXPECT_EQ(status_of(other.xsi(), by_child).cpid, child.pid());
  creator.exit(0);
  ASSERT_THAT(other.xsi().remove_segment(by_thread), Succeeds());
  for (const shmid segment : {by_main_thread, by_thread}) {
    EXPECT_EQ(status_of(other.xsi(), segment).cpid, creator.pid());
  }
}

TEST_F(ShmCtl, LpidIsTheProcessOfTheLastAttachOrDetach) {
  XSI_ASSERTION("SHMCTL-08");
  actor& one = process();
  actor& two = process();
  actor& reader = process();
  const shmid segment = new_segment(reader);
  const auto lpid = [&] { return status_of(reader.xsi(), segment).lpid; };
  EXPECT_EQ(lpid(), 0);
  char* const first = attach(one, segment);
  EXPECT_EQ(lpid(), one.pid());
  char* const second = attach(two, segment, {.read_only = true});
  EXPECT_EQ(lpid(), two.pid());
  ASSERT_THAT(one.xsi().detach(first), Succeeds());
  EXPECT_EQ(lpid(), one.pid());
  EXPECT_THAT(two.xsi().detach(second + 1), FailsWith(EINVAL));
  EXPECT_EQ(lpid(), one.pid());
  EXPECT_THAT(two.begin_thread().xsi().detach(second), Succeeds());
  EXPECT_EQ(lpid(), two.pid());
  const perm_change same = changeable(status_of(reader.xsi(), segment).perm);
  ASSERT_THAT(reader.xsi().change_segment(segment, same), Succeeds());
  EXPECT_EQ(lpid(), two.pid());
}

}  // namespace
}  // namespace xsipc::conformance
