#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "interceptor.hpp"
#include "support/sysv_fixture.hpp"
#include "xsipc/decorators/checked_backend.hpp"
#include "xsipc/decorators/fault_backend.hpp"
#include "xsipc/decorators/tracing_backend.hpp"
#include "xsipc/message_queue.hpp"
#include "xsipc/semaphore_set.hpp"

namespace xsipc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

// The kernel without any extension, which counts what reaches it.
class plain final : public detail::interceptor<plain> {
 public:
  explicit plain(int& reached) : interceptor(make_sysv_backend()), reached_(reached) {}
  [[nodiscard]] capability_set capabilities() const override { return {}; }

  template <auto Member, typename... Arguments>
  auto pass(xsi_call, const Arguments&... arguments)
      -> decltype((std::declval<spi::backend&>().*Member)(arguments...)) {
    ++reached_;
    return (inner().*Member)(arguments...);
  }

 private:
  int& reached_;
};

int code_of(const auto& outcome) { return outcome ? 0 : outcome.error().code; }

TEST(CheckedBackend, RefusesExtensionsThatAreLackingBeforeTheBackendIsAsked) {
  int reached = 0;
  const auto xsi = make_checked_backend(std::make_unique<plain>(reached));
  const auto soon = deadline::after(std::chrono::seconds(1));
  std::byte room[4];
  const sem_operation operation;
  EXPECT_EQ(code_of(xsi->send(msqid{1}, {1, {}}, soon)), ENOSYS);
  EXPECT_EQ(code_of(xsi->receive(msqid{1}, {}, room, truncation::refuse, soon)), ENOSYS);
  EXPECT_EQ(code_of(xsi->operate(semid{1}, {&operation, 1}, soon)), ENOSYS);
  EXPECT_EQ(code_of(xsi->stat_queue(0, lookup::index)), ENOSYS);
  EXPECT_EQ(code_of(xsi->stat_set(0, lookup::index_any)), ENOSYS);
  EXPECT_EQ(code_of(xsi->stat_segment(0, lookup::index)), ENOSYS);
  EXPECT_EQ(code_of(xsi->lock_segment(shmid{1}, true)), ENOSYS);
  EXPECT_EQ(code_of(xsi->change_limits({})), ENOSYS);
  EXPECT_EQ(code_of(xsi->readiness(object_kind::queue, 1)), ENOSYS);
  const auto now = deadline::immediate();
  EXPECT_EQ(code_of(xsi->receive(msqid{1}, msgtyp_selector::all_but(2), room, truncation::refuse, now)), EINVAL);
  EXPECT_EQ(code_of(xsi->receive(msqid{1}, msgtyp_selector::copy_of(0), room, truncation::refuse, now)), EINVAL);
  EXPECT_EQ(code_of(xsi->attach(shmid{1}, {.remap = true})), EINVAL);
  EXPECT_EQ(code_of(xsi->attach(shmid{1}, {.execute = true})), EINVAL);
  EXPECT_EQ(code_of(xsi->get_segment(key::ipc_private, 1, {}, {.huge_pages = true})), EINVAL);
  EXPECT_EQ(reached, 0);
}

TEST(CheckedBackend, RefusesWhatNoBackendCouldDo) {
  int reached = 0;
  const auto xsi = make_checked_backend(std::make_unique<plain>(reached));
  const sem_operation operation;
  EXPECT_EQ(code_of(xsi->send(msqid{-1}, {1, {}}, deadline::never())), EINVAL);
  EXPECT_EQ(code_of(xsi->send(msqid{1}, {0, {}}, deadline::never())), EINVAL);
  EXPECT_EQ(code_of(xsi->get_set(key{1}, -1, {})), EINVAL);
  EXPECT_EQ(code_of(xsi->operate(semid{1}, {}, deadline::never())), EINVAL);
  EXPECT_EQ(code_of(xsi->set_value(semid{1}, 0, -1)), ERANGE);
  EXPECT_EQ(code_of(xsi->remove_set(semid{-1})), EINVAL);
  EXPECT_EQ(code_of(xsi->attach(shmid{1}, {.address = reinterpret_cast<void*>(0x10001)})), EINVAL);
  EXPECT_EQ(code_of(xsi->detach(nullptr)), EINVAL);
  EXPECT_EQ(code_of(xsi->detach(reinterpret_cast<void*>(0x10001))), EINVAL);
  EXPECT_EQ(reached, 0);
  EXPECT_EQ(code_of(xsi->operate(semid{-1}, {&operation, 1}, deadline::never())), EINVAL);
  EXPECT_EQ(reached, 1);  // asked for its limit, which decides between E2BIG and EINVAL
}

TEST(CheckedBackend, NamesCallAndSubjectOfWhatItRefuses) {
  int reached = 0;
  const auto xsi = make_checked_backend(std::make_unique<plain>(reached));
  EXPECT_EQ(xsi->remove_set(semid{-7}).error(),
            (ipc_error{.code = EINVAL, .call = xsi_call::semctl, .subject_is = subject_kind::id, .subject = -7}));
  EXPECT_EQ(xsi->get_set(key{9}, -1, {}).error(),
            (ipc_error{.code = EINVAL, .call = xsi_call::semget, .subject_is = subject_kind::key, .subject = 9}));
}

TEST(CheckedBackend, LetsEverythingElsePass) {
  int reached = 0;
  const auto xsi = make_checked_backend(std::make_unique<plain>(reached));
  const auto queue = message_queue::get(key::ipc_private, creation::create_only(0600), *xsi).value();
  message_queue copy = queue;
  EXPECT_EQ(code_of(copy.send(1, {}, deadline::immediate())), 0);
  EXPECT_EQ(code_of(copy.remove()), 0);
  EXPECT_EQ(reached, 3);
}

TEST(FaultBackend, FailsTheNthCallOnce) {
  const auto xsi = make_fault_backend(make_sysv_backend());
  xsi->fail({.nth = 2, .code = ENOSPC});
  EXPECT_EQ(code_of(xsi->limits()), 0);
  EXPECT_EQ(xsi->struck(), 0U);
  EXPECT_EQ(xsi->limits().error(), (ipc_error{.code = ENOSPC, .call = xsi_call::limits}));
  EXPECT_EQ(code_of(xsi->limits()), 0);
  EXPECT_EQ(xsi->struck(), 1U);
}

TEST(FaultBackend, FailsAllFromTheNthOnUntilItHeals) {
  const auto xsi = make_fault_backend(make_sysv_backend());
  xsi->fail({.nth = 2, .code = EINTR, .persistent = true});
  EXPECT_EQ(code_of(xsi->limits()), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code_of(xsi->limits()), EINTR);
  EXPECT_EQ(xsi->struck(), 3U);
  xsi->heal();
  EXPECT_EQ(code_of(xsi->limits()), 0);
}

TEST(FaultBackend, CountsOnlyTheCallsItIsToldOf) {
  const auto xsi = make_fault_backend(make_sysv_backend());
  xsi->fail({.nth = 1, .code = EIDRM, .only = xsi_call::semop});
  EXPECT_EQ(code_of(xsi->limits()), 0);
  EXPECT_EQ(xsi->operate(semid{3}, {}, deadline::never()).error(),
            (ipc_error{.code = EIDRM, .call = xsi_call::semop, .subject_is = subject_kind::id, .subject = 3}));
}

class TracingBackend : public testing::Test {
 protected:
  // The lines of the calls that `work` makes, without the time they took.
  template <typename Work>
  std::vector<std::string> lines_of(Work work) {
    std::vector<std::string> lines;
    const auto xsi = make_tracing_backend(
        make_sysv_backend(), [&](std::string_view line) { lines.emplace_back(line.substr(0, line.rfind(" <"))); });
    work(*xsi);
    return lines;
  }
};

TEST_F(TracingBackend, TellsOfMessages) {
  std::string id;
  const auto lines = lines_of([&](spi::backend& xsi) {
    const msqid queue = xsi.get_queue(key::ipc_private, creation::create_only(0600)).value();
    id = std::to_string(static_cast<int>(queue));
    const std::string text = "hi\n";
    std::byte room[8];
    EXPECT_EQ(code_of(xsi.send(queue, {7, std::as_bytes(std::span(text))}, deadline::immediate())), 0);
    EXPECT_EQ(code_of(xsi.receive(queue, {}, room, truncation::refuse, deadline::never())), 0);
    EXPECT_EQ(code_of(xsi.receive(queue, msgtyp_selector::type(3), room, truncation::allow, deadline::immediate())),
              ENOMSG);
    EXPECT_EQ(code_of(xsi.remove_queue(queue)), 0);
  });
  EXPECT_THAT(lines, ElementsAre("msgget(IPC_PRIVATE, IPC_CREAT|IPC_EXCL|0600) = " + id,
                                 "msgsnd(" + id + ", type 7 \"hi\\x0a\", 3 bytes, IPC_NOWAIT) = 0",
                                 "msgrcv(" + id + ", any, 8 bytes, refuse, never) = type 7 \"hi\\x0a\", 3 bytes",
                                 "msgrcv(" + id + ", 3, 8 bytes, MSG_NOERROR, IPC_NOWAIT) = ENOMSG",
                                 "msgctl(" + id + ", IPC_RMID) = 0"));
}

TEST_F(TracingBackend, TellsOfSemaphoresAndSegments) {
  const auto lines = lines_of([&](spi::backend& xsi) {
    const sem_operation operations[] = {{0, -1, sem_flags::undo}, {1, 2, sem_flags::no_wait}};
    EXPECT_EQ(code_of(xsi.operate(semid{-1}, operations, deadline::never())), EINVAL);
    EXPECT_EQ(code_of(xsi.attach(shmid{-1}, {.read_only = true})), EINVAL);
    EXPECT_EQ(code_of(xsi.detach(nullptr)), EINVAL);
    EXPECT_EQ(code_of(xsi.query_semaphore(semid{-1}, 4, sem_query::ncnt)), EINVAL);
  });
  EXPECT_THAT(lines, ElementsAre("semop(-1, [0: -1 SEM_UNDO, 1: +2 IPC_NOWAIT], never) = EINVAL",
                                 "shmat(-1, NULL SHM_RDONLY) = EINVAL", "shmdt(NULL) = EINVAL",
                                 "semctl(-1, 4, GETNCNT) = EINVAL"));
}

TEST_F(TracingBackend, TellsHowLongACallTook) {
  std::string whole;
  const auto xsi = make_tracing_backend(make_sysv_backend(), [&](std::string_view line) { whole = line; });
  EXPECT_EQ(code_of(xsi->limits()), 0);
  EXPECT_THAT(whole, MatchesRegex("limits\\(\\) = limits <[0-9]+\\.[0-9]+ s>"));
}

}  // namespace
}  // namespace xsipc
