#include "registry.hpp"

#include <gtest/gtest.h>

#include <climits>
#include <map>
#include <random>

#include "engine/test_arena.hpp"
#include "page_heap.hpp"

namespace xsipc::engine {
namespace {

using test_support::test_arena;

class registry_test : public testing::Test {
 protected:
  object_ref make(std::int32_t key) {
    const auto made = queues.take(key);
    EXPECT_TRUE(made);
    object_slot& slot = queues.slot(*made);
    slot.size = 0;
    queues.publish(*made);
    return *made;
  }
  void unmake(const object_ref& which) {
    EXPECT_TRUE(queues.remove(which, slot_state::dying));
    queues.unlink(which);
    queues.uncount(which);
    queues.release(which);
  }
  std::optional<object_ref> find(std::int32_t key) {
    bool sure = false;
    const auto found = queues.find(key, sure);
    EXPECT_TRUE(sure);
    return found;
  }

  test_arena memory{64, 16};
  registry queues{memory.space(), object_kind::queue};
};

TEST_F(registry_test, IdsAreSequenceAndSlotAndNeverNegative) {
  EXPECT_EQ(id_of({object_kind::queue, 5, 0}), 5);
  EXPECT_EQ(id_of({object_kind::queue, 5, 2}), 2 * 32768 + 5);
  EXPECT_EQ(id_of({object_kind::queue, 32767, 65535}), INT_MAX);
}

TEST_F(registry_test, AnObjectIsFoundByKeyIdAndIndexUntilItIsRemoved) {
  const object_ref made = make(42);
  EXPECT_EQ(find(42), made);
  EXPECT_EQ(queues.by_id(id_of(made)), made);
  EXPECT_EQ(queues.by_index(0), made);
  EXPECT_FALSE(find(43));
  unmake(made);
  EXPECT_FALSE(find(42));
  EXPECT_FALSE(queues.by_id(id_of(made)));
  EXPECT_EQ(queues.check(), "");
}

TEST_F(registry_test, AnIdIsNotUsedAgainWithinAThousandObjects) {
  std::set<int> ids;
  for (int i = 0; i < 1000; ++i) {
    const object_ref made = make(7);
    EXPECT_TRUE(ids.insert(id_of(made)).second);
    unmake(made);
  }
}

TEST_F(registry_test, TheSequenceWrapsAtItsMaximum) {
  const object_ref first = make(1);
  queues.slot(first).word = slot_word{1, 0xffff, slot_state::live}.packed();
  const object_ref last{object_kind::queue, first.slot(), 0xffff};
  EXPECT_EQ(queues.by_id(INT_MAX - 32767), last);
  unmake(last);
  EXPECT_EQ(id_of(make(1)), 0);
}

TEST_F(registry_test, AnyNumberMayBeAskedFor) {
  make(1);
  for (const int id : {-1, INT_MIN, INT_MAX, 1, 63, 64, 32767, 32768}) EXPECT_FALSE(queues.by_id(id)) << id;
  for (const int index : {-1, INT_MIN, INT_MAX, 1, 63, 64, 32768}) EXPECT_FALSE(queues.by_index(index)) << index;
}

TEST_F(registry_test, WhenSlotsRunOutThereIsNone) {
  for (int i = 0; i < 64; ++i) make(0);
  EXPECT_FALSE(queues.take(0));
  unmake(*queues.by_index(17));
  EXPECT_EQ(make(0).slot(), 17u);
  EXPECT_EQ(queues.used(), 64u);
}

TEST_F(registry_test, FieldsChangeAllAtOnce) {
  const object_ref made = make(1);
  queues.set_fields(made, {.uid = 1, .gid = 2, .mode = 0600, .ctime = 3, .qbytes = 4});
  const std::uint32_t before = queues.slot(made).which;
  queues.set_fields(made, {.uid = 5, .gid = 6, .mode = 0660, .ctime = 7, .qbytes = 8});
  EXPECT_EQ(queues.fields(made).qbytes, 8u);
  queues.slot(made).which = before;  // as if the switch hadn't happened
  EXPECT_EQ(queues.fields(made).uid, 1u);
  EXPECT_EQ(queues.fields(made).qbytes, 4u);
}

TEST_F(registry_test, RecoveryRebuildsEverythingFromTheWords) {
  std::mt19937 chance(1);
  std::map<std::int32_t, object_ref> objects;
  for (int i = 0; i < 40; ++i) objects[i + 1] = make(i + 1);
  for (int i = 1; i <= 40; i += 3) {
    unmake(objects[i]);
    objects.erase(i);
  }
  const auto half_made = queues.take(99);
  ASSERT_TRUE(half_made);
  auto& header = memory.space().at<kind_header>(memory.space().layout().kind[0]);
  header.used = static_cast<std::uint32_t>(chance());
  header.highest = 64;
  header.version |= 1;
  for (std::uint64_t& group : header.taken) group = chance();
  for (std::uint32_t i = 0; i < buckets_for(64); ++i) {
    memory.space().at<std::uint32_t>(memory.space().layout().buckets[0], i) = static_cast<std::uint32_t>(chance());
  }
  std::vector<object_ref> forgotten;
  queues.recover([&forgotten](const object_ref& which) { forgotten.push_back(which); });
  EXPECT_EQ(queues.check(), "");
  EXPECT_EQ(forgotten, std::vector{*half_made});
  for (const auto& [key, which] : objects) EXPECT_EQ(find(key), which);
  EXPECT_EQ(queues.used(), objects.size());
}

// What a neighbour writes into the tables can make keys unfindable, and no more.
TEST_F(registry_test, BrokenChainsEndEveryWalk) {
  for (int i = 0; i < 64; ++i) make(i + 1);
  std::mt19937 chance(2);
  for (int round = 0; round < 1000; ++round) {
    for (std::uint32_t i = 0; i < buckets_for(64); ++i) {
      memory.space().at<std::uint32_t>(memory.space().layout().buckets[0], i) = static_cast<std::uint32_t>(chance());
    }
    for (std::uint32_t i = 0; i < 64; ++i) queues.slot(i).next = static_cast<std::uint32_t>(chance()) % 70;
    bool sure = false;
    const auto found = queues.find(static_cast<std::int32_t>(chance() % 100), sure);
    if (found) {
      EXPECT_LT(found->slot(), 64u);
    }
  }
}

}  // namespace
}  // namespace xsipc::engine
