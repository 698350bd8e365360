// Processes that are killed at any moment, many of them inside the lock: nobody hangs, nothing is lost.
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "../../backends/engine/message_layout.hpp"
#include "../../backends/engine/registry.hpp"
#include "../../backends/engine/semaphore_layout.hpp"
#include "namespace_object.hpp"
#include "private_namespace.hpp"
#include "worker.hpp"

namespace xsipc::posix_test {
namespace {

constexpr int processes = 4;
constexpr std::uint32_t most_messages = 1U << 24U;
constexpr int initial = 8;  // value of the first semaphore

enum class doing : std::uint32_t { nothing, sending, receiving };

// What each process says it does, in memory that outlives it.
struct notes {
  std::atomic<doing> now{doing::nothing};
  std::atomic<std::uint32_t> number{0};  // of the message it sends
  std::atomic<std::uint64_t> rounds{0};
};
struct ledger {
  notes of[processes];
  std::atomic<std::uint32_t> next{0};
  std::atomic<std::uint8_t> sent[most_messages];  // acknowledged
  std::atomic<std::uint8_t> received[most_messages];
  std::atomic<std::uint32_t> bad{0};  // messages with another content
};

std::size_t size_of(std::uint32_t number) { return 4 + number * 2654435761U % 6000; }

class Kills : public ::testing::Test {
 protected:
  Kills() {
    queue = place.xsi().get_queue(key::ipc_private, creation::create_only(0600)).value();
    set = place.xsi().get_set(key::ipc_private, 2, creation::create_only(0600)).value();
    EXPECT_TRUE(place.xsi().set_value(set, 0, initial));
  }

  void send() {
    notes& mine = book->of[self];
    const std::uint32_t number = book->next++ % most_messages;
    std::array<std::byte, 6004> text;
    const std::size_t size = size_of(number);
    std::memset(text.data(), static_cast<int>(number % 251), size);
    std::memcpy(text.data(), &number, sizeof number);
    mine.number = number;
    mine.now = doing::sending;
    if (place.xsi().send(queue, message_view(1 + number % 3, std::span(text).first(size)), deadline::immediate())) {
      book->sent[number] = 1;
    }
    mine.now = doing::nothing;
  }

  // False if there is none.
  bool receive(deadline until) {
    std::array<std::byte, 6004> text;
    notes& mine = book->of[self];
    mine.now = doing::receiving;
    const auto got =
        place.xsi().receive(queue, msgtyp_selector::any(), message_buffer(text), truncation::refuse, until);
    if (got) {
      std::uint32_t number = 0;
      std::memcpy(&number, text.data(), sizeof number);
      bool good = number < most_messages && got->size_bytes == size_of(number);
      for (std::size_t i = sizeof number; good && i < got->size_bytes; ++i) {
        good = text[i] == static_cast<std::byte>(number % 251);
      }
      if (!good) ++book->bad;
      if (number < most_messages) ++book->received[number];
    }
    mine.now = doing::nothing;
    return got.has_value();
  }

  void operate() {
    const std::array<sem_operation, 2> out = {{{0, -1, sem_flags::undo}, {1, 1, sem_flags::undo}}};
    const std::array<sem_operation, 2> in = {{{0, 1, sem_flags::undo}, {1, -1, sem_flags::undo}}};
    static_cast<void>(place.xsi().operate(set, out, deadline::never()));
    static_cast<void>(place.xsi().operate(set, in, deadline::never()));
  }

  worker begin(int which) {
    return worker([this, which] {
      self = which;
      for (std::minstd_rand chance(static_cast<unsigned>(::getpid()));;) {
        switch (chance() % 4) {
          case 0:
          case 1: send(); break;
          case 2: static_cast<void>(receive(deadline::after(std::chrono::microseconds(chance() % 200)))); break;
          default: operate(); break;
        }
        ++book->of[which].rounds;
      }
      return 0;
    });
  }

  // Who holds the lock of the queue or of the set; 0: nobody.
  [[nodiscard]] std::uint32_t holder() const {
    const auto slot = [](auto id) { return static_cast<std::uint32_t>(static_cast<int>(id)) % engine::most_slots; };
    const auto& bodies = object->layout().in_arena.bodies;
    const std::byte* const arena = object->arena_base();
    const auto word = [&](object_kind kind, std::uint32_t number) {
      const std::byte* const body = arena + bodies[static_cast<int>(kind)] + std::uint64_t{number} * engine::body_bytes;
      return std::atomic_ref(*const_cast<std::uint32_t*>(reinterpret_cast<const std::uint32_t*>(body))).load() &
             FUTEX_TID_MASK;
    };
    const std::uint32_t of_queue = word(object_kind::queue, slot(queue));
    return of_queue != 0 ? of_queue : word(object_kind::set, slot(set));
  }

  private_namespace place;
  shared<ledger> book;
  msqid queue{};
  semid set{};
  int self = 0;
  std::optional<posix::namespace_object> object;
};

constexpr int usual_kills =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    200;  // a new process takes its time there
#else
    2000;
#endif

int kills_wanted() {
  const char* const text = std::getenv("XSIPC_KILLS");
  return text == nullptr ? usual_kills : std::atoi(text);
}

TEST_F(Kills, LoseNothingAndHangNobody) {
  posix::namespace_problem problem;
  object = posix::namespace_object::open(*posix::place_of(place.options().name_space, "/dev/shm"), problem);
  ASSERT_TRUE(object) << problem.text;
  std::vector<worker> all;
  for (int i = 0; i < processes; ++i) all.push_back(begin(i));
  std::mt19937 chance(std::random_device{}());
  const int kills = kills_wanted();
  int inside = 0;
  std::uint32_t half_received = 0;
  for (int kill = 0; kill < kills; ++kill) {
    // Everybody goes on: each has gone round since the last death.
    std::array<std::uint64_t, processes> before{};
    for (std::size_t i = 0; i < processes; ++i) before[i] = book->of[i].rounds;
    ASSERT_TRUE(eventually([&] {
      for (std::size_t i = 0; i < processes; ++i) {
        if (book->of[i].rounds == before[i]) return false;
      }
      return true;
    })) << "somebody hangs after kill "
        << kill;
    std::this_thread::sleep_for(std::chrono::microseconds(chance() % 500));
    std::size_t victim = chance() % processes;
    for (const worker& each : all) each.stop();
    const std::uint32_t holds = holder();
    for (std::size_t i = 0; i < processes && kill % 4 != 0; ++i) {
      if (static_cast<std::uint32_t>(all[i].pid()) == holds) victim = i;
    }
    inside += static_cast<std::uint32_t>(all[victim].pid()) == holds ? 1 : 0;
    notes& his = book->of[victim];
    all[victim].kill();
    if (his.now == doing::receiving) ++half_received;  // it may have been received, and nobody knows by whom
    his.now = doing::nothing;
    all[victim] = begin(static_cast<int>(victim));
    for (const worker& each : all) each.resume();
  }
  for (worker& each : all) each.kill();
  for (const notes& each : book->of) {
    if (each.now == doing::receiving) ++half_received;
  }
  while (receive(deadline::immediate())) continue;

  std::uint32_t sent = 0;
  std::uint32_t missing = 0;
  std::uint32_t twice = 0;
  for (std::uint32_t number = 0; number < std::min<std::uint32_t>(book->next, most_messages); ++number) {
    sent += book->sent[number];
    missing += book->sent[number] != 0 && book->received[number] == 0 ? 1U : 0U;
    twice += book->received[number] > 1 ? 1U : 0U;
  }
  std::printf(
      "%d kills, %d of them (%d %%) inside the lock; %u messages acknowledged, %u not accounted for (%u receivers "
      "died before they could say), %u twice, %u with another content\n",
      kills, inside, 100 * inside / kills, sent, missing, half_received, twice, book->bad.load());
  EXPECT_GE(10 * inside, kills);
  EXPECT_LE(missing, half_received);
  EXPECT_EQ(twice, 0U);
  EXPECT_EQ(book->bad, 0U);
  EXPECT_GT(sent, static_cast<std::uint32_t>(kills));
  EXPECT_LT(book->next, most_messages) << "numbers were used again: the count of doubles means nothing";
  // All are dead: everything was given back.
  EXPECT_EQ(place.xsi().query_semaphore(set, 0, sem_query::value).value(), initial);
  EXPECT_EQ(place.xsi().query_semaphore(set, 1, sem_query::value).value(), 0);
}

}  // namespace
}  // namespace xsipc::posix_test
