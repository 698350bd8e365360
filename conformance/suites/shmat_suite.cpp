// shmat: what an attachment is, what it may, what it counts. Where it lies: shmat_address_suite.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <new>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(shmat)

namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;

constexpr attach_options for_reading = {.read_only = true};

class ShmAt : public conformance_test {};

TEST_F(ShmAt, NullLetsTheBackendChooseAnAlignedAddress) {
  XSI_ASSERTION("SHMAT-01");
  actor& client = process();
  for (const std::size_t size : {1U, 4096U, 100000U}) {
    char* const memory = attach(client, new_segment(client, size));
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % static_cast<std::uintptr_t>(SHMLBA), 0u);
    ASSERT_TRUE(client.poke(memory + size - 1, "x"));
    EXPECT_EQ(client.peek(memory + size - 1, 1), "x");
  }
}

TEST_F(ShmAt, WhatOneWritesTheOtherSees) {
  XSI_ASSERTION("SHMAT-02");
  actor& one = process();
  actor& other = process();
  const shmid segment = new_segment(one, 10000);
  char* const here = attach(one, segment);
  char* const there = attach(other, segment);
  ASSERT_TRUE(one.poke(here + 5000, "from one"));
  EXPECT_EQ(other.peek(there + 5000, 8), "from one");
  ASSERT_TRUE(other.poke(there + 5000, "and back"));
  EXPECT_EQ(one.peek(here + 5000, 8), "and back");
  EXPECT_EQ(one.peek(here, 5000), std::string(5000, '\0'));
}

TEST_F(ShmAt, AReadOnlyAttachmentIsReadAndAWriteRaisesSigsegv) {
  XSI_ASSERTION("SHMAT-09");
  actor& writer = process();
  actor& reader = process();
  const shmid segment = new_segment(writer);
  char* const writable = attach(writer, segment);
  char* const readable = attach(reader, segment, for_reading);
  ASSERT_TRUE(writer.poke(writable, "original"));
  EXPECT_EQ(reader.peek(readable, 8), "original");
  EXPECT_FALSE(reader.poke(readable, "changed!"));
  EXPECT_EQ(reader.await_end().signal, SIGSEGV);
  EXPECT_EQ(writer.peek(writable, 8), "original");
  EXPECT_FALSE(writing_kills(writer, writable));
}

XSI_ROUTINE(make_writable) {
  auto* const address = reinterpret_cast<void*>(context.input.numbers.at(0));
  const int outcome = ::mprotect(address, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), PROT_READ | PROT_WRITE);
  return {.numbers = {outcome == 0 ? 0 : errno}};
}

TEST_F(ShmAt, AReadOnlyAttachmentCannotBeMadeWritable) {
  XSI_ASSERTION("SHMAT-10");
  actor& client = process();
  const shmid segment = new_segment(client);
  char* const writable = attach(client, segment);
  char* const readable = attach(client, segment, for_reading);
  EXPECT_EQ(client.run("make_writable", {.numbers = {address_number(readable)}}).numbers.at(0), EACCES);
  EXPECT_EQ(client.run("make_writable", {.numbers = {address_number(writable)}}).numbers.at(0), 0);
  EXPECT_TRUE(writing_kills(client, readable));
}

TEST_F(ShmAt, OneProcessMayAttachASegmentSeveralTimes) {
  XSI_ASSERTION("SHMAT-11");
  actor& client = process();
  actor& reader = process();
  const shmid segment = new_segment(client);
  char* const first = attach(client, segment);
  char* const second = attach(client, segment, for_reading);
  char* const third = attach(client, segment);
  EXPECT_NE(first, second);
  EXPECT_NE(first, third);
  EXPECT_NE(second, third);
  EXPECT_EQ(status_of(reader.xsi(), segment).nattch, 3u);
  ASSERT_TRUE(client.poke(first, "same"));
  EXPECT_EQ(client.peek(second, 4), "same");
  ASSERT_TRUE(client.poke(third, "data"));
  EXPECT_EQ(client.peek(first, 4), "data");
  EXPECT_EQ(client.peek(second, 4), "data");
  EXPECT_TRUE(writing_kills(client, second));
  EXPECT_FALSE(writing_kills(client, third));
}

TEST_F(ShmAt, CountsAndSetsLpidAndAtimeAndNoOtherTime) {
  XSI_ASSERTION("SHMAT-12");
  actor& creator = process();
  actor& client = process();
  const shmid segment = new_segment(creator);
  ASSERT_THAT(creator.xsi().detach(attach(creator, segment)), Succeeds());
  const segment_status old = status_of(creator.xsi(), segment);
  ASSERT_NE(old.dtime, 0);
  wait_out_this_second();
  const ipc_time before = now();
  attach(client, segment);
  const segment_status status = status_of(creator.xsi(), segment);
  EXPECT_EQ(status.nattch, 1u);
  EXPECT_EQ(status.lpid, client.pid());
  EXPECT_THAT(status.atime, AllOf(Ge(before), Le(now())));
  EXPECT_EQ(status.dtime, old.dtime);
  EXPECT_EQ(status.ctime, old.ctime);
  attach(creator, segment, for_reading);
  EXPECT_EQ(status_of(client.xsi(), segment).nattch, 2u);
  EXPECT_EQ(status_of(client.xsi(), segment).lpid, creator.pid());
}

TEST_F(ShmAt, AWrongAddressChangesNothing) {
  XSI_ASSERTION("SHMAT-13");
  actor& creator = process();
  actor& client = process();
  const shmid segment = new_segment(creator);
  char* const taken = attach(client, new_segment(client));
  const common_status before = segment_snapshot(creator.xsi(), segment);
  EXPECT_THAT(client.xsi().attach(segment, {.address = taken + 1}), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().attach(segment, {.address = taken}), FailsWith(EINVAL));
  EXPECT_EQ(segment_snapshot(creator.xsi(), segment), before);
}

TEST_F(ShmAt, WithoutPermissionChangesNothing) {
  XSI_ASSERTION("SHMAT-13");
  XSI_NEEDS(need::other_users);
  actor& owner = process({.uid = alice, .gid = alice});
  actor& stranger = process({.uid = bob, .gid = bob});
  const shmid closed = new_segment(owner, 4096, 0600);
  const shmid readable = new_segment(owner, 4096, 0644);
  const common_status before_closed = segment_snapshot(owner.xsi(), closed);
  const common_status before_readable = segment_snapshot(owner.xsi(), readable);
  EXPECT_THAT(stranger.xsi().attach(closed, {}), FailsWith(EACCES));
  EXPECT_THAT(stranger.xsi().attach(closed, for_reading), FailsWith(EACCES));
  EXPECT_THAT(stranger.xsi().attach(readable, {}), FailsWith(EACCES));
  EXPECT_EQ(segment_snapshot(owner.xsi(), closed), before_closed);
  EXPECT_EQ(segment_snapshot(owner.xsi(), readable), before_readable);
  EXPECT_THAT(stranger.xsi().attach(readable, for_reading), Succeeds());
}

TEST_F(ShmAt, TheLastPageIsSharedToItsEndAndNothingBehindIt) {
  XSI_ASSERTION("SHMAT-14");
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  actor& client = process();
  actor& other = process();
  // Where many pages were attached and are no longer, nothing else lies behind one page; what others of this program map
  // goes to the end.
  char* const area = attach(client, new_segment(client, 64 * static_cast<std::size_t>(SHMLBA)));
  ASSERT_THAT(client.xsi().detach(area), Succeeds());
  const shmid segment = new_segment(client, 100);
  char* const memory = attach(client, segment, {.address = area});
  char* const there = attach(other, segment);
  ASSERT_TRUE(client.poke(memory + page - 4, "tail"));
  EXPECT_EQ(other.peek(there + page - 4, 4), "tail");
  EXPECT_TRUE(reading_kills(client, memory + page));
  EXPECT_TRUE(writing_kills(client, memory + page));
  EXPECT_FALSE(reading_kills(client, memory + page - 1));
}

TEST_F(ShmAt, ThreadsShareTheAttachmentsOfTheirProcess) {
  XSI_ASSERTION("SHMAT-19");
  actor& client = process();
  actor_thread& thread = client.begin_thread();
  const shmid segment = new_segment(client);
  char* const memory = attach(thread, segment);
  client.begin_thread();
  EXPECT_EQ(status_of(client.xsi(), segment).nattch, 1u);
  EXPECT_EQ(status_of(client.xsi(), segment).lpid, client.pid());
  ASSERT_TRUE(client.poke(memory, "threads"));
  thread.end();
  EXPECT_EQ(status_of(client.xsi(), segment).nattch, 1u);
  EXPECT_EQ(client.peek(memory, 7), "threads");
  ASSERT_THAT(client.xsi().detach(memory), Succeeds());
  EXPECT_EQ(status_of(client.xsi(), segment).nattch, 0u);
}

// What the processes of the next test share.
struct shared_counters {
  pthread_mutex_t mutex;
  std::int64_t guarded;
  std::atomic<std::int64_t> atomic;
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

XSI_ROUTINE(prepare_counters) {
  auto* const shared = new (reinterpret_cast<void*>(context.input.numbers.at(0))) shared_counters{};
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  const int outcome = ::pthread_mutex_init(&shared->mutex, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  return {.numbers = {outcome}};
}

XSI_ROUTINE(count_in_turn) {
  auto* const shared = reinterpret_cast<shared_counters*>(context.input.numbers.at(0));
  for (std::int64_t i = 0; i < context.input.numbers.at(1); ++i) {
    ::pthread_mutex_lock(&shared->mutex);
    ++shared->guarded;
    ::pthread_mutex_unlock(&shared->mutex);
    shared->atomic.fetch_add(1);
  }
  return {};
}

XSI_ROUTINE(read_counters) {
  auto* const shared = reinterpret_cast<shared_counters*>(context.input.numbers.at(0));
  return {.numbers = {shared->guarded, shared->atomic.load()}};
}

TEST_F(ShmAt, MutexesAndAtomicsWorkAcrossProcessesAtDifferentAddresses) {
  XSI_ASSERTION("SHMAT-20");
  constexpr std::int64_t rounds = 20000;
  actor& one = process();
  actor& other = process();
  const shmid segment = new_segment(one);
  char* const here = attach(one, segment);
  char* there = attach(other, segment);
  if (there == here) there = attach(other, segment);
  ASSERT_NE(here, there);
  ASSERT_EQ(one.run("prepare_counters", {.numbers = {address_number(here)}}).numbers.at(0), 0);
  auto counting = one.start_run("count_in_turn", {.numbers = {address_number(here), rounds}});
  other.run("count_in_turn", {.numbers = {address_number(there), rounds}});
  static_cast<void>(counting.get());
  EXPECT_THAT(other.run("read_counters", {.numbers = {address_number(there)}}).numbers,
              testing::ElementsAre(2 * rounds, 2 * rounds));
}

}  // namespace
}  // namespace xsipc::conformance
