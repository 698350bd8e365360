// Races of waiting with what ends it: wake-ups, and signals that come at the same moment.
#include <signal.h>

#include "xsipc/conformance/semaphores.hpp"
#include "xsipc/conformance/shared_words.hpp"

namespace xsipc::conformance {

XSI_SUITE(conc_wakeups)

namespace {

using testing::ElementsAre;
using testing::Ge;

// Begins an operation, having said so in a word, while the other one is about to release it: set, segment, whether to
// wait for zero, rounds. Returns how often an operation failed.
XSI_ROUTINE(wait_in_a_race) {
  const auto& in = context.input.numbers;
  const auto set = static_cast<semid>(in.at(0));
  const shared_words words(context.xsi, in.at(1));
  const bool for_zero = in.at(2) != 0;
  std::int64_t failures = 0;
  for (std::uint32_t round = 1; round <= in.at(3); ++round) {
    if (for_zero) failures += operate(context.xsi, set, {add(0)}) ? 0 : 1;
    words[0].store(round);
    dawdle(round * 13 % 300);
    failures += operate(context.xsi, set, {for_zero ? zero(0) : take(0)}) ? 0 : 1;
  }
  return {.numbers = {failures}};
}

XSI_ROUTINE(release_in_a_race) {
  const auto& in = context.input.numbers;
  const auto set = static_cast<semid>(in.at(0));
  const shared_words words(context.xsi, in.at(1));
  const bool for_zero = in.at(2) != 0;
  std::int64_t failures = 0;
  for (std::uint32_t round = 1; round <= in.at(3); ++round) {
    spin_until(words[0], round);
    dawdle(round * 7 % 300);
    failures += operate(context.xsi, set, {for_zero ? take(0) : add(0)}) ? 0 : 1;
  }
  return {.numbers = {failures}};
}

// Adds `step` to a semaphore again and again: set, step, rounds. Returns how often that failed.
XSI_ROUTINE(operate_again_and_again) {
  const auto& in = context.input.numbers;
  std::int64_t failures = 0;
  for (std::int64_t round = 0; round < in.at(2); ++round) {
    const auto outcome = operate(context.xsi, static_cast<semid>(in.at(0)), {op_of(0, static_cast<int>(in.at(1)))});
    failures += outcome ? 0 : 1;
  }
  return {.numbers = {failures}};
}

class ConcWakeUp : public semaphore_test {};

TEST_F(ConcWakeUp, IsNeverLost) {
  XSI_ASSERTION("CONC-12");
  for (const bool for_zero : {false, true}) {
    actor& waiter = process();
    actor& releaser = process();
    const semid set = new_set(waiter);
    const routine_input input{
        {static_cast<std::int64_t>(set), static_cast<std::int64_t>(new_segment(waiter)), for_zero, 3000}, {}};
    auto waits = waiter.start_run("wait_in_a_race", input);
    auto releases = releaser.start_run("release_in_a_race", input);
    EXPECT_THAT(waits.get().numbers, ElementsAre(0));
    EXPECT_THAT(releases.get().numbers, ElementsAre(0));
    EXPECT_THAT(values_of(waiter.xsi(), set), ElementsAre(0));
    EXPECT_THAT(ncnts_of(waiter.xsi(), set), ElementsAre(0));
  }
}

TEST_F(ConcWakeUp, IsNeverLostAmongMany) {
  XSI_ASSERTION("CONC-12");
  actor& observer = process();
  const semid set = new_set(observer);
  std::vector<pending<routine_result>> calls;
  for (const std::int64_t step : {-1, 1, -2, 2, -3, 3}) {
    calls.push_back(
        process().start_run("operate_again_and_again", {.numbers = {static_cast<std::int64_t>(set), step, 1200}}));
  }
  for (auto& call : calls) EXPECT_THAT(call.get().numbers, ElementsAre(0));
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(0));
  EXPECT_THAT(ncnts_of(observer.xsi(), set), ElementsAre(0));
}

constexpr long server_type = 2;
constexpr long client_type = 1;
constexpr const char* no_more = "no more";

// Answers each request with its text: queue. Ends with the request that wants no more. Returns the first error or 0.
XSI_ROUTINE(answer_requests) {
  const auto queue = static_cast<msqid>(context.input.numbers.at(0));
  for (;;) {
    const auto request =
        receive_text(context.xsi, queue, {.selector = msgtyp_selector::type(server_type), .until = deadline::never()});
    if (!request) return {.numbers = {request.error().code}};
    if (request->text == no_more) return {.numbers = {0}};
    const auto sent = send_text(context.xsi, queue, client_type, request->text, deadline::never());
    if (!sent) return {.numbers = {sent.error().code}};
  }
}

// Asks for replies and waits for each, interrupted as often as it comes: queue, rounds. Every tenth time it waits first
// and asks only after it was interrupted. Returns the interruptions and what is wrong: errors, and replies that are not
// the one that is due.
XSI_ROUTINE(receive_under_signals) {
  const auto queue = static_cast<msqid>(context.input.numbers.at(0));
  const receive_options reply{.selector = msgtyp_selector::type(client_type), .until = deadline::never()};
  std::int64_t interruptions = 0;
  std::int64_t wrong = 0;
  for (std::int64_t round = 0; round < context.input.numbers.at(1); ++round) {
    if (round % 10 == 0) {
      const auto nothing = receive_text(context.xsi, queue, reply);
      (!nothing && nothing.error().code == EINTR ? interruptions : wrong) += 1;
    }
    const std::string due = std::to_string(round);
    if (!send_text(context.xsi, queue, server_type, due)) ++wrong;
    auto got = receive_text(context.xsi, queue, reply);
    for (; !got && got.error().code == EINTR; ++interruptions) got = receive_text(context.xsi, queue, reply);
    if (!got || got->text != due) ++wrong;
  }
  if (!send_text(context.xsi, queue, server_type, no_more)) ++wrong;
  return {.numbers = {interruptions, wrong}};
}

// The messages of the two routines that follow; as long as `no_more`.
std::string text_number(std::int64_t round) { return std::to_string(1'000'000 + round); }

// Sends numbers in their order to a queue that has room for one, interrupted as often as it comes: queue, rounds, and a
// queue for telling the receiver, who waits for it in every tenth round, that this was interrupted. Returns as above.
XSI_ROUTINE(send_under_signals) {
  const auto& in = context.input.numbers;
  const auto queue = static_cast<msqid>(in.at(0));
  std::int64_t interruptions = 0;
  std::int64_t wrong = 0;
  for (std::int64_t round = 0; round <= in.at(1); ++round) {
    const std::string text = round < in.at(1) ? text_number(round) : no_more;
    bool is_awaited = round % 10 == 2;  // the receiver pauses and the queue is full
    for (;;) {
      const auto sent = send_text(context.xsi, queue, 1, text, deadline::never());
      if (sent) break;
      if (sent.error().code != EINTR) return {.numbers = {interruptions, wrong + 1}};
      ++interruptions;
      if (is_awaited && !send_text(context.xsi, static_cast<msqid>(in.at(2)), 1, "go on")) ++wrong;
      is_awaited = false;
    }
    if (is_awaited) ++wrong;
  }
  return {.numbers = {interruptions, wrong}};
}

// Receives those numbers: queue, queue for being told to go on. Returns how many were not the next one.
XSI_ROUTINE(receive_in_order) {
  const auto queue = static_cast<msqid>(context.input.numbers.at(0));
  const auto told = static_cast<msqid>(context.input.numbers.at(1));
  std::int64_t wrong = 0;
  for (std::int64_t due = 0;; ++due) {
    const auto got = receive_text(context.xsi, queue, {.until = deadline::never()});
    if (got && got->text == no_more) return {.numbers = {wrong}};
    if (!got) return {.numbers = {wrong + 1}};
    if (got->text != text_number(due)) ++wrong;
    if (due % 10 == 0 && !receive_text(context.xsi, told, {.until = deadline::never()})) ++wrong;
  }
}

// Takes from the first semaphore what it asks for at the second and counts it in the third, all by SEM_UNDO,
// interrupted as often as it comes: set, rounds. Every tenth time it takes first and asks only after it was
// interrupted. Returns the interruptions and what is wrong.
XSI_ROUTINE(take_under_signals) {
  const auto& in = context.input.numbers;
  const auto set = static_cast<semid>(in.at(0));
  const std::vector<sem_operation> takes = {take(0, 1, sem_flags::undo), add(2, 1, sem_flags::undo)};
  std::int64_t interruptions = 0;
  std::int64_t wrong = 0;
  for (std::int64_t round = 0; round < in.at(1); ++round) {
    bool asked = round % 10 != 0;
    if (asked && !operate(context.xsi, set, {add(1)})) ++wrong;
    for (;;) {
      const auto outcome = operate(context.xsi, set, takes);
      const auto taken = context.xsi.query_semaphore(set, 2, sem_query::value);
      if (!taken || *taken != round + (outcome ? 1 : 0)) ++wrong;
      if (outcome) break;
      if (outcome.error().code != EINTR) return {.numbers = {interruptions, wrong + 1}};
      ++interruptions;
      if (!asked && !operate(context.xsi, set, {add(1)})) ++wrong;
      asked = true;
    }
    if (!asked || context.xsi.query_semaphore(set, 0, sem_query::value).value_or(-1) != 0) ++wrong;
  }
  return {.numbers = {interruptions, wrong}};
}

// Gives to the first semaphore what is asked for at the second, until the set is removed. Returns that error.
XSI_ROUTINE(give_what_is_asked_for) {
  const auto set = static_cast<semid>(context.input.numbers.at(0));
  for (;;) {
    const auto asked = operate(context.xsi, set, {take(1)});
    if (!asked) return {.numbers = {asked.error().code}};
    const auto given = operate(context.xsi, set, {add(0)});
    if (!given) return {.numbers = {given.error().code}};
  }
}

class ConcSignal : public semaphore_test {
 protected:
  static constexpr std::int64_t rounds = 500;
  static constexpr std::int64_t interruptions = rounds / 10;  // at least

  // Sends signals until the routine ends, and returns what it returned.
  static std::vector<std::int64_t> under_signals(actor& who, pending<routine_result> call) {
    while (!call.ended()) who.signal(SIGUSR1);
    return call.get().numbers;
  }
};

TEST_F(ConcSignal, NeverCostsAMessage) {
  XSI_ASSERTION("CONC-13");
  actor& answerer = process();
  actor& asker = process();
  asker.catch_signal(SIGUSR1, false);
  const msqid queue = new_queue(answerer);
  const auto id = static_cast<std::int64_t>(queue);
  auto answers = answerer.start_run("answer_requests", {.numbers = {id}});
  auto asks = asker.start_run("receive_under_signals", {.numbers = {id, rounds}});
  EXPECT_THAT(under_signals(asker, asks), ElementsAre(Ge(interruptions), 0));
  EXPECT_THAT(answers.get().numbers, ElementsAre(0));
  EXPECT_EQ(status_of(answerer.xsi(), queue).qnum, 0u);
  EXPECT_EQ(status_of(answerer.xsi(), queue).cbytes, 0u);
}

TEST_F(ConcSignal, NeverSendsAMessageOfACallThatWasInterrupted) {
  XSI_ASSERTION("CONC-13");
  actor& receiver = process();
  actor& sender = process();
  sender.catch_signal(SIGUSR1, true);
  const msqid queue = new_queue(receiver);
  limit_queue(receiver.xsi(), queue, 7).value();
  const auto id = static_cast<std::int64_t>(queue);
  const auto control = static_cast<std::int64_t>(new_queue(receiver));
  auto receives = receiver.start_run("receive_in_order", {.numbers = {id, control}});
  auto sends = sender.start_run("send_under_signals", {.numbers = {id, rounds, control}});
  EXPECT_THAT(under_signals(sender, sends), ElementsAre(Ge(interruptions), 0));
  EXPECT_THAT(receives.get().numbers, ElementsAre(0));
  EXPECT_EQ(status_of(receiver.xsi(), queue).qnum, 0u);
}

TEST_F(ConcSignal, EitherTakesNothingOrIsNotNoticed) {
  XSI_ASSERTION("CONC-14");
  actor& giver = process();
  actor& taker = process();
  taker.catch_signal(SIGUSR1, false);
  const semid set = set_of(giver, {0, 0, 0});
  const auto id = static_cast<std::int64_t>(set);
  auto gives = giver.begin_thread().start_run("give_what_is_asked_for", {.numbers = {id}});
  auto takes = taker.start_run("take_under_signals", {.numbers = {id, rounds}});
  EXPECT_THAT(under_signals(taker, takes), ElementsAre(Ge(interruptions), 0));
  EXPECT_THAT(values_of(giver.xsi(), set), ElementsAre(0, 0, rounds));
  taker.exit(0);
  EXPECT_THAT(values_of(giver.xsi(), set), ElementsAre(rounds, 0, 0)) << "given back is what was taken";
  ASSERT_THAT(giver.xsi().remove_set(set), Succeeds());
  EXPECT_THAT(gives.get().numbers, ElementsAre(EIDRM));
}

}  // namespace
}  // namespace xsipc::conformance
