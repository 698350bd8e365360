// Bach's client and server as processes, and the demonstration that runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bach/programs.hpp"
#include "bach/protocol.hpp"
#include "support/real_child.hpp"
#include "support/stage_fixture.hpp"
#include "xsipc/message_queue.hpp"

namespace {

using examples::child;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using xsipc::creation;
using xsipc::deadline;
using xsipc::message_queue;
using xsipc::msgtyp_selector;

std::string asks(pid_t client) {
  const std::string pid = std::to_string(client);
  return "client " + pid + ": sends type 1, text " + pid + " (its pid)\n";
}

std::string is_answered(pid_t client, pid_t server) {
  const std::string to = std::to_string(client);
  const std::string from = std::to_string(server);
  return "client " + to + ": takes type " + to + ", text " + from + ": answered by server " + from + "\n";
}

class Bach : public examples::stage_fixture {
 protected:
  Bach() : stage_fixture(bach::default_key) {}

  void SetUp() override { ASSERT_EQ(code_of(find()), ENOENT) << "somebody has left a queue"; }

  void TearDown() override {
    server_.reset();
    if (auto left = find()) static_cast<void>(left->remove());
  }

  xsipc::result<message_queue> create_exclusively() {
    return message_queue::get(at().key(), creation::create_only(bach::mode), at().backend());
  }

  // Starts a server and waits until it waits.
  void start_server() {
    server_ = run(bach::server_program);
    ASSERT_TRUE(blocks(*server_)) << server_->take_output();
  }

  void kill_server() {
    server_->signal(SIGKILL);
    ASSERT_EQ(server_->wait_for_end(), "signal 9");
  }

  void expect_answered(child& client) {
    EXPECT_EQ(client.wait_for_end(), "exit status 0");
    EXPECT_EQ(client.take_output(), asks(client.pid()) + is_answered(client.pid(), server_->pid()));
  }

  std::unique_ptr<child> server_;
};

class BachSignal : public Bach, public ::testing::WithParamInterface<int> {};

TEST_P(BachSignal, RemovesTheQueueOfAServerThatWaits) {
  start_server();
  const auto queue = find();
  ASSERT_TRUE(queue);
  server_->signal(GetParam());
  EXPECT_EQ(server_->wait_for_end(), "exit status 0");
  EXPECT_EQ(code_of(find()), ENOENT);
  EXPECT_EQ(code_of(queue->stat()), EINVAL);
}

std::vector<int> catchable_signals() {
  std::vector<int> signals;
  for (int signo = 1; signo <= 19; ++signo) {
    if (signo != SIGKILL && signo != SIGSTOP) signals.push_back(signo);
  }
  return signals;
}

INSTANTIATE_TEST_SUITE_P(Signals, BachSignal, ::testing::ValuesIn(catchable_signals()),
                         [](const auto& tested) { return "signal_" + std::to_string(tested.param); });

TEST_F(Bach, SeventeenSignalsCanBeCaught) { EXPECT_EQ(catchable_signals().size(), 17U); }

// The first moment at which there is something to leave behind: no pause between seeing the queue and the signal.
TEST_F(Bach, SigtermWhileTheServerStartsLeavesNoQueue) {
  for (int round = 0; round < 50; ++round) {
    server_ = run(bach::server_program);
    while (!find() && !server_->has_ended()) continue;
    server_->signal(SIGTERM);
    ASSERT_EQ(server_->wait_for_end(), "exit status 0") << "round " << round;
    ASSERT_EQ(code_of(find()), ENOENT) << "round " << round;
  }
}

TEST_F(Bach, SigkillLeavesTheQueueUntilItIsRemoved) {
  start_server();
  const auto before = find();
  ASSERT_TRUE(before);
  kill_server();
  const auto after = find();
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, *before);
  EXPECT_EQ(code_of(create_exclusively()), EEXIST);
  ASSERT_TRUE(message_queue(*after).remove());
  EXPECT_TRUE(create_exclusively());
}

TEST_F(Bach, ARestartedServerWorksOn) {
  start_server();
  const auto before = find();
  ASSERT_TRUE(before);
  kill_server();
  const auto client = run(bach::client_program);
  ASSERT_TRUE(blocks(*client));
  EXPECT_EQ(before->stat().value().qnum, 1U);
  EXPECT_EQ(before->stat().value().lspid, client->pid());
  start_server();
  expect_answered(*client);
  EXPECT_EQ(find().value(), *before);
}

TEST_F(Bach, SixClientsAtOnceGetEachItsOwnAnswer) {
  start_server();
  std::vector<std::unique_ptr<child>> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(run(bach::client_program));
  for (const auto& client : clients) expect_answered(*client);
  EXPECT_EQ(find().value().stat().value().qnum, 0U);
}

TEST_F(Bach, SixClientsThatWaitTogetherGetEachItsOwnAnswer) {
  start_server();
  kill_server();  // so that all six are in the queue before anybody answers
  std::vector<std::unique_ptr<child>> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(run(bach::client_program));
  ASSERT_TRUE(examples::eventually([&] { return find().value().stat().value().qnum == 6; }));
  start_server();
  for (const auto& client : clients) expect_answered(*client);
}

// The test is the client here, with a text as long as the book's.
TEST_F(Bach, AReplyIsOneIntWhateverTheLengthOfTheRequest) {
  start_server();
  auto queue = find().value();
  const int pid = at().pid();
  for (const std::size_t size : {sizeof pid, sizeof(bach::request_text), sizeof(bach::request_text) + 1}) {
    std::vector<std::byte> text(size);
    std::memcpy(text.data(), &pid, sizeof pid);
    ASSERT_TRUE(queue.send(bach::request_type, text));
    xsipc::received reply;
    ASSERT_TRUE(examples::eventually([&] {
      const auto got =
          queue.receive(std::span(text), msgtyp_selector::type(bach::reply_type(pid)), deadline::immediate());
      return got ? (reply = *got, true) : false;
    }));
    EXPECT_EQ(reply.type, pid);
    EXPECT_EQ(reply.size_bytes, sizeof(int));
    EXPECT_EQ(bach::pid_in(text), server_->pid());
  }
}

TEST_F(Bach, TheQueueIsOpenToEverybodyWhateverTheUmask) {
  const mode_t before = umask(077);  // the server inherits it
  start_server();
  umask(before);
  EXPECT_EQ(find().value().stat().value().perm.mode, 0777U);
}

TEST_F(Bach, AClientWithoutAServerFailsWithEnoent) {
  const auto client = run(bach::client_program);
  EXPECT_EQ(client->wait_for_end(), "exit status 1");
  const std::string output = client->take_output();
  EXPECT_THAT(output, StartsWith("bach_client: msgget: ENOENT (queue with key 0x"));
  EXPECT_THAT(output, ::testing::EndsWith(" does not exist)\n"));
  if (at().own_namespace()) {
    EXPECT_THAT(output, HasSubstr("key 0x4b "));  // 75, the book's
  }
}

TEST_F(Bach, AMessageOfAnotherTypeIsLeftAlone) {
  start_server();
  auto queue = find().value();
  constexpr long foreign_type = 0x7fffffffffff;  // nobody's pid
  ASSERT_TRUE(queue.send_value(foreign_type, 4711));
  for (int i = 0; i < 3; ++i) expect_answered(*run(bach::client_program));
  EXPECT_EQ(queue.stat().value().qnum, 1U);
  const auto left = queue.receive_value<int>(msgtyp_selector::type(foreign_type), deadline::immediate());
  ASSERT_TRUE(left);
  EXPECT_EQ(left->value, 4711);
}

TEST_F(Bach, ARequestThatCannotBeAnsweredIsPassedOver) {
  start_server();
  auto queue = find().value();
  ASSERT_TRUE(queue.send(bach::request_type, {}));
  ASSERT_TRUE(queue.send_value(bach::request_type, short{1}));
  ASSERT_TRUE(queue.send_value(bach::request_type, 0));
  ASSERT_TRUE(queue.send_value(bach::request_type, -7));
  expect_answered(*run(bach::client_program));
  EXPECT_EQ(queue.stat().value().qnum, 0U);
}

TEST_F(Bach, AServerWhoseQueueIsRemovedSaysSo) {
  start_server();
  ASSERT_TRUE(find().value().remove());
  EXPECT_EQ(server_->wait_for_end(), "exit status 1");
  EXPECT_THAT(server_->take_output(), StartsWith("bach_server: msgrcv: EIDRM (queue "));
}

TEST_F(Bach, AClientWhoseQueueIsRemovedSaysSo) {
  start_server();
  kill_server();
  const auto client = run(bach::client_program);
  ASSERT_TRUE(blocks(*client));
  ASSERT_TRUE(find().value().remove());
  EXPECT_EQ(client->wait_for_end(), "exit status 1");
  EXPECT_THAT(client->take_output(), HasSubstr("\nbach_client: msgrcv: EIDRM (queue "));
}

TEST_F(Bach, TheKeyCanBeChosen) {
  const auto other = static_cast<std::int32_t>(at().key()) ^ 0x40000000;
  const auto find_other = [&] { return message_queue::get(xsipc::key{other}, creation::find(), at().backend()); };
  const std::vector<std::string> arguments = {"--key=" + std::to_string(other)};
  const auto server = at().run(bach::server_program, arguments);
  EXPECT_TRUE(blocks(*server)) << server->take_output();
  EXPECT_EQ(code_of(find()), ENOENT);
  EXPECT_TRUE(find_other());
  const auto client = at().run(bach::client_program, arguments);
  EXPECT_EQ(client->wait_for_end(), "exit status 0");
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait_for_end(), "exit status 0");
  EXPECT_EQ(code_of(find_other()), ENOENT);
}

TEST_F(Bach, AWrongArgumentIsRefusedInOneLine) {
  for (const auto& program : {bach::server_program, bach::client_program}) {
    expect_refused(program, {"--key=", "--key=0", "--key=75x", "--key=4294967296", "--kex=75", "75", ""});
  }
}

TEST(RealBach, ABackendThatIsntThereIsRefusedInOneLine) {
  for (const std::string program : {"bach_server", "bach_client"}) {
    examples::real_child refusing(examples::beside_this_program(program), {"--backend=psix"});
    EXPECT_EQ(refusing.wait_for_end(), "exit status 1");
    EXPECT_THAT(refusing.take_output(),
                ::testing::MatchesRegex(program + ": backend psix is not built; there are: .*\n"));
  }
}

// Orphans of the demonstration become children of the test, and so would be seen.
class Demo : public ::testing::Test {
 protected:
  // Longer than the demonstration's own watchdog, which is to end it in order.
  static constexpr std::chrono::seconds patience = 4 * examples::watchdog;

  void SetUp() override { ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); }

  static void expect_no_orphans() {
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }
};

TEST_F(Demo, RunsAndShowsWhatHappens) {
  examples::real_child demo(examples::beside_this_program("demo"));
  const std::string end = demo.wait_for_end(patience);
  const std::string transcript = demo.take_output();
  EXPECT_EQ(end, "exit status 0") << transcript;
  EXPECT_THAT(transcript, ::testing::EndsWith("\n\ndemo: all 10 steps as expected\n"));
  EXPECT_THAT(transcript, HasSubstr("backend " + std::string(xsipc::default_backend_name()) + ", key 0x"));
  EXPECT_THAT(transcript, HasSubstr("bach_client: msgget: ENOENT (queue with key 0x"));
  EXPECT_THAT(transcript, HasSubstr("mode 0777, messages (qnum) 0, last sender (lspid) 0, last receiver (lrpid) 0\n"));
  EXPECT_THAT(transcript, HasSubstr("gets SIGTERM and ends with exit status 0\n"));
  EXPECT_THAT(transcript, HasSubstr("gets SIGKILL and ends with signal 9\n"));
  EXPECT_THAT(transcript, HasSubstr("exclusive creation: msgget: EEXIST (queue with key 0x"));
  EXPECT_THAT(transcript, HasSubstr("messages (qnum) 1, "));
  expect_no_orphans();
}

// A folder with a copy of the demonstration and with programs of the test's choice beside it.
class RealBrokenDemo : public Demo {
 protected:
  void SetUp() override {
    Demo::SetUp();
    std::string name = ::testing::TempDir() + "bach_test_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::copy(examples::beside_this_program("demo"), folder_ / "demo");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // A shell script in the place of `program`; $REAL in it is the real one.
  void put_script(const std::string& program, const std::string& script) {
    std::ofstream(folder_ / program) << "#!/bin/sh\nREAL=" << examples::beside_this_program(program) << "\n"
                                     << script << "\n";
    std::filesystem::permissions(folder_ / program, std::filesystem::perms::owner_all);
  }

  void expect_failure(const std::string& verdict) {
    {
      examples::real_child demo(folder_ / "demo");
      EXPECT_EQ(demo.wait_for_end(patience), "exit status 1");
      EXPECT_THAT(demo.take_output(), HasSubstr("\n\ndemo: FAILED at " + verdict));
    }
    expect_no_orphans();
  }

  std::filesystem::path folder_;
};

TEST_F(RealBrokenDemo, SaysThatAProgramIsMissing) {
  expect_failure("step 1 (a client without a server finds no queue): ");
}

TEST_F(RealBrokenDemo, SaysThatTheServerEnds) {
  put_script("bach_client", "exec $REAL \"$@\"");
  put_script("bach_server", "echo no such luck");
  expect_failure("step 2 (a server makes the queue and waits for messages of type 1, the requests): the server ended");
}

// The demonstration must end the server and remove the queue in this case.
TEST_F(RealBrokenDemo, SaysThatAClientFails) {
  put_script("bach_client", "mkdir $0.was_here || exit 3; exec $REAL \"$@\"");  // the second call fails
  put_script("bach_server", "exec $REAL \"$@\"");
  expect_failure("step 3 (a client asks; its pid is the type of the answer): ");
}

// As in `demo | head -1`.
TEST_F(RealBrokenDemo, CleansUpWhenNobodyReadsIt) {
  put_script("bach_client", "exec $REAL \"$@\"");
  put_script("bach_server", "kill -PIPE $PPID; exec sleep 1000");
  expect_failure("step 2 (a server makes the queue and waits for messages of type 1, the requests): interrupted");
}

TEST_F(RealBrokenDemo, EndsWhenItIsInterrupted) {
  put_script("bach_client", "exec $REAL \"$@\"");
  put_script("bach_server", "kill -TERM $PPID; exec sleep 1000");
  expect_failure("step 2 (a server makes the queue and waits for messages of type 1, the requests): interrupted");
}

}  // namespace
