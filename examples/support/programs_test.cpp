// The programs that tell a story by themselves: run, read, interrupted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/real_child.hpp"
#include "support/stage_fixture.hpp"

namespace {

using examples::real_child;
using ::testing::HasSubstr;
using ::testing::Not;

// With --key a program works in the test's namespace, where what it leaves can be seen; on the fake it has a world of
// its own, which says so after the verdict.
class Program : public examples::stage_fixture {
 protected:
  static constexpr std::chrono::seconds patience = 4 * examples::watchdog;

  Program() : stage_fixture(xsipc::key{4711}) {}

  [[nodiscard]] real_child run(const std::string& name) const {
    return real_child(examples::beside_this_program(name),
                      {"--key=" + std::to_string(static_cast<std::int32_t>(at().key())),
                       "--backend=" + std::string(at().backend().name())});
  }

  void expect_nothing_left() const { EXPECT_TRUE(!at().own_namespace() || objects_there() == 0); }

  [[nodiscard]] int objects_there() const {
    int sum = 0;
    for (const auto kind : {xsipc::object_kind::queue, xsipc::object_kind::set, xsipc::object_kind::segment}) {
      sum += static_cast<int>(at().backend().usage(kind)->objects);
    }
    return sum;
  }

  // Runs it to its end, and looks for these lines in what it says.
  void expect_story(const std::string& name, int steps, const std::vector<std::string>& lines) {
    real_child program = run(name);
    const std::string end = program.wait_for_end(patience);
    const std::string text = program.take_output();
    EXPECT_EQ(end, "exit status 0") << text;
    for (const std::string& line : lines) EXPECT_THAT(text, HasSubstr(line));
    EXPECT_THAT(text, testing::EndsWith("\n\n" + name + ": all " + std::to_string(steps) + " steps as expected\n"));
    expect_nothing_left();
  }

  // Interrupts it as soon as it has made something, and somewhat later; on the fake as soon as it has come to an end
  // with a step.
  void expect_order_when_interrupted(const std::string& name) {
    if (!at().own_namespace()) GTEST_SKIP() << "needs an IPC namespace of its own, to see what the program has made";
    const bool simulated = examples::simulates_processes(at().backend().name());
    for (int moment = 1; moment <= 2; ++moment) {
      real_child program = run(name);
      std::string text;
      EXPECT_TRUE(examples::eventually([&] {
        text += program.take_output();
        if (program.has_ended()) return true;
        return simulated ? text.find("\n" + std::to_string(moment) + ". ") != text.npos : objects_there() >= moment;
      }));
      program.signal(SIGTERM);
      const std::string end = program.wait_for_end(patience);
      text += program.take_output();
      EXPECT_TRUE(end == "exit status 0" || end == "exit status 1") << end << '\n' << text;
      EXPECT_THAT(text, HasSubstr("\n" + name + ": "));
      EXPECT_THAT(text, Not(HasSubstr("left over")));
      expect_nothing_left();
    }
  }
};

TEST_F(Program, ThreeWays) {
  expect_story("three_ways", 8,
               {"has the id from a file, queue ", "has the id by fork, queue ", "has the id as an argument, queue ",
                "has the key, queue ", "exclusive creation: msgget: EEXIST", "removed and created anew",
                "ftok before the file is there: ftok: ENOENT", "has the path, queue ", "answered by "});
}

TEST_F(Program, Properties) {
  expect_story(
      "properties", 8,
      {"2. Connectionless? No.", "sending to an id that was a queue's: msgsnd: EINVAL", "3. Reliable? Yes.",
       "2000 messages sent, as many received: none lost, none twice, each in its place", "4. Flow control? Yes.",
       "sending without waiting: msgsnd: EAGAIN", "each message that is taken wakes it for one more; all 6 arrive",
       "5. Records? Yes.", "received, call by call: 1 0 100 7", "6. Message types or priorities? Yes.",
       "7. Persistent, without a reference count? Yes.", "the process that waited in it: msgrcv: EIDRM"});
}

TEST_F(Program, Counter) {
  expect_story("counter", 6,
               {"count 20000, expected 20000", "its holder gets SIGKILL, and the lock is given back",
                "count 40000, expected 40000", "count 60000, expected 60000", "taking the lock: semop: EAGAIN",
                "count 80000, expected 80000"});
}

TEST_F(Program, ThreeWaysInterrupted) { expect_order_when_interrupted("three_ways"); }
TEST_F(Program, PropertiesInterrupted) { expect_order_when_interrupted("properties"); }
TEST_F(Program, CounterInterrupted) { expect_order_when_interrupted("counter"); }

TEST_F(Program, BoostContainers) {
  expect_story("boost_containers", 6,
               {"the first process has it at 0x", "the second process has the segment at 0x",
                "50 words, counted 1000 times; 1000 lines, 500 of the second process", "attached at 0x",
                " long lines more: ", "its holder is dead, and the lock is free again"});
}

TEST_F(Program, BoostContainersInterrupted) { expect_order_when_interrupted("boost_containers"); }

}  // namespace
