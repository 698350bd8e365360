// Every function that takes an id, with ids that name nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::error_on_id;
using test_support::into;
using test_support::state_of;

struct taker {
  std::string name;
  xsi_call call;
  std::function<ipc_error(spi::backend&, int)> error;
};

template <typename T>
ipc_error error_of(const result<T>& outcome) {
  return outcome ? ipc_error{} : outcome.error();
}

struct framed_text {
  long type = 1;
  std::array<std::byte, 8> text{};
};

std::vector<taker> takers_of_queues() {
  using b = spi::backend;
  return {
      {"send", xsi_call::msgsnd,
       [](b& on, int id) {
         return error_of(on.send(static_cast<msqid>(id), {1, {}}, at_once));
       }},
      {"send and wait", xsi_call::msgsnd,
       [](b& on, int id) {
         return error_of(on.send(static_cast<msqid>(id), {1, {}}, deadline::never()));
       }},
      {"send framed", xsi_call::msgsnd,
       [](b& on, int id) {
         const framed_text message;
         return error_of(on.send(static_cast<msqid>(id), message_view::framed(&message, 8), at_once));
       }},
      {"receive", xsi_call::msgrcv,
       [](b& on, int id) {
         framed_text room;
         return error_of(on.receive(static_cast<msqid>(id), {}, into(room.text), truncation::refuse, at_once));
       }},
      {"receive and wait", xsi_call::msgrcv,
       [](b& on, int id) {
         framed_text room;
         const message_buffer place = message_buffer::framed(&room, 8);
         return error_of(on.receive(static_cast<msqid>(id), {}, place, truncation::allow, deadline::never()));
       }},
      {"stat_queue", xsi_call::msgctl, [](b& on, int id) { return error_of(on.stat_queue(id, lookup::id)); }},
      {"change_queue", xsi_call::msgctl,
       [](b& on, int id) {
         return error_of(on.change_queue(static_cast<msqid>(id), {{0, 0, 0777}, 1}));
       }},
      {"remove_queue", xsi_call::msgctl,
       [](b& on, int id) { return error_of(on.remove_queue(static_cast<msqid>(id))); }},
  };
}

std::vector<taker> takers_of_sets() {
  using b = spi::backend;
  static std::array<std::uint16_t, 4> values{9, 9, 9, 9};
  static constexpr sem_operation add{0, 1, sem_flags::none};
  std::vector<taker> takers = {
      {"operate", xsi_call::semop,
       [](b& on, int id) {
         return error_of(on.operate(static_cast<semid>(id), {&add, 1}, deadline::never()));
       }},
      {"operate for a time", xsi_call::semop,
       [](b& on, int id) {
         return error_of(on.operate(static_cast<semid>(id), {&add, 1}, deadline::after(std::chrono::hours(1))));
       }},
      {"set_value", xsi_call::semctl,
       [](b& on, int id) { return error_of(on.set_value(static_cast<semid>(id), 0, 9)); }},
      {"get_all", xsi_call::semctl, [](b& on, int id) { return error_of(on.get_all(static_cast<semid>(id), values)); }},
      {"set_all", xsi_call::semctl, [](b& on, int id) { return error_of(on.set_all(static_cast<semid>(id), values)); }},
      {"stat_set", xsi_call::semctl, [](b& on, int id) { return error_of(on.stat_set(id, lookup::id)); }},
      {"change_set", xsi_call::semctl,
       [](b& on, int id) {
         return error_of(on.change_set(static_cast<semid>(id), {0, 0, 0777}));
       }},
      {"remove_set", xsi_call::semctl, [](b& on, int id) { return error_of(on.remove_set(static_cast<semid>(id))); }},
  };
  for (const sem_query what : {sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt}) {
    takers.push_back({"query_semaphore", xsi_call::semctl,
                      [what](b& on, int id) { return error_of(on.query_semaphore(static_cast<semid>(id), 0, what)); }});
  }
  return takers;
}

std::vector<taker> takers_of_segments() {
  using b = spi::backend;
  return {
      {"attach", xsi_call::shmat, [](b& on, int id) { return error_of(on.attach(static_cast<shmid>(id), {})); }},
      {"stat_segment", xsi_call::shmctl, [](b& on, int id) { return error_of(on.stat_segment(id, lookup::id)); }},
      {"change_segment", xsi_call::shmctl,
       [](b& on, int id) {
         return error_of(on.change_segment(static_cast<shmid>(id), {0, 0, 0777}));
       }},
      {"remove_segment", xsi_call::shmctl,
       [](b& on, int id) { return error_of(on.remove_segment(static_cast<shmid>(id))); }},
      {"lock_segment", xsi_call::shmctl,
       [](b& on, int id) { return error_of(on.lock_segment(static_cast<shmid>(id), true)); }},
      {"unlock_segment", xsi_call::shmctl,
       [](b& on, int id) { return error_of(on.lock_segment(static_cast<shmid>(id), false)); }},
  };
}

class bad_id_test : public test_support::sysv_test {
 protected:
  void expect_einval(const std::vector<taker>& takers, int id) {
    for (const taker& next : takers) {
      EXPECT_EQ(next.error(on(), id), error_on_id(EINVAL, next.call, id)) << next.name << " of id " << id;
    }
  }
  // -1 and INT_MIN are no ids at all, INT_MAX is one that the kernel has never given.
  void expect_einval_for_what_never_was(const std::vector<taker>& takers) {
    for (const int id : {-1, INT_MIN, INT_MAX, INT_MAX - 1}) expect_einval(takers, id);
  }
};

TEST_F(bad_id_test, IdsThatNeverWereQueuesAreEinval) { expect_einval_for_what_never_was(takers_of_queues()); }
TEST_F(bad_id_test, IdsThatNeverWereSetsAreEinval) { expect_einval_for_what_never_was(takers_of_sets()); }
TEST_F(bad_id_test, IdsThatNeverWereSegmentsAreEinval) { expect_einval_for_what_never_was(takers_of_segments()); }

// An object made by `make` that the kernel has put into the slot of the removed `stale`. It goes round the slots, and
// an id's low 15 bits are its slot.
template <typename Object, typename Make>
Object heir_of(const Object& stale, Make make) {
  const auto slot = [](const Object& object) { return static_cast<int>(object.id()) & 0x7fff; };
  for (int tries = 0; tries < 1000; ++tries) {
    Object object = make();
    if (slot(object) == slot(stale)) return object;
    object.remove().value();
  }
  ADD_FAILURE() << "no object took the slot of the removed one";
  return make();
}

TEST_F(bad_id_test, TheIdOfARemovedQueueIsEinvalAndTouchesNoOther) {
  auto stale = new_queue();
  stale.remove().value();
  auto heir = heir_of(stale, [&] { return new_queue(); });
  heir.send(1, test_support::bytes_of("text"), at_once).value();
  ASSERT_NE(heir, stale);
  const auto before = state_of(heir);
  expect_einval(takers_of_queues(), static_cast<int>(stale.id()));
  EXPECT_EQ(state_of(heir), before);
}

TEST_F(bad_id_test, TheIdOfARemovedSetIsEinvalAndTouchesNoOther) {
  auto stale = new_set(4);
  stale.remove().value();
  const auto heir = heir_of(stale, [&] { return new_set(4); });
  ASSERT_NE(heir, stale);
  const auto before = state_of(heir);
  expect_einval(takers_of_sets(), static_cast<int>(stale.id()));
  EXPECT_EQ(state_of(heir), before);
}

TEST_F(bad_id_test, TheIdOfARemovedSegmentIsEinvalAndTouchesNoOther) {
  auto stale = new_segment(100);
  stale.remove().value();
  const auto heir = heir_of(stale, [&] { return new_segment(100); });
  ASSERT_NE(heir, stale);
  const auto before = state_of(heir);
  expect_einval(takers_of_segments(), static_cast<int>(stale.id()));
  EXPECT_EQ(state_of(heir), before);
}

}  // namespace
}  // namespace xsipc
