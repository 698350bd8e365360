// semop by one process: what an operation does, what a success and a failure leave behind, and wrong arguments.
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

#include <cstring>

#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semop)

namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

class SemOp : public conformance_test {};

TEST_F(SemOp, APositiveOperationAddsAndNeverWaits) {
  XSI_ASSERTION("SEMOP-01");
  actor& client = process();
  const semid set = new_set(client, 3);
  const int most = largest_value(client.xsi());
  ASSERT_THAT(operate(client.xsi(), set, {add(1, 5)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 5, 0));
  ASSERT_THAT(operate(client.xsi(), set, {add(1, 1, no_wait)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 6, 0));
  ASSERT_THAT(operate(client.xsi(), set, {add(2, most)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 6, most));
}

TEST_F(SemOp, ANegativeOperationSubtractsDownToZero) {
  XSI_ASSERTION("SEMOP-02");
  actor& client = process();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 5), add(1, 5)}), Succeeds());
  ASSERT_THAT(operate(client.xsi(), set, {take(0, 2)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(3, 5));
  ASSERT_THAT(operate(client.xsi(), set, {take(0, 3)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 5));
}

TEST_F(SemOp, MoreThanThereIsWithoutWaitingIsEagain) {
  XSI_ASSERTION("SEMOP-03");
  actor& client = process();
  const semid set = new_set(client);
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 1, no_wait)}), FailsWith(EAGAIN));
  ASSERT_THAT(operate(client.xsi(), set, {add(0, 2)}), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 3, no_wait)}), FailsWith(EAGAIN));
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 3)}, deadline::immediate()), FailsWith(EAGAIN));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(2));
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(0));
  EXPECT_THAT(operate(client.xsi(), set, {take(0, 2, no_wait)}), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
}

TEST_F(SemOp, AZeroOperationReturnsAtZeroAndIsEagainElsewhere) {
  XSI_ASSERTION("SEMOP-04");
  actor& client = process();
  const semid set = new_set(client, 2);
  ASSERT_THAT(operate(client.xsi(), set, {add(1)}), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {zero(0)}), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {zero(0, no_wait)}), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {zero(1, no_wait)}), FailsWith(EAGAIN));
  EXPECT_THAT(operate(client.xsi(), set, {zero(1)}, deadline::immediate()), FailsWith(EAGAIN));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, 1));
  EXPECT_THAT(zcnts_of(client.xsi(), set), Each(0));
}

TEST_F(SemOp, ASemnumOutOfRangeIsEfbigBeforeAnythingIsTried) {
  XSI_ASSERTION("SEMOP-17");
  actor& client = process();
  const semid set = new_set(client, 2);
  const int most = largest_value(client.xsi());
  ASSERT_THAT(client.xsi().set_value(set, 1, most), Succeeds());
  for (const int beyond : {2, 3, 65535}) {
    EXPECT_THAT(operate(client.xsi(), set, {add(beyond)}), FailsWith(EFBIG));
    EXPECT_THAT(operate(client.xsi(), set, {zero(beyond)}), FailsWith(EFBIG));
    EXPECT_THAT(operate(client.xsi(), set, {add(0), add(beyond)}), FailsWith(EFBIG));
    EXPECT_THAT(operate(client.xsi(), set, {take(0), add(beyond)}), FailsWith(EFBIG)) << "would wait";
    EXPECT_THAT(operate(client.xsi(), set, {take(0, 1, no_wait), add(beyond)}), FailsWith(EFBIG)) << "would be EAGAIN";
    EXPECT_THAT(operate(client.xsi(), set, {add(1), add(beyond)}), FailsWith(EFBIG)) << "would be ERANGE";
  }
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0, most));
}

TEST_F(SemOp, AsManyAsSemopmArePerformedAndOneMoreIsE2big) {
  XSI_ASSERTION("SEMOP-18");
  actor& client = process();
  const semid set = new_set(client, 2);
  const auto most = static_cast<std::size_t>(client.xsi().limits().value().semopm);
  std::vector<sem_operation> operations(most, add(0));
  operations.back() = add(1);
  EXPECT_THAT(operate(client.xsi(), set, operations), Succeeds());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(static_cast<int>(most) - 1, 1));
  operations.push_back(add(1));
  EXPECT_THAT(operate(client.xsi(), set, operations), FailsWith(E2BIG));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(static_cast<int>(most) - 1, 1));
}

TEST_F(SemOp, NoOperationIsEinval) {
  XSI_ASSERTION("SEMOP-19");
  actor& client = process();
  const semid set = new_set(client);
  EXPECT_THAT(operate(client.xsi(), set, {}), FailsWith(EINVAL));
  EXPECT_THAT(operate(client.xsi(), set, {}, deadline::immediate()), FailsWith(EINVAL));
  EXPECT_EQ(status_of(client.xsi(), set).otime, 0);
}

TEST_F(SemOp, BeyondSemvmxIsErangeAndLeavesTheValue) {
  XSI_ASSERTION("SEMOP-20");
  actor& client = process();
  const semid set = new_set(client);
  const int most = largest_value(client.xsi());
  ASSERT_THAT(client.xsi().set_value(set, 0, most - 7), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {add(0, 8)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(client.xsi(), set, {add(0, most)}), FailsWith(ERANGE));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(most - 7));
  EXPECT_THAT(operate(client.xsi(), set, {add(0, 7)}), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {add(0, 1)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(client.xsi(), set, {add(0, 1, no_wait)}), FailsWith(ERANGE));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(most));
}

TEST_F(SemOp, ErangeUndoesWhatCameBeforeInTheArrayAndItsAdjustment) {
  XSI_ASSERTION("SEMOP-21");
  actor& observer = process();
  actor& worker = process();
  const semid set = new_set(observer, 2);
  const int most = largest_value(observer.xsi());
  ASSERT_THAT(observer.xsi().set_value(set, 0, 3), Succeeds());
  ASSERT_THAT(observer.xsi().set_value(set, 1, most), Succeeds());
  ASSERT_THAT(operate(worker.xsi(), set, {add(0, 2, sem_flags::undo)}), Succeeds());
  EXPECT_THAT(operate(worker.xsi(), set, {add(0, 1, sem_flags::undo), add(1)}), FailsWith(ERANGE));
  EXPECT_THAT(operate(worker.xsi(), set, {take(0, 4, sem_flags::undo), add(1, 1, sem_flags::undo)}), FailsWith(ERANGE));
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(5, most));
  worker.exit(0);
  EXPECT_THAT(values_of(observer.xsi(), set), ElementsAre(3, most)) << "only the 2 that were added are to be undone";
}

TEST_F(SemOp, SuccessSetsSempidOfTheSemaphoresInTheArrayAndOfNoOther) {
  XSI_ASSERTION("SEMOP-22");
  actor& first = process();
  actor& second = process();
  const semid set = new_set(first, 5);
  ASSERT_THAT(operate(first.xsi(), set, {add(0), zero(1), add(2), add(3)}), Succeeds());
  EXPECT_THAT(sempids_of(first.xsi(), set), ElementsAre(first.pid(), first.pid(), first.pid(), first.pid(), 0));
  ASSERT_THAT(operate(second.xsi(), set, {zero(1), take(3)}), Succeeds());
  EXPECT_THAT(sempids_of(first.xsi(), set), ElementsAre(first.pid(), second.pid(), first.pid(), second.pid(), 0));
  ASSERT_THAT(operate(second.xsi(), set, {add(4, 1, no_wait)}), Succeeds());
  EXPECT_THAT(sempids_of(first.xsi(), set),
              ElementsAre(first.pid(), second.pid(), first.pid(), second.pid(), second.pid()));
}

// The one test of this file that lets a second pass.
TEST_F(SemOp, SuccessSetsOtimeToTheMomentItIsDoneAndLeavesCtime) {
  XSI_ASSERTION("SEMOP-23");
  actor& client = process();
  actor& waiter = process();
  const std::vector<sem_operation> kinds[] = {{zero(0)}, {add(0)}, {add(0), take(0)}};
  std::vector<semid> sets;
  std::vector<ipc_time> made;
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    sets.push_back(new_set(client));
    made.push_back(status_of(client.xsi(), sets.back()).ctime);
  }
  const semid waited_for = new_set(client);
  auto call = waiter.start(operating(waited_for, {take(0)}));
  ASSERT_TRUE(call.blocked());
  wait_out_this_second();
  const ipc_time before = now();
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    EXPECT_EQ(status_of(client.xsi(), sets[i]).otime, 0);
    ASSERT_THAT(operate(client.xsi(), sets[i], kinds[i]), Succeeds());
    EXPECT_THAT(status_of(client.xsi(), sets[i]).otime, AllOf(Ge(before), Le(now())));
    EXPECT_EQ(status_of(client.xsi(), sets[i]).ctime, made[i]);
  }
  ASSERT_THAT(client.xsi().set_value(waited_for, 0, 1), Succeeds());
  ASSERT_THAT(call.get(), Succeeds());
  EXPECT_THAT(status_of(client.xsi(), waited_for).otime, AllOf(Ge(before), Le(now())));
}

TEST_F(SemOp, AFailureLeavesValuesPidsAndOtime) {
  XSI_ASSERTION("SEMOP-24");
  actor& owner = process();
  actor& client = process();
  const semid set = new_set(owner, 3);
  const int most = largest_value(owner.xsi());
  ASSERT_THAT(owner.xsi().set_value(set, 2, most), Succeeds());
  const auto pids = sempids_of(owner.xsi(), set);
  const set_status made = status_of(owner.xsi(), set);
  ASSERT_EQ(made.otime, 0);
  const auto semopm = static_cast<std::size_t>(owner.xsi().limits().value().semopm);
  const struct {
    std::vector<sem_operation> operations;
    int code;
  } failures[] = {
      {{add(0), take(1, 1, no_wait)}, EAGAIN},
      {{add(0), zero(0, no_wait)}, EAGAIN},
      {{add(0), add(3)}, EFBIG},
      {{add(0), zero(1), add(2)}, ERANGE},
      {{}, EINVAL},
      {std::vector<sem_operation>(semopm + 1, add(0)), E2BIG},
  };
  for (const auto& failure : failures) {
    EXPECT_THAT(operate(client.xsi(), set, failure.operations), FailsWith(failure.code));
    EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(0, 0, most)) << errno_name(failure.code);
    EXPECT_EQ(sempids_of(owner.xsi(), set), pids) << errno_name(failure.code);
    EXPECT_EQ(status_of(owner.xsi(), set).otime, 0) << errno_name(failure.code);
    EXPECT_EQ(status_of(owner.xsi(), set).ctime, made.ctime) << errno_name(failure.code);
  }
}

TEST_F(SemOp, AForbiddenCallLeavesValuesPidsAndOtime) {
  XSI_ASSERTION("SEMOP-24");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  const semid set = new_set(owner, 2, 0604);
  EXPECT_THAT(operate(stranger.xsi(), set, {add(0)}), FailsWith(EACCES));
  EXPECT_THAT(operate(stranger.xsi(), set, {zero(1), add(0)}), FailsWith(EACCES));
  EXPECT_THAT(values_of(owner.xsi(), set), Each(0));
  EXPECT_THAT(sempids_of(owner.xsi(), set), Each(0));
  EXPECT_EQ(status_of(owner.xsi(), set).otime, 0);
  EXPECT_THAT(operate(stranger.xsi(), set, {zero(1)}), Succeeds()) << "reading is permitted";
}

// The errors of semop with arrays that can't be read: none at all, in forbidden memory, and half of it there.
XSI_ROUTINE(semop_of_unreadable_arrays) {
  const int set = static_cast<int>(context.input.numbers[0]);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const pages = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* const forbidden = static_cast<char*>(pages) + page;
  ::mprotect(forbidden, page, PROT_NONE);
  const ::sembuf first{0, 1, 0};
  std::memcpy(forbidden - sizeof(first), &first, sizeof(first));
  const auto error_of = [&](void* array, std::size_t count) -> std::int64_t {
    return context.c->semop(set, static_cast<::sembuf*>(array), count) == 0 ? 0 : errno;
  };
  routine_result errors;
  errors.numbers = {error_of(nullptr, 1), error_of(forbidden, 1), error_of(forbidden - sizeof(first), 2),
                    error_of(forbidden - sizeof(first), 1)};
  ::munmap(pages, 2 * page);
  return errors;
}

TEST_F(SemOp, AnArrayThatCantBeReadIsEfault) {
  XSI_ASSERTION("SEMOP-42");
  XSI_NEEDS(need::c_calls);
  XSI_NEEDS(capability::bad_address);
  actor& client = process();
  const semid set = new_set(client, 2);
  const auto errors = client.run("semop_of_unreadable_arrays", {.numbers = {static_cast<int>(set)}}).numbers;
  EXPECT_THAT(errors, ElementsAre(EFAULT, EFAULT, EFAULT, 0));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(1, 0)) << "only the readable one counts";
}

TEST_F(SemOp, AnArrayThatIsNotThereIsEfaultForCallersOfTheInterfaceToo) {
  XSI_ASSERTION("SEMOP-42");
  XSI_NEEDS(capability::bad_address);
  actor& client = process();
  const semid set = new_set(client);
  for (const std::size_t count : {1U, 2U}) {
    const std::span<const sem_operation> nowhere(static_cast<const sem_operation*>(nullptr), count);
    EXPECT_THAT(client.xsi().operate(set, nowhere, deadline::immediate()), FailsWith(EFAULT)) << count;
  }
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(0));
}

TEST_F(SemOp, ASemnumOutOfRangeComesBeforeMissingPermission) {
  XSI_ASSERTION("SEMOP-43");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  const semid set = new_set(owner, 2);
  EXPECT_THAT(operate(stranger.xsi(), set, {add(2)}), FailsWith(EFBIG));
  EXPECT_THAT(operate(stranger.xsi(), set, {zero(0), zero(2)}), FailsWith(EFBIG));
  EXPECT_THAT(operate(stranger.xsi(), set, {add(1)}), FailsWith(EACCES));
  EXPECT_THAT(operate(stranger.xsi(), set, {zero(1)}), FailsWith(EACCES));
}

TEST_F(SemOp, TooManyOperationsComeBeforeABadId) {
  XSI_ASSERTION("SEMOP-44");
  actor& client = process();
  const auto semopm = static_cast<std::size_t>(client.xsi().limits().value().semopm);
  const semid removed = new_set(client);
  ASSERT_THAT(client.xsi().remove_set(removed), Succeeds());
  for (const semid bad : {removed, semid{-1}}) {
    EXPECT_THAT(operate(client.xsi(), bad, std::vector<sem_operation>(semopm + 1, add(0))), FailsWith(E2BIG));
    EXPECT_THAT(operate(client.xsi(), bad, std::vector<sem_operation>(semopm, add(0))), FailsWith(EINVAL));
    EXPECT_THAT(operate(client.xsi(), bad, {}), FailsWith(EINVAL));
  }
}

// Performs the operations in `bytes`; returns the error and the array as it is afterwards.
XSI_ROUTINE(operate_and_return_array) {
  std::vector<sem_operation> operations(context.input.bytes.size() / sizeof(sem_operation));
  std::memcpy(operations.data(), context.input.bytes.data(), context.input.bytes.size());
  const auto set = static_cast<semid>(context.input.numbers[0]);
  const auto outcome = context.xsi.operate(set, operations, deadline::never());
  return {{outcome ? 0 : outcome.error().code},
          {reinterpret_cast<const char*>(operations.data()), context.input.bytes.size()}};
}

XSI_ROUTINE(semop_and_return_array) {
  std::vector<::sembuf> operations(context.input.bytes.size() / sizeof(::sembuf));
  std::memcpy(operations.data(), context.input.bytes.data(), context.input.bytes.size());
  const int failed = context.c->semop(static_cast<int>(context.input.numbers[0]), operations.data(), operations.size());
  return {{failed == 0 ? 0 : errno}, {reinterpret_cast<const char*>(operations.data()), context.input.bytes.size()}};
}

TEST_F(SemOp, TheArrayIsNotWrittenTo) {
  XSI_ASSERTION("SEMOP-45");
  std::vector<std::string> routines = {"operate_and_return_array"};
  if (the_harness().offers(need::c_calls)) routines.emplace_back("semop_and_return_array");
  actor& client = process();
  actor& waiter = process();
  for (const std::string& routine : routines) {
    const semid set = new_set(client, 2);
    const auto input_of = [&](const std::vector<sem_operation>& operations) {
      return routine_input{
          {static_cast<int>(set)},
          {reinterpret_cast<const char*>(operations.data()), operations.size() * sizeof(sem_operation)}};
    };
    const auto done = input_of({add(1, 2, undo), zero(0), add(1), take(1, 3, undo | no_wait)});
    const auto refused = input_of({add(1, 2, undo), take(0, 1, no_wait), take(0)});
    const auto waiting = input_of({add(1), take(0, 1, undo), add(1)});
    auto call = waiter.start_run(routine, waiting);
    ASSERT_TRUE(call.blocked());
    const routine_result after_success = client.run(routine, done);
    EXPECT_THAT(after_success.numbers, ElementsAre(0));
    EXPECT_EQ(after_success.bytes, done.bytes);
    const routine_result after_failure = client.run(routine, refused);
    EXPECT_THAT(after_failure.numbers, ElementsAre(EAGAIN));
    EXPECT_EQ(after_failure.bytes, refused.bytes);
    ASSERT_THAT(operate(client.xsi(), set, {add(0)}), Succeeds());
    EXPECT_THAT(call.get().numbers, ElementsAre(0));
    EXPECT_EQ(call.get().bytes, waiting.bytes);
  }
}

TEST_F(SemOp, TheSmallestNumberIsADemandThatNoValueMeets) {
  XSI_ASSERTION("SEMOP-46");
  actor& client = process();
  actor& waiter = process();
  const semid set = new_set(client);
  const int most = largest_value(client.xsi());
  ASSERT_THAT(client.xsi().set_value(set, 0, most), Succeeds());
  EXPECT_THAT(operate(client.xsi(), set, {op_of(0, INT16_MIN, no_wait)}), FailsWith(EAGAIN));
  auto call = waiter.start(operating(set, {op_of(0, INT16_MIN)}));
  ASSERT_TRUE(call.blocked());
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(most));
  EXPECT_THAT(ncnts_of(client.xsi(), set), ElementsAre(1));
  ASSERT_THAT(client.xsi().remove_set(set), Succeeds());
  EXPECT_THAT(call.get(), FailsWith(EIDRM));
}

}  // namespace
}  // namespace xsipc::conformance
