// Objects outlive processes: exit, SIGKILL, fork, exec, and whoever comes later.
#include <dirent.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <map>

#include "xsipc/conformance/kinds.hpp"
#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(life)

namespace {

using testing::ElementsAre;
using testing::Ne;

class Life : public each_kind {
 protected:
  // What the tools that list objects see: all of the kind, by id.
  [[nodiscard]] std::map<int, common_status> list(actor& tool) const {
    std::map<int, common_status> found;
    const int highest = tool.xsi().usage(GetParam()).value().highest_index;
    for (int index = 0; index <= highest; ++index) {
      const auto status = kind().stat(tool.xsi(), index, lookup::index_any);
      if (status) found.emplace(status->id, *status);
    }
    return found;
  }
};

XSI_FOR_EACH_KIND(Life);

TEST_P(Life, OutlivesEveryProcessThatUsedIt) {
  XSI_ASSERTION("LIFE-01");
  const std::function<void(actor&)> ways[] = {[](actor& who) { who.exit(0); }, [](actor& who) { who.exit_at_once(1); },
                                              [](actor& who) { who.kill(); }};
  for (const auto& end : ways) {
    actor& creator = process();
    actor& user = process();
    const named_object object = new_named(creator);
    const int nameless = new_object(creator);
    ASSERT_THAT(put_number(creator, nameless, 8), Succeeds());
    ASSERT_THAT(put_number(user, object.id, 9), Succeeds());
    const common_status before = status(user, object.id);
    end(creator);
    EXPECT_EQ(status(user, object.id), before);
    end(user);

    actor& heir = process();
    EXPECT_THAT(kind().get(heir.xsi(), object.name, creation::find()), SucceedsWith(object.id));
    EXPECT_EQ(status(heir, object.id), before);
    EXPECT_THAT(take_number(heir, object.id), SucceedsWith(9));
    EXPECT_THAT(take_number(heir, nameless), SucceedsWith(8));
    EXPECT_THAT(put_number(heir, object.id, 10), Succeeds());
    EXPECT_THAT(take_number(heir, object.id), SucceedsWith(10));
  }
}

TEST_P(Life, GoesOnAfterSigkillOfItsCreatorAndCanBeRemoved) {
  XSI_ASSERTION("LIFE-02");
  actor& creator = process();
  actor& other = process();
  const named_object object = new_named(creator);
  ASSERT_THAT(put_number(creator, object.id, 21), Succeeds());
  creator.kill();
  EXPECT_EQ(status(other, object.id).perm.object_key, object.name);
  EXPECT_THAT(take_number(other, object.id), SucceedsWith(21));
  EXPECT_THAT(put_number(other, object.id, 22), Succeeds());
  actor& third = process();
  EXPECT_THAT(take_number(third, object.id), SucceedsWith(22));
  EXPECT_THAT(kind().remove(third.xsi(), object.id), Succeeds());
  EXPECT_THAT(kind().stat(other.xsi(), object.id), FailsWith(EINVAL));
  EXPECT_THAT(kind().get(other.xsi(), object.name, creation::find()), FailsWith(ENOENT));
}

TEST_P(Life, TheKeyOfAKilledCreatorIsTakenUntilTheObjectIsRemoved) {
  XSI_ASSERTION("LIFE-03");
  actor& creator = process();
  const named_object object = new_named(creator);
  creator.kill();
  actor& next = process();
  const creation exclusively = creation::create_only(0600);
  EXPECT_THAT(kind().get(next.xsi(), object.name, exclusively), FailsWith(EEXIST));
  EXPECT_THAT(kind().get(next.xsi(), object.name, exclusively), FailsWith(EEXIST));
  EXPECT_THAT(kind().get(next.xsi(), object.name, creation::open_or_create(0600)), SucceedsWith(object.id));
  ASSERT_THAT(kind().remove(next.xsi(), object.id), Succeeds());
  EXPECT_THAT(kind().get(next.xsi(), object.name, exclusively), SucceedsWith(Ne(object.id)));
  EXPECT_THAT(kind().get(process().xsi(), object.name, exclusively), FailsWith(EEXIST));
}

TEST_P(Life, AChildUsesWhatItsParentHas) {
  XSI_ASSERTION("LIFE-06");
  actor& parent = process();
  const int before_fork = new_object(parent);
  ASSERT_THAT(put_number(parent, before_fork, 31), Succeeds());
  actor& child = parent.fork();
  EXPECT_THAT(take_number(child, before_fork), SucceedsWith(31));
  EXPECT_THAT(put_number(child, before_fork, 32), Succeeds());
  EXPECT_THAT(take_number(parent, before_fork), SucceedsWith(32));

  const int of_child = new_object(child);
  const int after_fork = new_object(parent);
  EXPECT_THAT(put_number(parent, of_child, 33), Succeeds());
  EXPECT_THAT(take_number(child, of_child), SucceedsWith(33));
  actor& grandchild = child.fork();
  child.exit(0);
  parent.exit(0);
  for (const int id : {before_fork, of_child, after_fork}) {
    EXPECT_THAT(put_number(grandchild, id, 34), Succeeds());
    EXPECT_THAT(take_number(grandchild, id), SucceedsWith(34));
    EXPECT_THAT(kind().remove(grandchild.xsi(), id), Succeeds());
  }
}

TEST_P(Life, WhatAChildRemovesIsGoneForItsParent) {
  XSI_ASSERTION("LIFE-06");
  actor& parent = process();
  const int id = new_object(parent);
  actor& child = parent.fork();
  actor& other_child = parent.fork();
  ASSERT_THAT(kind().remove(child.xsi(), id), Succeeds());
  for (actor* const each : {&parent, &other_child, &child}) {
    EXPECT_THAT(kind().stat(each->xsi(), id), FailsWith(EINVAL));
  }
  const int another = new_object(parent);
  child.exit(0);
  other_child.exit(0);
  EXPECT_EQ(status(parent, another).id, another) << "a child's end removes nothing";
}

TEST_P(Life, AnIdIsValidAfterExec) {
  XSI_ASSERTION("LIFE-07");
  actor& client = process();
  actor& other = process();
  const named_object object = new_named(client);
  const int nameless = new_object(client);
  ASSERT_THAT(put_number(client, object.id, 41), Succeeds());
  const common_status before = status(other, object.id);
  client.exec();
  EXPECT_EQ(status(client, object.id), before);
  EXPECT_THAT(take_number(client, object.id), SucceedsWith(41));
  EXPECT_THAT(put_number(client, nameless, 42), Succeeds());
  EXPECT_THAT(take_number(other, nameless), SucceedsWith(42));
  EXPECT_THAT(kind().remove(client.xsi(), nameless), Succeeds());
  EXPECT_THAT(kind().stat(other.xsi(), nameless), FailsWith(EINVAL));
}

TEST_P(Life, AToolListsAndRemovesIt) {
  XSI_ASSERTION("LIFE-09");
  XSI_NEEDS(capability::lookup_by_index);
  actor& creator = process();
  std::map<int, common_status> made;
  for (const ipc_mode mode : {0600U, 0640U, 0666U}) {
    for (const int id : {new_named(creator, mode).id, new_object(creator, mode)}) made.emplace(id, status(creator, id));
  }
  creator.kill();
  actor& tool = process();
  EXPECT_THAT(list(tool), testing::IsSupersetOf(made));
  EXPECT_GE(tool.xsi().usage(GetParam()).value().objects, made.size());
  while (!made.empty()) {
    const int id = made.begin()->first;
    ASSERT_THAT(kind().remove(tool.xsi(), id), Succeeds());
    made.erase(id);
    const auto left = list(tool);
    EXPECT_FALSE(left.contains(id));
    EXPECT_THAT(left, testing::IsSupersetOf(made));
  }
}

class LifeInUse : public semaphore_test {};

TEST_F(LifeInUse, NoUserOfAQueueKeepsItFromRemoval) {
  XSI_ASSERTION("LIFE-04");
  actor& creator = process();
  actor& sender = process();
  actor& receiver = process();
  actor& idle = process();
  const msqid queue = new_queue(creator);
  limit_queue(creator.xsi(), queue, 10).value();
  ASSERT_THAT(send_text(idle.xsi(), queue, 1, "ten bytes!"), Succeeds());
  auto sends = sender.start(sending(queue, 1, "more"));
  auto receives = receiver.start(receiving(queue, {.selector = msgtyp_selector::type(2)}));
  ASSERT_TRUE(sends.blocked());
  ASSERT_TRUE(receives.blocked());
  EXPECT_THAT(creator.xsi().remove_queue(queue), Succeeds());
  EXPECT_THAT(sends.get(), FailsWith(EIDRM));
  EXPECT_THAT(receives.get(), FailsWith(EIDRM));
  EXPECT_THAT(receive_text(idle.xsi(), queue), FailsWith(EINVAL));
  EXPECT_THAT(send_text(idle.xsi(), queue, 1, ""), FailsWith(EINVAL));
}

TEST_F(LifeInUse, NoUserOfASetKeepsItFromRemoval) {
  XSI_ASSERTION("LIFE-04");
  actor& creator = process();
  actor& holder = process();
  actor& waiter = process();
  const semid set = set_of(creator, {1, 0});
  ASSERT_THAT(operate(holder.xsi(), set, {take(0, 1, sem_flags::undo)}), Succeeds());
  auto waits = waiter.start(operating(set, {take(0)}));
  ASSERT_TRUE(waits.blocked());
  EXPECT_THAT(creator.xsi().remove_set(set), Succeeds());
  EXPECT_THAT(waits.get(), FailsWith(EIDRM));
  EXPECT_THAT(operate(holder.xsi(), set, {add(0, 1, sem_flags::undo)}), FailsWith(EINVAL));
  holder.exit(0);
  EXPECT_THAT(creator.xsi().stat_set(static_cast<int>(set), lookup::id), FailsWith(EINVAL));
}

TEST_F(LifeInUse, ASegmentIsRemovedAtOnceAndDestroyedWithItsLastAttachment) {
  XSI_ASSERTION("LIFE-04");
  actor& creator = process();
  actor& first = process();
  actor& second = process();
  const key name = fresh_key();
  const auto segment = creator.xsi().get_segment(name, 4096, creation::create_only(0600), {});
  ASSERT_THAT(segment, Succeeds());
  char* const here = attach(first, *segment);
  char* const there = attach(second, *segment);
  EXPECT_THAT(creator.xsi().remove_segment(*segment), Succeeds());
  EXPECT_THAT(creator.xsi().get_segment(name, 0, creation::find(), {}), FailsWith(ENOENT));
  ASSERT_TRUE(first.poke(here, "still there"));
  EXPECT_EQ(second.peek(there, 11), "still there");
  EXPECT_THAT(first.xsi().detach(here), Succeeds());
  EXPECT_EQ(second.peek(there, 11), "still there");
  EXPECT_TRUE(status_of(creator.xsi(), *segment).removed);
  second.kill();
  EXPECT_THAT(creator.xsi().stat_segment(static_cast<int>(*segment), lookup::id), FailsWith(EINVAL));
}

TEST_F(LifeInUse, ExecDropsTheAttachmentAndKeepsTheId) {
  XSI_ASSERTION("LIFE-07");
  actor& client = process();
  actor& other = process();
  const shmid segment = new_segment(client);
  char* const memory = attach(client, segment);
  ASSERT_TRUE(client.poke(memory, "before"));
  EXPECT_EQ(nattch(other, segment), 1u);
  client.exec();
  EXPECT_EQ(nattch(other, segment), 0u);
  EXPECT_THAT(client.xsi().detach(memory), FailsWith(EINVAL));
  EXPECT_EQ(client.peek(attach(client, segment), 6), "before");
  EXPECT_EQ(nattch(other, segment), 1u);
}

// Returns how many descriptors the process has open.
XSI_ROUTINE(count_descriptors) {
  std::int64_t count = 0;
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return {.numbers = {-1}};
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return {.numbers = {count}};
}

class LifeDescriptors : public semaphore_test {
 protected:
  static std::int64_t descriptors(actor& who) { return who.run("count_descriptors").numbers.at(0); }

  // Makes one object of each kind and uses it; the segment stays attached.
  static std::tuple<msqid, semid, shmid> use_each_kind(actor& who) {
    const std::tuple all(new_queue(who), new_set(who), new_segment(who));
    send_messages(who.xsi(), std::get<0>(all), {{1, "text"}});
    EXPECT_THAT(operate(who.xsi(), std::get<1>(all), {add(0, 1, sem_flags::undo)}), Succeeds());
    EXPECT_TRUE(who.poke(attach(who, std::get<2>(all)), "text"));
    return all;
  }
};

TEST_F(LifeDescriptors, NoObjectIsADescriptor) {
  XSI_ASSERTION("LIFE-05");
  actor& client = process();
  use_each_kind(client);  // what a library opens once for all objects is its own affair
  const std::int64_t before = descriptors(client);
  ASSERT_GT(before, 0);
  for (int i = 0; i < 20; ++i) use_each_kind(client);
  EXPECT_EQ(descriptors(client), before);
  actor& child = client.fork();
  EXPECT_EQ(descriptors(child), before);
}

TEST_F(LifeDescriptors, ExecInheritsIdsAndNothingElse) {
  XSI_ASSERTION("LIFE-05");
  actor& client = process();
  client.exec();
  const std::int64_t of_a_fresh_program = descriptors(client);
  const auto [queue, set, segment] = use_each_kind(client);
  for (int i = 0; i < 20; ++i) use_each_kind(client);
  client.exec();
  EXPECT_EQ(descriptors(client), of_a_fresh_program);
  EXPECT_EQ(nattch(client, segment), 0u);
  EXPECT_THAT(receive_text(client.xsi(), queue), SucceedsWith(message{1, "text"}));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1));
}

class LifeMessages : public conformance_test {};

TEST_F(LifeMessages, OfADeadClientAreReceivedInOrder) {
  XSI_ASSERTION("LIFE-08", "LIFE-01");
  actor& client = process();
  const msqid queue = new_queue(client);
  const std::vector<message> sent = {{3, "first"}, {1, "second"}, {3, ""}, {2, "fourth"}, {1, "fifth"}};
  send_messages(client.xsi(), queue, sent);
  client.kill();
  actor& reader = process();
  EXPECT_EQ(status_of(reader.xsi(), queue).lspid, client.pid());
  EXPECT_EQ(status_of(reader.xsi(), queue).cbytes, 22u);
  expect_messages_left(reader.xsi(), queue, sent);
}

TEST_F(LifeMessages, ForADeadClientGoToWhoeverAsksForThem) {
  XSI_ASSERTION("LIFE-08");
  actor& server = process();
  actor& client = process();
  const msqid queue = new_queue(server);
  auto reply = client.start(receiving(queue, {.selector = msgtyp_selector::type(client.pid())}));
  ASSERT_TRUE(reply.blocked());
  client.kill();
  EXPECT_THAT(reply.get(), FailsWith(ESRCH));
  const long type = client.pid();
  send_messages(server.xsi(), queue, {{type, "one"}, {1L << 40, "other"}, {type, "two"}});
  server.kill();
  actor& reader = process();
  EXPECT_EQ(status_of(reader.xsi(), queue).qnum, 3u);
  const receive_options of_the_dead = {.selector = msgtyp_selector::type(type)};
  EXPECT_THAT(receive_text(reader.xsi(), queue, of_the_dead), SucceedsWith(message{type, "one"}));
  EXPECT_THAT(receive_text(reader.xsi(), queue, of_the_dead), SucceedsWith(message{type, "two"}));
  EXPECT_THAT(receive_text(reader.xsi(), queue, of_the_dead), FailsWith(ENOMSG));
  expect_messages_left(reader.xsi(), queue, {{1L << 40, "other"}});
}

}  // namespace
}  // namespace xsipc::conformance
