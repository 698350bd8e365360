#include "xsipc/conformance/suites.hpp"

#include <linux/capability.h>
#include <signal.h>

#include <chrono>
#include <ctime>
#include <span>
#include <stdexcept>
#include <thread>

#include "running_suite.hpp"

namespace xsipc::conformance {

void PrintTo(const message& what, std::ostream* out) { *out << "type " << what.type << " \"" << what.text << '"'; }

result<void> send_text(spi::backend& xsi, msqid id, long type, std::string_view text, deadline until) {
  return xsi.send(id, message_view(type, std::as_bytes(std::span(text))), until);
}

result<message> receive_text(spi::backend& xsi, msqid id, const receive_options& how) {
  std::string text(how.room, '\0');
  const auto got = xsi.receive(id, how.selector, std::as_writable_bytes(std::span(text)), how.when_too_long, how.until);
  if (!got) return got.error();
  text.resize(got->size_bytes);
  return message{got->type, std::move(text)};
}

void send_messages(spi::backend& xsi, msqid id, const std::vector<message>& messages) {
  for (const message& each : messages) send_text(xsi, id, each.type, each.text).value();
}

void expect_messages_left(spi::backend& xsi, msqid id, const std::vector<message>& messages) {
  EXPECT_EQ(status_of(xsi, id).qnum, messages.size());
  for (const message& each : messages) {
    EXPECT_THAT(receive_text(xsi, id, {.room = each.text.size()}), SucceedsWith(each));
  }
  EXPECT_THAT(receive_text(xsi, id), FailsWith(ENOMSG));
}

ipc_time now() {
  const harness* const on = running_harness_or_null();
  return on != nullptr ? on->now() : harness::system_now();
}

void wait_out_this_second() { running_harness().wait_out_this_second(); }

queue_status status_of(spi::backend& xsi, msqid id) {
  const auto status = xsi.stat_queue(static_cast<int>(id), lookup::id);
  if (!status) {
    ADD_FAILURE() << status.error().message();
    return {};
  }
  return *status;
}

result<void> limit_queue(spi::backend& xsi, msqid id, std::uint64_t qbytes) {
  const auto status = xsi.stat_queue(static_cast<int>(id), lookup::id);
  if (!status) return status.error();
  return xsi.change_queue(id, {changeable(status->perm), qbytes});
}

segment_status status_of(spi::backend& xsi, shmid id) {
  const auto status = xsi.stat_segment(static_cast<int>(id), lookup::id);
  if (!status) {
    ADD_FAILURE() << status.error().message();
    return {};
  }
  return *status;
}

bool reading_kills(actor& who, const void* address) {
  actor& child = who.fork();
  return !child.peek(address, 1) && who.wait_for(child).signal == SIGSEGV;
}

bool writing_kills(actor& who, void* address) {
  actor& child = who.fork();
  return !child.poke(address, "x") && who.wait_for(child).signal == SIGSEGV;
}

conformance_test::conformance_test() : harness_(running_harness()), session_(harness_.begin_test()) {}
conformance_test::~conformance_test() = default;

std::string conformance_test::missing(need what) const {
  return harness_.offers(what) ? std::string() : "needs " + std::string(need_name(what));
}

std::string conformance_test::missing(capability what) const {
  return harness_.capabilities().has(what) ? std::string() : "needs " + std::string(capability_name(what));
}

identity conformance_test::unprivileged() const {
  if (harness_.offers(need::other_users)) return {.uid = alice, .gid = alice};
  identity runner;
  if (harness_.offers(need::cap_ipc_owner)) runner.without_capabilities.push_back(CAP_IPC_OWNER);
  if (harness_.offers(need::cap_sys_admin)) runner.without_capabilities.push_back(CAP_SYS_ADMIN);
  return runner;
}

namespace {

template <typename Id>
Id must_have(const result<Id>& id) {
  if (!id) throw std::runtime_error("nothing to test with: " + id.error().message());
  return *id;
}

}  // namespace

msqid conformance_test::new_queue(actor_thread& owner, ipc_mode mode) {
  return must_have(owner.xsi().get_queue(key::ipc_private, creation::create_only(mode)));
}

semid conformance_test::new_set(actor_thread& owner, int nsems, ipc_mode mode) {
  return must_have(owner.xsi().get_set(key::ipc_private, nsems, creation::create_only(mode)));
}

shmid conformance_test::new_segment(actor_thread& owner, std::size_t size, ipc_mode mode) {
  return must_have(owner.xsi().get_segment(key::ipc_private, size, creation::create_only(mode), {}));
}

char* conformance_test::attach(actor_thread& who, shmid id, const attach_options& how) {
  return static_cast<char*>(must_have(who.xsi().attach(id, how)));
}

}  // namespace xsipc::conformance
