// What APUE's section 15.6 says of all three kinds, and of queues in its tables.
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <system_error>

#include "xsipc/conformance/kinds.hpp"
#include "xsipc/key.hpp"

namespace xsipc::conformance {

XSI_SUITE(book_apue)

namespace {

// A file that exists as long as this, for all to read.
class temporary_file {
 public:
  temporary_file() {
    const int descriptor = ::mkstemp(path_.data());
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), path_);
    ::close(descriptor);
  }
  ~temporary_file() { ::unlink(path_.c_str()); }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = std::string(::getenv("TMPDIR") != nullptr ? ::getenv("TMPDIR") : "/tmp") + "/meetingXXXXXX";
};

class ApueMeeting : public each_kind {
 protected:
  // Leaves a number in the object, and looks for it there.
  void leave(actor& who, int id, int number) const;
  [[nodiscard]] int look(actor& who, int id) const;

  // Both processes mean the same object by these two ids.
  void expect_met(actor& one, int ones_id, actor& other, int others_id) const {
    leave(other, others_id, 1234);
    EXPECT_EQ(look(one, ones_id), 1234);
    leave(one, ones_id, 4321);
    EXPECT_EQ(look(other, others_id), 4321);
  }
};
XSI_FOR_EACH_KIND(ApueMeeting);

void ApueMeeting::leave(actor& who, int id, int number) const {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  switch (GetParam()) {
    case object_kind::queue: return send_text(who.xsi(), static_cast<msqid>(id), 1, bytes).value();
    case object_kind::set: return who.xsi().set_value(static_cast<semid>(id), 1, number).value();
    case object_kind::segment: break;
  }
  char* const there = attach(who, static_cast<shmid>(id));
  EXPECT_TRUE(who.poke(there, bytes));
  who.xsi().detach(there).value();
}

int ApueMeeting::look(actor& who, int id) const {
  std::string bytes;
  switch (GetParam()) {
    case object_kind::queue: bytes = receive_text(who.xsi(), static_cast<msqid>(id)).value().text; break;
    case object_kind::set: return who.xsi().query_semaphore(static_cast<semid>(id), 1, sem_query::value).value();
    case object_kind::segment: {
      char* const there = attach(who, static_cast<shmid>(id), {.read_only = true});
      bytes = who.peek(there, sizeof(int)).value();
      who.xsi().detach(there).value();
    }
  }
  int number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

// In: a path, a number to write there.
XSI_ROUTINE(book_write_file) {
  std::ofstream(context.input.bytes) << context.input.numbers.at(0) << '\n';
  return {};
}
// In: a path. Out: the number there.
XSI_ROUTINE(book_read_file) {
  std::int64_t number = -1;
  std::ifstream(context.input.bytes) >> number;
  return {.numbers = {number}};
}

TEST_P(ApueMeeting, APrivateObjectByItsIdInAFile) {
  XSI_ASSERTION("BOOK-10");
  actor& server = process();
  actor& client = process();
  const temporary_file file;
  const int id = new_object(server);
  server.run("book_write_file", {.numbers = {id}, .bytes = file.path()});
  const auto read = client.run("book_read_file", {.bytes = file.path()}).numbers.at(0);
  expect_met(server, id, client, static_cast<int>(read));
}

std::int64_t kept_id = -1;

// In: an id to keep in a variable.
XSI_ROUTINE(book_keep_id) {
  kept_id = context.input.numbers.at(0);
  return {};
}
// Out: the id in the variable.
XSI_ROUTINE(book_kept_id) { return {.numbers = {kept_id}}; }

TEST_P(ApueMeeting, APrivateObjectByItsIdInAVariableOfParentAndChild) {
  XSI_ASSERTION("BOOK-10");
  actor& parent = process();
  const int id = new_object(parent);
  parent.run("book_keep_id", {.numbers = {id}});
  actor& child = parent.fork();
  const auto inherited = child.run("book_kept_id").numbers.at(0);
  expect_met(parent, id, child, static_cast<int>(inherited));
}

TEST_P(ApueMeeting, APrivateObjectByItsIdThatANewProgramIsGiven) {
  XSI_ASSERTION("BOOK-10");
  actor& parent = process();
  const int id = new_object(parent);
  actor& child = parent.fork();
  child.exec();
  expect_met(parent, id, child, id);
  EXPECT_NE(new_object(child), id);
}

TEST_P(ApueMeeting, AnAgreedKey) {
  XSI_ASSERTION("BOOK-11");
  actor& server = process();
  actor& client = process();
  const key agreed = fresh_key();
  EXPECT_THAT(kind().get(client.xsi(), agreed, creation::find()), FailsWith(ENOENT));
  const int id = kind().get(server.xsi(), agreed, creation::create_only(0600)).value();
  expect_met(server, id, client, kind().get(client.xsi(), agreed, creation::find()).value());
}

TEST_P(ApueMeeting, AnAgreedKeyThatIsTakenIsFreedAndTriedAgain) {
  XSI_ASSERTION("BOOK-11");
  actor& earlier = process();
  actor& server = process();
  actor& client = process();
  const key agreed = fresh_key();
  const int old = kind().get(earlier.xsi(), agreed, creation::create_only(0600)).value();
  leave(earlier, old, 99);
  earlier.exit(0);
  ASSERT_THAT(kind().get(server.xsi(), agreed, creation::create_only(0600)), FailsWith(EEXIST));
  EXPECT_THAT(kind().get(server.xsi(), agreed, creation::find()), SucceedsWith(old));
  ASSERT_THAT(kind().remove(server.xsi(), old), Succeeds());
  const int id = kind().get(server.xsi(), agreed, creation::create_only(0600)).value();
  EXPECT_NE(id, old);
  expect_met(server, id, client, kind().get(client.xsi(), agreed, creation::find()).value());
  EXPECT_THAT(kind().stat(client.xsi(), old), FailsWith(EINVAL));
}

// In: a path, a project id. Out: its key by this library, and by the backend's C function if there is one.
XSI_ROUTINE(book_ftok) {
  const int project = static_cast<int>(context.input.numbers.at(0));
  const auto ours = static_cast<int>(ftok(context.input.bytes, project).value());
  return {.numbers = {ours, context.c != nullptr ? context.c->ftok(context.input.bytes.c_str(), project) : ours}};
}

TEST_P(ApueMeeting, TheKeyOfAnAgreedPath) {
  XSI_ASSERTION("BOOK-12");
  actor& server = process();
  actor& client = process();
  const temporary_file file;
  const std::string spelt_otherwise = "/." + file.path();
  const auto servers = server.run("book_ftok", {.numbers = {'a'}, .bytes = file.path()}).numbers;
  const auto clients = client.run("book_ftok", {.numbers = {'a'}, .bytes = spelt_otherwise}).numbers;
  const auto another = client.run("book_ftok", {.numbers = {'b'}, .bytes = file.path()}).numbers;
  const auto get = [&](actor& who, std::int64_t which, creation how) {
    return kind().get(who.xsi(), static_cast<key>(which), how);
  };
  const int id = get(server, servers.at(0), creation::create_only(0600)).value();
  for (const std::int64_t which : clients) expect_met(server, id, client, get(client, which, creation::find()).value());
  for (const std::int64_t which : another) EXPECT_THAT(get(client, which, creation::find()), FailsWith(ENOENT));
}

template <typename T>
void expect_allowed(const result<T>& outcome, bool allowed, const std::string& what) {
  if (allowed) {
    EXPECT_THAT(outcome, Succeeds()) << what;
  } else {
    EXPECT_THAT(outcome, FailsWith(EACCES)) << what;
  }
}

// Read and write for queues and segments, read and alter for sets.
TEST_P(ApueMeeting, ReadAndWriteForUserGroupAndOthers) {
  XSI_ASSERTION("BOOK-13");
  XSI_NEEDS(need::other_users);
  actor& user = process({.uid = alice, .gid = alice});
  const std::pair<actor*, unsigned> classes[] = {
      {&user, 6U}, {&process({.uid = bob, .gid = alice}), 3U}, {&process({.uid = carol, .gid = carol}), 0U}};
  for (const unsigned granted_to : {6U, 3U, 0U}) {
    for (const unsigned granted : {0U, 4U, 2U, 6U}) {
      const key name = fresh_key();
      const int id = kind().get(user.xsi(), name, creation::create_only(granted << granted_to)).value();
      for (const auto& [who, shift] : classes) {
        const std::string what = testing::PrintToString(granted << granted_to) + " for " + std::to_string(shift);
        const bool reads = shift == granted_to && (granted & 4U) != 0;
        const bool writes = shift == granted_to && (granted & 2U) != 0;
        const bool writes_alone = GetParam() != object_kind::segment;  // attaching for writing asks for both
        expect_allowed(kind().get(who->xsi(), name, creation::find(0400)), reads, "asks to read " + what);
        expect_allowed(kind().get(who->xsi(), name, creation::find(0200)), writes, "asks to write " + what);
        expect_allowed(kind().use_writing(who->xsi(), id), writes && (reads || writes_alone), "writes " + what);
        expect_allowed(kind().use_reading(who->xsi(), id), reads, "reads " + what);
        expect_allowed(kind().read(who->xsi(), id), reads, "looks " + what);
      }
    }
  }
}

class ApueQueue : public conformance_test {};

TEST_F(ApueQueue, IsNotConnectionless) {
  XSI_ASSERTION("BOOK-14");
  actor& server = process();
  actor& client = process();
  const key name = fresh_key();
  const auto key_as_id = static_cast<msqid>(name);
  EXPECT_THAT(client.xsi().get_queue(name, creation::find()), FailsWith(ENOENT));
  const msqid created = server.xsi().get_queue(name, creation::create_only(0600)).value();
  EXPECT_THAT(send_text(client.xsi(), key_as_id, 1, "to a key"), FailsWith(EINVAL));
  EXPECT_THAT(receive_text(client.xsi(), key_as_id), FailsWith(EINVAL));
  const msqid opened = client.xsi().get_queue(name, creation::find()).value();
  ASSERT_THAT(send_text(client.xsi(), opened, 1, "to an id"), Succeeds());
  expect_messages_left(server.xsi(), created, {{1, "to an id"}});
}

TEST_F(ApueQueue, IsReliable) {
  XSI_ASSERTION("BOOK-14");
  const key name = fresh_key();
  actor& sender = process();
  const msqid queue = sender.xsi().get_queue(name, creation::create_only(0600)).value();
  send_messages(sender.xsi(), queue, {{1, "one"}, {2, ""}, {1, "three"}});
  sender.exit(0);
  // Nobody has the queue now, which is no reason for it to go.
  actor& receiver = process();
  ASSERT_THAT(receiver.xsi().get_queue(name, creation::find()), SucceedsWith(queue));
  expect_messages_left(receiver.xsi(), queue, {{1, "one"}, {2, ""}, {1, "three"}});
}

// In: a queue, a number. Sends the numbers below it.
XSI_ROUTINE(book_send_numbers) {
  const auto& in = context.input.numbers;
  for (std::int64_t i = 0; i < in[1]; ++i) {
    send_text(context.xsi, static_cast<msqid>(in[0]), 1, std::to_string(i), deadline::never()).value();
  }
  return {};
}
// In: a queue, a number. Out: how many messages were not the number that was due.
XSI_ROUTINE(book_receive_numbers) {
  const auto& in = context.input.numbers;
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < in[1]; ++i) {
    const auto got = receive_text(context.xsi, static_cast<msqid>(in[0]), {.until = deadline::never()}).value();
    if (got.text != std::to_string(i)) ++wrong;
  }
  return {.numbers = {wrong}};
}

TEST_F(ApueQueue, LosesNothingWhenTheSenderIsFaster) {
  XSI_ASSERTION("BOOK-14");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  ASSERT_THAT(limit_queue(sender.xsi(), queue, 50), Succeeds());
  const routine_input input = {.numbers = {static_cast<int>(queue), 3000}};
  auto sending = sender.start_run("book_send_numbers", input);
  ASSERT_TRUE(sending.blocked());
  EXPECT_EQ(receiver.run("book_receive_numbers", input).numbers.at(0), 0);
  static_cast<void>(sending.get());
  expect_messages_left(receiver.xsi(), queue, {});
}

TEST_F(ApueQueue, ControlsTheFlow) {
  XSI_ASSERTION("BOOK-14");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(receiver);
  ASSERT_THAT(limit_queue(receiver.xsi(), queue, 8), Succeeds());
  ASSERT_THAT(send_text(sender.xsi(), queue, 1, "12345"), Succeeds());
  EXPECT_THAT(send_text(sender.xsi(), queue, 1, "6789"), FailsWith(EAGAIN));
  auto sleeping = sender.start(sending(queue, 1, "6789"));
  ASSERT_TRUE(sleeping.blocked());
  EXPECT_EQ(status_of(receiver.xsi(), queue).qnum, 1u);
  EXPECT_THAT(receive_text(receiver.xsi(), queue), SucceedsWith(message{1, "12345"}));
  EXPECT_THAT(sleeping.get(), Succeeds());
  expect_messages_left(receiver.xsi(), queue, {{1, "6789"}});
}

TEST_F(ApueQueue, KeepsRecordsApart) {
  XSI_ASSERTION("BOOK-14");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  send_messages(sender.xsi(), queue, {{1, "abc"}, {1, "de"}, {1, ""}, {1, "fghi"}});
  EXPECT_THAT(receive_text(receiver.xsi(), queue), SucceedsWith(message{1, "abc"}));
  EXPECT_THAT(receive_text(receiver.xsi(), queue, {.room = 1, .when_too_long = truncation::allow}),
              SucceedsWith(message{1, "d"}));
  expect_messages_left(receiver.xsi(), queue, {{1, ""}, {1, "fghi"}});
}

TEST_F(ApueQueue, TakesMessagesByTypeInAnotherOrder) {
  XSI_ASSERTION("BOOK-14");
  actor& sender = process();
  actor& receiver = process();
  const msqid queue = new_queue(sender);
  send_messages(sender.xsi(), queue, {{3, "low"}, {1, "urgent"}, {2, "middle"}, {4, "lowest"}});
  EXPECT_THAT(receive_text(receiver.xsi(), queue, {.selector = msgtyp_selector::type(2)}),
              SucceedsWith(message{2, "middle"}));
  EXPECT_THAT(receive_text(receiver.xsi(), queue, {.selector = msgtyp_selector::lowest_up_to(9)}),
              SucceedsWith(message{1, "urgent"}));
  expect_messages_left(receiver.xsi(), queue, {{3, "low"}, {4, "lowest"}});
}

}  // namespace
}  // namespace xsipc::conformance
