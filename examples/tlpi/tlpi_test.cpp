// The restartable server as processes: killed, started anew, racing, alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/stage_fixture.hpp"
#include "tlpi/programs.hpp"
#include "tlpi/protocol.hpp"
#include "xsipc/fresh.hpp"

namespace {

using examples::child;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using xsipc::creation;
using xsipc::deadline;
using xsipc::message_queue;
using xsipc::msgtyp_selector;

class Restart : public examples::stage_fixture {
 protected:
  Restart() : stage_fixture(tlpi::default_key) {}

  void SetUp() override { ASSERT_EQ(code_of(find()), ENOENT) << "somebody has left a queue"; }

  void TearDown() override {
    server_.reset();
    if (auto left = find()) static_cast<void>(left->remove());
  }

  // Starts a server and waits until it waits. Returns its queue.
  message_queue start_server(const std::vector<std::string>& arguments = {}) {
    server_ = run(tlpi::server_program, arguments);
    EXPECT_TRUE(blocks(*server_)) << server_->take_output();
    return find().value();
  }

  void kill_server() {
    server_->signal(SIGKILL);
    ASSERT_EQ(server_->wait_for_end(), "signal 9");
  }

  // Sends what a client in the midst of a dialogue would.
  void send_turn(message_queue queue, std::int32_t turn) {
    ASSERT_TRUE(queue.send_value(tlpi::request_type, tlpi::request{at().pid(), turn}, deadline::immediate()));
  }

  static void expect_served(child& client) {
    EXPECT_EQ(client.wait_for_end(), "exit status 0");
    EXPECT_THAT(client.take_output(), HasSubstr("turn 3: answered by server "));
  }

  std::unique_ptr<child> server_;
};

TEST_F(Restart, ADialogueHasItsTurns) {
  start_server();
  auto client = run(tlpi::client_program);
  expect_served(*client);
  const std::string me = std::to_string(client->pid());
  const std::string log = server_->take_output();
  for (const std::string turn : {"1", "2", "3"})
    EXPECT_THAT(log, HasSubstr("turn " + turn + " of client " + me + "\n"));
}

TEST_F(Restart, AClientWithoutAServerFailsWithEnoent) {
  const auto client = run(tlpi::client_program);
  EXPECT_EQ(client->wait_for_end(), "exit status 1");
  EXPECT_THAT(client->take_output(), HasSubstr("restart_client: msgget: ENOENT"));
}

TEST_F(Restart, AServerThatEndsInOrderTakesItsQueueAlong) {
  for (const int signo : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    start_server();
    server_->signal(signo);
    EXPECT_EQ(server_->wait_for_end(), "exit status 0");
    EXPECT_EQ(code_of(find()), ENOENT);
  }
}

TEST_F(Restart, ALeftOverQueueIsReplacedByAnEmptyOne) {
  const message_queue old = start_server();
  kill_server();
  send_turn(old, 2);
  const message_queue fresh = start_server();
  EXPECT_NE(fresh, old);
  EXPECT_EQ(fresh.stat()->qnum, 0U);
  EXPECT_EQ(code_of(old.stat()), EINVAL);
  const std::string log = server_->take_output();
  EXPECT_THAT(log, HasSubstr("queue " + std::to_string(static_cast<int>(old.id())) + " with 1 messages is left over"));
  EXPECT_THAT(log, HasSubstr("queue " + std::to_string(static_cast<int>(fresh.id())) + " is new"));
}

TEST_F(Restart, AClientThatWaitsForItsReplyGetsEidrm) {
  start_server();
  kill_server();
  const auto client = run(tlpi::client_program);
  ASSERT_TRUE(blocks(*client));
  start_server();
  EXPECT_EQ(client->wait_for_end(), "exit status 1");
  const std::string output = client->take_output();
  EXPECT_THAT(output, HasSubstr("turn 1: the server was started anew, this dialogue is over\n"));
  EXPECT_THAT(output, HasSubstr("restart_client: msgrcv: EIDRM"));
}

TEST_F(Restart, AClientThatWaitsForRoomGetsEidrm) {
  message_queue old = start_server();
  kill_server();
  for (const std::size_t size : {1000U, 1U}) {
    while (old.send(7, std::vector<std::byte>(size), deadline::immediate())) continue;
  }
  const auto client = run(tlpi::client_program);
  ASSERT_TRUE(blocks(*client));
  start_server();
  EXPECT_EQ(client->wait_for_end(), "exit status 1");
  EXPECT_THAT(client->take_output(), HasSubstr("restart_client: msgsnd: EIDRM"));
}

TEST_F(Restart, AClientBetweenTwoTurnsGetsEinval) {
  start_server();
  const auto client = run(tlpi::client_program, {"--pause"});
  ASSERT_TRUE(examples::eventually([&] { return client->is_stopped(); }));
  kill_server();
  start_server();
  client->signal(SIGCONT);
  EXPECT_EQ(client->wait_for_end(), "exit status 1");
  const std::string output = client->take_output();
  EXPECT_THAT(output, HasSubstr("turn 2: the server was started anew, this dialogue is over\n"));
  EXPECT_THAT(output, HasSubstr("restart_client: msgsnd: EINVAL"));
  EXPECT_THAT(server_->take_output(), Not(HasSubstr("turn ")));
}

TEST_F(Restart, TheOldIdNeverGetsAMessageOfANewQueue) {
  message_queue old = start_server();
  kill_server();
  for (int round = 0; round < 500; ++round) {
    auto fresh = xsipc::create_fresh_queue(at().key(), tlpi::mode, at().backend()).value();
    ASSERT_TRUE(fresh.send_value(tlpi::reply_type(at().pid()), tlpi::reply{}));
    for (const long selector : {tlpi::reply_type(at().pid()), 0L}) {
      ASSERT_EQ(code_of(old.receive_value<tlpi::reply>({selector})), EINVAL) << "round " << round;  // doesn't wait
    }
    ASSERT_EQ(code_of(old.send_value(tlpi::request_type, tlpi::request{at().pid(), 2})), EINVAL);
    ASSERT_EQ(code_of(old.remove()), EINVAL);
    ASSERT_EQ(fresh.stat()->qnum, 1U);
  }
}

TEST_F(Restart, RequestsOfAnOldDialogueNeverReachTheNewServer) {
  message_queue old = start_server();
  send_turn(old, 1);
  ASSERT_TRUE(old.receive_value<tlpi::reply>(msgtyp_selector::type(tlpi::reply_type(at().pid()))));
  kill_server();
  for (const std::int32_t turn : {2, 3, 4}) send_turn(old, turn);
  start_server();
  EXPECT_EQ(code_of(old.send_value(tlpi::request_type, tlpi::request{at().pid(), 5})), EINVAL);
  const auto client = run(tlpi::client_program);
  expect_served(*client);
  const std::string log = server_->take_output();
  EXPECT_THAT(log, HasSubstr("with 3 messages is left over"));
  EXPECT_THAT(log, Not(HasSubstr("client " + std::to_string(at().pid()))));
  EXPECT_THAT(log, Not(HasSubstr("belongs to no dialogue of mine")));
}

// What the test before would see if the new server used the old queue: the check can fail.
TEST_F(Restart, AStaleRequestWouldBeSeen) {
  send_turn(start_server(), 2);
  const std::string me = std::to_string(at().pid());
  std::string log;
  EXPECT_TRUE(examples::eventually([&] {
    log += server_->take_output();
    return log.find("turn 2 of client " + me + " belongs to no dialogue of mine\n") != std::string::npos;
  })) << log;
}

TEST_F(Restart, OfServersThatRaceOneIsLeftWithTheKeysQueue) {
  for (int round = 0; round < 10; ++round) {
    std::vector<std::unique_ptr<child>> servers;
    for (int i = 0; i < 4; ++i) servers.push_back(run(tlpi::server_program));
    std::vector<child*> left;
    ASSERT_TRUE(examples::eventually([&] {
      left.clear();
      for (const auto& server : servers) {
        if (!server->has_ended()) left.push_back(server.get());
      }
      return left.size() == 1 && left[0]->is_blocked();
    })) << left.size();
    const auto queue = find();
    ASSERT_TRUE(queue);
    const std::string is_new = "queue " + std::to_string(static_cast<int>(queue->id())) + " is new\n";
    for (const auto& server : servers) {
      const std::string log = server->take_output();
      if (server.get() == left[0]) {
        EXPECT_THAT(log, EndsWith(is_new));
      } else {
        EXPECT_EQ(server->wait_for_end(), "exit status 1");
        EXPECT_THAT(log, Not(HasSubstr(is_new)));
        EXPECT_THAT(log, HasSubstr(": the queue was removed, another server has taken over\n"));
      }
    }
    expect_served(*run(tlpi::client_program));
  }
}

TEST_F(Restart, AnInterruptedServerLeavesItsSuccessorsQueueAlone) {
  start_server();
  const auto old = std::move(server_);
  // It is stopped, so that it hears of its queue's removal and of the signal at once.
  old->signal(SIGSTOP);
  ASSERT_TRUE(examples::eventually([&] { return old->is_stopped(); }));
  const message_queue fresh = start_server();
  old->signal(SIGTERM);
  old->signal(SIGCONT);
  EXPECT_THAT(old->wait_for_end(), testing::StartsWith("exit status "));
  EXPECT_EQ(find().value(), fresh);
  expect_served(*run(tlpi::client_program));
}

class RealAlone : public Restart {
 protected:
  void SetUp() override {
    Restart::SetUp();
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    option_ = {"--alone=" + lock()};
  }
  void TearDown() override {
    Restart::TearDown();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string lock() const { return directory_ + "/lock"; }
  [[nodiscard]] std::string pid_in_the_file() const {
    std::string pid;
    std::ifstream(lock()) >> pid;
    return pid;
  }

  std::string directory_ = std::filesystem::temp_directory_path() / "restart-XXXXXX";
  std::vector<std::string> option_;
};

TEST_F(RealAlone, ASecondServerIsRefusedAndHarmsNothing) {
  const message_queue queue = start_server(option_);
  EXPECT_EQ(pid_in_the_file(), std::to_string(server_->pid()));
  const auto second = run(tlpi::server_program, option_);
  EXPECT_EQ(second->wait_for_end(), "exit status 1");
  EXPECT_EQ(second->take_output(), "restart_server: " + lock() + ": EAGAIN (another server runs)\n");
  EXPECT_EQ(find().value(), queue);
  EXPECT_EQ(pid_in_the_file(), std::to_string(server_->pid()));
  expect_served(*run(tlpi::client_program));
}

TEST_F(RealAlone, AfterSigkillTheNextOneStarts) {
  const message_queue old = start_server(option_);
  kill_server();
  EXPECT_NE(start_server(option_), old);
  EXPECT_EQ(pid_in_the_file(), std::to_string(server_->pid()));
  expect_served(*run(tlpi::client_program));
}

TEST_F(RealAlone, OfServersThatRaceOneStartsAtAll) {
  std::vector<std::unique_ptr<child>> servers;
  for (int i = 0; i < 6; ++i) servers.push_back(run(tlpi::server_program, option_));
  int refused = 0;
  for (const auto& server : servers) {
    ASSERT_TRUE(examples::eventually([&] { return server->has_ended() || server->is_blocked(); }));
    if (!server->has_ended()) continue;
    ++refused;
    EXPECT_THAT(server->take_output(), EndsWith(": EAGAIN (another server runs)\n"));
  }
  EXPECT_EQ(refused, 5);
}

TEST_F(Restart, AWrongArgumentIsRefusedInOneLine) {
  for (const auto& program : {tlpi::server_program, tlpi::client_program}) {
    expect_refused(program, {"--key=", "--key=0", "--key=75x", "--kex=75", "75", "", "--alone=", "--turns=x"});
  }
}

}  // namespace
