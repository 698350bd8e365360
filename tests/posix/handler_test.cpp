// Calls from a signal handler that interrupted a call: they neither hang nor corrupt.
#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <random>

#include "private_namespace.hpp"
#include "worker.hpp"

namespace xsipc::posix_test {
namespace {

// What the handler works with.
spi::backend* handlers_xsi = nullptr;
msqid handlers_queue{};
std::atomic<int> refused{0};
std::atomic<int> succeeded{0};
std::atomic<int> otherwise{0};
std::atomic<int> in_handler_removed{-1};

void send_in_handler(int) {
  const std::array<std::byte, 4> text{};
  const auto sent = handlers_xsi->send(handlers_queue, message_view(2, text), deadline::immediate());
  if (sent) {
    ++succeeded;
  } else if (sent.error().code == EDEADLK) {
    ++refused;
  } else if (sent.error().code != EAGAIN) {
    ++otherwise;
  }
}

void remove_in_handler(int) {
  if (in_handler_removed >= 0) return;
  const auto removed = handlers_xsi->remove_queue(handlers_queue);
  in_handler_removed = removed ? 0 : removed.error().code;
}

class Handler : public ::testing::Test {
 protected:
  void SetUp() override {
    handlers_xsi = &place.xsi();
    handlers_queue = place.xsi().get_queue(key::ipc_private, creation::create_only(0600)).value();
    refused = succeeded = otherwise = 0;
    in_handler_removed = -1;
  }
  void TearDown() override { interrupt_every(0); }

  static void interrupt_with(void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigaction(SIGALRM, &action, nullptr);
  }
  static void interrupt_every(int us) {
    const itimerval timer{{0, us}, {0, us}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
  // One message through the queue; false if something else came.
  bool round_trip(int number) {
    std::array<int, 1000> out{};
    out.fill(number);
    std::array<int, 1000> in{};
    if (!place.xsi().send(handlers_queue, message_view(1, std::as_bytes(std::span(out))), deadline::never())) {
      return false;
    }
    const auto got = place.xsi().receive(handlers_queue, msgtyp_selector::type(1),
                                         message_buffer(std::as_writable_bytes(std::span(in))), truncation::refuse,
                                         deadline::never());
    return got && got->size_bytes == sizeof in && in == out;
  }

  private_namespace place;
};

TEST_F(Handler, SendsOrIsRefusedAndNothingIsCorrupted) {
  interrupt_with(send_in_handler, SA_RESTART);
  interrupt_every(20);
  int received = 0;
  for (int i = 0; i < 200'000 && (refused < 20 || succeeded < 20); ++i) {
    ASSERT_TRUE(round_trip(i)) << i;
    std::array<std::byte, 4> text{};
    while (place.xsi().receive(handlers_queue, msgtyp_selector::type(2), message_buffer(text), truncation::refuse,
                               deadline::immediate())) {
      ++received;
    }
  }
  interrupt_every(0);
  std::array<std::byte, 4> text{};
  while (place.xsi().receive(handlers_queue, msgtyp_selector::type(2), message_buffer(text), truncation::refuse,
                             deadline::immediate())) {
    ++received;
  }
  std::printf("from the handler: %d sent, %d refused with EDEADLK\n", succeeded.load(), refused.load());
  EXPECT_EQ(received, succeeded);
  EXPECT_EQ(otherwise, 0);
  EXPECT_GT(refused, 0);
  EXPECT_GT(succeeded, 0);
  EXPECT_EQ(place.xsi().stat_queue(static_cast<int>(handlers_queue), lookup::id)->qnum, 0U);
}

std::atomic<int> handled{0};

// A waiter that looks every 20 ms for the dead is interrupted whenever the signal comes.
TEST_F(Handler, EndsABlockedOperationAlsoBetweenTwoLooks) {
  const semid set = place.xsi().get_set(key::ipc_private, 2, creation::create_only(0600)).value();
  shared<std::atomic<int>> held;
  worker holder([&] {
    const sem_operation up{1, 1, sem_flags::undo};
    static_cast<void>(place.xsi().operate(set, {&up, 1}, deadline::never()));
    *held = 1;
    for (;;) ::pause();
    return 0;
  });
  ASSERT_TRUE(eventually([&] { return *held == 1; }));
  interrupt_with([](int) { ++handled; }, SA_RESTART);
  shared<std::atomic<int>> rounds_over;
  const pid_t waiter = ::getpid();
  worker interrupter([&] {
    std::mt19937 chance(7);
    for (int round = 0;; ++round) {
      if (!eventually([&] { return is_parked(waiter); })) return 1;
      // About the moment of a look.
      std::this_thread::sleep_for(std::chrono::microseconds(19'700 + chance() % 500));
      ::kill(waiter, SIGALRM);
      if (!eventually([&] { return *rounds_over > round; })) return 2;
    }
  });
  for (int round = 0; round < 100; ++round) {
    handled = 0;
    const sem_operation down{0, -1, sem_flags::none};
    const auto outcome = place.xsi().operate(set, {&down, 1}, deadline::after(std::chrono::seconds(10)));
    ASSERT_EQ(outcome ? 0 : outcome.error().code, EINTR) << "round " << round;
    ASSERT_EQ(handled, 1);
    ++*rounds_over;
  }
}

sigjmp_buf out_of_receive;

// Calls from far below where a frame that was left lay, and writes nothing over that.
template <typename Call>
__attribute__((noinline)) auto from_deep_below(const Call& call) {
  volatile char room[1 << 16];
  room[0] = 0;
  const auto result = call();
  room[1] = room[0];
  return result;
}

TEST_F(Handler, MayJumpOutOfACallWhereverTheNextComesFrom) {
  interrupt_with([](int) { ::siglongjmp(out_of_receive, 1); }, 0);
  const pid_t waiter = ::getpid();
  worker interrupter([&] {
    if (!eventually([&] { return is_parked(waiter); })) return 1;
    ::kill(waiter, SIGALRM);
    return 0;
  });
  std::array<std::byte, 4> text{};
  if (sigsetjmp(out_of_receive, 1) == 0) {
    static_cast<void>(place.xsi().receive(handlers_queue, msgtyp_selector::any(), message_buffer(text),
                                          truncation::refuse, deadline::after(patience)));
    FAIL() << "was not left";
  }
  ASSERT_EQ(interrupter.wait(), 0);
  const auto sent =
      from_deep_below([&] { return place.xsi().send(handlers_queue, message_view(1, text), deadline::immediate()); });
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(place.xsi().stat_queue(static_cast<int>(handlers_queue), lookup::id)->qnum, 1U) << "a ghost took it";
}

TEST_F(Handler, RemovesWhateverItInterrupted) {
  interrupt_with(remove_in_handler, SA_RESTART);
  for (int round = 0; round < 200; ++round) {
    handlers_queue = place.xsi().get_queue(key::ipc_private, creation::create_only(0600)).value();
    in_handler_removed = -1;
    interrupt_every(20 + round % 7);
    for (int i = 0; in_handler_removed < 0; ++i) {
      if (!round_trip(i)) break;  // it is gone
    }
    while (in_handler_removed < 0) continue;
    interrupt_every(0);
    EXPECT_EQ(in_handler_removed, 0);
    EXPECT_EQ(place.xsi().stat_queue(static_cast<int>(handlers_queue), lookup::id).error().code, EINVAL);
  }
}

}  // namespace
}  // namespace xsipc::posix_test
