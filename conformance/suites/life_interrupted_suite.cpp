// Processes that leave a call in its middle: by SIGKILL, or by siglongjmp out of a handler.
#include <setjmp.h>
#include <signal.h>
#include <sys/sem.h>

#include <chrono>
#include <random>
#include <thread>

#include "xsipc/conformance/kinds.hpp"
#include "xsipc/conformance/semaphores.hpp"
#include "xsipc/conformance/shared_words.hpp"

namespace xsipc::conformance {

XSI_SUITE(life_interrupted)

namespace {

using testing::Each;
using testing::ElementsAre;

// One step of a life full of calls on an object.
void use_once(spi::backend& xsi, object_kind kind, int id, std::uint32_t step) {
  switch (kind) {
    case object_kind::queue: {
      const std::string text(step % 60, static_cast<char>('a' + step % 26));
      static_cast<void>(send_text(xsi, static_cast<msqid>(id), 1 + step % 3, text));
      if (step % 4 != 0) static_cast<void>(receive_text(xsi, static_cast<msqid>(id)));
      return;
    }
    case object_kind::set: {
      const int from = static_cast<int>(step % 2);
      const auto flags = sem_flags::undo | sem_flags::no_wait;
      static_cast<void>(operate(xsi, static_cast<semid>(id), {take(from, 1, flags), add(1 - from, 1, flags)}));
      return;
    }
    case object_kind::segment: break;
  }
  const auto memory = xsi.attach(static_cast<shmid>(id), {});
  if (memory) static_cast<void>(xsi.detach(*memory));
}

// Kind, id, a key for an object that comes and goes, and a segment to show in its first word that it began. Never ends.
XSI_ROUTINE(use_until_killed) {
  const auto& in = context.input.numbers;
  const auto kind = static_cast<object_kind>(in.at(0));
  const kind_calls calls(kind);
  const shared_words sign(context.xsi, in.at(3));
  sign[0].store(1);
  for (std::uint32_t step = 0;; ++step) {
    use_once(context.xsi, kind, static_cast<int>(in.at(1)), step);
    if (step % 8 != 0) continue;
    const auto passing = calls.get(context.xsi, static_cast<key>(in.at(2)), creation::open_or_create(0600));
    if (passing) static_cast<void>(calls.remove(context.xsi, *passing));
  }
}

void expect_whole_messages(actor& judge, msqid queue) {
  const std::uint64_t qnum = status_of(judge.xsi(), queue).qnum;
  std::uint64_t count = 0;
  for (auto got = receive_text(judge.xsi(), queue); got; got = receive_text(judge.xsi(), queue)) {
    EXPECT_EQ(got->text, std::string(got->text.size(), got->text.empty() ? 'x' : got->text[0]));
    ++count;
  }
  EXPECT_EQ(count, qnum);
  EXPECT_EQ(status_of(judge.xsi(), queue).qnum, 0u);
  EXPECT_EQ(status_of(judge.xsi(), queue).cbytes, 0u);
  EXPECT_THAT(receive_text(judge.xsi(), queue), FailsWith(ENOMSG));
}

class LifeKilled : public each_kind {
 protected:
  // Kills `doomed` at some moment of its routine, which `sign` shows to have begun.
  void kill_in_the_middle(actor& doomed, actor& judge, const char* sign) {
    while (word_at(judge, sign, 0) == 0) std::this_thread::yield();
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(random_() % 200);
    while (std::chrono::steady_clock::now() < end) continue;
    doomed.kill();
  }

  void expect_consistent(actor& judge, int id) const {
    switch (GetParam()) {
      case object_kind::queue: return expect_whole_messages(judge, static_cast<msqid>(id));
      case object_kind::set: EXPECT_THAT(values_of(judge.xsi(), static_cast<semid>(id)), ElementsAre(50, 50)); return;
      case object_kind::segment: EXPECT_EQ(nattch(judge, static_cast<shmid>(id)), 0u); return;
    }
  }

 private:
  std::minstd_rand random_{1};
};

XSI_FOR_EACH_KIND(LifeKilled);

TEST_P(LifeKilled, InTheMiddleOfACallLocksNobodyOut) {
  XSI_ASSERTION("LIFE-10");
  actor& judge = process();
  const int id = new_object(judge);
  if (GetParam() == object_kind::set) {
    const std::uint16_t values[] = {50, 50};
    ASSERT_THAT(judge.xsi().set_all(static_cast<semid>(id), values), Succeeds());
  } else if (GetParam() == object_kind::queue) {
    limit_queue(judge.xsi(), static_cast<msqid>(id), 300).value();
  }
  const key passing = fresh_key();
  const shmid sign = new_segment(judge);
  char* const seen = attach(judge, sign);
  for (int round = 0; round < 20; ++round) {
    actor& doomed = process();
    judge.poke(seen, std::string(4, '\0'));
    auto call = doomed.start_run(
        "use_until_killed", {.numbers = {static_cast<std::int64_t>(GetParam()), id, static_cast<std::int32_t>(passing),
                                         static_cast<std::int64_t>(sign)}});
    kill_in_the_middle(doomed, judge, seen);
    expect_consistent(judge, id);
    ASSERT_THAT(kind().change(judge.xsi(), id, changeable(status(judge, id).perm)), Succeeds());
    ASSERT_THAT(put_number(judge, new_object(judge), 1), Succeeds());
    const auto left = kind().get(judge.xsi(), passing, creation::open_or_create(0600));
    ASSERT_THAT(left, Succeeds());
    EXPECT_THAT(kind().remove(judge.xsi(), *left), Succeeds());
  }
  EXPECT_THAT(kind().remove(judge.xsi(), id), Succeeds());
}

sigjmp_buf back;
void jump_back(int) { ::siglongjmp(back, 1); }

// Calls `call` with a handler of SIGUSR1 that jumps out of it. True if it was left in that way.
template <typename Call>
bool jumped_out_of(const Call& call) {
  struct sigaction jumping {};
  struct sigaction before {};
  jumping.sa_handler = jump_back;
  sigemptyset(&jumping.sa_mask);
  ::sigaction(SIGUSR1, &jumping, &before);
  volatile bool jumped = true;
  if (sigsetjmp(back, 1) == 0) {
    call();
    jumped = false;
  }
  ::sigaction(SIGUSR1, &before, nullptr);
  return jumped;
}

enum class blocking_call : std::uint8_t { send, receive, take, wait_for_zero, timed_take };

void call_spi(spi::backend& xsi, blocking_call which, int id) {
  switch (which) {
    case blocking_call::send:
      static_cast<void>(send_text(xsi, static_cast<msqid>(id), 2, "x", deadline::never()));
      return;
    case blocking_call::receive: {
      std::byte room[16];
      static_cast<void>(
          xsi.receive(static_cast<msqid>(id), msgtyp_selector::any(), room, truncation::refuse, deadline::never()));
      return;
    }
    default: break;
  }
  const sem_operation all[] = {take(0, 1, sem_flags::undo), add(1, 1, sem_flags::undo)};
  const sem_operation none[] = {zero(2), add(1, 1, sem_flags::undo)};
  const bool waits_for_zero = which == blocking_call::wait_for_zero;
  static_cast<void>(
      xsi.operate(static_cast<semid>(id), waits_for_zero ? none : all,
                  which == blocking_call::timed_take ? deadline::after(std::chrono::hours(1)) : deadline::never()));
}

void call_c(const c_calls& c, blocking_call which, int id) {
  struct {
    long type = 2;
    char text[16] = {'x'};
  } frame;
  ::sembuf all[] = {{0, -1, SEM_UNDO}, {1, 1, SEM_UNDO}};
  ::sembuf none[] = {{2, 0, 0}, {1, 1, SEM_UNDO}};
  const timespec hour{.tv_sec = 3600, .tv_nsec = 0};
  switch (which) {
    case blocking_call::send: static_cast<void>(c.msgsnd(id, &frame, 1, 0)); return;
    case blocking_call::receive: static_cast<void>(c.msgrcv(id, &frame, sizeof frame.text, 0, 0)); return;
    case blocking_call::take: static_cast<void>(c.semop(id, all, 2)); return;
    case blocking_call::wait_for_zero: static_cast<void>(c.semop(id, none, 2)); return;
    case blocking_call::timed_take: static_cast<void>(c.semtimedop(id, all, 2, &hour)); return;
  }
}

// Call, id, and whether to call the C function; returns whether the call was left by a jump.
XSI_ROUTINE(jump_out_of_call) {
  const auto which = static_cast<blocking_call>(context.input.numbers.at(0));
  const int id = static_cast<int>(context.input.numbers.at(1));
  const bool in_c = context.input.numbers.at(2) != 0;
  const bool jumped = jumped_out_of([&] { in_c ? call_c(*context.c, which, id) : call_spi(context.xsi, which, id); });
  return {.numbers = {jumped}};
}

class LifeJump : public semaphore_test {
 protected:
  // When the rest of the world sees that the caller is gone: at once, or with the next call of its thread.
  enum class seen { at_once, with_the_next_call };

  template <typename Id>
  static void jump_out_of(actor& jumper, blocking_call which, Id id, bool in_c, seen when) {
    auto call = jumper.start_run("jump_out_of_call",
                                 {.numbers = {static_cast<std::int64_t>(which), static_cast<int>(id), in_c}});
    ASSERT_TRUE(call.blocked());
    jumper.signal(SIGUSR1);
    ASSERT_THAT(call.get().numbers, ElementsAre(1));
    if (when == seen::with_the_next_call) static_cast<void>(jumper.xsi().usage(object_kind::set));
  }

  void check_receive(bool in_c, seen when = seen::with_the_next_call) {
    actor& jumper = process();
    actor& other = process();
    actor& waiter = process();
    const msqid queue = new_queue(other);
    const common_status before = queue_snapshot(other.xsi(), queue);
    for (int round = 0; round < 3; ++round) {
      jump_out_of(jumper, blocking_call::receive, queue, in_c, when);
      if (round == 0) {
        EXPECT_EQ(queue_snapshot(other.xsi(), queue), before);
      }
      ASSERT_THAT(send_text(other.xsi(), queue, 1, "not for a ghost"), Succeeds());
      EXPECT_EQ(status_of(other.xsi(), queue).qnum, 1u);
      EXPECT_EQ(status_of(other.xsi(), queue).cbytes, 15u);
      EXPECT_THAT(receive_text(jumper.xsi(), queue), SucceedsWith(message{1, "not for a ghost"}));
      EXPECT_EQ(status_of(other.xsi(), queue).lrpid, jumper.pid());

      jump_out_of(jumper, blocking_call::receive, queue, in_c, when);
      auto waiting = waiter.start(receiving(queue));
      ASSERT_TRUE(waiting.blocked());
      ASSERT_THAT(send_text(jumper.xsi(), queue, 2, "for the next"), Succeeds());
      EXPECT_THAT(waiting.get(), SucceedsWith(message{2, "for the next"}));
      EXPECT_THAT(receive_text(jumper.xsi(), queue), FailsWith(ENOMSG));
    }
    auto again = jumper.start(receiving(queue));
    ASSERT_TRUE(again.blocked());
    ASSERT_THAT(send_text(other.xsi(), queue, 3, "again"), Succeeds());
    EXPECT_THAT(again.get(), SucceedsWith(message{3, "again"}));
    expect_messages_left(other.xsi(), queue, {});
  }

  void check_send(bool in_c, seen when = seen::with_the_next_call) {
    actor& jumper = process();
    actor& other = process();
    actor& waiter = process();
    const msqid queue = new_queue(other);
    limit_queue(other.xsi(), queue, 10).value();
    for (int round = 0; round < 3; ++round) {
      send_messages(other.xsi(), queue, {{1, "ten bytes!"}});
      const common_status before = queue_snapshot(other.xsi(), queue);
      jump_out_of(jumper, blocking_call::send, queue, in_c, when);
      EXPECT_EQ(queue_snapshot(other.xsi(), queue), before);
      auto waiting = waiter.start(sending(queue, 3, "nine byte"));
      ASSERT_TRUE(waiting.blocked());
      EXPECT_THAT(receive_text(jumper.xsi(), queue), SucceedsWith(message{1, "ten bytes!"}));
      EXPECT_THAT(waiting.get(), Succeeds());
      EXPECT_EQ(status_of(other.xsi(), queue).lspid, waiter.pid());
      expect_messages_left(other.xsi(), queue, {{3, "nine byte"}});
      EXPECT_THAT(send_text(jumper.xsi(), queue, 4, "again", deadline::never()), Succeeds());
      expect_messages_left(other.xsi(), queue, {{4, "again"}});
    }
  }

  void check_semop(blocking_call which, bool in_c, seen when = seen::with_the_next_call) {
    actor& jumper = process();
    actor& other = process();
    actor& waiter = process();
    const semid set = set_of(other, {0, 0, 1});
    for (int round = 0; round < 3; ++round) {
      jump_out_of(jumper, which, set, in_c, when);
      EXPECT_THAT(ncnts_of(other.xsi(), set), Each(0));
      EXPECT_THAT(zcnts_of(other.xsi(), set), Each(0));
      auto waiting = waiter.start(operating(set, {take(0)}));
      ASSERT_TRUE(waiting.blocked());
      ASSERT_THAT(operate(other.xsi(), set, {add(0, 2), take(2)}), Succeeds());
      ASSERT_THAT(operate(other.xsi(), set, {add(2)}), Succeeds());
      EXPECT_THAT(waiting.get(), Succeeds());
      EXPECT_THAT(values_of(other.xsi(), set), ElementsAre(1, 0, 1)) << "a ghost took part";
      EXPECT_THAT(operate(jumper.xsi(), set, {take(0)}), Succeeds());
      EXPECT_THAT(values_of(other.xsi(), set), ElementsAre(0, 0, 1));
    }
    auto again = jumper.start(operating(set, {take(0, 1, sem_flags::undo)}));
    ASSERT_TRUE(again.blocked());
    ASSERT_THAT(operate(other.xsi(), set, {add(0)}), Succeeds());
    EXPECT_THAT(again.get(), Succeeds());
    jumper.exit(0);
    EXPECT_THAT(values_of(other.xsi(), set), ElementsAre(1, 0, 1)) << "given back is what was done, not what was left";
  }
};

TEST_F(LifeJump, OutOfMsgrcvLeavesTheQueueUsable) {
  XSI_ASSERTION("LIFE-11");
  XSI_NEEDS(need::real_processes);
  XSI_NEEDS(need::c_calls);
  check_receive(true);
}
TEST_F(LifeJump, OutOfMsgsndLeavesTheQueueUsable) {
  XSI_ASSERTION("LIFE-11");
  XSI_NEEDS(need::real_processes);
  XSI_NEEDS(need::c_calls);
  check_send(true);
}
TEST_F(LifeJump, OutOfSemopLeavesTheSetUsable) {
  XSI_ASSERTION("LIFE-11");
  XSI_NEEDS(need::real_processes);
  XSI_NEEDS(need::c_calls);
  check_semop(blocking_call::take, true);
  check_semop(blocking_call::wait_for_zero, true);
}
TEST_F(LifeJump, OutOfSemtimedopLeavesTheSetUsable) {
  XSI_ASSERTION("LIFE-11");
  XSI_NEEDS(need::real_processes);
  XSI_NEEDS(need::c_calls);
  XSI_NEEDS(capability::timed_semop);
  check_semop(blocking_call::timed_take, true);
}

TEST_F(LifeJump, OutOfReceiveLeavesTheQueueUsable) {
  XSI_ASSERTION("LIFE-11");
  XSI_NEEDS(need::real_processes);
  check_receive(false);
}
TEST_F(LifeJump, OutOfSendLeavesTheQueueUsable) {
  XSI_ASSERTION("LIFE-11");
  XSI_NEEDS(need::real_processes);
  check_send(false);
}
TEST_F(LifeJump, OutOfOperateLeavesTheSetUsable) {
  XSI_ASSERTION("LIFE-11");
  XSI_NEEDS(need::real_processes);
  check_semop(blocking_call::take, false);
  check_semop(blocking_call::wait_for_zero, false);
}

// A library can't see a jump; the kernel ends the call before the handler runs.
TEST_F(LifeJump, OutOfAnyCallIsSeenAtOnceWhereTheKernelKnowsWhoWaits) {
  XSI_ASSERTION("LIFE-12");
  XSI_NEEDS(need::kernel_objects);
  check_receive(false, seen::at_once);
  check_send(false, seen::at_once);
  check_semop(blocking_call::take, false, seen::at_once);
  check_semop(blocking_call::wait_for_zero, false, seen::at_once);
}

}  // namespace
}  // namespace xsipc::conformance
