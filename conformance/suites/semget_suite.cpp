// semget: sizes, limits, what a new set looks like, and which error comes first. What holds for each kind of object is
// proven elsewhere.
#include <climits>

#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semget)

namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;
using testing::Ne;

class SemGet : public conformance_test {};

TEST_F(SemGet, ANewSetOfNoneOrFewerIsEinval) {
  XSI_ASSERTION("SEMGET-01");
  actor& client = process();
  const key unused = fresh_key();
  for (const int nsems : {0, -1, INT_MIN}) {
    EXPECT_THAT(client.xsi().get_set(key::ipc_private, nsems, creation::create_only(0600)), FailsWith(EINVAL));
    EXPECT_THAT(client.xsi().get_set(unused, nsems, creation::open_or_create(0600)), FailsWith(EINVAL));
    EXPECT_THAT(client.xsi().get_set(unused, nsems, creation::create_only(0600)), FailsWith(EINVAL));
  }
  EXPECT_THAT(client.xsi().get_set(unused, 0, creation::find()), FailsWith(ENOENT));
}

TEST_F(SemGet, ANegativeSizeIsEinvalAlsoForAnExistingSet) {
  XSI_ASSERTION("SEMGET-01");
  actor& client = process();
  const key which = fresh_key();
  ASSERT_THAT(client.xsi().get_set(which, 1, creation::create_only(0600)), Succeeds());
  for (const int nsems : {-1, INT_MIN}) {
    EXPECT_THAT(client.xsi().get_set(which, nsems, creation::find()), FailsWith(EINVAL));
    EXPECT_THAT(client.xsi().get_set(which, nsems, creation::open_or_create(0600)), FailsWith(EINVAL));
  }
}

TEST_F(SemGet, MoreThanSemmslIsEinvalWhetherTheSetExistsOrNot) {
  XSI_ASSERTION("SEMGET-02");
  actor& client = process();
  const int most = static_cast<int>(client.xsi().limits().value().semmsl);
  const key unused = fresh_key();
  const key used = fresh_key();
  ASSERT_THAT(client.xsi().get_set(used, 2, creation::create_only(0600)), Succeeds());
  EXPECT_THAT(client.xsi().get_set(key::ipc_private, most + 1, creation::create_only(0600)), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().get_set(unused, most + 1, creation::open_or_create(0600)), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().get_set(unused, 0, creation::find()), FailsWith(ENOENT));
  EXPECT_THAT(client.xsi().get_set(used, most + 1, creation::find()), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().get_set(used, most + 1, creation::create_only(0600)), FailsWith(EINVAL));
}

TEST_F(SemGet, AsManyAsSemmslAreASetThatWorksToItsLast) {
  XSI_ASSERTION("SEMGET-02");
  actor& client = process();
  const int most = static_cast<int>(client.xsi().limits().value().semmsl);
  const semid set = new_set(client, most);
  EXPECT_EQ(status_of(client.xsi(), set).nsems, static_cast<std::uint64_t>(most));
  ASSERT_THAT(operate(client.xsi(), set, {add(most - 1, 7)}), Succeeds());
  EXPECT_THAT(client.xsi().query_semaphore(set, most - 1, sem_query::value), SucceedsWith(7));
  EXPECT_THAT(operate(client.xsi(), set, {add(most)}), FailsWith(EFBIG));
}

TEST_F(SemGet, ALoweredSemmslIsInForceAtOnceAndKeepsWhatExists) {
  XSI_ASSERTION("SEMGET-02");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& client = process();
  const key which = fresh_key();
  const auto larger = client.xsi().get_set(which, 9, creation::create_only(0600));
  ASSERT_THAT(larger, Succeeds());
  ipc_limits limits = client.xsi().limits().value();
  limits.semmsl = 5;
  ASSERT_THAT(client.xsi().change_limits(limits), Succeeds());
  EXPECT_THAT(client.xsi().get_set(key::ipc_private, 6, creation::create_only(0600)), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().get_set(key::ipc_private, 5, creation::create_only(0600)), Succeeds());
  EXPECT_THAT(client.xsi().get_set(which, 6, creation::find()), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().get_set(which, 5, creation::find()), SucceedsWith(*larger));
  EXPECT_EQ(status_of(client.xsi(), *larger).nsems, 9u);
}

TEST_F(SemGet, AnExistingSetIsFoundWithAnySizeUpToItsOwn) {
  XSI_ASSERTION("SEMGET-03", "SEMGET-04");
  actor& creator = process();
  actor& other = process();
  const key which = fresh_key();
  const auto set = creator.xsi().get_set(which, 3, creation::create_only(0600));
  ASSERT_THAT(set, Succeeds());
  for (const int nsems : {0, 1, 2, 3}) {
    EXPECT_THAT(other.xsi().get_set(which, nsems, creation::find(0600)), SucceedsWith(*set));
    EXPECT_THAT(other.xsi().get_set(which, nsems, creation::open_or_create(0600)), SucceedsWith(*set));
  }
  EXPECT_EQ(status_of(creator.xsi(), *set).nsems, 3u);
}

TEST_F(SemGet, AnExistingSetThatIsTooSmallIsEinvalAndStaysAsItIs) {
  XSI_ASSERTION("SEMGET-05");
  actor& client = process();
  const key which = fresh_key();
  const auto set = client.xsi().get_set(which, 3, creation::create_only(0600));
  ASSERT_THAT(set, Succeeds());
  for (const int nsems : {4, 32}) {
    EXPECT_THAT(client.xsi().get_set(which, nsems, creation::find()), FailsWith(EINVAL));
    EXPECT_THAT(client.xsi().get_set(which, nsems, creation::open_or_create(0600)), FailsWith(EINVAL));
  }
  EXPECT_THAT(client.xsi().get_set(which, 3, creation::find()), SucceedsWith(*set));
  EXPECT_EQ(status_of(client.xsi(), *set).nsems, 3u);
}

TEST_F(SemGet, OfATooSmallSetThatIsForbiddenTheSizeComesFirst) {
  XSI_ASSERTION("SEMGET-06");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  const key which = fresh_key();
  ASSERT_THAT(owner.xsi().get_set(which, 2, creation::create_only(0600)), Succeeds());
  EXPECT_THAT(stranger.xsi().get_set(which, 3, creation::find(0400)), FailsWith(EINVAL));
  EXPECT_THAT(stranger.xsi().get_set(which, 3, creation::open_or_create(0600)), FailsWith(EINVAL));
  EXPECT_THAT(stranger.xsi().get_set(which, 2, creation::find(0400)), FailsWith(EACCES));
  EXPECT_THAT(stranger.xsi().get_set(which, 2, creation::open_or_create(0600)), FailsWith(EACCES));
}

TEST_F(SemGet, OfATooSmallSetThatMustNotExistItsExistenceComesFirst) {
  XSI_ASSERTION("SEMGET-07");
  actor& client = process();
  const key which = fresh_key();
  ASSERT_THAT(client.xsi().get_set(which, 2, creation::create_only(0600)), Succeeds());
  EXPECT_THAT(client.xsi().get_set(which, 3, creation::create_only(0600)), FailsWith(EEXIST));
  EXPECT_THAT(client.xsi().get_set(which, 3, creation::open_or_create(0600)), FailsWith(EINVAL));
  // Also the size that no new set can have.
  EXPECT_THAT(client.xsi().get_set(which, 0, creation::create_only(0600)), FailsWith(EEXIST));
}

TEST_F(SemGet, MoreThanSemmnsInAllSetsIsEnospc) {
  XSI_ASSERTION("SEMGET-08");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(capability::changeable_limits);
  actor& client = process();
  ipc_limits limits = client.xsi().limits().value();
  limits.semmns = 10;
  ASSERT_THAT(client.xsi().change_limits(limits), Succeeds());
  EXPECT_THAT(client.xsi().get_set(key::ipc_private, 11, creation::create_only(0600)), FailsWith(ENOSPC));
  static_cast<void>(new_set(client, 6));
  const key wanted = fresh_key();
  EXPECT_THAT(client.xsi().get_set(wanted, 5, creation::create_only(0600)), FailsWith(ENOSPC));
  EXPECT_THAT(client.xsi().get_set(wanted, 0, creation::find()), FailsWith(ENOENT));
  const auto fits = client.xsi().get_set(wanted, 4, creation::create_only(0600));
  ASSERT_THAT(fits, Succeeds());
  EXPECT_THAT(client.xsi().get_set(key::ipc_private, 1, creation::create_only(0600)), FailsWith(ENOSPC));
  // What exists needs no room, and what is removed gives it back.
  EXPECT_THAT(client.xsi().get_set(wanted, 4, creation::open_or_create(0600)), SucceedsWith(*fits));
  ASSERT_THAT(client.xsi().remove_set(*fits), Succeeds());
  EXPECT_THAT(client.xsi().get_set(wanted, 5, creation::create_only(0600)), FailsWith(ENOSPC));
  EXPECT_THAT(client.xsi().get_set(wanted, 4, creation::create_only(0600)), Succeeds());
}

TEST_F(SemGet, ANewSetTellsItsSizeAndWhenItWasMade) {
  XSI_ASSERTION("SEMGET-09");
  actor& client = process();
  for (const int nsems : {1, 3, 100}) {
    const ipc_time before = now();
    const semid set = new_set(client, nsems);
    const ipc_time after = now();
    const set_status status = status_of(client.xsi(), set);
    EXPECT_EQ(status.nsems, static_cast<std::uint64_t>(nsems));
    EXPECT_EQ(status.otime, 0);
    EXPECT_THAT(status.ctime, AllOf(Ge(before), Le(after)));
  }
}

TEST_F(SemGet, ANewSetIsAllZerosAlsoInThePlaceOfAUsedOne) {
  XSI_ASSERTION("SEMGET-10");
  actor& client = process();
  const semid used = new_set(client, 3);
  ASSERT_THAT(operate(client.xsi(), used, {add(0, 5), add(1, 6), add(2, 7)}), Succeeds());
  ASSERT_THAT(values_of(client.xsi(), used), ElementsAre(5, 6, 7));
  ASSERT_THAT(client.xsi().remove_set(used), Succeeds());
  const semid set = new_set(client, 3);
  EXPECT_THAT(set, Ne(used));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 0, 0));
  EXPECT_THAT(each_semaphore(client.xsi(), set, sem_query::value), Each(0));
  EXPECT_THAT(sempids_of(client.xsi(), set), Each(0));
  EXPECT_THAT(ncnts_of(client.xsi(), set), Each(0));
  EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
  EXPECT_EQ(status_of(client.xsi(), set).otime, 0);
}

TEST_F(SemGet, TheSizeAskedForHasNoSayInThePermission) {
  XSI_ASSERTION("SEMGET-11");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  const key which = fresh_key();
  const auto set = owner.xsi().get_set(which, 2, creation::create_only(0604));
  ASSERT_THAT(set, Succeeds());
  for (const int nsems : {0, 1, 2}) {
    EXPECT_THAT(stranger.xsi().get_set(which, nsems, creation::find()), SucceedsWith(*set));
    EXPECT_THAT(stranger.xsi().get_set(which, nsems, creation::find(0004)), SucceedsWith(*set));
    EXPECT_THAT(stranger.xsi().get_set(which, nsems, creation::find(0002)), FailsWith(EACCES));
    EXPECT_THAT(stranger.xsi().get_set(which, nsems, creation::find(0600)), FailsWith(EACCES));
    EXPECT_THAT(owner.xsi().get_set(which, nsems, creation::find(0600)), SucceedsWith(*set));
  }
}

}  // namespace
}  // namespace xsipc::conformance
