// Input that no object is to blame for: exactly the right errno, and nothing has changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::bytes_of;
using test_support::error_on_id;
using test_support::FailsAs;
using test_support::FailsWith;
using test_support::into;
using test_support::state_of;
using test_support::Succeeds;

constexpr std::size_t far_too_large = std::numeric_limits<std::size_t>::max();

struct frame {
  long type = 1;
  std::array<std::byte, 16> text{};
};

class bad_message_test : public test_support::sysv_test {
 protected:
  bad_message_test() : queue_(new_queue()) {
    queue_.send(3, bytes_of("three"), at_once).value();
    before_ = state_of(queue_);
  }

  void expect_refused(int code, message_view message) {
    for (const deadline until : {at_once, deadline::never()}) {
      EXPECT_THAT(on().send(queue_.id(), message, until), FailsAs(error_on_id(code, xsi_call::msgsnd, id())));
    }
    EXPECT_EQ(state_of(queue_), before_);
  }
  void expect_refused(int code, message_buffer place) {
    for (const deadline until : {at_once, deadline::never()}) {
      EXPECT_THAT(on().receive(queue_.id(), {}, place, truncation::allow, until),
                  FailsAs(error_on_id(code, xsi_call::msgrcv, id())));
    }
    EXPECT_EQ(state_of(queue_), before_);
  }
  [[nodiscard]] int id() const { return static_cast<int>(queue_.id()); }

  message_queue queue_;
  std::string before_;
};

TEST_F(bad_message_test, ATypeBelowOneIsEinval) {
  for (const long type : {0L, -1L, LONG_MIN}) {
    const frame message{type, {}};
    expect_refused(EINVAL, message_view(type, bytes_of("text")));
    expect_refused(EINVAL, message_view(type, {}));
    expect_refused(EINVAL, message_view(type, std::vector<std::byte>(9000)));
    expect_refused(EINVAL, message_view::framed(&message, 4));
  }
}

TEST_F(bad_message_test, ATextAboveMsgmaxIsEinval) {
  const std::vector<std::byte> memory(on().limits()->msgmax + 1 + sizeof(long), std::byte{1});
  const std::size_t too_large = memory.size() - sizeof(long);
  expect_refused(EINVAL, message_view(1, std::span(memory).first(too_large)));
  expect_refused(EINVAL, message_view::framed(memory.data(), too_large));
}

TEST_F(bad_message_test, ASizeThatIsReallyNegativeIsEinval) {
  frame memory;
  for (const std::size_t size : {far_too_large, far_too_large / 2 + 1}) {
    expect_refused(EINVAL, message_view(1, {memory.text.data(), size}));
    expect_refused(EINVAL, message_view(1, {static_cast<const std::byte*>(nullptr), size}));
    expect_refused(EINVAL, message_view::framed(&memory, size));
    expect_refused(EINVAL, message_buffer(std::span(memory.text.data(), size)));
    expect_refused(EINVAL, message_buffer(std::span(static_cast<std::byte*>(nullptr), size)));
    expect_refused(EINVAL, message_buffer::framed(&memory, size));
  }
}

TEST_F(bad_message_test, ATextThatIsNotThereIsEfaultAndNothingIsSent) {
  for (const std::size_t size : {1U, 64U, 8192U}) {
    expect_refused(EFAULT, message_view(1, {static_cast<const std::byte*>(nullptr), size}));
  }
}

TEST_F(bad_message_test, ATextThatIsNotThereIsEinvalIfItIsTooLargeAnyway) {
  const std::size_t too_large = on().limits()->msgmax + 1;
  expect_refused(EINVAL, message_view(1, {static_cast<const std::byte*>(nullptr), too_large}));
  expect_refused(EINVAL, message_view(0, {static_cast<const std::byte*>(nullptr), 1}));
}

TEST_F(bad_message_test, ATextThatIsNotThereInAMissingQueueIsWhatTheKernelSays) {
  const message_view message(1, {static_cast<const std::byte*>(nullptr), 1});
  EXPECT_THAT(on().send(static_cast<msqid>(-1), message, at_once), FailsAs(error_on_id(EINVAL, xsi_call::msgsnd, -1)));
  EXPECT_THAT(on().send(static_cast<msqid>(INT_MAX), message, at_once),
              FailsAs(error_on_id(EFAULT, xsi_call::msgsnd, INT_MAX)));
}

TEST_F(bad_message_test, AFrameThatIsNotThereIsEfaultAndNothingIsSent) {
  expect_refused(EFAULT, message_view::framed(nullptr, 4));
  expect_refused(EFAULT, message_view::framed(nullptr, 0));
}

TEST_F(bad_message_test, RoomThatIsNotThereIsEfaultAndNothingIsTaken) {
  for (const std::size_t size : {1U, 64U, 8192U, 100'000U}) {
    expect_refused(EFAULT, message_buffer(std::span(static_cast<std::byte*>(nullptr), size)));
  }
  const auto still_there = queue_.receive_value<std::array<char, 5>>({}, at_once);
  EXPECT_EQ(still_there->type, 3);
}

TEST_F(bad_message_test, RoomThatIsNotThereForAMissingQueueIsEinval) {
  const message_buffer nowhere(std::span(static_cast<std::byte*>(nullptr), 4));
  for (const int missing : {-1, INT_MAX}) {
    EXPECT_THAT(on().receive(static_cast<msqid>(missing), {}, nowhere, truncation::refuse, at_once),
                FailsAs(error_on_id(EINVAL, xsi_call::msgrcv, missing)));
  }
}

TEST_F(bad_message_test, AnEmptyTextNeedsNoMemory) {
  auto queue = new_queue();
  ASSERT_THAT(on().send(queue.id(), message_view(1, {static_cast<const std::byte*>(nullptr), std::size_t{0}}), at_once),
              Succeeds());
  const auto got = on().receive(queue.id(), {}, std::span<std::byte>(), truncation::refuse, at_once);
  ASSERT_THAT(got, Succeeds());
  EXPECT_EQ(got->type, 1);
  EXPECT_EQ(got->size_bytes, 0U);
}

TEST_F(bad_message_test, NoRoomForATextIsE2bigAndTheMessageStays) {
  EXPECT_THAT(on().receive(queue_.id(), {}, std::span<std::byte>(), truncation::refuse, at_once),
              FailsAs(error_on_id(E2BIG, xsi_call::msgrcv, id())));
  EXPECT_EQ(state_of(queue_), before_);
}

TEST_F(bad_message_test, ASelectorOfTheLowestNumberAdmitsEveryType) {
  std::array<std::byte, 16> text{};
  const auto got = on().receive(queue_.id(), {.msgtyp = LONG_MIN}, into(text), truncation::refuse, at_once);
  ASSERT_THAT(got, Succeeds());
  EXPECT_EQ(got->type, 3);
}

TEST_F(bad_message_test, ACopyThatMayWaitOrExcludesIsEinval) {
  std::array<std::byte, 16> text{};
  const auto einval = error_on_id(EINVAL, xsi_call::msgrcv, id());
  EXPECT_THAT(on().receive(queue_.id(), msgtyp_selector::copy_of(0), into(text), truncation::refuse, deadline::never()),
              FailsAs(einval));
  EXPECT_THAT(
      on().receive(queue_.id(), {.msgtyp = 0, .except = true, .copy = true}, into(text), truncation::refuse, at_once),
      FailsAs(einval));
  EXPECT_EQ(state_of(queue_), before_);
}

class bad_semaphore_test : public test_support::sysv_test {
 protected:
  bad_semaphore_test() : set_(new_set(2)), before_(state_of(set_)) {}

  void expect_refused(int code, std::span<const sem_operation> operations) {
    for (const deadline until : {at_once, deadline::never(), deadline::after(std::chrono::hours(1))}) {
      EXPECT_THAT(on().operate(set_.id(), operations, until), FailsAs(error_on_id(code, xsi_call::semop, id())));
    }
    EXPECT_EQ(state_of(set_), before_);
  }
  [[nodiscard]] int id() const { return static_cast<int>(set_.id()); }

  semaphore_set set_;
  std::string before_;
};

TEST_F(bad_semaphore_test, NoOperationIsEinval) {
  expect_refused(EINVAL, {});
  const sem_operation one{0, 1, sem_flags::none};
  expect_refused(EINVAL, std::span(&one, 0));
}

TEST_F(bad_semaphore_test, MoreOperationsThanSemopmAreE2big) {
  const std::vector<sem_operation> operations(on().limits()->semopm + 1, sem_operation{0, 1, sem_flags::none});
  expect_refused(E2BIG, operations);
}

TEST_F(bad_semaphore_test, TheNumberOfOperationsIsLookedAtBeforeTheSet) {
  const std::vector<sem_operation> operations(on().limits()->semopm + 1, sem_operation{0, 1, sem_flags::none});
  const auto missing = static_cast<semid>(INT_MAX);
  EXPECT_THAT(on().operate(missing, operations, at_once), FailsWith(E2BIG));
  EXPECT_THAT(on().operate(missing, {}, at_once), FailsWith(EINVAL));
}

TEST_F(bad_semaphore_test, OperationsThatAreNotThereAreEfault) {
  expect_refused(EFAULT, {static_cast<const sem_operation*>(nullptr), 2});
}

TEST_F(bad_semaphore_test, ASemnumOutOfRangeIsEfbigForOperateAndNoneIsDone) {
  for (const std::uint16_t semnum : {std::uint16_t{2}, std::uint16_t{65535}}) {
    const std::array<sem_operation, 2> operations{{{0, 1, sem_flags::none}, {semnum, 1, sem_flags::none}}};
    expect_refused(EFBIG, operations);
  }
}

TEST_F(bad_semaphore_test, ASemnumOutOfRangeIsEinvalForQueriesAndSetValue) {
  const auto einval = error_on_id(EINVAL, xsi_call::semctl, id());
  for (const int semnum : {-1, 2, INT_MAX, INT_MIN}) {
    for (const sem_query what : {sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt}) {
      EXPECT_THAT(on().query_semaphore(set_.id(), semnum, what), FailsAs(einval)) << semnum;
    }
    EXPECT_THAT(on().set_value(set_.id(), semnum, 1), FailsAs(einval)) << semnum;
  }
  EXPECT_EQ(state_of(set_), before_);
}

TEST_F(bad_semaphore_test, AValueOutOfRangeIsErange) {
  const auto erange = error_on_id(ERANGE, xsi_call::semctl, id());
  for (const int value : {-1, 32768, INT_MAX, INT_MIN})
    EXPECT_THAT(on().set_value(set_.id(), 0, value), FailsAs(erange));
  EXPECT_THAT(on().set_all(set_.id(), std::array<std::uint16_t, 2>{1, 32768}), FailsAs(erange));
  EXPECT_EQ(state_of(set_), before_);
}

TEST_F(bad_semaphore_test, ValuesThatAreNotThereAreEfault) {
  const auto efault = error_on_id(EFAULT, xsi_call::semctl, id());
  EXPECT_THAT(on().get_all(set_.id(), {static_cast<std::uint16_t*>(nullptr), 2}), FailsAs(efault));
  EXPECT_THAT(on().set_all(set_.id(), {static_cast<const std::uint16_t*>(nullptr), 2}), FailsAs(efault));
  EXPECT_EQ(state_of(set_), before_);
}

class bad_address_test : public test_support::sysv_test {
 protected:
  // An address with room for a page that nothing is mapped at.
  char* free_address(const shared_memory& segment) {
    void* const address = on().attach(segment.id(), {}).value();
    on().detach(address).value();
    return static_cast<char*>(address);
  }
};

TEST_F(bad_address_test, AnUnalignedAddressIsEinvalUnlessRounded) {
  const auto segment = new_segment(100);
  char* const address = free_address(segment);
  const int id = static_cast<int>(segment.id());
  EXPECT_THAT(on().attach(segment.id(), {.address = address + 1}), FailsAs(error_on_id(EINVAL, xsi_call::shmat, id)));
  EXPECT_EQ(segment.stat()->nattch, 0U);
  EXPECT_THAT(on().attach(segment.id(), {.address = address + 1, .round = true}), test_support::Holds(address));
  EXPECT_THAT(on().detach(address), Succeeds());
}

TEST_F(bad_address_test, ATakenAddressIsEinvalUnlessRemapped) {
  const auto segment = new_segment(100);
  const auto first = segment.attach().value();
  EXPECT_THAT(on().attach(segment.id(), {.address = first.data()}), FailsWith(EINVAL));
  EXPECT_EQ(segment.stat()->nattch, 1U);
  EXPECT_THAT(on().attach(segment.id(), {.address = first.data(), .remap = true}), test_support::Holds(first.data()));
  EXPECT_EQ(segment.stat()->nattch, 1U);
}

TEST_F(bad_address_test, RemappingNowhereIsEinval) {
  const auto segment = new_segment(100);
  EXPECT_THAT(on().attach(segment.id(), {.remap = true}), FailsWith(EINVAL));
  EXPECT_EQ(segment.stat()->nattch, 0U);
}

TEST_F(bad_address_test, DetachingWhereNothingIsAttachedIsEinval) {
  const auto segment = new_segment(100);
  const auto attached = segment.attach().value();
  long on_stack = 0;
  for (const void* const address : std::array<const void*, 4>{nullptr, &on_stack, free_address(segment),
                                                              static_cast<const char*>(attached.data()) + 1}) {
    const ipc_error einval{.code = EINVAL,
                           .call = xsi_call::shmdt,
                           .subject_is = subject_kind::address,
                           .subject = reinterpret_cast<std::intptr_t>(address)};
    EXPECT_THAT(on().detach(address), FailsAs(einval));
  }
  EXPECT_EQ(segment.stat()->nattch, 1U);
}

TEST_F(bad_address_test, ASegmentOfNoBytesOrTooManyIsEinval) {
  for (const std::size_t size : {std::size_t{0}, far_too_large}) {
    EXPECT_THAT(on().get_segment(key::ipc_private, size, creation::create_only(0600), {}),
                FailsAs(test_support::error_on_key(EINVAL, xsi_call::shmget, 0)));
  }
}

}  // namespace
}  // namespace xsipc
