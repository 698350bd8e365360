// The servers and clients of the books, told with actors: Bach's figure 11.8 and the restart of TLPI 45.4.
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(book)

namespace {

constexpr auto bach_key = static_cast<key>(75);
constexpr long request_type = 1;

std::string as_text(int number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

// The int at the head of a text, -1 if there is none.
int first_int(const std::string& text) {
  int number = -1;
  if (text.size() >= sizeof number) std::memcpy(&number, text.data(), sizeof number);
  return number;
}

constexpr receive_options of_type(long type, deadline until = deadline::immediate()) {
  return {.selector = msgtyp_selector::type(type), .until = until};
}

// One turn of the server's loop; returns the client that was served.
result<int> serve_one(spi::backend& xsi, msqid queue, int own_pid, deadline until = deadline::immediate()) {
  const auto request = receive_text(xsi, queue, of_type(request_type, until));
  if (!request) return request.error();
  const int client = first_int(request->text);
  const auto sent = send_text(xsi, queue, client, as_text(own_pid), until);
  if (!sent) return sent.error();
  return client;
}

class Bach : public conformance_test {
 protected:
  static result<msqid> create(actor_thread& server) {
    return server.xsi().get_queue(bach_key, creation::open_or_create(0777));
  }
  static result<msqid> find(actor_thread& client) { return client.xsi().get_queue(bach_key, creation::find(0777)); }
};

TEST_F(Bach, ARequestOfTypeOneIsAnsweredUnderTheClientsPid) {
  XSI_ASSERTION("BOOK-01");
  XSI_NEEDS(need::private_namespace);
  actor& server = process();
  actor& client = process();
  const msqid created = create(server).value();
  const queue_status status = status_of(server.xsi(), created);
  EXPECT_EQ(status.perm.object_key, bach_key);
  EXPECT_EQ(status.perm.mode, 0777u);
  auto request = server.start(
      [&](spi::backend& xsi) { return receive_text(xsi, created, of_type(request_type, deadline::never())); });
  ASSERT_TRUE(request.blocked());

  const msqid queue = find(client).value();
  EXPECT_EQ(queue, created);
  ASSERT_THAT(send_text(client.xsi(), queue, request_type, as_text(client.pid())), Succeeds());
  EXPECT_THAT(request.get(), SucceedsWith(message{request_type, as_text(client.pid())}));
  auto reply = client.start(receiving(queue, of_type(client.pid())));
  ASSERT_TRUE(reply.blocked());
  ASSERT_THAT(send_text(server.xsi(), queue, client.pid(), as_text(server.pid())), Succeeds());
  EXPECT_THAT(reply.get(), SucceedsWith(message{client.pid(), as_text(server.pid())}));
  const queue_status after = status_of(server.xsi(), queue);
  EXPECT_EQ(after.qnum, 0u);
  EXPECT_EQ(after.lspid, server.pid());
  EXPECT_EQ(after.lrpid, client.pid());
}

TEST_F(Bach, AnybodyMayBeAClient) {
  XSI_ASSERTION("BOOK-01");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(need::other_users);
  actor& server = process({.uid = alice, .gid = alice});
  actor& client = process({.uid = bob, .gid = bob});
  ASSERT_THAT(create(server), Succeeds());
  const msqid queue = find(client).value();
  ASSERT_THAT(send_text(client.xsi(), queue, request_type, as_text(client.pid())), Succeeds());
  EXPECT_THAT(serve_one(server.xsi(), queue, server.pid()), SucceedsWith(client.pid()));
  EXPECT_THAT(receive_text(client.xsi(), queue, of_type(client.pid())),
              SucceedsWith(message{client.pid(), as_text(server.pid())}));
}

TEST_F(Bach, AClientGetsItsOwnReplyOnlyAlthoughOthersWaitToo) {
  XSI_ASSERTION("BOOK-02");
  XSI_NEEDS(need::private_namespace);
  actor& server = process();
  actor* const clients[] = {&process(), &process(), &process()};
  const msqid queue = create(server).value();
  std::vector<pending<result<message>>> replies;
  for (actor* const each : clients) {
    ASSERT_THAT(send_text(each->xsi(), find(*each).value(), request_type, as_text(each->pid())), Succeeds());
    replies.push_back(each->start(receiving(queue, of_type(each->pid()))));
    ASSERT_TRUE(replies.back().blocked());
  }
  // Not in the order in which they asked.
  std::set<std::size_t> waiting = {0, 1, 2};
  for (const std::size_t served : {2U, 0U, 1U}) {
    ASSERT_THAT(receive_text(server.xsi(), queue, of_type(request_type)), Succeeds());
    const int pid = clients[served]->pid();
    ASSERT_THAT(send_text(server.xsi(), queue, pid, as_text(server.pid())), Succeeds());
    EXPECT_THAT(replies[served].get(), SucceedsWith(message{pid, as_text(server.pid())}));
    EXPECT_EQ(status_of(server.xsi(), queue).lrpid, pid);
    waiting.erase(served);
    for (const std::size_t each : waiting) ASSERT_TRUE(replies[each].blocked());
  }
  EXPECT_EQ(status_of(server.xsi(), queue).qnum, 0u);
}

// In: the client's and the server's pid, the number of requests. Out: the number of wrong replies.
XSI_ROUTINE(book_bach_client) {
  const auto& in = context.input.numbers;
  const int pid = static_cast<int>(in[0]);
  const msqid queue = context.xsi.get_queue(bach_key, creation::find(0777)).value();
  const message expected{pid, as_text(static_cast<int>(in[1]))};
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < in[2]; ++i) {
    send_text(context.xsi, queue, request_type, as_text(pid), deadline::never()).value();
    if (receive_text(context.xsi, queue, of_type(pid, deadline::never())).value() != expected) ++wrong;
  }
  return {.numbers = {wrong}};
}

// In: the server's pid, the number of requests.
XSI_ROUTINE(book_bach_server) {
  const auto& in = context.input.numbers;
  const msqid queue = context.xsi.get_queue(bach_key, creation::open_or_create(0777)).value();
  for (std::int64_t i = 0; i < in[1]; ++i) {
    static_cast<void>(serve_one(context.xsi, queue, static_cast<int>(in[0]), deadline::never()).value());
  }
  return {};
}

TEST_F(Bach, EachOfManyClientsGetsItsReplies) {
  XSI_ASSERTION("BOOK-05");
  XSI_NEEDS(need::private_namespace);
  constexpr int requests = 400;
  constexpr int client_count = 5;
  actor& server = process();
  const msqid queue = create(server).value();
  auto serving = server.start_run("book_bach_server", {.numbers = {server.pid(), client_count * requests}});
  std::vector<pending<routine_result>> calls;
  for (int i = 0; i < client_count; ++i) {
    actor& client = process();
    calls.push_back(client.start_run("book_bach_client", {.numbers = {client.pid(), server.pid(), requests}}));
  }
  for (auto& call : calls) EXPECT_THAT(call.get().numbers, testing::ElementsAre(0));
  static_cast<void>(serving.get());
  expect_messages_left(server.xsi(), queue, {});
}

std::vector<int> catchable_signals() {
  std::vector<int> numbers;
  for (int number = 1; number <= 19; ++number) {
    if (number != SIGKILL && number != SIGSTOP) numbers.push_back(number);
  }
  return numbers;
}

// What Bach's handler works with.
const c_calls* volatile bach_calls = nullptr;
volatile sig_atomic_t bach_queue = 0;

void bach_cleanup(int) {
  const c_calls* const c = bach_calls;
  ::_exit(c->msgctl(bach_queue, IPC_RMID, nullptr) == 0 ? 0 : 1);
}

// The server as printed, with the third argument of msgget repaired. Returns only if something fails.
XSI_ROUTINE(book_bach_server_in_c) {
  struct {
    long mtype;
    char mtext[256];
  } msg;
  bach_calls = context.c;
  for (int number = 0; number < 20; ++number) ::signal(number, bach_cleanup);
  const int msgid = context.c->msgget(static_cast<int>(bach_key), 0777 | IPC_CREAT);
  bach_queue = msgid;
  const int own_pid = static_cast<int>(context.input.numbers[0]);
  for (;;) {
    if (context.c->msgrcv(msgid, &msg, sizeof msg.mtext, request_type, 0) < 0) return {};
    int client = 0;
    std::memcpy(&client, msg.mtext, sizeof client);
    msg.mtype = client;
    std::memcpy(msg.mtext, &own_pid, sizeof own_pid);
    context.c->msgsnd(msgid, &msg, sizeof(int), 0);
  }
}

TEST_F(Bach, EverySignalThatCanBeCaughtRemovesTheQueueAndEndsTheServer) {
  XSI_ASSERTION("BOOK-03");
  XSI_NEEDS(need::private_namespace);
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  const auto numbers = catchable_signals();
  ASSERT_EQ(numbers.size(), 17u);
  for (const int number : numbers) {
    actor& server = process();
    EXPECT_THAT(find(client), FailsWith(ENOENT));
    auto serving = server.start_run("book_bach_server_in_c", {.numbers = {server.pid()}});
    ASSERT_TRUE(serving.blocked());
    const msqid queue = find(client).value();
    ASSERT_THAT(send_text(client.xsi(), queue, request_type, as_text(client.pid())), Succeeds());
    EXPECT_THAT(receive_text(client.xsi(), queue, of_type(client.pid(), deadline::never())),
                SucceedsWith(message{client.pid(), as_text(server.pid())}));
    ASSERT_TRUE(serving.blocked());
    server.signal(number);
    const ending end = server.await_end();
    EXPECT_TRUE(end.exited) << number;
    EXPECT_EQ(end.code, 0) << number;
    EXPECT_THAT(find(client), FailsWith(ENOENT)) << number;
    EXPECT_THAT(client.xsi().stat_queue(static_cast<int>(queue), lookup::id), FailsWith(EINVAL)) << number;
  }
}

// The same for backends whose handlers may not call them: the server removes the queue when its wait was interrupted.
TEST_F(Bach, EverySignalThatCanBeCaughtInterruptsTheServerWhichThenCleansUp) {
  XSI_ASSERTION("BOOK-03");
  XSI_NEEDS(need::private_namespace);
  actor& client = process();
  for (const int number : catchable_signals()) {
    actor& server = process();
    server.catch_signal(number, true);
    const msqid queue = create(server).value();
    auto call = server.start(receiving(queue, of_type(request_type)));
    ASSERT_TRUE(call.blocked());
    server.signal(number);
    EXPECT_THAT(call.get(), FailsWith(EINTR)) << number;
    EXPECT_EQ(server.signals_caught(number), 1) << number;
    EXPECT_THAT(server.xsi().remove_queue(queue), Succeeds());
    server.exit_at_once(0);
    EXPECT_THAT(find(client), FailsWith(ENOENT)) << number;
  }
}

TEST_F(Bach, SigkillLeavesTheQueueUntilSomebodyRemovesIt) {
  XSI_ASSERTION("BOOK-04");
  XSI_NEEDS(need::private_namespace);
  actor& server = process();
  actor& other = process();
  const msqid queue = create(server).value();
  auto call = server.start(receiving(queue, of_type(request_type)));
  ASSERT_TRUE(call.blocked());
  server.kill();
  EXPECT_THAT(other.xsi().get_queue(bach_key, creation::create_only(0777)), FailsWith(EEXIST));
  EXPECT_THAT(find(other), SucceedsWith(queue));
  ASSERT_THAT(send_text(other.xsi(), queue, request_type, as_text(other.pid())), Succeeds());
  expect_messages_left(other.xsi(), queue, {{request_type, as_text(other.pid())}});
  ASSERT_THAT(other.xsi().remove_queue(queue), Succeeds());
  EXPECT_THAT(find(other), FailsWith(ENOENT));
  EXPECT_THAT(other.xsi().get_queue(bach_key, creation::create_only(0777)), SucceedsWith(testing::Ne(queue)));
}

TEST_F(Bach, WithoutCreatInItsSecondArgumentTheServerFindsNothing) {
  XSI_ASSERTION("BOOK-15");
  XSI_NEEDS(need::private_namespace);
  actor& server = process();
  EXPECT_THAT(server.xsi().get_queue(bach_key, creation::find(0777)), FailsWith(ENOENT));
  EXPECT_THAT(server.xsi().get_queue(bach_key, creation::find()), FailsWith(ENOENT));
  const msqid repaired = create(server).value();
  EXPECT_THAT(server.xsi().get_queue(bach_key, creation::find(0777)), SucceedsWith(repaired));
}

// How a server of TLPI 45.4 comes to a queue of its own.
struct fresh_start {
  msqid queue;
  int removed;  // left-over queues that it removed
};
result<fresh_start> start_afresh(spi::backend& xsi, key name) {
  const auto harmless = [](const ipc_error& problem) {  // another server was faster
    return problem.code == ENOENT || problem.code == EINVAL || problem.code == EIDRM;
  };
  for (int removed = 0;;) {
    const auto created = xsi.get_queue(name, creation::create_only(0622));
    if (created) return fresh_start{*created, removed};
    if (created.error().code != EEXIST) return created.error();
    const auto left_over = xsi.get_queue(name, creation::find());
    if (!left_over && !harmless(left_over.error())) return left_over.error();
    if (!left_over) continue;
    const auto gone = xsi.remove_queue(*left_over);
    if (gone) ++removed;
    if (!gone && !harmless(gone.error())) return gone.error();
  }
}

class TlpiRestart : public conformance_test {
 protected:
  TlpiRestart() : name_(fresh_key()), first_(&process()), second_(&process()) {}

  // The first server begins.
  msqid begin() { return start_afresh(first_->xsi(), name_).value().queue; }
  // It dies and the second begins.
  msqid restart() {
    first_->kill();
    return start_afresh(second_->xsi(), name_).value().queue;
  }
  actor& second() { return *second_; }

  key name_;
  actor* first_;
  actor* second_;
};

TEST_F(TlpiRestart, ReplacesTheQueueThatIsLeftByAnEmptyOne) {
  XSI_ASSERTION("BOOK-06");
  const auto begun = start_afresh(first_->xsi(), name_).value();
  EXPECT_EQ(begun.removed, 0);
  actor& client = process();
  send_messages(client.xsi(), begun.queue, {{1, "request"}, {2, "request"}});
  first_->kill();
  EXPECT_EQ(status_of(client.xsi(), begun.queue).qnum, 2u);
  EXPECT_THAT(second().xsi().get_queue(name_, creation::create_only(0622)), FailsWith(EEXIST));
  const auto again = start_afresh(second().xsi(), name_).value();
  EXPECT_EQ(again.removed, 1);
  EXPECT_NE(again.queue, begun.queue);
  EXPECT_THAT(client.xsi().get_queue(name_, creation::find()), SucceedsWith(again.queue));
  const queue_status status = status_of(second().xsi(), again.queue);
  EXPECT_EQ(status.qnum, 0u);
  EXPECT_EQ(status.cbytes, 0u);
  EXPECT_EQ(status.lspid, 0);
  EXPECT_EQ(status.stime, 0);
}

TEST_F(TlpiRestart, OldClientsGetEidrmThenEinvalAndNoMessageOfTheNewQueue) {
  XSI_ASSERTION("BOOK-07");
  actor& waiting = process();
  actor& client = process();
  const msqid old = begin();
  auto call = waiting.start(receiving(old, of_type(waiting.pid())));
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(limit_queue(client.xsi(), old, 0), Succeeds());
  auto full = client.start(sending(old, request_type, "does not fit"));
  ASSERT_TRUE(full.blocked());
  const msqid fresh = restart();
  EXPECT_THAT(call.get(), FailsWith(EIDRM));
  EXPECT_THAT(full.get(), FailsWith(EIDRM));
  const std::vector<message> replies = {
      {waiting.pid(), "for a new client"}, {client.pid(), "likewise"}, {1, "request"}};
  send_messages(second().xsi(), fresh, replies);
  for (actor* const each : {&waiting, &client}) {
    EXPECT_THAT(receive_text(each->xsi(), old, of_type(each->pid())), FailsWith(EINVAL));
    EXPECT_THAT(receive_text(each->xsi(), old), FailsWith(EINVAL));
    EXPECT_THAT(receive_text(each->xsi(), old, {.until = deadline::never()}), FailsWith(EINVAL));
    EXPECT_THAT(send_text(each->xsi(), old, request_type, "request"), FailsWith(EINVAL));
    EXPECT_THAT(each->xsi().stat_queue(static_cast<int>(old), lookup::id), FailsWith(EINVAL));
    EXPECT_THAT(each->xsi().remove_queue(old), FailsWith(EINVAL));
  }
  expect_messages_left(second().xsi(), fresh, replies);
}

TEST_F(TlpiRestart, RequestsOfTheOldDialogueNeverReachTheNewServer) {
  XSI_ASSERTION("BOOK-08");
  actor& old_client = process();
  actor& blocked_client = process();
  actor& new_client = process();
  const msqid old = begin();
  ASSERT_THAT(send_text(old_client.xsi(), old, request_type, "open"), Succeeds());
  ASSERT_THAT(receive_text(first_->xsi(), old, of_type(request_type)), Succeeds());
  ASSERT_THAT(send_text(first_->xsi(), old, old_client.pid(), "opened"), Succeeds());
  ASSERT_THAT(receive_text(old_client.xsi(), old, of_type(old_client.pid())), Succeeds());
  ASSERT_THAT(send_text(old_client.xsi(), old, request_type, "read block 1"), Succeeds());
  ASSERT_THAT(limit_queue(old_client.xsi(), old, status_of(old_client.xsi(), old).cbytes), Succeeds());
  auto blocked = blocked_client.start(sending(old, request_type, "read block 2"));
  ASSERT_TRUE(blocked.blocked());
  const msqid fresh = restart();
  EXPECT_THAT(blocked.get(), FailsWith(EIDRM));
  EXPECT_THAT(send_text(old_client.xsi(), old, request_type, "read block 3"), FailsWith(EINVAL));
  const msqid found = new_client.xsi().get_queue(name_, creation::find()).value();
  EXPECT_EQ(found, fresh);
  ASSERT_THAT(send_text(new_client.xsi(), found, request_type, "open another"), Succeeds());
  EXPECT_THAT(send_text(old_client.xsi(), old, request_type, "read block 4"), FailsWith(EINVAL));
  expect_messages_left(second().xsi(), fresh, {{request_type, "open another"}});
}

// Starts afresh, together with another process. In: the key, a set with a semaphore that is 2. Out: the queue.
XSI_ROUTINE(book_race_to_start) {
  const auto name = static_cast<key>(context.input.numbers[0]);
  const auto barrier = static_cast<semid>(context.input.numbers[1]);
  const sem_operation here[] = {{0, -1}};
  const sem_operation all_here[] = {{0, 0}};
  context.xsi.operate(barrier, here, deadline::never()).value();
  context.xsi.operate(barrier, all_here, deadline::never()).value();
  return {.numbers = {static_cast<int>(start_afresh(context.xsi, name).value().queue)}};
}

TEST_F(TlpiRestart, TwoServersThatRaceEndWithOneQueue) {
  XSI_ASSERTION("BOOK-09");
  actor& observer = process();
  const semid barrier = new_set(observer);
  std::set<msqid> made = {begin()};
  for (int round = 0; round < 40; ++round) {
    ASSERT_THAT(observer.xsi().set_value(barrier, 0, 2), Succeeds());
    const routine_input input = {.numbers = {static_cast<int>(name_), static_cast<int>(barrier)}};
    auto one = first_->start_run("book_race_to_start", input);
    auto other = second_->start_run("book_race_to_start", input);
    const auto id_of = [](const routine_result& result) { return static_cast<msqid>(result.numbers.at(0)); };
    const msqid ones = id_of(one.get());
    const msqid others = id_of(other.get());
    EXPECT_NE(ones, others);
    EXPECT_TRUE(made.insert(ones).second && made.insert(others).second) << "an id was used again";
    const msqid winner = observer.xsi().get_queue(name_, creation::find()).value();
    EXPECT_TRUE(winner == ones || winner == others);
    for (const msqid each : made) {
      const auto status = observer.xsi().stat_queue(static_cast<int>(each), lookup::id);
      if (each == winner) {
        EXPECT_THAT(status, Succeeds());
      } else {
        EXPECT_THAT(status, FailsWith(EINVAL));
      }
    }
  }
}

}  // namespace
}  // namespace xsipc::conformance
