// What the backend tells the kernel, word by word, and what it makes of the structures that come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <array>
#include <chrono>
#include <climits>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "backend.hpp"
#include "support/matchers.hpp"
#include "support/recorder.hpp"

namespace xsipc {
namespace {

using test_support::at_once;
using test_support::noted_call;
using test_support::Succeeds;
using test_support::tape;

constexpr deadline never = deadline::never();

// Written out, because the C library's headers and the backend might be wrong together.
constexpr long ipc_creat = 01000, ipc_excl = 02000, ipc_nowait = 04000;
constexpr long msg_noerror = 010000, msg_except = 020000, msg_copy = 040000;
constexpr long shm_rdonly = 010000, shm_rnd = 020000, shm_remap = 040000, shm_exec = 0100000;
constexpr long shm_hugetlb = 04000, shm_noreserve = 010000;
constexpr long rmid = 0, set_perm = 1, stat_id = 2;

class flag_words_test : public ::testing::Test {
 protected:
  flag_words_test() { tape() = {}; }

  static void expect_calls(const std::vector<noted_call>& expected) {
    const auto& calls = tape().calls;
    ASSERT_EQ(calls.size(), expected.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      EXPECT_EQ(calls[i].name, expected[i].name) << i;
      EXPECT_EQ(calls[i].arguments, expected[i].arguments) << i;
    }
    tape().calls.clear();
  }

  sysv::backend on_{test_support::recording_syscalls()};
};

struct creation_word {
  creation how;
  long word;
};
constexpr std::array<creation_word, 8> creations{{
    {creation::find(), 0},
    {creation::find(0444), 0444},
    {creation::open_or_create(0640), ipc_creat | 0640},
    {creation::create_only(0640), ipc_creat | ipc_excl | 0640},
    {{false, true, 0600}, ipc_excl | 0600},
    {creation::create_only(0), ipc_creat | ipc_excl},
    {creation::open_or_create(0777), ipc_creat | 0777},
    {creation::find(0xffffffff), 0777},
}};

TEST_F(flag_words_test, GetQueuePassesKeyModeAndFlags) {
  tape().answer = 65537;
  for (const auto& [how, word] : creations) {
    EXPECT_EQ(on_.get_queue(static_cast<key>(-5), how).value(), static_cast<msqid>(65537));
    expect_calls({{"msgget", {-5, word}}});
  }
}

TEST_F(flag_words_test, GetSetPassesKeySizeModeAndFlags) {
  tape().answer = 0;
  for (const auto& [how, word] : creations) {
    EXPECT_EQ(on_.get_set(static_cast<key>(INT_MIN), 12, how).value(), static_cast<semid>(0));
    expect_calls({{"semget", {INT_MIN, 12, word}}});
  }
}

TEST_F(flag_words_test, GetSegmentPassesKeySizeModeAndFlags) {
  tape().answer = INT_MAX;
  for (const auto& [how, word] : creations) {
    EXPECT_EQ(on_.get_segment(static_cast<key>(7), 5'000'000'000, how, {}).value(), static_cast<shmid>(INT_MAX));
    expect_calls({{"shmget", {7, 5'000'000'000, word}}});
  }
}

TEST_F(flag_words_test, GetSegmentPassesItsOptions) {
  const std::pair<segment_options, long> options[] = {
      {{.no_reserve = true}, shm_noreserve},
      {{.huge_pages = true}, shm_hugetlb},
      {{.huge_pages = true, .huge_page_log2 = 21}, shm_hugetlb | 21L << 26},
      {{.no_reserve = true, .huge_pages = true, .huge_page_log2 = 30}, shm_noreserve | shm_hugetlb | 30L << 26},
  };
  for (const auto& [given, word] : options) {
    ASSERT_THAT(on_.get_segment(key::ipc_private, 1, creation::create_only(0600), given), Succeeds());
    expect_calls({{"shmget", {0, 1, ipc_creat | ipc_excl | 0600 | word}}});
  }
}

TEST_F(flag_words_test, SendPassesTheFrameAndWhetherToWait) {
  struct {
    long type = 9;
    std::array<char, 4> text{'a', 'b', 'c', 'd'};
  } message;
  const void* seen = nullptr;
  tape().on_memory = [&](void* memory) { seen = memory; };
  for (const auto& [until, word] : {std::pair{at_once, ipc_nowait}, std::pair{never, 0L}}) {
    ASSERT_THAT(on_.send(static_cast<msqid>(3), message_view::framed(&message, 4), until), Succeeds());
    expect_calls({{"msgsnd", {3, 4, word}}});
    EXPECT_EQ(seen, &message);
  }
}

TEST_F(flag_words_test, SendPutsTypeAndTextIntoOneFrame) {
  std::array<char, sizeof(long) + 4> seen{};
  tape().on_memory = [&](void* memory) { std::memcpy(seen.data(), memory, seen.size()); };
  for (const auto& [until, word] : {std::pair{at_once, ipc_nowait}, std::pair{never, 0L}}) {
    ASSERT_THAT(on_.send(static_cast<msqid>(3), {9, std::as_bytes(std::span("abcd", 4))}, until), Succeeds());
    expect_calls({{"msgsnd", {3, 4, word}}});
    long type = 0;
    std::memcpy(&type, seen.data(), sizeof type);
    EXPECT_EQ(type, 9);
    EXPECT_EQ(std::string(seen.data() + sizeof(long), 4), "abcd");
  }
}

struct receive_word {
  msgtyp_selector selector;
  truncation when_too_long;
  deadline until;
  long msgtyp;
  long word;
};
constexpr std::array<receive_word, 8> receptions{{
    {msgtyp_selector::any(), truncation::refuse, never, 0, 0},
    {msgtyp_selector::any(), truncation::refuse, at_once, 0, ipc_nowait},
    {msgtyp_selector::any(), truncation::allow, never, 0, msg_noerror},
    {msgtyp_selector::type(LONG_MAX), truncation::allow, at_once, LONG_MAX, msg_noerror | ipc_nowait},
    {msgtyp_selector::lowest_up_to(5), truncation::refuse, never, -5, 0},
    {msgtyp_selector::all_but(5), truncation::refuse, never, 5, msg_except},
    {msgtyp_selector::copy_of(2), truncation::refuse, at_once, 2, msg_copy | ipc_nowait},
    {{1, true, true}, truncation::allow, at_once, 1, msg_copy | msg_except | msg_noerror | ipc_nowait},
}};

TEST_F(flag_words_test, ReceivePassesSelectorAndFlagsInBothLayouts) {
  struct {
    long type = 0;
    std::array<std::byte, 4> text{};
  } room;
  tape().answer = 3;
  tape().on_memory = [](void* memory) {
    const long type = 8;
    std::memcpy(memory, &type, sizeof type);
    std::memcpy(static_cast<char*>(memory) + sizeof type, "xyz", 3);
  };
  for (const auto& [selector, when_too_long, until, msgtyp, word] : receptions) {
    for (const message_buffer into : {message_buffer(room.text), message_buffer::framed(&room, 4)}) {
      room = {};
      const auto got = on_.receive(static_cast<msqid>(3), selector, into, when_too_long, until);
      expect_calls({{"msgrcv", {3, 4, msgtyp, word}}});
      EXPECT_EQ(got->type, 8);
      EXPECT_EQ(got->size_bytes, 3U);
      EXPECT_EQ(std::memcmp(room.text.data(), "xyz", 4), 0);
      EXPECT_EQ(room.type, into.is_framed() ? 8 : 0);
    }
  }
}

TEST_F(flag_words_test, OperateHandsTheOperationsOverAsTheyAre) {
  const std::array<sem_operation, 3> operations{{{1, -2, sem_flags::no_wait},
                                                 {65535, 32767, sem_flags::undo},
                                                 {0, -32768, sem_flags::no_wait | sem_flags::undo}}};
  std::array<sembuf, 3> seen{};
  const void* where = nullptr;
  tape().on_memory = [&](void* memory) {
    where = memory;
    std::memcpy(&seen, memory, sizeof seen);
  };
  ASSERT_THAT(on_.operate(static_cast<semid>(4), operations, never), Succeeds());
  expect_calls({{"semop", {4, 3}}});
  EXPECT_EQ(where, operations.data());
  const auto expect_operation = [&](std::size_t i, int num, int op, int flg) {
    EXPECT_EQ(seen.at(i).sem_num, num);
    EXPECT_EQ(seen.at(i).sem_op, op);
    EXPECT_EQ(seen.at(i).sem_flg, flg);
  };
  expect_operation(0, 1, -2, 04000);
  expect_operation(1, 65535, 32767, 010000);
  expect_operation(2, 0, -32768, 014000);
}

TEST_F(flag_words_test, OperateTurnsADeadlineIntoADuration) {
  using namespace std::chrono_literals;
  const sem_operation one{0, -1, sem_flags::none};
  const std::pair<deadline, timespec> durations[] = {
      {at_once, {0, 0}},
      {deadline::after(1500ms), {1, 500'000'000}},
      {deadline::after(1ns), {0, 1}},
      {deadline::at(std::chrono::steady_clock::now() - 1s), {0, 0}},
      {deadline::after(std::chrono::hours::max()), {9'223'372'036, 854'775'807}},
  };
  for (const auto& [until, expected] : durations) {
    ASSERT_THAT(on_.operate(static_cast<semid>(4), {&one, 1}, until), Succeeds());
    expect_calls({{"semtimedop", {4, 1}}});
    EXPECT_EQ(tape().timeout.tv_sec, expected.tv_sec);
    EXPECT_EQ(tape().timeout.tv_nsec, expected.tv_nsec);
  }
  ASSERT_THAT(on_.operate(static_cast<semid>(4), {&one, 1}, deadline::at(std::chrono::steady_clock::now() + 1h)),
              Succeeds());
  EXPECT_LE(tape().timeout.tv_sec, 3600);
  EXPECT_GE(tape().timeout.tv_sec, 3500);
  EXPECT_LT(tape().timeout.tv_nsec, 1'000'000'000);
}

TEST_F(flag_words_test, QueriesAndValuesUseTheirCommands) {
  tape().answer = 12;
  const auto id = static_cast<semid>(4);
  EXPECT_EQ(on_.query_semaphore(id, 2, sem_query::value).value(), 12);
  EXPECT_EQ(on_.query_semaphore(id, 2, sem_query::pid).value(), 12);
  EXPECT_EQ(on_.query_semaphore(id, 2, sem_query::ncnt).value(), 12);
  EXPECT_EQ(on_.query_semaphore(id, 2, sem_query::zcnt).value(), 12);
  ASSERT_THAT(on_.set_value(id, 2, 33), Succeeds());
  ASSERT_THAT(on_.set_value(id, 2, -1), Succeeds());
  expect_calls({{"semctl", {4, 2, 12, 0}},
                {"semctl", {4, 2, 11, 0}},
                {"semctl", {4, 2, 14, 0}},
                {"semctl", {4, 2, 15, 0}},
                {"semctl", {4, 2, 16, 33}},
                {"semctl", {4, 2, 16, -1}}});
}

TEST_F(flag_words_test, AllValuesAreReadAndWrittenInPlace) {
  std::array<std::uint16_t, 2> values{1, 2};
  std::vector<const void*> seen;
  tape().on_memory = [&](void* memory) { seen.push_back(memory); };
  ASSERT_THAT(on_.get_all(static_cast<semid>(4), values), Succeeds());
  ASSERT_THAT(on_.set_all(static_cast<semid>(4), values), Succeeds());
  expect_calls({{"semctl", {4, 0, 13}}, {"semctl", {4, 0, 17}}});
  EXPECT_EQ(seen, (std::vector<const void*>{values.data(), values.data()}));
}

TEST_F(flag_words_test, AttachPassesAddressAndFlags) {
  void* const there = reinterpret_cast<void*>(0x7f0000001000);
  tape().answer = 0x7f0000002000;
  const std::pair<attach_options, std::array<long, 2>> options[] = {
      {{}, {0, 0}},
      {{.address = there}, {0x7f0000001000, 0}},
      {{.read_only = true}, {0, shm_rdonly}},
      {{.address = there, .round = true}, {0x7f0000001000, shm_rnd}},
      {{.address = there, .remap = true}, {0x7f0000001000, shm_remap}},
      {{.execute = true}, {0, shm_exec}},
      {{there, true, true, true, true}, {0x7f0000001000, shm_rdonly | shm_rnd | shm_remap | shm_exec}},
  };
  for (const auto& [given, expected] : options) {
    EXPECT_EQ(on_.attach(static_cast<shmid>(5), given).value(), reinterpret_cast<void*>(0x7f0000002000));
    expect_calls({{"shmat", {5, expected[0], expected[1]}}});
  }
}

TEST_F(flag_words_test, DetachLockAndRemoveUseTheirCommands) {
  ASSERT_THAT(on_.detach(reinterpret_cast<void*>(0x1000)), Succeeds());
  ASSERT_THAT(on_.lock_segment(static_cast<shmid>(5), true), Succeeds());
  ASSERT_THAT(on_.lock_segment(static_cast<shmid>(5), false), Succeeds());
  ASSERT_THAT(on_.remove_queue(static_cast<msqid>(3)), Succeeds());
  ASSERT_THAT(on_.remove_set(static_cast<semid>(4)), Succeeds());
  ASSERT_THAT(on_.remove_segment(static_cast<shmid>(5)), Succeeds());
  expect_calls({{"shmdt", {0x1000}},
                {"shmctl", {5, 11}},
                {"shmctl", {5, 12}},
                {"msgctl", {3, rmid}},
                {"semctl", {4, 0, rmid}},
                {"shmctl", {5, rmid}}});
}

void expect_change(const ::ipc_perm& perm) {
  EXPECT_EQ(perm.uid, 1U);
  EXPECT_EQ(perm.gid, 2U);
  EXPECT_EQ(perm.mode, 0644);
}

TEST_F(flag_words_test, ChangesPassOwnerGroupModeAndSize) {
  const perm_change perm{1, 2, 0644};
  tape().on_memory = [](void* memory) {
    const auto& seen = *static_cast<msqid_ds*>(memory);
    expect_change(seen.msg_perm);
    EXPECT_EQ(seen.msg_qbytes, 12345U);
  };
  ASSERT_THAT(on_.change_queue(static_cast<msqid>(3), {perm, 12345}), Succeeds());
  tape().on_memory = [](void* memory) { expect_change(static_cast<semid_ds*>(memory)->sem_perm); };
  ASSERT_THAT(on_.change_set(static_cast<semid>(4), perm), Succeeds());
  tape().on_memory = [](void* memory) { expect_change(static_cast<shmid_ds*>(memory)->shm_perm); };
  ASSERT_THAT(on_.change_segment(static_cast<shmid>(5), perm), Succeeds());
  expect_calls({{"msgctl", {3, set_perm}}, {"semctl", {4, 0, set_perm}}, {"shmctl", {5, set_perm}}});
}

void put_perm(::ipc_perm& to, unsigned mode) {
  to.__key = -5;
  to.uid = 11;
  to.gid = 12;
  to.cuid = 13;
  to.cgid = 14;
  to.mode = static_cast<decltype(to.mode)>(mode);
  to.__seq = 15;
}

void expect_perm(const ipc_perm& perm) {
  EXPECT_EQ(perm.object_key, static_cast<key>(-5));
  EXPECT_EQ(perm.uid, 11U);
  EXPECT_EQ(perm.gid, 12U);
  EXPECT_EQ(perm.cuid, 13U);
  EXPECT_EQ(perm.cgid, 14U);
  EXPECT_EQ(perm.mode, 0640U);
  EXPECT_EQ(perm.sequence, 15U);
}

TEST_F(flag_words_test, TheStatusOfAQueueIsDecoded) {
  tape().on_memory = [](void* memory) {
    auto& ds = *static_cast<msqid_ds*>(memory);
    put_perm(ds.msg_perm, 0640);
    ds.msg_stime = 1, ds.msg_rtime = 2, ds.msg_ctime = 3, ds.__msg_cbytes = 4, ds.msg_qnum = 5, ds.msg_qbytes = 6;
    ds.msg_lspid = 7, ds.msg_lrpid = 8;
  };
  const auto status = on_.stat_queue(99, lookup::id).value();
  expect_calls({{"msgctl", {99, stat_id}}});
  EXPECT_EQ(status.id, static_cast<msqid>(99));
  expect_perm(status.perm);
  EXPECT_EQ(status.stime, 1);
  EXPECT_EQ(status.rtime, 2);
  EXPECT_EQ(status.ctime, 3);
  EXPECT_EQ(status.cbytes, 4U);
  EXPECT_EQ(status.qnum, 5U);
  EXPECT_EQ(status.qbytes, 6U);
  EXPECT_EQ(status.lspid, 7);
  EXPECT_EQ(status.lrpid, 8);
}

TEST_F(flag_words_test, TheStatusOfASetIsDecoded) {
  tape().on_memory = [](void* memory) {
    auto& ds = *static_cast<semid_ds*>(memory);
    put_perm(ds.sem_perm, 0640);
    ds.sem_otime = 1, ds.sem_ctime = 2, ds.sem_nsems = 3;
  };
  const auto status = on_.stat_set(99, lookup::id).value();
  expect_calls({{"semctl", {99, 0, stat_id}}});
  EXPECT_EQ(status.id, static_cast<semid>(99));
  expect_perm(status.perm);
  EXPECT_EQ(status.otime, 1);
  EXPECT_EQ(status.ctime, 2);
  EXPECT_EQ(status.nsems, 3U);
}

TEST_F(flag_words_test, TheStatusOfASegmentIsDecoded) {
  tape().on_memory = [](void* memory) {
    auto& ds = *static_cast<shmid_ds*>(memory);
    put_perm(ds.shm_perm, 0640);
    ds.shm_segsz = 1, ds.shm_atime = 2, ds.shm_dtime = 3, ds.shm_ctime = 4, ds.shm_cpid = 5, ds.shm_lpid = 6;
    ds.shm_nattch = 7;
  };
  const auto status = on_.stat_segment(99, lookup::id).value();
  expect_calls({{"shmctl", {99, stat_id}}});
  EXPECT_EQ(status.id, static_cast<shmid>(99));
  expect_perm(status.perm);
  EXPECT_EQ(status.segsz, 1U);
  EXPECT_EQ(status.atime, 2);
  EXPECT_EQ(status.dtime, 3);
  EXPECT_EQ(status.ctime, 4);
  EXPECT_EQ(status.cpid, 5);
  EXPECT_EQ(status.lpid, 6);
  EXPECT_EQ(status.nattch, 7U);
  EXPECT_FALSE(status.removed);
  EXPECT_FALSE(status.locked);
}

TEST_F(flag_words_test, RemovedAndLockedAreBitsOfTheKernelsMode) {
  unsigned mode = 0;
  tape().on_memory = [&](void* memory) { put_perm(static_cast<shmid_ds*>(memory)->shm_perm, mode); };
  mode = 0640 | 01000;
  EXPECT_TRUE(on_.stat_segment(1, lookup::id)->removed);
  EXPECT_FALSE(on_.stat_segment(1, lookup::id)->locked);
  mode = 0640 | 02000;
  EXPECT_FALSE(on_.stat_segment(1, lookup::id)->removed);
  EXPECT_TRUE(on_.stat_segment(1, lookup::id)->locked);
  EXPECT_EQ(on_.stat_segment(1, lookup::id)->perm.mode, 0640U);
}

TEST_F(flag_words_test, LookupByIndexUsesItsCommandsAndTakesTheIdFromTheResult) {
  tape().answer = 65540;
  EXPECT_EQ(on_.stat_queue(4, lookup::index)->id, static_cast<msqid>(65540));
  EXPECT_EQ(on_.stat_queue(4, lookup::index_any)->id, static_cast<msqid>(65540));
  EXPECT_EQ(on_.stat_set(4, lookup::index)->id, static_cast<semid>(65540));
  EXPECT_EQ(on_.stat_set(4, lookup::index_any)->id, static_cast<semid>(65540));
  EXPECT_EQ(on_.stat_segment(4, lookup::index)->id, static_cast<shmid>(65540));
  EXPECT_EQ(on_.stat_segment(4, lookup::index_any)->id, static_cast<shmid>(65540));
  expect_calls({{"msgctl", {4, 11}},
                {"msgctl", {4, 13}},
                {"semctl", {4, 0, 18}},
                {"semctl", {4, 0, 20}},
                {"shmctl", {4, 13}},
                {"shmctl", {4, 15}}});
}

TEST_F(flag_words_test, LimitsAndUsageUseTheirCommands) {
  ASSERT_THAT(on_.limits(), Succeeds());
  ASSERT_THAT(on_.usage(object_kind::queue), Succeeds());
  ASSERT_THAT(on_.usage(object_kind::set), Succeeds());
  ASSERT_THAT(on_.usage(object_kind::segment), Succeeds());
  expect_calls({{"msgctl", {0, 3}},
                {"semctl", {0, 0, 3}},
                {"shmctl", {0, 3}},
                {"msgctl", {0, 12}},
                {"semctl", {0, 0, 19}},
                {"shmctl", {0, 14}}});
}

}  // namespace
}  // namespace xsipc
