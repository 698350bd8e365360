// shmctl's SHM_LOCK and SHM_UNLOCK.
#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(shmlock)

namespace {

class ShmLock : public conformance_test {};

TEST_F(ShmLock, LockedIsShownUntilUnlocked) {
  XSI_ASSERTION("SHMCTL-01");
  XSI_NEEDS(capability::segment_lock);
  actor& owner = process();
  actor& reader = process();
  const shmid segment = new_segment(owner, 4096, 0640);
  const shmid other = new_segment(owner);
  for (const bool locked : {true, true, false, false, true}) {
    EXPECT_THAT(owner.xsi().lock_segment(segment, locked), Succeeds());
    EXPECT_EQ(status_of(reader.xsi(), segment).locked, locked);
    EXPECT_EQ(status_of(reader.xsi(), segment).perm.mode, 0640u);
  }
  EXPECT_FALSE(status_of(reader.xsi(), other).locked);
}

TEST_F(ShmLock, OnlyOwnerAndCreatorMayLock) {
  XSI_ASSERTION("SHMCTL-02");
  XSI_NEEDS(capability::segment_lock);
  XSI_NEEDS(need::other_users);
  actor& creator = process({.uid = alice, .gid = alice});
  actor& owner = process({.uid = bob, .gid = bob});
  actor& stranger = process({.uid = carol, .gid = carol});
  const shmid segment = new_segment(creator, 4096, 0666);
  ASSERT_THAT(creator.xsi().change_segment(segment, {bob, bob, 0666}), Succeeds());
  EXPECT_THAT(stranger.xsi().lock_segment(segment, true), FailsWith(EPERM));
  EXPECT_FALSE(status_of(stranger.xsi(), segment).locked);
  EXPECT_THAT(owner.xsi().lock_segment(segment, true), Succeeds());
  EXPECT_THAT(stranger.xsi().lock_segment(segment, false), FailsWith(EPERM));
  EXPECT_TRUE(status_of(stranger.xsi(), segment).locked);
  EXPECT_THAT(creator.xsi().lock_segment(segment, false), Succeeds());
  EXPECT_THAT(creator.xsi().lock_segment(segment, true), Succeeds());
  EXPECT_TRUE(status_of(stranger.xsi(), segment).locked);
}

// Locks a segment under a limit of bytes that may be locked; returns the error or 0.
XSI_ROUTINE(lock_under_limit) {
  rlimit usual{};
  ::getrlimit(RLIMIT_MEMLOCK, &usual);
  const rlimit low{.rlim_cur = static_cast<rlim_t>(context.input.numbers.at(1)), .rlim_max = usual.rlim_max};
  ::setrlimit(RLIMIT_MEMLOCK, &low);
  const auto outcome = context.xsi.lock_segment(static_cast<shmid>(context.input.numbers.at(0)), true);
  ::setrlimit(RLIMIT_MEMLOCK, &usual);
  return {.numbers = {outcome ? 0 : outcome.error().code}};
}

TEST_F(ShmLock, TheOwnerMayNotLockMoreThanItsLimit) {
  XSI_ASSERTION("SHMCTL-03");
  XSI_NEEDS(capability::segment_lock);
  const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  actor& owner = process({.without_capabilities = {CAP_IPC_LOCK}});
  const shmid segment = new_segment(owner, static_cast<std::size_t>(4 * page));
  const auto lock_under = [&](std::int64_t limit) {
    return owner.run("lock_under_limit", {.numbers = {static_cast<std::int64_t>(segment), limit}}).numbers.at(0);
  };
  EXPECT_EQ(lock_under(0), EPERM);
  EXPECT_FALSE(status_of(owner.xsi(), segment).locked);
  EXPECT_EQ(lock_under(3 * page), ENOMEM);
  EXPECT_FALSE(status_of(owner.xsi(), segment).locked);
  EXPECT_THAT(owner.xsi().lock_segment(segment, true), Succeeds());
}

TEST_F(ShmLock, NeitherLockingNorUnlockingMovesATime) {
  XSI_ASSERTION("SHMCTL-04");
  XSI_NEEDS(capability::segment_lock);
  actor& owner = process();
  const shmid segment = new_segment(owner);
  ASSERT_THAT(owner.xsi().detach(attach(owner, segment)), Succeeds());
  const segment_status before = status_of(owner.xsi(), segment);
  wait_out_this_second();
  for (const bool locked : {true, false}) {
    ASSERT_THAT(owner.xsi().lock_segment(segment, locked), Succeeds());
    const segment_status status = status_of(owner.xsi(), segment);
    EXPECT_EQ(status.atime, before.atime);
    EXPECT_EQ(status.dtime, before.dtime);
    EXPECT_EQ(status.ctime, before.ctime);
  }
}

}  // namespace
}  // namespace xsipc::conformance
