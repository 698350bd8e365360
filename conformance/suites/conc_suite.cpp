// Many at once, at full speed: messages, locks, philosophers, barriers and attachments.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <thread>

#include "xsipc/conformance/kinds.hpp"
#include "xsipc/conformance/semaphores.hpp"
#include "xsipc/conformance/shared_words.hpp"

namespace xsipc::conformance {

XSI_SUITE(conc)

namespace {

using testing::Each;
using testing::ElementsAre;

// A message says who sent it and which one of that sender and type it is; its length varies.
struct numbered {
  std::int32_t sender = 0;
  std::int32_t sequence = 0;
};
constexpr std::int32_t nobody_more = -1;

std::string text_of(const numbered& what) {
  std::string text(sizeof what + static_cast<std::size_t>(std::max(what.sequence, 0) % 20), '.');
  std::memcpy(text.data(), &what, sizeof what);
  return text;
}

// Sends `count` messages of each of `types` types, in turns: queue, sender, types, count. Returns the first error or 0.
XSI_ROUTINE(send_numbered) {
  const auto& in = context.input.numbers;
  for (std::int32_t sequence = 0; sequence < in.at(3); ++sequence) {
    for (long type = 1; type <= in.at(2); ++type) {
      const std::string text = text_of({static_cast<std::int32_t>(in.at(1)), sequence});
      const auto sent = send_text(context.xsi, static_cast<msqid>(in.at(0)), type, text, deadline::never());
      if (!sent) return {.numbers = {sent.error().code}};
    }
  }
  return {.numbers = {0}};
}

// Receives by msgtyp until nobody sends more: queue, msgtyp. Returns type, sender and sequence of each message; a
// sender of -1 stands for an error, with errno, or for a message that is not what was sent.
XSI_ROUTINE(receive_numbered) {
  routine_result all;
  const receive_options how{.selector = {static_cast<long>(context.input.numbers.at(1))}, .until = deadline::never()};
  for (;;) {
    const auto got = receive_text(context.xsi, static_cast<msqid>(context.input.numbers.at(0)), how);
    if (!got || got->text.size() < sizeof(numbered)) {
      all.numbers.insert(all.numbers.end(), {0, -1, got ? 0 : got.error().code});
      return all;
    }
    numbered what;
    std::memcpy(&what, got->text.data(), sizeof what);
    if (what.sender == nobody_more) return all;
    if (got->text != text_of(what)) what.sender = -1;
    all.numbers.insert(all.numbers.end(), {got->type, what.sender, what.sequence});
  }
}

struct arrival {
  long type = 0;
  std::int64_t sender = 0;
  std::int64_t sequence = 0;

  friend auto operator<=>(const arrival&, const arrival&) = default;
};

class ConcMsg : public conformance_test {
 protected:
  static constexpr int types = 3;

  // One receiver for each of `msgtyps`, and senders, on two threads of each process. Returns what each receiver got.
  std::vector<std::vector<arrival>> exchange(msqid queue, int senders, int count, const std::vector<long>& msgtyps) {
    const auto id = static_cast<std::int64_t>(queue);
    std::vector<pending<routine_result>> receiving;
    for (actor_thread* const thread : threads(msgtyps.size())) {
      receiving.push_back(thread->start_run("receive_numbered", {{id, msgtyps[receiving.size()]}, {}}));
    }
    std::vector<pending<routine_result>> sending;
    for (actor_thread* const thread : threads(static_cast<std::size_t>(senders))) {
      const auto number = static_cast<std::int64_t>(sending.size());
      sending.push_back(thread->start_run("send_numbered", {{id, number, types, count}, {}}));
    }
    for (auto& call : sending) EXPECT_THAT(call.get().numbers, ElementsAre(0));
    actor& last_sender = process();
    for (const long msgtyp : msgtyps) {
      const long type = msgtyp > 0 ? msgtyp : types;
      EXPECT_THAT(last_sender.start(conformance::sending(queue, type, text_of({nobody_more, 0}))).get(), Succeeds());
    }
    std::vector<std::vector<arrival>> arrivals;
    for (auto& call : receiving) {
      arrivals.emplace_back();
      const auto numbers = call.get().numbers;
      for (std::size_t i = 0; i + 2 < numbers.size(); i += 3) {
        arrivals.back().push_back({numbers[i], numbers[i + 1], numbers[i + 2]});
      }
    }
    return arrivals;
  }

  static std::vector<arrival> all_sent(int senders, int count) {
    std::vector<arrival> all;
    for (long type = 1; type <= types; ++type) {
      for (int sender = 0; sender < senders; ++sender) {
        for (int sequence = 0; sequence < count; ++sequence) all.push_back({type, sender, sequence});
      }
    }
    return all;
  }

  static void expect_empty(actor& reader, msqid queue) {
    const queue_status status = status_of(reader.xsi(), queue);
    EXPECT_EQ(status.qnum, 0u);
    EXPECT_EQ(status.cbytes, 0u);
    EXPECT_THAT(receive_text(reader.xsi(), queue), FailsWith(ENOMSG));
  }

 private:
  std::vector<actor_thread*> threads(std::size_t count) {
    std::vector<actor_thread*> all;
    while (all.size() < count) {
      actor& one = process();
      actor_thread* const further = all.size() + 1 < count ? &one.begin_thread() : nullptr;
      all.push_back(&one);
      if (further != nullptr) all.push_back(further);
    }
    return all;
  }
};

TEST_F(ConcMsg, EveryMessageIsReceivedExactlyOnce) {
  XSI_ASSERTION("CONC-01", "CONC-03");
  for (const std::uint64_t qbytes : {40U, 400U}) {  // senders wait all the time; receivers do as well
    actor& owner = process();
    const msqid queue = new_queue(owner);
    limit_queue(owner.xsi(), queue, qbytes).value();
    std::vector<arrival> received;
    for (const auto& each : exchange(queue, 4, 200, {0, 0, 0, 0})) {
      received.insert(received.end(), each.begin(), each.end());
    }
    std::sort(received.begin(), received.end());
    EXPECT_TRUE(received == all_sent(4, 200)) << received.size() << " messages";
    expect_empty(owner, queue);
  }
}

TEST_F(ConcMsg, EachReceiverGetsThoseOfASenderAndTypeInTheirOrder) {
  XSI_ASSERTION("CONC-02");
  const std::vector<long> selections[] = {{0}, {-types}, {1, 2, 3}, {0, 0, 0}};
  for (const auto& msgtyps : selections) {
    actor& owner = process();
    const msqid queue = new_queue(owner);
    limit_queue(owner.xsi(), queue, 200).value();
    std::size_t received = 0;
    for (const auto& each : exchange(queue, 3, 150, msgtyps)) {
      std::map<std::pair<long, std::int64_t>, std::int64_t> last;
      for (const arrival& one : each) {
        const auto [before, is_first] = last.try_emplace({one.type, one.sender}, -1);
        ASSERT_LT(before->second, one.sequence) << "type " << one.type << " of sender " << one.sender;
        before->second = one.sequence;
      }
      received += each.size();
    }
    EXPECT_EQ(received, all_sent(3, 150).size());
    expect_empty(owner, queue);
  }
}

// Sends one and takes one, again and again: queue, rounds. The lengths vary, and what is too long is cut. Returns the
// first error or 0.
XSI_ROUTINE(send_one_take_one) {
  const auto queue = static_cast<msqid>(context.input.numbers.at(0));
  for (std::int64_t round = 0; round < context.input.numbers.at(1); ++round) {
    const std::string text(static_cast<std::size_t>(round % 50), 'x');
    const auto sent = send_text(context.xsi, queue, 1 + round % 5, text, deadline::never());
    if (!sent) return {.numbers = {sent.error().code}};
    const auto got =
        receive_text(context.xsi, queue, {.room = 16, .when_too_long = truncation::allow, .until = deadline::never()});
    if (!got) return {.numbers = {got.error().code}};
  }
  return {.numbers = {0}};
}

TEST_F(ConcMsg, ABalancedLoadLeavesNothing) {
  XSI_ASSERTION("CONC-03");
  constexpr std::uint64_t parties = 4;
  actor& observer = process();
  const msqid queue = new_queue(observer);
  const std::uint64_t most_bytes = 49 * parties;  // in flight, so nobody waits to send
  limit_queue(observer.xsi(), queue, most_bytes).value();
  std::vector<pending<routine_result>> calls;
  const routine_input input{{static_cast<std::int64_t>(queue), 1500}, {}};
  for (std::uint64_t i = 0; i < parties; i += 2) {
    actor& party = process();
    actor_thread& thread = party.begin_thread();
    calls.push_back(party.start_run("send_one_take_one", input));
    calls.push_back(thread.start_run("send_one_take_one", input));
  }
  do {
    const queue_status status = status_of(observer.xsi(), queue);
    ASSERT_LE(status.qnum, parties);
    ASSERT_LE(status.cbytes, 49 * status.qnum);
  } while (!std::all_of(calls.begin(), calls.end(), [](auto& call) { return call.ended(); }));
  for (auto& call : calls) EXPECT_THAT(call.get().numbers, ElementsAre(0));
  expect_empty(observer, queue);
}

// Queue, own type, the other's type, rounds, whether to begin. Sends the round's number and waits for the same to come
// back, or the other way round. Returns how many rounds went well.
XSI_ROUTINE(play_ping_pong) {
  const auto& in = context.input.numbers;
  const auto queue = static_cast<msqid>(in.at(0));
  const receive_options from_other{.selector = {static_cast<long>(in.at(2))}, .until = deadline::never()};
  const bool begins = in.at(4) != 0;
  for (std::int64_t round = 0; round < in.at(3); ++round) {
    const std::string ball = std::to_string(round);
    if (begins && !send_text(context.xsi, queue, static_cast<long>(in.at(1)), ball, deadline::never()))
      return {{round}};
    const auto got = receive_text(context.xsi, queue, from_other);
    if (!got || got->text != ball) return {.numbers = {round}};
    if (!begins && !send_text(context.xsi, queue, static_cast<long>(in.at(1)), ball, deadline::never()))
      return {{round}};
  }
  return {.numbers = {in.at(3)}};
}

TEST_F(ConcMsg, PingPongLosesNoWakeUp) {
  XSI_ASSERTION("CONC-04");
  constexpr std::int64_t rounds = 10'000;
  actor& ping = process();
  actor& pong = process();
  const msqid queue = new_queue(ping);
  const auto id = static_cast<std::int64_t>(queue);
  auto first = ping.start_run("play_ping_pong", {{id, 1, 2, rounds, 1}, {}});
  auto second = pong.start_run("play_ping_pong", {{id, 2, 1, rounds, 0}, {}});
  EXPECT_THAT(first.get().numbers, ElementsAre(rounds));
  EXPECT_THAT(second.get().numbers, ElementsAre(rounds));
  expect_empty(ping, queue);
}

class ConcSem : public semaphore_test {
 protected:
  static constexpr std::size_t parties = 4;

  // Runs the routine in as many processes: set, segment, party, parties, rounds. Returns what each returned.
  std::vector<routine_result> run_all(const std::string& routine, semid set, shmid segment, int rounds) {
    std::vector<pending<routine_result>> calls;
    for (std::size_t party = 0; party < parties; ++party) {
      calls.push_back(
          process().start_run(routine, {{static_cast<std::int64_t>(set), static_cast<std::int64_t>(segment),
                                         static_cast<std::int64_t>(party), static_cast<std::int64_t>(parties), rounds},
                                        {}}));
    }
    std::vector<routine_result> results;
    for (auto& call : calls) results.push_back(call.get());
    return results;
  }
};

// Counts in a word under a lock, by reading it and writing it back. Returns how often an operation failed.
XSI_ROUTINE(count_under_lock) {
  const auto& in = context.input.numbers;
  const auto set = static_cast<semid>(in.at(0));
  const shared_words words(context.xsi, in.at(1));
  std::int64_t failures = 0;
  for (std::int64_t round = 0; round < in.at(4); ++round) {
    failures += operate(context.xsi, set, {take(0)}) ? 0 : 1;
    const std::uint32_t count = words[0].load(std::memory_order_relaxed);
    if (round % 64 == 0) std::this_thread::yield();  // with the lock held
    words[0].store(count + 1, std::memory_order_relaxed);
    failures += operate(context.xsi, set, {add(0)}) ? 0 : 1;
  }
  return {.numbers = {failures}};
}

TEST_F(ConcSem, ABinarySemaphoreIsAMutex) {
  XSI_ASSERTION("CONC-05");
  constexpr int rounds = 3000;
  actor& observer = process();
  const semid set = set_of(observer, {1});
  const shmid segment = new_segment(observer);
  for (const auto& result : run_all("count_under_lock", set, segment, rounds)) {
    EXPECT_THAT(result.numbers, ElementsAre(0));
  }
  EXPECT_EQ(word_at(observer, attach(observer, segment), 0), rounds * parties);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(1));
  EXPECT_THAT(ncnts_of(observer.xsi(), set), ElementsAre(0));
}

// Takes two forks as one, every other philosopher in the opposite order, and puts them back. A word for each fork says
// who holds it. Returns how often an operation failed or a fork was somebody else's.
XSI_ROUTINE(dine) {
  const auto& in = context.input.numbers;
  const auto set = static_cast<semid>(in.at(0));
  const shared_words holders(context.xsi, in.at(1));
  const auto seat = static_cast<int>(in.at(2));
  int forks[] = {seat, (seat + 1) % static_cast<int>(in.at(3))};
  if (seat % 2 != 0) std::swap(forks[0], forks[1]);
  std::int64_t failures = 0;
  for (std::int64_t round = 0; round < in.at(4); ++round) {
    failures += operate(context.xsi, set, {take(forks[0]), take(forks[1])}) ? 0 : 1;
    for (const int fork : forks) failures += holders[static_cast<std::size_t>(fork)].exchange(1) == 0 ? 0 : 1;
    if (round % 16 == 0) std::this_thread::yield();
    for (const int fork : forks) holders[static_cast<std::size_t>(fork)].store(0);
    failures += operate(context.xsi, set, {add(forks[0]), add(forks[1])}) ? 0 : 1;
  }
  return {.numbers = {failures}};
}

TEST_F(ConcSem, PhilosophersWhoTakeTwoForksAtOnceNeverStarve) {
  XSI_ASSERTION("CONC-07");
  actor& observer = process();
  const semid set = set_of(observer, std::vector<std::uint16_t>(parties, 1));
  for (const auto& result : run_all("dine", set, new_segment(observer), 1500)) {
    EXPECT_THAT(result.numbers, ElementsAre(0));
  }
  EXPECT_THAT(values_of(observer.xsi(), set), Each(1));
  EXPECT_THAT(ncnts_of(observer.xsi(), set), Each(0));
}

// Meets all others at a barrier in each round: three semaphores in turns, each set up again for its next turn
// when all have left it. A word for each party says how far it came. Returns how often an operation failed or
// somebody was not where he should be.
XSI_ROUTINE(meet_at_barrier) {
  const auto& in = context.input.numbers;
  const auto set = static_cast<semid>(in.at(0));
  const shared_words arrived(context.xsi, in.at(1));
  std::int64_t failures = 0;
  for (std::uint32_t round = 0; round < in.at(4); ++round) {
    const int here = static_cast<int>(round % 3);
    arrived[static_cast<std::size_t>(in.at(2))].store(round + 1);
    failures += operate(context.xsi, set, {take(here)}) ? 0 : 1;
    failures += operate(context.xsi, set, {zero(here)}) ? 0 : 1;
    for (std::size_t other = 0; other < static_cast<std::size_t>(in.at(3)); ++other) {
      const std::uint32_t its_round = arrived[other].load();
      if (its_round < round + 1 || its_round > round + 2) ++failures;
    }
    failures += operate(context.xsi, set, {add((here + 2) % 3)}) ? 0 : 1;
  }
  return {.numbers = {failures}};
}

TEST_F(ConcSem, ABarrierReleasesAllAndNobodyEarly) {
  XSI_ASSERTION("CONC-08");
  actor& observer = process();
  const semid set = set_of(observer, {parties, parties, 0});
  for (const auto& result : run_all("meet_at_barrier", set, new_segment(observer), 1000)) {
    EXPECT_THAT(result.numbers, ElementsAre(0));
  }
  EXPECT_THAT(zcnts_of(observer.xsi(), set), Each(0));
}

// Attaches twice, writes there and reads here, and detaches: segment, slot, rounds. Returns how often that failed.
XSI_ROUTINE(attach_and_detach) {
  const auto& in = context.input.numbers;
  const auto segment = static_cast<shmid>(in.at(0));
  const auto slot = static_cast<std::size_t>(in.at(1));
  std::int64_t failures = 0;
  for (std::uint32_t round = 0; round < in.at(2); ++round) {
    const auto there = context.xsi.attach(segment, {});
    const auto here = context.xsi.attach(segment, {.read_only = true});
    if (there && here && *there != *here) {
      std::atomic_ref(static_cast<std::uint32_t*>(*there)[slot]).store(round);
      if (static_cast<const volatile std::uint32_t*>(*here)[slot] != round) ++failures;
    } else {
      ++failures;
    }
    if (!there || !context.xsi.detach(*there)) ++failures;
    if (!here || !context.xsi.detach(*here)) ++failures;
  }
  return {.numbers = {failures}};
}

class ConcShm : public conformance_test {};

TEST_F(ConcShm, ParallelAttachmentsAreAllCountedAndAllGone) {
  XSI_ASSERTION("CONC-10");
  constexpr std::uint64_t threads_each = 4;
  actor& observer = process();
  const shmid segment = new_segment(observer);
  std::vector<pending<routine_result>> calls;
  for (int i = 0; i < 2; ++i) {
    actor& party = process();
    for (std::uint64_t thread = 0; thread < threads_each; ++thread) {
      const auto slot = static_cast<std::int64_t>(calls.size());
      calls.push_back(
          party.begin_thread().start_run("attach_and_detach", {{static_cast<std::int64_t>(segment), slot, 300}, {}}));
    }
  }
  // Two for each thread, and one more while the kernel is about to attach: it holds on to the segment meanwhile.
  do {
    ASSERT_LE(nattch(observer, segment), 3 * calls.size());
  } while (!std::all_of(calls.begin(), calls.end(), [](auto& call) { return call.ended(); }));
  for (auto& call : calls) EXPECT_THAT(call.get().numbers, ElementsAre(0));
  EXPECT_EQ(nattch(observer, segment), 0u);
  EXPECT_THAT(observer.xsi().remove_segment(segment), Succeeds());
  EXPECT_THAT(observer.xsi().stat_segment(static_cast<int>(segment), lookup::id), FailsWith(EINVAL));
}

}  // namespace
}  // namespace xsipc::conformance
