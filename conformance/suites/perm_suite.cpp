// Permissions: who belongs to which class, what its bits allow, and who is above them.
#include <linux/capability.h>
#include <sys/stat.h>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(perm)

namespace {

identity user(ipc_user uid, ipc_user gid) { return {.uid = uid, .gid = gid}; }

identity without(int capability) { return {.without_capabilities = {capability}}; }

// What a process may do with an object.
struct rights {
  bool read = false;
  bool write = false;
};
constexpr rights none{false, false};
constexpr rights read_only{true, false};
constexpr rights write_only{false, true};
constexpr rights full{true, true};

template <typename T>
void expect_allowed(const result<T>& outcome, bool allowed, std::string_view how) {
  if (allowed) {
    EXPECT_THAT(outcome, Succeeds()) << how;
  } else {
    EXPECT_THAT(outcome, FailsWith(EACCES)) << how;
  }
}

class Perm : public each_kind {
 protected:
  // Asks in every way for each access and expects exactly `what`.
  void expect_rights(actor& who, const named_object& of, rights what, int line = __builtin_LINE()) {
    const testing::ScopedTrace trace(__FILE__, line, "expected from here");
    spi::backend& xsi = who.xsi();
    expect_allowed(kind().get(xsi, of.name, creation::find(0444)), what.read, "get, asking to read");
    expect_allowed(kind().get(xsi, of.name, creation::find(0222)), what.write, "get, asking to write");
    expect_allowed(kind().get(xsi, of.name, creation::find(0666)), what.read && what.write, "get, asking for both");
    expect_allowed(kind().read(xsi, of.id), what.read, "IPC_STAT");
    expect_allowed(kind().use_reading(xsi, of.id), what.read, "reading");
    const bool needs_both = kind().which() == object_kind::segment;
    expect_allowed(kind().use_writing(xsi, of.id), what.write && (what.read || !needs_both), "writing");
  }

  [[nodiscard]] result<void> change(actor& by, const named_object& what, const perm_change& to) const {
    return kind().change(by.xsi(), what.id, to);
  }
};

XSI_FOR_EACH_KIND(Perm);

TEST_P(Perm, AnOwnerHasTheOwnersBitsAndNoOthers) {
  XSI_ASSERTION("PERM-03");
  actor& owner = process(unprivileged());
  expect_rights(owner, new_named(owner, 0066), none);
  expect_rights(owner, new_named(owner, 0466), read_only);
  expect_rights(owner, new_named(owner, 0266), write_only);
  expect_rights(owner, new_named(owner, 0600), full);
}

TEST_P(Perm, OwnerAndCreatorAreBothOfTheOwnersClass) {
  XSI_ASSERTION("PERM-03");
  XSI_NEEDS(need::other_users);
  actor& creator = process(user(alice, alice));
  actor& owner = process(user(bob, alice));
  const named_object shared = new_named(creator, 0066);
  expect_rights(owner, shared, full);
  ASSERT_THAT(change(creator, shared, {bob, alice, 0066}), Succeeds());
  expect_rights(creator, shared, none);
  expect_rights(owner, shared, none);
  expect_rights(process(user(carol, carol)), shared, full);
}

TEST_P(Perm, AGroupHasTheGroupsBitsAndNoOthers) {
  XSI_ASSERTION("PERM-04");
  XSI_NEEDS(need::other_users);
  actor& owner = process(user(alice, alice));
  actor& member = process(user(bob, alice));
  expect_rights(member, new_named(owner, 0606), none);
  expect_rights(member, new_named(owner, 0646), read_only);
  expect_rights(member, new_named(owner, 0626), write_only);
  expect_rights(member, new_named(owner, 0060), full);

  const named_object given = new_named(owner, 0606);
  ASSERT_THAT(change(owner, given, {alice, carol, 0606}), Succeeds());
  expect_rights(member, given, none);
  expect_rights(process(user(carol, carol)), given, none);
  expect_rights(process(user(bob, bob)), given, full);
}

TEST_P(Perm, EverybodyElseHasTheLastBits) {
  XSI_ASSERTION("PERM-05");
  XSI_NEEDS(need::other_users);
  actor& owner = process(user(alice, alice));
  actor& stranger = process(user(carol, carol));
  expect_rights(stranger, new_named(owner, 0006), full);
  expect_rights(stranger, new_named(owner, 0004), read_only);
  expect_rights(stranger, new_named(owner, 0002), write_only);
  expect_rights(stranger, new_named(owner, 0660), none);
}

TEST_P(Perm, TheCreatorKeepsTheOwnersRights) {
  XSI_ASSERTION("PERM-07");
  XSI_NEEDS(need::other_users);
  actor& creator = process(user(alice, alice));
  const named_object given = new_named(creator, 0600);
  ASSERT_THAT(change(creator, given, {bob, bob, 0600}), Succeeds());
  expect_rights(creator, given, full);
  expect_rights(process(user(carol, alice)), given, none);
}

TEST_P(Perm, ANewOwnerGetsTheOwnersRights) {
  XSI_ASSERTION("PERM-08");
  XSI_NEEDS(need::other_users);
  actor& creator = process(user(alice, alice));
  actor& owner = process(user(bob, bob));
  const named_object given = new_named(creator, 0600);
  expect_rights(owner, given, none);
  ASSERT_THAT(change(creator, given, {bob, alice, 0600}), Succeeds());
  expect_rights(owner, given, full);
  ASSERT_THAT(change(owner, given, {carol, alice, 0600}), Succeeds());
  expect_rights(owner, given, none);
}

TEST_P(Perm, TheCreatorsGroupKeepsTheGroupsRights) {
  XSI_ASSERTION("PERM-09");
  XSI_NEEDS(need::other_users);
  actor& creator = process(user(alice, alice));
  const named_object given = new_named(creator, 0060);
  expect_rights(process(user(carol, bob)), given, none);
  ASSERT_THAT(change(creator, given, {alice, bob, 0060}), Succeeds());
  expect_rights(process(user(carol, alice)), given, full);
  expect_rights(process(user(carol, bob)), given, full);
  expect_rights(process(user(carol, carol)), given, none);
}

TEST_P(Perm, TheEffectiveIdsDecide) {
  XSI_ASSERTION("PERM-10");
  XSI_NEEDS(need::other_users);
  actor& owner = process(user(alice, alice));
  const named_object owners = new_named(owner, 0600);
  const named_object groups = new_named(owner, 0060);
  actor& effective = process({.uid = alice, .gid = bob, .real_uid = bob});
  actor& real = process({.uid = bob, .gid = bob, .real_uid = alice, .real_gid = alice});
  actor& really_root = process({.uid = nobody, .gid = nobody, .real_uid = 0, .real_gid = 0});
  expect_rights(effective, owners, full);
  expect_rights(real, owners, none);
  expect_rights(really_root, owners, none);
  expect_rights(process({.uid = bob, .gid = alice, .real_gid = bob}), groups, full);
  expect_rights(real, groups, none);
}

TEST_P(Perm, ASupplementaryGroupCountsAsTheGroup) {
  XSI_ASSERTION("PERM-11");
  XSI_NEEDS(need::other_users);
  actor& owner = process(user(alice, alice));
  actor& member = process({.uid = bob, .gid = bob, .groups = {nobody, alice}});
  expect_rights(member, new_named(owner, 0060), full);
  expect_rights(member, new_named(owner, 0606), none);
  const named_object given = new_named(owner, 0060);
  ASSERT_THAT(change(owner, given, {alice, carol, 0060}), Succeeds());
  expect_rights(member, given, full);
  expect_rights(process({.uid = bob, .gid = bob, .groups = {carol}}), given, full);
  expect_rights(process({.uid = bob, .gid = bob, .groups = {nobody}}), given, none);
}

TEST_P(Perm, PrivilegePassesEveryCheck) {
  XSI_ASSERTION("PERM-12");
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(need::cap_ipc_owner);
  actor& owner = process(user(alice, alice));
  const named_object closed = new_named(owner, 0);
  expect_rights(owner, closed, none);
  expect_rights(process(), closed, full);
}

TEST_P(Perm, ExecuteBitsGrantNothingAndAreNotNeeded) {
  XSI_ASSERTION("PERM-13");
  actor& owner = process(unprivileged());
  expect_rights(owner, new_named(owner, 0111), none);
  expect_rights(owner, new_named(owner, 0500), read_only);
  expect_rights(owner, new_named(owner, 0600), full);
  expect_rights(owner, new_named(owner, 0700), full);
}

TEST_P(Perm, ExecuteBitsOfGroupAndOthersGrantNothingEither) {
  XSI_ASSERTION("PERM-13");
  XSI_NEEDS(need::other_users);
  actor& owner = process(user(alice, alice));
  const named_object executable = new_named(owner, 0711);
  const named_object usable = new_named(owner, 0666);
  for (const ipc_user group : {alice, carol}) {
    actor& other = process(user(carol, group));
    expect_rights(other, executable, none);
    expect_rights(other, usable, full);
  }
}

TEST_P(Perm, AChangeTakesEffectAtTheNextCall) {
  XSI_ASSERTION("PERM-15");
  actor& owner = process(unprivileged());
  const named_object shared = new_named(owner, 0666);
  // Another user where there is one: everybody's rights change.
  actor& client = the_harness().offers(need::other_users) ? process(user(carol, carol)) : process(unprivileged());
  const perm_change mine = changeable(status(owner, shared.id).perm);
  const auto change_mode = [&](ipc_mode mode) { return change(owner, shared, {mine.uid, mine.gid, mode}); };
  expect_rights(client, shared, full);
  ASSERT_THAT(change_mode(0444), Succeeds());
  expect_rights(client, shared, read_only);
  ASSERT_THAT(change_mode(0666), Succeeds());
  expect_rights(client, shared, full);
  ASSERT_THAT(change_mode(0), Succeeds());
  expect_rights(client, shared, none);
  expect_rights(owner, shared, none);
}

TEST_P(Perm, StatNeedsRead) {
  XSI_ASSERTION("PERM-24");
  actor& owner = process(unprivileged());
  EXPECT_THAT(kind().stat(owner.xsi(), new_object(owner, 0200)), FailsWith(EACCES));
  EXPECT_THAT(kind().stat(owner.xsi(), new_object(owner, 0244)), FailsWith(EACCES));
  EXPECT_THAT(kind().stat(owner.xsi(), new_object(owner, 0400)), Succeeds());
}

TEST_P(Perm, ChangingAndRemovingDoNotLookAtTheMode) {
  XSI_ASSERTION("PERM-25");
  actor& owner = process(unprivileged());
  const int id = new_object(owner, 0400);
  const perm_change mine = changeable(status(owner, id).perm);
  ASSERT_THAT(kind().change(owner.xsi(), id, {mine.uid, mine.gid, 0}), Succeeds());
  ASSERT_THAT(kind().stat(owner.xsi(), id), FailsWith(EACCES));
  EXPECT_THAT(kind().change(owner.xsi(), id, {mine.uid, mine.gid, 0440}), Succeeds());
  EXPECT_EQ(status(owner, id).perm.mode, 0440u);
  ASSERT_THAT(kind().change(owner.xsi(), id, {mine.uid, mine.gid, 0}), Succeeds());
  EXPECT_THAT(kind().remove(owner.xsi(), id), Succeeds());
  EXPECT_THAT(kind().stat(owner.xsi(), id), FailsWith(EINVAL));
}

TEST_P(Perm, NobodyElseMayChangeOrRemove) {
  XSI_ASSERTION("PERM-26");
  XSI_NEEDS(need::other_users);
  actor& owner = process(user(alice, alice));
  const int id = new_object(owner, 0666);
  const common_status before = status(owner, id);
  for (const ipc_user group : {alice, carol}) {
    actor& other = process(user(carol, group));
    EXPECT_THAT(kind().change(other.xsi(), id, {carol, carol, 0600}), FailsWith(EPERM));
    EXPECT_THAT(kind().change(other.xsi(), id, {alice, alice, 0666}), FailsWith(EPERM));
    EXPECT_THAT(kind().remove(other.xsi(), id), FailsWith(EPERM));
    EXPECT_EQ(status(owner, id), before);
  }
  EXPECT_THAT(kind().use_writing(owner.xsi(), id), Succeeds());
}

TEST_P(Perm, TheCreatorMayChangeAndRemoveWhatHeGaveAway) {
  XSI_ASSERTION("PERM-27");
  XSI_NEEDS(need::other_users);
  actor& creator = process(user(alice, alice));
  const int id = new_object(creator, 0600);
  ASSERT_THAT(kind().change(creator.xsi(), id, {bob, bob, 0600}), Succeeds());
  EXPECT_THAT(kind().change(creator.xsi(), id, {carol, carol, 0640}), Succeeds());
  EXPECT_EQ(status(creator, id).perm.uid, carol);
  EXPECT_EQ(status(creator, id).perm.mode, 0640u);
  EXPECT_THAT(kind().change(creator.xsi(), id, {carol, carol, 0}), Succeeds());
  EXPECT_THAT(kind().remove(creator.xsi(), id), Succeeds());
  EXPECT_THAT(kind().stat(creator.xsi(), id), FailsWith(EINVAL));
}

TEST_P(Perm, ANewOwnerMayChangeAndRemove) {
  XSI_ASSERTION("PERM-28");
  XSI_NEEDS(need::other_users);
  actor& creator = process(user(alice, alice));
  actor& owner = process(user(bob, bob));
  const int id = new_object(creator, 0600);
  EXPECT_THAT(kind().change(owner.xsi(), id, {bob, bob, 0600}), FailsWith(EPERM));
  ASSERT_THAT(kind().change(creator.xsi(), id, {bob, alice, 0600}), Succeeds());
  EXPECT_THAT(kind().change(owner.xsi(), id, {bob, carol, 0640}), Succeeds());
  EXPECT_EQ(status(owner, id).perm.gid, carol);
  EXPECT_EQ(status(owner, id).perm.cuid, alice);
  EXPECT_THAT(kind().remove(owner.xsi(), id), Succeeds());
  EXPECT_THAT(kind().stat(owner.xsi(), id), FailsWith(EINVAL));
}

TEST_P(Perm, ThePrivilegeToChangeAndRemoveIsCapSysAdmin) {
  XSI_ASSERTION("PERM-29");
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(need::cap_sys_admin);
  actor& owner = process(user(alice, alice));
  const int id = new_object(owner, 0600);
  actor& lesser_root = process(without(CAP_SYS_ADMIN));
  EXPECT_THAT(kind().change(lesser_root.xsi(), id, {alice, alice, 0666}), FailsWith(EPERM));
  EXPECT_THAT(kind().remove(lesser_root.xsi(), id), FailsWith(EPERM));
  EXPECT_EQ(status(owner, id).perm.mode, 0600u);
  actor& administrator = process(without(CAP_IPC_OWNER));
  EXPECT_THAT(kind().change(administrator.xsi(), id, {alice, alice, 0640}), Succeeds());
  EXPECT_EQ(status(owner, id).perm.mode, 0640u);
  EXPECT_THAT(kind().remove(administrator.xsi(), id), Succeeds());
}

TEST_P(Perm, ThePrivilegeToUseIsCapIpcOwner) {
  XSI_ASSERTION("PERM-30");
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(need::cap_ipc_owner);
  actor& owner = process(user(alice, alice));
  const named_object closed = new_named(owner, 0);
  expect_rights(process(without(CAP_IPC_OWNER)), closed, none);
  expect_rights(process(without(CAP_SYS_ADMIN)), closed, full);
}

TEST_P(Perm, RootWithoutThePrivilegeIsAUserLikeOthers) {
  XSI_ASSERTION("PERM-31");
  XSI_NEEDS(need::other_users);
  XSI_NEEDS(need::cap_ipc_owner);
  actor& root = process({.uid = 0, .gid = 0, .without_capabilities = {CAP_IPC_OWNER}});
  expect_rights(root, new_named(root, 0), none);
  expect_rights(root, new_named(root, 0066), none);
  expect_rights(root, new_named(root, 0600), full);
}

XSI_ROUTINE(perm_set_umask) {
  return {.numbers = {static_cast<std::int64_t>(::umask(static_cast<mode_t>(context.input.numbers.at(0))))}};
}

TEST_P(Perm, TheUmaskHasNoInfluence) {
  XSI_ASSERTION("PERM-32");
  actor& owner = process(unprivileged());
  const std::int64_t before = owner.run("perm_set_umask", {.numbers = {0777}}).numbers.at(0);
  const named_object open = new_named(owner, 0666);
  EXPECT_EQ(status(owner, open.id).perm.mode, 0666u);
  expect_rights(owner, open, full);
  const perm_change mine = changeable(status(owner, open.id).perm);
  EXPECT_THAT(change(owner, open, {mine.uid, mine.gid, 0606}), Succeeds());
  EXPECT_EQ(status(owner, open.id).perm.mode, 0606u);
  if (the_harness().offers(need::other_users)) expect_rights(process(user(carol, carol)), open, full);
  static_cast<void>(owner.run("perm_set_umask", {.numbers = {before}}));
}

}  // namespace
}  // namespace xsipc::conformance
