// What the backend makes of the kernel's raw results: every error there can be, and values that look like one.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend.hpp"
#include "support/matchers.hpp"
#include "support/recorder.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::error_on_id;
using test_support::error_on_key;
using test_support::tape;

constexpr int id = 77;
constexpr std::int32_t key_number = -77;

static_assert(sysv::is_error(-1) && sysv::is_error(-4095));
static_assert(!sysv::is_error(0) && !sysv::is_error(1) && !sysv::is_error(-4096) && !sysv::is_error(LONG_MIN));

// A function of the backend, and the error that it is to make of an errno.
struct asked {
  std::string name;
  std::function<ipc_error(sysv::backend&)> error;
  ipc_error expected;
};

template <typename T>
ipc_error error_of(const result<T>& outcome) {
  return outcome ? ipc_error{} : outcome.error();
}

std::vector<asked> about_queues() {
  using b = sysv::backend;
  static std::array<long, 4> frame{1, 0, 0, 0};
  static std::vector<std::byte> short_room(8);
  static std::vector<std::byte> large(9000);
  constexpr auto q = static_cast<msqid>(id);
  const auto send = error_on_id(0, xsi_call::msgsnd, id);
  const auto receive = error_on_id(0, xsi_call::msgrcv, id);
  const auto ctl = error_on_id(0, xsi_call::msgctl, id);
  return {
      {"get_queue", [](b& on) { return error_of(on.get_queue(static_cast<key>(key_number), creation::find())); },
       error_on_key(0, xsi_call::msgget, key_number)},
      {"send",
       [](b& on) {
         return error_of(on.send(q, {1, {}}, at_once));
       },
       send},
      {"send framed", [](b& on) { return error_of(on.send(q, message_view::framed(frame.data(), 8), at_once)); }, send},
      {"send a long text",
       [](b& on) {
         return error_of(on.send(q, {1, large}, at_once));
       },
       send},
      {"receive", [](b& on) { return error_of(on.receive(q, {}, std::span(short_room), {}, at_once)); }, receive},
      {"receive framed",
       [](b& on) { return error_of(on.receive(q, {}, message_buffer::framed(frame.data(), 8), {}, at_once)); },
       receive},
      {"receive a long text", [](b& on) { return error_of(on.receive(q, {}, std::span(large), {}, at_once)); },
       receive},
      {"stat_queue", [](b& on) { return error_of(on.stat_queue(id, lookup::id)); }, ctl},
      {"stat_queue by index", [](b& on) { return error_of(on.stat_queue(id, lookup::index_any)); }, ctl},
      {"change_queue", [](b& on) { return error_of(on.change_queue(q, {})); }, ctl},
      {"remove_queue", [](b& on) { return error_of(on.remove_queue(q)); }, ctl},
  };
}

std::vector<asked> about_sets() {
  using b = sysv::backend;
  static std::array<std::uint16_t, 4> values{};
  static constexpr sem_operation one{0, 1, sem_flags::none};
  constexpr auto s = static_cast<semid>(id);
  const auto op = error_on_id(0, xsi_call::semop, id);
  const auto ctl = error_on_id(0, xsi_call::semctl, id);
  return {
      {"get_set", [](b& on) { return error_of(on.get_set(static_cast<key>(key_number), 1, creation::find())); },
       error_on_key(0, xsi_call::semget, key_number)},
      {"operate",
       [](b& on) {
         return error_of(on.operate(s, {&one, 1}, deadline::never()));
       },
       op},
      {"operate at once",
       [](b& on) {
         return error_of(on.operate(s, {&one, 1}, at_once));
       },
       op},
      {"query_semaphore", [](b& on) { return error_of(on.query_semaphore(s, 0, sem_query::ncnt)); }, ctl},
      {"set_value", [](b& on) { return error_of(on.set_value(s, 0, 1)); }, ctl},
      {"get_all", [](b& on) { return error_of(on.get_all(s, values)); }, ctl},
      {"set_all", [](b& on) { return error_of(on.set_all(s, values)); }, ctl},
      {"stat_set", [](b& on) { return error_of(on.stat_set(id, lookup::id)); }, ctl},
      {"change_set", [](b& on) { return error_of(on.change_set(s, {})); }, ctl},
      {"remove_set", [](b& on) { return error_of(on.remove_set(s)); }, ctl},
  };
}

std::vector<asked> about_segments() {
  using b = sysv::backend;
  constexpr auto m = static_cast<shmid>(id);
  const auto ctl = error_on_id(0, xsi_call::shmctl, id);
  const ipc_error detach{.call = xsi_call::shmdt, .subject_is = subject_kind::address, .subject = 0x1000};
  return {
      {"get_segment",
       [](b& on) { return error_of(on.get_segment(static_cast<key>(key_number), 1, creation::find(), {})); },
       error_on_key(0, xsi_call::shmget, key_number)},
      {"attach", [](b& on) { return error_of(on.attach(m, {})); }, error_on_id(0, xsi_call::shmat, id)},
      {"detach", [](b& on) { return error_of(on.detach(reinterpret_cast<void*>(0x1000))); }, detach},
      {"stat_segment", [](b& on) { return error_of(on.stat_segment(id, lookup::id)); }, ctl},
      {"change_segment", [](b& on) { return error_of(on.change_segment(m, {})); }, ctl},
      {"remove_segment", [](b& on) { return error_of(on.remove_segment(m)); }, ctl},
      {"lock_segment", [](b& on) { return error_of(on.lock_segment(m, true)); }, ctl},
  };
}

std::vector<asked> about_the_backend() {
  using b = sysv::backend;
  const ipc_error limits{.call = xsi_call::limits};
  return {
      {"limits", [](b& on) { return error_of(on.limits()); }, limits},
      {"change_limits", [](b& on) { return error_of(on.change_limits({})); }, limits},
      {"usage of queues", [](b& on) { return error_of(on.usage(object_kind::queue)); }, limits},
      {"usage of sets", [](b& on) { return error_of(on.usage(object_kind::set)); }, limits},
      {"usage of segments", [](b& on) { return error_of(on.usage(object_kind::segment)); }, limits},
  };
}

class raw_result_test : public ::testing::Test {
 protected:
  raw_result_test() { tape() = {}; }

  void expect_every_errno(const std::vector<asked>& functions) {
    for (const asked& next : functions) {
      for (int code = 1; code <= 4095; ++code) {
        tape().calls.clear();
        tape().answer = -code;
        ipc_error expected = next.expected;
        expected.code = code;
        ASSERT_EQ(next.error(on_), expected) << next.name << ' ' << code;
      }
    }
  }

  sysv::backend on_{test_support::recording_syscalls()};
};

TEST_F(raw_result_test, EveryErrnoOfAQueueCallComesBackWithCallAndSubject) { expect_every_errno(about_queues()); }
TEST_F(raw_result_test, EveryErrnoOfASetCallComesBackWithCallAndSubject) { expect_every_errno(about_sets()); }
TEST_F(raw_result_test, EveryErrnoOfASegmentCallComesBackWithCallAndSubject) { expect_every_errno(about_segments()); }
TEST_F(raw_result_test, EveryErrnoOfLimitsAndUsageComesBack) { expect_every_errno(about_the_backend()); }

TEST_F(raw_result_test, AddressesThatLookNegativeAreNoErrors) {
  for (const long raw : {-4096L, LONG_MIN, -0x1000'0000L, LONG_MAX, 0x7fff'ffff'f000L, 0x1000L}) {
    tape().answer = raw;
    const auto attached = on_.attach(static_cast<shmid>(id), {});
    ASSERT_TRUE(attached.has_value()) << raw;
    EXPECT_EQ(reinterpret_cast<long>(*attached), raw);
  }
}

TEST_F(raw_result_test, ErrnoOfTheCLibraryIsNeitherReadNorWritten) {
  errno = 1234;
  tape().answer = -EIDRM;
  EXPECT_EQ(on_.remove_queue(static_cast<msqid>(id)).error().code, EIDRM);
  sysv::backend kernel;
  EXPECT_FALSE(kernel.remove_queue(static_cast<msqid>(-1)).has_value());
  EXPECT_FALSE(kernel.remove_set(static_cast<semid>(-1)).has_value());
  EXPECT_FALSE(kernel.detach(nullptr).has_value());
  EXPECT_FALSE(kernel.send(static_cast<msqid>(-1), {1, {}}, at_once).has_value());
  EXPECT_EQ(errno, 1234);
}

TEST_F(raw_result_test, ALongTextIsNotSentIfTheLimitCannotBeRead) {
  const std::vector<std::byte> large(9000);
  tape().answer = -EPERM;
  EXPECT_EQ(on_.send(static_cast<msqid>(id), {1, large}, at_once).error(), error_on_id(EPERM, xsi_call::msgsnd, id));
  for (const auto& call : tape().calls) EXPECT_NE(call.name, "msgsnd");
}

}  // namespace
}  // namespace xsipc
