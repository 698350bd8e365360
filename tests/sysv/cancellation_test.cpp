// send and receive are cancellation points, and a cancelled call has done nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"
#include "support/threads.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::bytes_of;
using test_support::changed_limits;
using test_support::into;
using test_support::posix_thread;
using test_support::state_of;

constexpr deadline never = deadline::never();

// Tells that its destructor ran.
class witness {
 public:
  explicit witness(bool& destroyed) : destroyed_(destroyed) {}
  witness(const witness&) = delete;
  witness& operator=(const witness&) = delete;
  ~witness() { destroyed_ = true; }

 private:
  bool& destroyed_;
};

class cancellation_test : public test_support::sysv_test {
 protected:
  message_queue full_queue() {
    message_queue queue = new_queue();
    queue.set({changeable(queue.stat()->perm), 10}).value();
    queue.send(1, bytes_of("0123456789"), at_once).value();
    return queue;
  }

  // `call` blocks in system call `number` and is cancelled there: it must not return, its caller's objects must be
  // destroyed, and the queue be as before.
  void expect_cancelled(const message_queue& queue, long number, const std::function<void()>& call) {
    const auto before = state_of(queue);
    bool destroyed = false;
    bool returned = false;
    posix_thread blocked([&] {
      const witness here(destroyed);
      call();
      returned = true;
    });
    ASSERT_TRUE(blocked.blocks_in(number));
    blocked.cancel();
    EXPECT_TRUE(blocked.join());
    EXPECT_TRUE(destroyed);
    EXPECT_FALSE(returned);
    EXPECT_EQ(state_of(queue), before);
    expect_usable(queue);
  }

  // A cancelled call must also be gone from the kernel's lists of waiters.
  void expect_usable(message_queue queue) {
    std::array<std::byte, 64> room{};
    while (queue.receive(into(room), {}, at_once)) continue;
    EXPECT_THAT(queue.send(2, bytes_of("after"), at_once), test_support::Succeeds());
    EXPECT_EQ(queue.stat()->qnum, 1U);
    EXPECT_EQ(queue.receive(into(room), {}, at_once)->type, 2);
  }
};

TEST_F(cancellation_test, EndsABlockedSendOfTheBackend) {
  const auto queue = full_queue();
  expect_cancelled(queue, SYS_msgsnd, [&] { static_cast<void>(on().send(queue.id(), {1, bytes_of("text")}, never)); });
}

TEST_F(cancellation_test, EndsABlockedFramedSendOfTheBackend) {
  const auto queue = full_queue();
  const std::array<long, 2> frame{1, 0};
  expect_cancelled(queue, SYS_msgsnd,
                   [&] { static_cast<void>(on().send(queue.id(), message_view::framed(frame.data(), 8), never)); });
}

TEST_F(cancellation_test, EndsABlockedReceiveOfTheBackend) {
  const auto queue = new_queue();
  expect_cancelled(queue, SYS_msgrcv, [&] {
    std::array<std::byte, 64> room{};
    static_cast<void>(on().receive(queue.id(), {}, into(room), truncation::refuse, never));
  });
}

TEST_F(cancellation_test, EndsABlockedFramedReceiveOfTheBackend) {
  const auto queue = new_queue();
  expect_cancelled(queue, SYS_msgrcv, [&] {
    std::array<long, 2> room{};
    static_cast<void>(on().receive(queue.id(), {}, message_buffer::framed(&room, 8), truncation::refuse, never));
  });
}

TEST_F(cancellation_test, EndsABlockedReceiveIntoALargeBuffer) {
  const auto queue = new_queue();
  expect_cancelled(queue, SYS_msgrcv, [&] {
    std::vector<std::byte> room(20'000);
    static_cast<void>(on().receive(queue.id(), {}, into(room), truncation::refuse, never));
  });
}

TEST_F(cancellation_test, EndsABlockedSendOfALongText) {
  const changed_limits raised(on(), [](ipc_limits& limits) { limits.msgmax = limits.msgmnb = 20'000; });
  if (!raised.in_force()) GTEST_SKIP() << raised.why_not();
  const auto queue = full_queue();
  expect_cancelled(queue, SYS_msgsnd, [&] {
    const std::vector<std::byte> text(20'000);
    static_cast<void>(on().send(queue.id(), {1, text}, never));
  });
}

TEST_F(cancellation_test, EndsABlockedSendOfAMessageQueue) {
  auto queue = full_queue();
  expect_cancelled(queue, SYS_msgsnd, [&] { static_cast<void>(queue.send(1, bytes_of("text"))); });
}

TEST_F(cancellation_test, EndsABlockedReceiveOfAMessageQueue) {
  auto queue = new_queue();
  queue.send(7, bytes_of("stays"), at_once).value();
  expect_cancelled(queue, SYS_msgrcv, [&] {
    std::array<std::byte, 64> room{};
    static_cast<void>(queue.receive(into(room), msgtyp_selector::type(8)));
  });
}

TEST_F(cancellation_test, EndsABlockedReceiveOfAValue) {
  auto queue = new_queue();
  expect_cancelled(queue, SYS_msgrcv, [&] { static_cast<void>(queue.receive_value<int>()); });
}

// Cancellation that was asked for before the call acts at the call, though the call need not wait.
TEST_F(cancellation_test, ThatIsPendingActsAtReceiveAndTakesNothing) {
  auto queue = new_queue();
  queue.send(7, bytes_of("stays"), at_once).value();
  const auto before = state_of(queue);
  bool returned = false;
  posix_thread thread([&] {
    pthread_cancel(pthread_self());
    std::array<std::byte, 64> room{};
    static_cast<void>(queue.receive(into(room)));
    returned = true;
  });
  EXPECT_TRUE(thread.join());
  EXPECT_FALSE(returned);
  EXPECT_EQ(state_of(queue), before);
}

TEST_F(cancellation_test, ThatIsPendingActsAtSendAndSendsNothing) {
  auto queue = new_queue();
  const auto before = state_of(queue);
  bool returned = false;
  posix_thread thread([&] {
    pthread_cancel(pthread_self());
    static_cast<void>(queue.send(1, bytes_of("text"), at_once));
    returned = true;
  });
  EXPECT_TRUE(thread.join());
  EXPECT_FALSE(returned);
  EXPECT_EQ(state_of(queue), before);
}

TEST_F(cancellation_test, ThatIsDisabledWaitsUntilItIsEnabledAgain) {
  auto queue = new_queue();
  bool received = false;
  posix_thread thread([&] {
    int state = 0;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    received = queue.receive_value<int>().has_value();
    pthread_setcancelstate(state, &state);
    pthread_testcancel();
  });
  ASSERT_TRUE(thread.blocks_in(SYS_msgrcv));
  thread.cancel();
  ASSERT_TRUE(thread.blocks_in(SYS_msgrcv));
  queue.send_value(1, 5, at_once).value();
  EXPECT_TRUE(thread.join());
  EXPECT_TRUE(received);
}

TEST_F(cancellation_test, IsDeferredAgainAfterTheCall) {
  auto queue = new_queue();
  queue.send_value(1, 5, at_once).value();
  int type = -1;
  posix_thread thread([&] {
    static_cast<void>(queue.receive_value<int>());
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
  });
  EXPECT_FALSE(thread.join());
  EXPECT_EQ(type, PTHREAD_CANCEL_DEFERRED);
}

}  // namespace
}  // namespace xsipc
