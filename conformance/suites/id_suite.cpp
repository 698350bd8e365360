// Ids: what is one, how long it is one, and for whom.
#include <algorithm>
#include <climits>
#include <set>
#include <stdexcept>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(id)

namespace {

using testing::AllOf;
using testing::Ge;
using testing::Ne;

// In the layout of Linux, which ID-12 proves.
constexpr int slot_bits = 15;
constexpr int slots = 1 << slot_bits;
int slot_of(int id) { return id & (slots - 1); }

class Id : public each_kind {
 protected:
  result<int> get(actor_thread& by, key which, creation how) const { return kind().get(by.xsi(), which, how); }

  // Expects that every call in `by` says EINVAL to `id`.
  void expect_invalid(actor_thread& by, int id) const { expect_invalid(by, id, kind()); }
  static void expect_invalid(actor_thread& by, int id, const kind_calls& calls) {
    for (const auto& [call, outcome] : calls.every_call(by.xsi(), id)) {
      EXPECT_THAT(outcome, FailsWith(EINVAL)) << call << " of " << kind_name(calls.which()) << " " << id;
    }
  }

  // For routines.
  [[nodiscard]] std::int64_t kind_number() const { return static_cast<std::int64_t>(GetParam()); }
};

XSI_FOR_EACH_KIND(Id);

TEST_P(Id, IsNeverNegative) {
  XSI_ASSERTION("ID-01");
  actor& client = process();
  EXPECT_THAT(get(client, key::ipc_private, creation::find(0600)), SucceedsWith(Ge(0)));
  EXPECT_THAT(get(client, fresh_key(), creation::create_only(0600)), SucceedsWith(Ge(0)));
  EXPECT_THAT(get(client, fresh_key(), creation::open_or_create(0600)), SucceedsWith(Ge(0)));
}

TEST_P(Id, MayBeZero) {
  XSI_ASSERTION("ID-01");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  actor& other = process();
  const key name = fresh_key();
  const auto first = get(client, name, creation::create_only(0600));
  ASSERT_THAT(first, SucceedsWith(Ge(0)));
  if (the_harness().offers(need::kernel_objects)) {
    EXPECT_EQ(*first, 0);
  }
  EXPECT_THAT(get(other, name, creation::find()), SucceedsWith(*first));
  EXPECT_EQ(status(other, *first).perm.object_key, name);
  EXPECT_THAT(put_number(client, *first, 15), Succeeds());
  EXPECT_THAT(take_number(other, *first), SucceedsWith(15));
  EXPECT_THAT(kind().change(other.xsi(), *first, changeable(status(other, *first).perm)), Succeeds());
  EXPECT_THAT(kind().remove(other.xsi(), *first), Succeeds());
  expect_invalid(client, *first);
}

TEST_P(Id, IsTheOnlyOneOfItsKindAmongLiveObjects) {
  XSI_ASSERTION("ID-02");
  constexpr int count = 60;
  actor& client = process();
  std::set<int> live;
  std::vector<std::pair<int, key>> made;
  const auto create = [&] {
    for (int i = 0; i < count; ++i) {
      const key name = i % 2 == 0 ? fresh_key() : key::ipc_private;
      const auto id = get(client, name, creation::create_only(0600));
      ASSERT_THAT(id, Succeeds());
      ASSERT_TRUE(live.insert(*id).second) << *id;
      made.emplace_back(*id, name);
    }
  };
  ASSERT_NO_FATAL_FAILURE(create());
  for (int i = 0; i < count; i += 3) {
    ASSERT_THAT(kind().remove(client.xsi(), made[static_cast<std::size_t>(i)].first), Succeeds());
    live.erase(made[static_cast<std::size_t>(i)].first);
  }
  ASSERT_NO_FATAL_FAILURE(create());
  for (const auto& [id, name] : made) {
    if (live.contains(id)) {
      EXPECT_EQ(status(client, id).perm.object_key, name);
    }
  }
}

TEST_P(Id, IsAnotherOneWhenAKeyIsUsedAgain) {
  XSI_ASSERTION("ID-03");
  actor& client = process();
  const key name = fresh_key();
  int previous = -1;
  for (int i = 0; i < 10; ++i) {
    const auto id = get(client, name, creation::create_only(0600));
    ASSERT_THAT(id, SucceedsWith(Ne(previous)));
    ASSERT_THAT(kind().remove(client.xsi(), *id), Succeeds());
    previous = *id;
  }
}

TEST_P(Id, OfARemovedObjectIsEinvalForEveryCall) {
  XSI_ASSERTION("ID-04");
  actor& creator = process();
  actor& other = process();
  const int id = new_object(creator);
  ASSERT_THAT(put_number(other, id, 4), Succeeds());
  ASSERT_THAT(kind().remove(creator.xsi(), id), Succeeds());
  expect_invalid(creator, id);
  expect_invalid(other, id);
}

// The kernel takes a slot again after at most 64 creations if there are few objects.
TEST_P(Id, OfARemovedObjectDoesNotReachTheNextOneInItsSlot) {
  XSI_ASSERTION("ID-05");
  actor& creator = process();
  actor& other = process();
  const int stale = new_object(creator);
  ASSERT_THAT(kind().remove(creator.xsi(), stale), Succeeds());
  bool taken_again = false;
  for (int i = 0; i < 100 && !taken_again; ++i) {
    const int id = new_object(creator, 0640);
    ASSERT_NE(id, stale);
    taken_again = slot_of(id) == slot_of(stale);
    ASSERT_THAT(put_number(creator, id, 7), Succeeds());
    const common_status before = status(creator, id);
    expect_invalid(other, stale);
    EXPECT_EQ(status(creator, id), before);
    EXPECT_THAT(take_number(creator, id), SucceedsWith(7));
    ASSERT_THAT(kind().remove(creator.xsi(), id), Succeeds());
  }
  if (the_harness().offers(need::kernel_objects) && missing(need::private_namespace).empty()) {
    EXPECT_TRUE(taken_again);
  }
}

TEST_P(Id, BelowZeroIsEinval) {
  XSI_ASSERTION("ID-06");
  actor& creator = process();
  actor& other = process();
  const int id = new_object(creator);
  ASSERT_THAT(put_number(creator, id, 6), Succeeds());
  const common_status before = status(creator, id);
  for (const int negative : {-1, -2, -slots, -id - 1, id | INT_MIN, INT_MIN}) expect_invalid(other, negative);
  EXPECT_EQ(status(creator, id), before);
  EXPECT_THAT(take_number(creator, id), SucceedsWith(6));
}

// No sequence gets as far as the largest number.
TEST_P(Id, NeverHandedOutIsEinval) {
  XSI_ASSERTION("ID-07");
  actor& client = process();
  expect_invalid(client, INT_MAX);
  new_object(client);
  expect_invalid(client, INT_MAX);
}

TEST_P(Id, CloseToALiveOneIsEinval) {
  XSI_ASSERTION("ID-07");
  XSI_NEEDS(need::private_namespace);
  actor& creator = process();
  actor& other = process();
  for (const int unused : {0, 1, 63, slots, 100 * slots}) expect_invalid(other, unused);
  const int id = new_object(creator);
  ASSERT_THAT(put_number(creator, id, 7), Succeeds());
  const common_status before = status(creator, id);
  for (const int unused :
       {id + 1, id + 64, id + slots - 1, id + slots, id + 5 * slots, id + (1 << 16), id + (1 << 30)}) {
    expect_invalid(other, unused);
  }
  EXPECT_EQ(status(creator, id), before);
  EXPECT_THAT(take_number(creator, id), SucceedsWith(7));
}

// Creates and removes an object of one key, or a private one, so many times; returns the ids, or less if a call failed.
XSI_ROUTINE(id_cycle) {
  const auto& numbers = context.input.numbers;
  const kind_calls kind(static_cast<object_kind>(numbers.at(0)));
  const auto name = static_cast<key>(static_cast<std::int32_t>(numbers.at(1)));
  routine_result ids;
  for (std::int64_t i = 0; i < numbers.at(2); ++i) {
    const auto id = kind.get(context.xsi, name, creation::create_only(0600));
    if (!id) break;
    ids.numbers.push_back(*id);
    if (!kind.remove(context.xsi, *id)) break;
  }
  return ids;
}

TEST_P(Id, DoesNotComeAgainWithinAThousandCycles) {
  XSI_ASSERTION("ID-08", "ID-03");
  constexpr std::size_t cycles = 1001;
  actor& client = process();
  const auto name = static_cast<std::int32_t>(fresh_key());
  const auto ids = client.run("id_cycle", {{kind_number(), name, cycles}, {}}).numbers;
  ASSERT_EQ(ids.size(), cycles);
  EXPECT_THAT(ids, testing::Each(Ge(0)));
  EXPECT_EQ(std::set<std::int64_t>(ids.begin(), ids.end()).size(), cycles);
}

// Names the calls that don't say EINVAL to `stale` while an object that was made after it lives, or says that this was
// touched.
std::string reached_through(int stale, const kind_calls& kind, spi::backend& xsi) {
  const auto id = kind.get(xsi, key::ipc_private, creation::create_only(0640));
  if (!id) return "no object";
  const auto before = kind.stat(xsi, *id);
  std::string reached;
  for (const auto& [call, outcome] : kind.every_call(xsi, stale)) {
    if (outcome || outcome.error().code != EINVAL) reached += call + " ";
  }
  const auto after = kind.stat(xsi, *id);
  if (!before || !after || !(*before == *after)) reached += "touched";
  static_cast<void>(kind.remove(xsi, *id));
  return reached;
}

// Fills the table up to one object, and empties it: the ids in between are all of one slot. Returns them, and what the
// last of them reached when its slot had been taken again.
XSI_ROUTINE(id_cycle_in_the_last_slot) {
  const kind_calls kind(static_cast<object_kind>(context.input.numbers.at(0)));
  std::vector<int> filling;
  while (filling.size() < slots - 1) {
    const auto id = kind.get(context.xsi, key::ipc_private, creation::create_only(0600));
    if (!id || *id < 0) return {};
    filling.push_back(*id);
  }
  routine_result ids = id_cycle(context);
  if (ids.numbers.empty()) return {};
  ids.bytes = reached_through(static_cast<int>(ids.numbers.back()), kind, context.xsi);
  for (const int id : filling) {
    if (!kind.remove(context.xsi, id)) return {};
  }
  return ids;
}

// With 64 slots to choose from the sequence would wrap after four million cycles. In a table with one free slot it has
// to move on each time.
TEST_P(Id, WrapsToLowNumbersAndNeverGetsNegative) {
  XSI_ASSERTION("ID-09", "ID-05");
  XSI_NEEDS(need::private_namespace);
  constexpr std::size_t cycles = 65'600;
  actor& client = process();
  auto limits = client.xsi().limits();
  ASSERT_THAT(limits, Succeeds());
  limits->msgmni = limits->semmni = limits->shmmni = slots;
  ASSERT_THAT(client.xsi().change_limits(*limits), Succeeds());
  const auto private_key = static_cast<std::int64_t>(key::ipc_private);
  const auto outcome = client.run("id_cycle_in_the_last_slot", {{kind_number(), private_key, cycles}, {}});
  const auto& ids = outcome.numbers;
  ASSERT_EQ(ids.size(), cycles);
  EXPECT_THAT(*std::min_element(ids.begin(), ids.end()), Ge(0));
  std::vector<std::size_t> wraps;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    ASSERT_NE(ids[i], ids[i - 1]);
    if (ids[i] < ids[i - 1]) wraps.push_back(i);
  }
  ASSERT_EQ(wraps.size(), 1u);
  EXPECT_GE(wraps[0], 1000u);
  EXPECT_LT(ids[wraps[0]], 2 * slots);
  EXPECT_GT(ids[wraps[0] - 1], INT_MAX - 2 * slots);
  EXPECT_EQ(outcome.bytes, "");
}

TEST_P(Id, IsValidInEveryProcessAndOutlivesItsCreator) {
  XSI_ASSERTION("ID-10");
  actor& creator = process();
  actor& other = process();
  const int id = new_object(creator);
  ASSERT_THAT(put_number(creator, id, 10), Succeeds());
  EXPECT_THAT(kind().read(other.xsi(), id), Succeeds());
  creator.exit(0);
  EXPECT_THAT(take_number(other, id), SucceedsWith(10));
  actor& later = process();
  EXPECT_THAT(put_number(other, id, 11), Succeeds());
  EXPECT_THAT(take_number(later, id), SucceedsWith(11));
  EXPECT_THAT(kind().remove(later.xsi(), id), Succeeds());
  expect_invalid(other, id);
}

TEST_P(Id, IsValidForEveryUser) {
  XSI_ASSERTION("ID-10");
  XSI_NEEDS(need::other_users);
  actor& creator = process({.uid = alice});
  actor& other = process({.uid = bob});
  const int id = new_object(creator, 0666);
  ASSERT_THAT(put_number(creator, id, 10), Succeeds());
  EXPECT_THAT(take_number(other, id), SucceedsWith(10));
  EXPECT_EQ(status(other, id).perm.cuid, alice);
}

TEST_P(Id, OfOneKindIsNoneOfAnother) {
  XSI_ASSERTION("ID-11");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  actor& other = process();
  const int id = new_object(client);
  ASSERT_THAT(put_number(client, id, 11), Succeeds());
  const common_status before = status(client, id);
  for (const auto which : {object_kind::queue, object_kind::set, object_kind::segment}) {
    if (which == GetParam()) continue;
    const kind_calls calls(which);
    expect_invalid(other, id, calls);
    const auto foreign = calls.get(other.xsi(), fresh_key(), creation::create_only(0600));
    ASSERT_THAT(foreign, Succeeds());
    if (the_harness().offers(need::kernel_objects)) {
      EXPECT_EQ(*foreign, id);  // the first of each kind
    }
    EXPECT_EQ(status(client, id), before);
    ASSERT_THAT(calls.use_writing(other.xsi(), *foreign), Succeeds());
    ASSERT_THAT(calls.remove(other.xsi(), *foreign), Succeeds());
    EXPECT_EQ(status(client, id), before);
  }
  EXPECT_THAT(take_number(client, id), SucceedsWith(11));
}

TEST_P(Id, IsSequenceAndSlot) {
  XSI_ASSERTION("ID-12");
  XSI_NEEDS(capability::lookup_by_index);
  actor& client = process();
  std::uint32_t highest = 0;
  for (int i = 0; i < 100; ++i) {
    const int id = new_object(client);
    const std::uint32_t sequence = status(client, id).perm.sequence;
    EXPECT_EQ(static_cast<std::uint32_t>(id) >> slot_bits, sequence);
    const auto by_index = kind().stat(client.xsi(), slot_of(id), lookup::index);
    ASSERT_THAT(by_index, Succeeds());
    EXPECT_EQ(by_index->id, id);
    highest = std::max(highest, sequence);
    ASSERT_THAT(kind().remove(client.xsi(), id), Succeeds());
  }
  if (missing(need::private_namespace).empty()) {
    EXPECT_GT(highest, 0u);
  }
}

class IdRemoved : public conformance_test {
 protected:
  // Waits until both sleep, removes, and expects EIDRM of those who waited and EINVAL of the same callers afterwards.
  static void expect_eidrm_then_einval(const kind_calls& calls, int id, actor& remover,
                                       const std::vector<actor*>& waiters, std::vector<pending<result<void>>> waiting) {
    for (auto& call : waiting) ASSERT_TRUE(call.blocked());
    ASSERT_THAT(calls.remove(remover.xsi(), id), Succeeds());
    for (auto& call : waiting) EXPECT_THAT(call.get(), FailsWith(EIDRM));
    for (actor* const waiter : waiters) {
      for (const auto& [call, outcome] : calls.every_call(waiter->xsi(), id)) {
        EXPECT_THAT(outcome, FailsWith(EINVAL)) << call;
      }
    }
  }
};

TEST_F(IdRemoved, IsEidrmOnlyForThoseWhoWaitInAQueue) {
  XSI_ASSERTION("ID-13");
  actor& remover = process();
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(remover);
  while (send_text(remover.xsi(), queue, 1, std::string(1024, 'f'))) {
  }
  auto sends = sender.start(sending(queue, 1, std::string(1024, 'f')));
  auto receives = receiver.start([queue](spi::backend& xsi) -> result<void> {
    const auto got = receive_text(xsi, queue, {.selector = msgtyp_selector::type(2), .until = deadline::never()});
    if (!got) return got.error();
    return {};
  });
  expect_eidrm_then_einval(kind_calls(object_kind::queue), static_cast<int>(queue), remover, {&sender, &receiver},
                           {sends, receives});
}

TEST_F(IdRemoved, IsEidrmOnlyForThoseWhoWaitAtASet) {
  XSI_ASSERTION("ID-13");
  actor& remover = process();
  actor& taker = process();
  actor& zero_waiter = process();
  const semid set = new_set(remover, 2);
  ASSERT_THAT(remover.xsi().set_value(set, 1, 1), Succeeds());
  auto takes = taker.start(operating(set, {{0, -1}}));
  auto waits = zero_waiter.start(operating(set, {{1, 0}}));
  expect_eidrm_then_einval(kind_calls(object_kind::set), static_cast<int>(set), remover, {&taker, &zero_waiter},
                           {takes, waits});
}

TEST_F(IdRemoved, IsEinvalForASegment) {
  XSI_ASSERTION("ID-13");
  actor& remover = process();
  actor& other = process();
  const shmid segment = new_segment(remover);
  ASSERT_THAT(kind_calls(object_kind::segment).use_writing(other.xsi(), static_cast<int>(segment)), Succeeds());
  expect_eidrm_then_einval(kind_calls(object_kind::segment), static_cast<int>(segment), remover, {&remover, &other},
                           {});
}

}  // namespace
}  // namespace xsipc::conformance
