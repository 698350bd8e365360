#include "xsipc/message_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "support/child.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::bytes_of;
using test_support::error_on_id;
using test_support::error_on_key;
using test_support::FailsAs;
using test_support::into;
using test_support::string_of;
using test_support::Succeeds;
using test_support::unused_key;

class message_queue_test : public test_support::sysv_test {
 protected:
  // Takes a message that is there, and tells "type:text".
  static std::string take(message_queue queue, msgtyp_selector selector = msgtyp_selector::any()) {
    std::array<std::byte, 64> text{};
    const auto got = queue.receive(into(text), selector, at_once);
    if (!got) return got.error().message();
    return std::to_string(got->type) + ":" + string_of(std::span(text).first(got->size_bytes));
  }

  message_queue queue_with(std::initializer_list<long> types) {
    message_queue queue = new_queue();
    for (const long type : types) {
      std::string text("m");
      text += std::to_string(type);
      queue.send(type, bytes_of(text), at_once).value();
    }
    return queue;
  }
};

TEST_F(message_queue_test, GetFindsWhatGetCreated) {
  const key name = unused_key();
  const auto made = message_queue::get(name, creation::create_only(0640), on()).value();
  adopt(made.id());
  EXPECT_EQ(message_queue::get(name, creation::find(), on()).value(), made);
  EXPECT_EQ(message_queue::get(name, creation::open_or_create(0), on()).value(), made);
  EXPECT_EQ(made.stat()->perm.mode, 0640U);
  EXPECT_EQ(made.stat()->perm.object_key, name);
}

TEST_F(message_queue_test, GetOfAPrivateKeyAlwaysCreates) { EXPECT_NE(new_queue(), new_queue()); }

TEST_F(message_queue_test, GetSaysWhatIsWrongWithAKey) {
  const key name = unused_key();
  EXPECT_THAT(message_queue::get(name, creation::find(), on()),
              FailsAs(error_on_key(ENOENT, xsi_call::msgget, static_cast<int>(name))));
  adopt(message_queue::get(name, creation::create_only(0600), on())->id());
  EXPECT_THAT(message_queue::get(name, creation::create_only(0600), on()),
              FailsAs(error_on_key(EEXIST, xsi_call::msgget, static_cast<int>(name))));
}

TEST_F(message_queue_test, IsAnIdAndABackend) {
  const auto queue = new_queue();
  const message_queue again(queue.backend(), queue.id());
  EXPECT_EQ(again, queue);
  EXPECT_EQ(&again.backend(), &on());
  EXPECT_NE(message_queue(default_backend(), queue.id()), queue);
}

TEST_F(message_queue_test, ReceivesWhatWasSentInOrder) {
  auto queue = new_queue();
  ASSERT_THAT(queue.send(5, bytes_of("first"), at_once), Succeeds());
  ASSERT_THAT(queue.send(message_view(6, bytes_of("second")), at_once), Succeeds());
  EXPECT_EQ(take(queue), "5:first");
  EXPECT_EQ(take(queue), "6:second");
  EXPECT_THAT(queue.receive(into({}), msgtyp_selector::any(), at_once),
              FailsAs(error_on_id(ENOMSG, xsi_call::msgrcv, static_cast<int>(queue.id()))));
}

TEST_F(message_queue_test, ReceivesByType) {
  auto queue = queue_with({3, 1, 2});
  EXPECT_EQ(take(queue, msgtyp_selector::type(1)), "1:m1");
  EXPECT_EQ(take(queue, msgtyp_selector::type(9)),
            "msgrcv: ENOMSG (queue " + std::to_string(static_cast<int>(queue.id())) + ": no message that suits)");
  EXPECT_EQ(take(queue), "3:m3");
}

TEST_F(message_queue_test, ReceivesTheLowestTypeUpToOne) {
  auto queue = queue_with({5, 3, 2, 3});
  EXPECT_EQ(take(queue, msgtyp_selector::lowest_up_to(4)), "2:m2");
  EXPECT_EQ(take(queue, msgtyp_selector::lowest_up_to(4)), "3:m3");
  EXPECT_EQ(take(queue), "5:m5");
}

TEST_F(message_queue_test, ReceivesAllButOneType) {
  auto queue = queue_with({7, 7, 8});
  EXPECT_EQ(take(queue, msgtyp_selector::all_but(7)), "8:m8");
  EXPECT_EQ(take(queue), "7:m7");
}

TEST_F(message_queue_test, CopiesAMessageByItsPlaceAndLeavesIt) {
  auto queue = queue_with({7, 8});
  const auto before = test_support::state_of(queue);
  EXPECT_EQ(take(queue, msgtyp_selector::copy_of(1)), "8:m8");
  EXPECT_EQ(test_support::state_of(queue), before);
  EXPECT_EQ(take(queue, msgtyp_selector::copy_of(0)), "7:m7");
  EXPECT_THAT(queue.receive(into({}), msgtyp_selector::copy_of(2), at_once), test_support::FailsWith(ENOMSG));
}

TEST_F(message_queue_test, RefusesAMessageThatIsTooLongAndKeepsIt) {
  auto queue = queue_with({1});
  std::array<std::byte, 1> small{};
  EXPECT_THAT(queue.receive(into(small), msgtyp_selector::any(), at_once),
              FailsAs(error_on_id(E2BIG, xsi_call::msgrcv, static_cast<int>(queue.id()))));
  EXPECT_EQ(queue.stat()->qnum, 1U);
  const auto cut = queue.receive(into(small), msgtyp_selector::any(), at_once, truncation::allow);
  ASSERT_THAT(cut, Succeeds());
  EXPECT_EQ(cut->size_bytes, 1U);
  EXPECT_EQ(string_of(small), "m");
  EXPECT_EQ(queue.stat()->qnum, 0U);
}

struct sample {
  std::int64_t number = 0;
  double fraction = 0;
};

TEST_F(message_queue_test, SendsAndReceivesValues) {
  auto queue = new_queue();
  ASSERT_THAT(queue.send_value(4, sample{12, 0.5}, at_once), Succeeds());
  const auto got = queue.receive_value<sample>(msgtyp_selector::type(4), at_once);
  ASSERT_THAT(got, Succeeds());
  EXPECT_EQ(got->type, 4);
  EXPECT_EQ(got->value.number, 12);
  EXPECT_EQ(got->value.fraction, 0.5);
}

TEST_F(message_queue_test, AValueFromAShorterMessageIsEbadmsgAndTheMessageIsGone) {
  auto queue = new_queue();
  ASSERT_THAT(queue.send_value(4, std::int32_t{1}, at_once), Succeeds());
  EXPECT_THAT(queue.receive_value<sample>(msgtyp_selector::any(), at_once),
              FailsAs(error_on_id(EBADMSG, xsi_call::msgrcv, static_cast<int>(queue.id()))));
  EXPECT_EQ(queue.stat()->qnum, 0U);
}

TEST_F(message_queue_test, AValueFromALongerMessageIsE2bigAndTheMessageStays) {
  auto queue = new_queue();
  ASSERT_THAT(queue.send_value(4, sample{12, 0.5}, at_once), Succeeds());
  EXPECT_THAT(queue.receive_value<std::int32_t>(msgtyp_selector::any(), at_once), test_support::FailsWith(E2BIG));
  EXPECT_EQ(queue.receive_value<sample>(msgtyp_selector::any(), at_once)->value.number, 12);
}

TEST_F(message_queue_test, AValueFromAnEmptyQueueIsEnomsg) {
  EXPECT_THAT(new_queue().receive_value<int>(msgtyp_selector::any(), at_once), test_support::FailsWith(ENOMSG));
}

TEST_F(message_queue_test, StatTellsWhatHappened) {
  auto queue = new_queue(0620);
  const auto fresh = queue.stat().value();
  EXPECT_EQ(fresh.id, queue.id());
  EXPECT_EQ(fresh.perm.cuid, ::geteuid());
  EXPECT_EQ(fresh.perm.cgid, ::getegid());
  EXPECT_EQ(fresh.perm.mode, 0620U);
  EXPECT_EQ(fresh.qbytes, on().limits()->msgmnb);
  EXPECT_EQ(fresh.stime + fresh.rtime + fresh.lspid + fresh.lrpid, 0);
  EXPECT_GT(fresh.ctime, 0);
  ASSERT_THAT(queue.send(1, bytes_of("text"), at_once), Succeeds());
  const auto sent = queue.stat().value();
  EXPECT_EQ(sent.qnum, 1U);
  EXPECT_EQ(sent.cbytes, 4U);
  EXPECT_EQ(sent.lspid, ::getpid());
  EXPECT_GE(sent.stime, fresh.ctime);
  EXPECT_EQ(take(queue), "1:text");
  const auto taken = queue.stat().value();
  EXPECT_EQ(taken.cbytes, 0U);
  EXPECT_EQ(taken.lrpid, ::getpid());
  EXPECT_GE(taken.rtime, fresh.ctime);
}

TEST_F(message_queue_test, SetChangesModeAndSize) {
  auto queue = new_queue();
  queue_change change{changeable(queue.stat()->perm), 100};
  change.perm.mode = 0644;
  ASSERT_THAT(queue.set(change), Succeeds());
  EXPECT_EQ(queue.stat()->perm.mode, 0644U);
  EXPECT_EQ(queue.stat()->qbytes, 100U);
}

TEST_F(message_queue_test, SetChangesOwnerAndGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives objects away";
  auto queue = new_queue();
  ASSERT_THAT(queue.set({{.uid = 12, .gid = 13, .mode = 0600}, 100}), Succeeds());
  const auto perm = queue.stat()->perm;
  EXPECT_EQ(perm.uid, 12U);
  EXPECT_EQ(perm.gid, 13U);
  EXPECT_EQ(perm.cuid, 0U);
  EXPECT_EQ(perm.cgid, 0U);
}

TEST_F(message_queue_test, SetOfNoOwnerIsEinvalAndChangesNothing) {
  auto queue = new_queue();
  const auto before = test_support::state_of(queue);
  constexpr auto nobody = static_cast<ipc_user>(-1);
  const auto einval = error_on_id(EINVAL, xsi_call::msgctl, static_cast<int>(queue.id()));
  EXPECT_THAT(queue.set({{.uid = nobody, .gid = 0, .mode = 0}, 1}), FailsAs(einval));
  EXPECT_THAT(queue.set({{.uid = 0, .gid = nobody, .mode = 0}, 1}), FailsAs(einval));
  EXPECT_EQ(test_support::state_of(queue), before);
}

TEST_F(message_queue_test, ARemovedQueueIsEinvalForEveryFunction) {
  auto queue = queue_with({1});
  ASSERT_THAT(queue.remove(), Succeeds());
  const int id = static_cast<int>(queue.id());
  EXPECT_THAT(queue.send(1, {}, at_once), FailsAs(error_on_id(EINVAL, xsi_call::msgsnd, id)));
  EXPECT_THAT(queue.receive(into({})), FailsAs(error_on_id(EINVAL, xsi_call::msgrcv, id)));
  EXPECT_THAT(queue.stat(), FailsAs(error_on_id(EINVAL, xsi_call::msgctl, id)));
  EXPECT_THAT(queue.set({}), FailsAs(error_on_id(EINVAL, xsi_call::msgctl, id)));
  EXPECT_THAT(queue.remove(), FailsAs(error_on_id(EINVAL, xsi_call::msgctl, id)));
}

TEST_F(message_queue_test, ListNamesEveryQueue) {
  const auto one = new_queue();
  const auto two = queue_with({1, 2, 3});
  const auto listed = message_queue::list(on()).value();
  const auto find = [&](msqid id) { return std::ranges::find(listed, id, &queue_status::id); };
  ASSERT_NE(find(one.id()), listed.end());
  ASSERT_NE(find(two.id()), listed.end());
  EXPECT_EQ(find(one.id())->qnum, 0U);
  EXPECT_EQ(find(two.id())->qnum, 3U);
}

TEST_F(message_queue_test, StrangersAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  auto queue = queue_with({1});
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    const int id = static_cast<int>(queue.id());
    std::array<std::byte, 9> text{};
    return queue.send(1, {}, at_once).error() == error_on_id(EACCES, xsi_call::msgsnd, id) &&
           queue.receive(into(text), {}, at_once).error() == error_on_id(EACCES, xsi_call::msgrcv, id) &&
           queue.stat().error() == error_on_id(EACCES, xsi_call::msgctl, id) &&
           queue.set({{}, 1}).error() == error_on_id(EPERM, xsi_call::msgctl, id) &&
           queue.remove().error() == error_on_id(EPERM, xsi_call::msgctl, id);
  }));
  EXPECT_EQ(queue.stat()->qnum, 1U);
}

}  // namespace
}  // namespace xsipc
