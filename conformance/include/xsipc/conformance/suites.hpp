// What every suite stands on: the fixture, the macros that tie a test to its rules, and what suites share.
//
// For authors of suites. A test begins with XSI_ASSERTION and the ids it proves; then, where it is so, with XSI_NEEDS
// and what it can't do without:
//
//   TEST_F(MsgRcv, WithoutAMatchIsEnomsg) {
//     XSI_ASSERTION("MSGRCV-14");
//     ...
#ifndef XSIPC_CONFORMANCE_SUITES_HPP
#define XSIPC_CONFORMANCE_SUITES_HPP

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/shm.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xsipc/conformance/harness.hpp"
#include "xsipc/conformance/matchers.hpp"

// Stands once in each suite's file, in namespace xsipc::conformance; NAME is the file's, without _suite.cpp. It keeps
// the suite in programs that link the suites as a library.
#define XSI_SUITE(name)     \
  void link_suite_##name(); \
  void link_suite_##name() {}

// The rules that the test proves: one to three ids of the catalogue. Read by the script that links ids and tests;
// at run time it does nothing.
#define XSI_ASSERTION(...)                                                       \
  do {                                                                           \
    [[maybe_unused]] static constexpr std::string_view proves[] = {__VA_ARGS__}; \
  } while (false)

// Skips the test unless the harness offers `what`: a need or a capability.
#define XSI_NEEDS(what)                                                                             \
  do {                                                                                              \
    if (const std::string missing = this->missing(what); !missing.empty()) GTEST_SKIP() << missing; \
  } while (false)

namespace xsipc::conformance {

// Users that tests act as; nobody logs in with them. `nobody` is Linux's overflow id.
inline constexpr ipc_user alice = 61001;
inline constexpr ipc_user bob = 61002;
inline constexpr ipc_user carol = 61003;
inline constexpr ipc_user nobody = 65534;

// What an attach address is a multiple of.
inline const auto shmlba = static_cast<std::size_t>(SHMLBA);

// A message by value.
struct message {
  long type = 0;
  std::string text;

  friend bool operator==(const message&, const message&) = default;
};
void PrintTo(const message& what, std::ostream* out);

// Sends `text`, by default without waiting.
result<void> send_text(spi::backend& xsi, msqid id, long type, std::string_view text,
                       deadline until = deadline::immediate());

// How to receive; what is not said is the simplest.
struct receive_options {
  msgtyp_selector selector = msgtyp_selector::any();
  std::size_t room = 256;
  truncation when_too_long = truncation::refuse;
  deadline until = deadline::immediate();
};
result<message> receive_text(spi::backend& xsi, msqid id, const receive_options& how = {});

// Sends all of them, in their order and without waiting; throws if one can't be sent.
void send_messages(spi::backend& xsi, msqid id, const std::vector<message>& messages);
// Takes all messages that are left, and checks that they are these in this order.
void expect_messages_left(spi::backend& xsi, msqid id, const std::vector<message>& messages);

// The same as calls for actor_thread::start, blocking.
inline auto sending(msqid id, long type, std::string text) {
  return [=](spi::backend& xsi) { return send_text(xsi, id, type, text, deadline::never()); };
}
inline auto receiving(msqid id, receive_options how = {}) {
  how.until = deadline::never();
  return [=](spi::backend& xsi) { return receive_text(xsi, id, how); };
}
inline auto operating(semid id, std::vector<sem_operation> operations) {
  return [=](spi::backend& xsi) { return xsi.operate(id, operations, deadline::never()); };
}

// Returns the clock of the objects' times, in whole seconds. In routines too.
[[nodiscard]] ipc_time now();

// Returns as soon as now() has moved on: for rules that tell one time of an object from another. Once a file at most.
void wait_out_this_second();

// The status of a queue; fails the test and returns an empty one if there is none.
[[nodiscard]] queue_status status_of(spi::backend& xsi, msqid id);
// The status of a segment, likewise.
[[nodiscard]] segment_status status_of(spi::backend& xsi, shmid id);

// An address as a number for a routine.
[[nodiscard]] inline std::int64_t address_number(const void* address) {
  return reinterpret_cast<std::int64_t>(address);
}

// Whether `who`, forked, dies by SIGSEGV when it reads or writes there. `who` itself does neither.
[[nodiscard]] bool reading_kills(actor& who, const void* address);
[[nodiscard]] bool writing_kills(actor& who, void* address);

// Gives a queue another msg_qbytes and nothing else; fails as its status or its change does.
result<void> limit_queue(spi::backend& xsi, msqid id, std::uint64_t qbytes);

class conformance_test : public testing::Test {
 protected:
  conformance_test();
  ~conformance_test() override;

  // Begins a process; it lives until the test ends.
  actor& process(const identity& who = {}) { return session_->process(who); }
  actor& process_elsewhere() { return session_->process_elsewhere(); }
  key fresh_key() { return session_->fresh_key(); }
  // Returns somebody without privileges over objects: alice, or who runs the suite where there are no other users.
  [[nodiscard]] identity unprivileged() const;
  [[nodiscard]] const harness& the_harness() const { return harness_; }

  // Empty if the harness offers it, else why the test is to be skipped, "needs NAME".
  [[nodiscard]] std::string missing(need what) const;
  [[nodiscard]] std::string missing(capability what) const;

  // Creates a queue, set or segment of a new private key in `owner`; fails the test and throws if that fails.
  static msqid new_queue(actor_thread& owner, ipc_mode mode = 0600);
  static semid new_set(actor_thread& owner, int nsems = 1, ipc_mode mode = 0600);
  static shmid new_segment(actor_thread& owner, std::size_t size = 4096, ipc_mode mode = 0600);
  // Attaches a segment and returns where; likewise.
  static char* attach(actor_thread& who, shmid id, const attach_options& how = {});
  // How often a segment is attached, as its status says; fails the test if there is none.
  [[nodiscard]] static std::uint64_t nattch(actor_thread& reader, shmid id) {
    return status_of(reader.xsi(), id).nattch;
  }

 private:
  harness& harness_;
  std::unique_ptr<session> session_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_SUITES_HPP
