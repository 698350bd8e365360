#include "xsipc/shared_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "support/child.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"

namespace xsipc {
namespace {

using test_support::error_on_id;
using test_support::error_on_key;
using test_support::FailsAs;
using test_support::Succeeds;
using test_support::unused_key;

constexpr std::size_t page = 4096;

static_assert(!std::is_copy_constructible_v<shared_memory_attachment>);
static_assert(std::is_nothrow_move_constructible_v<shared_memory_attachment>);
static_assert(std::is_nothrow_move_assignable_v<shared_memory_attachment>);

class shared_memory_test : public test_support::sysv_test {
 protected:
  static std::uint64_t attached(const shared_memory& segment) { return segment.stat()->nattch; }
};

TEST_F(shared_memory_test, GetFindsWhatGetCreated) {
  const key name = unused_key();
  const auto made = shared_memory::get(name, 100, creation::create_only(0640), {}, on()).value();
  adopt(made.id());
  EXPECT_EQ(shared_memory::get(name, 0, creation::find(), {}, on()).value(), made);
  EXPECT_EQ(shared_memory::get(name, 100, creation::open_or_create(0), {}, on()).value(), made);
  EXPECT_EQ(made.stat()->segsz, 100U);
  EXPECT_EQ(made.stat()->perm.mode, 0640U);
}

TEST_F(shared_memory_test, GetSaysWhatIsWrong) {
  const key name = unused_key();
  const int raw = static_cast<int>(name);
  EXPECT_THAT(shared_memory::get(name, 0, creation::find(), {}, on()),
              FailsAs(error_on_key(ENOENT, xsi_call::shmget, raw)));
  adopt(shared_memory::get(name, 100, creation::create_only(0600), {}, on())->id());
  EXPECT_THAT(shared_memory::get(name, 100, creation::create_only(0600), {}, on()),
              FailsAs(error_on_key(EEXIST, xsi_call::shmget, raw)));
  EXPECT_THAT(shared_memory::get(name, 101, creation::find(), {}, on()),
              FailsAs(error_on_key(EINVAL, xsi_call::shmget, raw)));
}

TEST_F(shared_memory_test, TakesCreationOptions) {
  const auto made =
      shared_memory::get(key::ipc_private, page, creation::create_only(0600), {.no_reserve = true}, on()).value();
  adopt(made.id());
  EXPECT_EQ(made.stat()->segsz, page);
}

TEST_F(shared_memory_test, IsAnIdAndABackend) {
  const auto segment = new_segment(1);
  const shared_memory again(segment.backend(), segment.id());
  EXPECT_EQ(again, segment);
  EXPECT_EQ(&again.backend(), &on());
  EXPECT_NE(new_segment(1), segment);
}

TEST_F(shared_memory_test, AttachmentsShareTheirBytes) {
  const auto segment = new_segment(100);
  const auto one = segment.attach().value();
  const auto two = segment.attach().value();
  ASSERT_EQ(one.size(), 100U);
  EXPECT_NE(one.data(), two.data());
  EXPECT_TRUE(std::ranges::all_of(one.as_span<char>(), [](char byte) { return byte == 0; }));
  one.as_span<char>()[99] = 'x';
  EXPECT_EQ(two.as_span<char>()[99], 'x');
  EXPECT_EQ(two.as_const_span<char>()[99], 'x');
}

TEST_F(shared_memory_test, ASpanHoldsWholeObjectsOnly) {
  const auto attachment = new_segment(100).attach().value();
  EXPECT_EQ(attachment.as_span<std::uint64_t>().size(), 12U);
  EXPECT_EQ(attachment.as_const_span<std::uint64_t>().size(), 12U);
  EXPECT_EQ(attachment.as_span<std::uint64_t>().data(), attachment.data());
}

TEST_F(shared_memory_test, AnAttachmentDetachesWhenItEnds) {
  const auto segment = new_segment(100);
  {
    const auto attachment = segment.attach().value();
    EXPECT_TRUE(static_cast<bool>(attachment));
    EXPECT_EQ(attached(segment), 1U);
  }
  EXPECT_EQ(attached(segment), 0U);
}

TEST_F(shared_memory_test, DetachEmptiesTheAttachment) {
  const auto segment = new_segment(100);
  auto attachment = segment.attach().value();
  ASSERT_THAT(attachment.detach(), Succeeds());
  EXPECT_EQ(attached(segment), 0U);
  EXPECT_FALSE(static_cast<bool>(attachment));
  EXPECT_EQ(attachment.data(), nullptr);
  EXPECT_EQ(attachment.size(), 0U);
  EXPECT_TRUE(attachment.as_span<char>().empty());
}

TEST_F(shared_memory_test, DetachingTwiceDoesNothing) {
  const auto segment = new_segment(100);
  auto attachment = segment.attach().value();
  const auto other = segment.attach().value();
  ASSERT_THAT(attachment.detach(), Succeeds());
  EXPECT_THAT(attachment.detach(), Succeeds());
  EXPECT_EQ(attached(segment), 1U);
}

TEST_F(shared_memory_test, AnAttachmentDetachedBehindItsBackIsEinval) {
  auto attachment = new_segment(100).attach().value();
  const void* const address = attachment.data();
  ASSERT_THAT(on().detach(address), Succeeds());
  const ipc_error einval{.code = EINVAL,
                         .call = xsi_call::shmdt,
                         .subject_is = subject_kind::address,
                         .subject = reinterpret_cast<std::intptr_t>(address)};
  EXPECT_THAT(attachment.detach(), FailsAs(einval));
}

TEST_F(shared_memory_test, MovingHandsTheAttachmentOver) {
  const auto segment = new_segment(100);
  auto from = segment.attach({.read_only = true}).value();
  const void* const address = from.data();
  const shared_memory_attachment to(std::move(from));
  EXPECT_FALSE(static_cast<bool>(from));  // NOLINT: that a moved-from one is empty is what is tested
  EXPECT_EQ(from.size(), 0U);
  EXPECT_EQ(to.data(), address);
  EXPECT_EQ(to.size(), 100U);
  EXPECT_TRUE(to.read_only());
  EXPECT_EQ(attached(segment), 1U);
}

TEST_F(shared_memory_test, MoveAssignmentDetachesWhatWasThere) {
  const auto one = new_segment(100);
  const auto two = new_segment(200);
  auto attachment = one.attach().value();
  attachment = two.attach().value();
  EXPECT_EQ(attached(one), 0U);
  EXPECT_EQ(attached(two), 1U);
  EXPECT_EQ(attachment.size(), 200U);
  attachment = shared_memory_attachment();
  EXPECT_EQ(attached(two), 0U);
}

TEST_F(shared_memory_test, MoveAssignmentToItselfKeepsTheAttachment) {
  const auto segment = new_segment(100);
  auto attachment = segment.attach().value();
  auto& same = attachment;
  attachment = std::move(same);
  EXPECT_TRUE(static_cast<bool>(attachment));
  EXPECT_EQ(attached(segment), 1U);
}

TEST_F(shared_memory_test, SwapExchangesAttachments) {
  auto one = new_segment(100).attach().value();
  auto two = new_segment(200).attach({.read_only = true}).value();
  one.swap(two);
  EXPECT_EQ(one.size(), 200U);
  EXPECT_TRUE(one.read_only());
  EXPECT_EQ(two.size(), 100U);
  EXPECT_FALSE(two.read_only());
}

TEST_F(shared_memory_test, ReleaseGivesTheAttachmentUpWithoutDetaching) {
  const auto segment = new_segment(100);
  void* address = nullptr;
  {
    auto attachment = segment.attach().value();
    address = attachment.release();
    EXPECT_FALSE(static_cast<bool>(attachment));
    EXPECT_EQ(attachment.size(), 0U);
  }
  EXPECT_EQ(attached(segment), 1U);
  { const shared_memory_attachment owner(on(), address, 100, false); }
  EXPECT_EQ(attached(segment), 0U);
}

TEST_F(shared_memory_test, AnEmptyAttachmentDetachesNothing) {
  shared_memory_attachment none;
  EXPECT_FALSE(static_cast<bool>(none));
  EXPECT_THAT(none.detach(), Succeeds());
}

TEST_F(shared_memory_test, WritingToAReadOnlyAttachmentRaisesSigsegv) {
  const auto attachment = new_segment(100).attach({.read_only = true}).value();
  EXPECT_TRUE(attachment.read_only());
  EXPECT_EQ(attachment.as_const_span<char>()[0], 0);
  const int status = test_support::status_of_child([&] {
    std::signal(SIGSEGV, SIG_DFL);
    *static_cast<volatile char*>(attachment.data()) = 'x';
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
}

TEST_F(shared_memory_test, AttachesWhereItIsAskedTo) {
  const auto segment = new_segment(page);
  auto attachment = segment.attach().value();
  void* const address = attachment.data();
  ASSERT_THAT(attachment.detach(), Succeeds());
  const auto there = segment.attach({.address = address}).value();
  EXPECT_EQ(there.data(), address);
}

TEST_F(shared_memory_test, ARemovedSegmentLivesUntilTheLastDetach) {
  auto segment = new_segment(100);
  auto attachment = segment.attach().value();
  ASSERT_THAT(segment.remove(), Succeeds());
  EXPECT_TRUE(segment.stat()->removed);
  EXPECT_EQ(segment.attach()->size(), 100U);
  ASSERT_THAT(attachment.detach(), Succeeds());
  EXPECT_THAT(segment.stat(), FailsAs(error_on_id(EINVAL, xsi_call::shmctl, static_cast<int>(segment.id()))));
}

TEST_F(shared_memory_test, ARemovedSegmentIsEinvalForEveryFunction) {
  auto segment = new_segment(100);
  ASSERT_THAT(segment.remove(), Succeeds());
  const auto ctl = error_on_id(EINVAL, xsi_call::shmctl, static_cast<int>(segment.id()));
  EXPECT_THAT(segment.attach(), FailsAs(error_on_id(EINVAL, xsi_call::shmat, static_cast<int>(segment.id()))));
  EXPECT_THAT(segment.stat(), FailsAs(ctl));
  EXPECT_THAT(segment.set({}), FailsAs(ctl));
  EXPECT_THAT(segment.remove(), FailsAs(ctl));
  EXPECT_THAT(segment.lock(), FailsAs(ctl));
  EXPECT_THAT(segment.unlock(), FailsAs(ctl));
}

TEST_F(shared_memory_test, StatTellsWhatHappened) {
  const auto segment = new_segment(100, 0620);
  const auto fresh = segment.stat().value();
  EXPECT_EQ(fresh.id, segment.id());
  EXPECT_EQ(fresh.segsz, 100U);
  EXPECT_EQ(fresh.perm.mode, 0620U);
  EXPECT_EQ(fresh.cpid, ::getpid());
  EXPECT_EQ(fresh.lpid, 0);
  EXPECT_EQ(fresh.atime + fresh.dtime, 0);
  EXPECT_GT(fresh.ctime, 0);
  EXPECT_FALSE(fresh.removed);
  EXPECT_FALSE(fresh.locked);
  segment.attach()->detach().value();
  const auto used = segment.stat().value();
  EXPECT_EQ(used.lpid, ::getpid());
  EXPECT_GE(used.atime, fresh.ctime);
  EXPECT_GE(used.dtime, used.atime);
}

TEST_F(shared_memory_test, SetChangesTheMode) {
  auto segment = new_segment(100);
  auto change = changeable(segment.stat()->perm);
  change.mode = 0644;
  ASSERT_THAT(segment.set(change), Succeeds());
  EXPECT_EQ(segment.stat()->perm.mode, 0644U);
}

TEST_F(shared_memory_test, LockAndUnlockShowInTheStatus) {
  auto segment = new_segment(100);
  const auto locked = segment.lock();
  if (!locked && locked.error().code == EPERM) GTEST_SKIP() << "locking memory is not permitted";
  ASSERT_THAT(locked, Succeeds());
  EXPECT_TRUE(segment.stat()->locked);
  EXPECT_EQ(segment.stat()->perm.mode, 0600U);
  ASSERT_THAT(segment.unlock(), Succeeds());
  EXPECT_FALSE(segment.stat()->locked);
}

TEST_F(shared_memory_test, ListNamesEverySegment) {
  const auto one = new_segment(100);
  const auto two = new_segment(200);
  const auto listed = shared_memory::list(on()).value();
  const auto find = [&](shmid id) { return std::ranges::find(listed, id, &segment_status::id); };
  ASSERT_NE(find(one.id()), listed.end());
  ASSERT_NE(find(two.id()), listed.end());
  EXPECT_EQ(find(one.id())->segsz, 100U);
  EXPECT_EQ(find(two.id())->segsz, 200U);
}

}  // namespace
}  // namespace xsipc
