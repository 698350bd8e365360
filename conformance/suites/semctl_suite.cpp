// semctl on sets in which nobody waits: values, pids and what each command returns, and wrong arguments.
#include <limits.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "xsipc/conformance/kinds.hpp"
#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(semctl)

namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;

constexpr sem_query queries[] = {sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt};

using values_type = std::vector<std::uint16_t>;

class SemCtl : public semaphore_test {};

// Gives semaphore 1 every value up to the last, one after the other. In: set, last value. Out: how many of them were
// not returned by the two ways to ask, or changed a neighbour.
XSI_ROUTINE(semctl_every_value) {
  const auto set = static_cast<semid>(context.input.numbers[0]);
  std::int64_t wrong = 0;
  std::uint16_t all[3] = {};
  for (int value = 0; value <= context.input.numbers[1]; ++value) {
    const bool is_set = context.xsi.set_value(set, 1, value).has_value();
    const bool is_seen = context.xsi.query_semaphore(set, 1, sem_query::value).value_or(-1) == value;
    const bool is_read = context.xsi.get_all(set, all).has_value() && all[0] == 7 && all[1] == value && all[2] == 8;
    if (!is_set || !is_seen || !is_read) ++wrong;
  }
  return {{wrong}};
}

TEST_F(SemCtl, EveryValueUpToSemvmxCanBeSetAndRead) {
  XSI_ASSERTION("SEMCTL-01");
  actor& client = process();
  actor& reader = process();
  const semid set = set_of(client, {7, 0, 8});
  const int most = largest_value(client.xsi());
  EXPECT_GE(most, 32767);
  EXPECT_THAT(client.run("semctl_every_value", {.numbers = {static_cast<int>(set), most}}).numbers, ElementsAre(0));
  EXPECT_THAT(reader.xsi().query_semaphore(set, 1, sem_query::value), SucceedsWith(most));
  ASSERT_THAT(operate(reader.xsi(), set, {take(1, most - 3), add(0, 2)}), Succeeds());
  EXPECT_THAT(client.xsi().query_semaphore(set, 1, sem_query::value), SucceedsWith(3));
  EXPECT_THAT(client.xsi().query_semaphore(set, 0, sem_query::value), SucceedsWith(9));
}

TEST_F(SemCtl, SettingAValueThatThereCantBeIsErange) {
  XSI_ASSERTION("SEMCTL-02");
  actor& owner = process();
  actor& client = process();
  const semid set = set_of(owner, {7, 8});
  const int most = largest_value(owner.xsi());
  for (const int value : {-1, INT_MIN, -65535, most + 1, 65535, 65536, 65537, INT_MAX}) {
    EXPECT_THAT(client.xsi().set_value(set, 1, value), FailsWith(ERANGE)) << value;
    EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(7, 8)) << value;
  }
  EXPECT_THAT(sempids_of(owner.xsi(), set), Each(owner.pid()));
  EXPECT_THAT(client.xsi().set_value(set, 1, most), Succeeds());
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(7, most));
}

TEST_F(SemCtl, SettingAllWithOneThatThereCantBeIsErangeAndSetsNone) {
  XSI_ASSERTION("SEMCTL-03");
  actor& owner = process();
  actor& client = process();
  const semid set = set_of(owner, {7, 8, 9});
  const int most = largest_value(owner.xsi());
  for (const int value : {most + 1, 65535}) {
    for (std::size_t place = 0; place < 3; ++place) {
      values_type values = {1, 2, 3};
      values[place] = static_cast<std::uint16_t>(value);
      EXPECT_THAT(client.xsi().set_all(set, values), FailsWith(ERANGE)) << value;
      EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(7, 8, 9)) << place;
    }
  }
  EXPECT_THAT(sempids_of(owner.xsi(), set), Each(owner.pid()));
  const auto full = static_cast<std::uint16_t>(most);
  EXPECT_THAT(client.xsi().set_all(set, values_type{full, 0, full}), Succeeds());
  EXPECT_THAT(values_of(owner.xsi(), set), ElementsAre(most, 0, most));
}

// Behind the array in the actor lies a guard, whose end fails the call.
TEST_F(SemCtl, GetallWritesAllValuesInTheirOrderAndNothingElse) {
  XSI_ASSERTION("SEMCTL-04");
  actor& client = process();
  actor& reader = process();
  constexpr std::uint16_t untouched = 54321;
  const std::size_t largest = std::min<std::size_t>(600, client.xsi().limits().value().semmsl);
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{7}, largest}) {
    values_type values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<std::uint16_t>(3 * i + 1);
    const semid set = set_of(client, values);
    const auto last = static_cast<int>(count - 1);
    EXPECT_THAT(reader.xsi().query_semaphore(set, last, sem_query::value), SucceedsWith(values.back()));
    values_type seen(count, untouched);
    ASSERT_THAT(reader.xsi().get_all(set, seen), Succeeds());
    EXPECT_EQ(seen, values);
    values_type more(count + 9, untouched);
    ASSERT_THAT(reader.xsi().get_all(set, more), Succeeds());
    EXPECT_EQ(values_type(more.begin(), more.end() - 9), values);
    EXPECT_THAT(values_type(more.end() - 9, more.end()), Each(untouched));
    ASSERT_THAT(operate(client.xsi(), set, {add(last, 5)}), Succeeds());
    values.back() = static_cast<std::uint16_t>(values.back() + 5);
    ASSERT_THAT(reader.xsi().get_all(set, seen), Succeeds());
    EXPECT_EQ(seen, values);
  }
}

TEST_F(SemCtl, ASemnumOutOfRangeIsEinval) {
  XSI_ASSERTION("SEMCTL-05");
  actor& client = process();
  const semid set = set_of(client, {7, 8});
  for (const int semnum : {-1, 2, 3, 32767, 65535, 65536, 65537, -65536, INT_MAX, INT_MIN}) {
    for (const sem_query what : queries) {
      EXPECT_THAT(client.xsi().query_semaphore(set, semnum, what), FailsWith(EINVAL)) << semnum;
    }
    EXPECT_THAT(client.xsi().set_value(set, semnum, 5), FailsWith(EINVAL)) << semnum;
  }
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(7, 8));
  EXPECT_THAT(client.xsi().query_semaphore(set, 1, sem_query::value), SucceedsWith(8));
}

// Calls semctl. In: set, semnum, command and, without bytes, the number that is its argument; else the bytes are the
// memory that it names. Out: what it returned, errno if that is -1, the memory afterwards.
XSI_ROUTINE(semctl_call) {
  const auto& in = context.input.numbers;
  std::string memory = context.input.bytes;
  void* const argument = memory.empty() ? reinterpret_cast<void*>(in[3]) : memory.data();
  errno = 0;
  const int returned =
      context.c->semctl(static_cast<int>(in[0]), static_cast<int>(in[1]), static_cast<int>(in[2]), argument);
  return {{returned, returned == -1 ? errno : 0}, memory};
}

routine_result call_semctl(actor& in, semid set, std::int64_t semnum, int command, std::int64_t argument = 0) {
  return in.run("semctl_call", {.numbers = {static_cast<int>(set), semnum, command, argument}});
}

template <typename T>
routine_result call_semctl(actor& in, semid set, std::int64_t semnum, int command, std::vector<T> memory) {
  return in.run("semctl_call", {.numbers = {static_cast<int>(set), semnum, command},
                                .bytes = {reinterpret_cast<const char*>(memory.data()), memory.size() * sizeof(T)}});
}

template <typename T>
std::vector<T> objects_in(const std::string& bytes) {
  std::vector<T> objects(bytes.size() / sizeof(T));
  std::memcpy(objects.data(), bytes.data(), objects.size() * sizeof(T));
  return objects;
}

TEST_F(SemCtl, CommandsOnTheWholeSetIgnoreSemnum) {
  XSI_ASSERTION("SEMCTL-06");
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  std::uint16_t value = 3;
  for (const std::int64_t semnum : {-1, 1, 2, 65536, INT_MAX, INT_MIN}) {
    const semid set = set_of(client, {1, 2});
    const values_type values = {value, static_cast<std::uint16_t>(value + 1)};
    EXPECT_THAT(call_semctl(client, set, semnum, SETALL, values).numbers, ElementsAre(0, 0)) << semnum;
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAreArray(values)) << semnum;
    const auto read = call_semctl(client, set, semnum, GETALL, values_type(2, 0));
    EXPECT_THAT(read.numbers, ElementsAre(0, 0)) << semnum;
    EXPECT_EQ(objects_in<std::uint16_t>(read.bytes), values) << semnum;

    const auto stat = call_semctl(client, set, semnum, IPC_STAT, std::vector<::semid_ds>(1));
    ASSERT_THAT(stat.numbers, ElementsAre(0, 0)) << semnum;
    auto status = objects_in<::semid_ds>(stat.bytes);
    EXPECT_EQ(status[0].sem_nsems, 2u) << semnum;
    status[0].sem_perm.mode = 0640;
    EXPECT_THAT(call_semctl(client, set, semnum, IPC_SET, status).numbers, ElementsAre(0, 0)) << semnum;
    EXPECT_EQ(status_of(client.xsi(), set).perm.mode, 0640u) << semnum;
    EXPECT_THAT(call_semctl(client, set, semnum, IPC_RMID).numbers, ElementsAre(0, 0)) << semnum;
    EXPECT_THAT(client.xsi().query_semaphore(set, 0, sem_query::value), FailsWith(EINVAL)) << semnum;
    ++value;
  }
}

TEST_F(SemCtl, SempidIsThatOfTheLastSemopOnThatSemaphore) {
  XSI_ASSERTION("SEMCTL-07");
  actor& one = process();
  actor& other = process();
  const semid set = new_set(one, 3);
  EXPECT_THAT(sempids_of(other.xsi(), set), Each(0));
  EXPECT_THAT(operate(other.xsi(), set, {add(0), take(1, 1, no_wait)}), FailsWith(EAGAIN));
  EXPECT_THAT(sempids_of(one.xsi(), set), Each(0));
  ASSERT_THAT(operate(one.xsi(), set, {add(0), zero(1)}), Succeeds());
  EXPECT_THAT(sempids_of(other.xsi(), set), ElementsAre(one.pid(), one.pid(), 0));
  ASSERT_THAT(operate(other.xsi(), set, {take(0)}), Succeeds());
  EXPECT_THAT(sempids_of(one.xsi(), set), ElementsAre(other.pid(), one.pid(), 0));
  actor& child = one.fork();
  ASSERT_THAT(operate(child.xsi(), set, {zero(2)}), Succeeds());
  EXPECT_THAT(sempids_of(one.xsi(), set), ElementsAre(other.pid(), one.pid(), child.pid()));
  ASSERT_THAT(operate(one.begin_thread().xsi(), set, {zero(2)}), Succeeds());
  EXPECT_THAT(sempids_of(one.xsi(), set), ElementsAre(other.pid(), one.pid(), one.pid())) << "a process, not a thread";
  other.exit(0);
  EXPECT_THAT(sempids_of(one.xsi(), set), ElementsAre(other.pid(), one.pid(), one.pid()));
}

TEST_F(SemCtl, SettingValuesSetsSempidOfWhatIsSet) {
  XSI_ASSERTION("SEMCTL-08");
  actor& one = process();
  actor& other = process();
  const semid set = new_set(one, 3);
  ASSERT_THAT(one.xsi().set_value(set, 1, 4), Succeeds());
  EXPECT_THAT(sempids_of(other.xsi(), set), ElementsAre(0, one.pid(), 0));
  ASSERT_THAT(other.xsi().set_all(set, values_type{1, 2, 3}), Succeeds());
  EXPECT_THAT(sempids_of(one.xsi(), set), Each(other.pid()));
  ASSERT_THAT(one.xsi().set_value(set, 2, 3), Succeeds());
  EXPECT_THAT(sempids_of(other.xsi(), set), ElementsAre(other.pid(), other.pid(), one.pid()));
  EXPECT_THAT(one.xsi().set_value(set, 0, -1), FailsWith(ERANGE));
  EXPECT_THAT(one.xsi().set_all(set, values_type{1, 2, 65535}), FailsWith(ERANGE));
  EXPECT_THAT(sempids_of(other.xsi(), set), ElementsAre(other.pid(), other.pid(), one.pid()));
  ASSERT_THAT(other.begin_thread().xsi().set_value(set, 2, 3), Succeeds());
  EXPECT_THAT(sempids_of(one.xsi(), set), Each(other.pid()));
}

// The one test of this file that lets a second pass.
TEST_F(SemCtl, LookingChangesNothing) {
  XSI_ASSERTION("SEMCTL-12");
  actor& owner = process();
  actor& taker = process();
  actor& zero_waiter = process();
  actor& reader = process();
  const kind_calls sets(object_kind::set);
  const semid set = set_of(owner, {5, 0, 7});
  ASSERT_THAT(operate(owner.xsi(), set, {take(0, 2)}), Succeeds());
  auto taking = taker.start(operating(set, {take(1)}));
  auto waiting = zero_waiter.start(operating(set, {zero(2)}));
  ASSERT_TRUE(taking.blocked());
  ASSERT_TRUE(waiting.blocked());
  const common_status before = sets.stat(owner.xsi(), static_cast<int>(set)).value();
  wait_out_this_second();
  for (int round = 0; round < 3; ++round) {
    EXPECT_THAT(values_of(reader.xsi(), set), ElementsAre(3, 0, 7));
    EXPECT_THAT(each_semaphore(reader.xsi(), set, sem_query::value), ElementsAre(3, 0, 7));
    EXPECT_THAT(sempids_of(reader.xsi(), set), Each(owner.pid()));
    EXPECT_THAT(ncnts_of(reader.xsi(), set), ElementsAre(0, 1, 0));
    EXPECT_THAT(zcnts_of(reader.xsi(), set), ElementsAre(0, 0, 1));
    EXPECT_THAT(reader.xsi().query_semaphore(set, 3, sem_query::value), FailsWith(EINVAL));
    EXPECT_THAT(sets.stat(reader.xsi(), static_cast<int>(set)), SucceedsWith(before));
  }
  EXPECT_TRUE(taking.blocked());
  EXPECT_TRUE(waiting.blocked());
}

TEST_F(SemCtl, ErangeOfSetvalComesBeforeABadIdAndOfSetallAfterIt) {
  XSI_ASSERTION("SEMCTL-15");
  actor& client = process();
  const int most = largest_value(client.xsi());
  const auto too_large = static_cast<std::uint16_t>(most + 1);
  const semid set = set_of(client, {7});
  const semid removed = new_set(client);
  ASSERT_THAT(client.xsi().remove_set(removed), Succeeds());
  for (const int value : {-1, most + 1}) {
    EXPECT_THAT(client.xsi().set_value(removed, 0, value), FailsWith(ERANGE)) << value;
    EXPECT_THAT(client.xsi().set_value(set, 1, value), FailsWith(ERANGE)) << value << ", and a bad semnum";
    EXPECT_THAT(client.xsi().set_value(semid{-1}, 0, value), FailsWith(EINVAL)) << value;
  }
  EXPECT_THAT(client.xsi().set_value(removed, 0, 0), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().set_all(removed, values_type{too_large}), FailsWith(EINVAL));
  EXPECT_THAT(client.xsi().set_all(set, values_type{too_large}), FailsWith(ERANGE));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(7));
}

TEST_F(SemCtl, EaccesOfAQueryComesBeforeABadSemnumAndOfSetvalAfterIt) {
  XSI_ASSERTION("SEMCTL-15");
  actor& client = process(unprivileged());
  const int most = largest_value(client.xsi());
  const semid alterable = new_set(client, 1, 0200);
  const semid readable = new_set(client, 1, 0400);
  for (const int semnum : {-1, 1}) {
    for (const sem_query what : queries) {
      EXPECT_THAT(client.xsi().query_semaphore(alterable, semnum, what), FailsWith(EACCES)) << semnum;
      EXPECT_THAT(client.xsi().query_semaphore(readable, semnum, what), FailsWith(EINVAL)) << semnum;
    }
    EXPECT_THAT(client.xsi().set_value(readable, semnum, 0), FailsWith(EINVAL)) << semnum;
  }
  EXPECT_THAT(client.xsi().set_value(readable, 0, 0), FailsWith(EACCES));
  EXPECT_THAT(client.xsi().set_value(readable, 0, most + 1), FailsWith(ERANGE));
  EXPECT_THAT(client.xsi().set_all(readable, values_type{static_cast<std::uint16_t>(most + 1)}), FailsWith(EACCES));
  EXPECT_THAT(values_of(client.xsi(), readable), ElementsAre(0));
}

TEST_F(SemCtl, QueriesReturnWhatWasAskedForAndOtherCommandsZero) {
  XSI_ASSERTION("SEMCTL-17");
  XSI_NEEDS(need::c_calls);
  actor& client = process();
  const int most = largest_value(client.xsi());
  const semid set = set_of(client, {5, 0, 3});
  std::vector<pending<result<void>>> calls;
  for (const auto& operation : {take(1), take(1, 2), zero(2)}) {
    calls.push_back(process().start(operating(set, {operation})));
    ASSERT_TRUE(calls.back().blocked());
  }
  for (const int value : {most, 9}) {
    EXPECT_THAT(call_semctl(client, set, 0, SETVAL, value).numbers, ElementsAre(0, 0));
    EXPECT_THAT(call_semctl(client, set, 0, GETVAL).numbers, ElementsAre(value, 0));
  }
  EXPECT_THAT(call_semctl(client, set, 0, GETPID).numbers, ElementsAre(client.pid(), 0));
  EXPECT_THAT(call_semctl(client, set, 1, GETNCNT).numbers, ElementsAre(2, 0));
  EXPECT_THAT(call_semctl(client, set, 2, GETZCNT).numbers, ElementsAre(1, 0));
  EXPECT_THAT(call_semctl(client, set, 0, GETALL, values_type(3)).numbers, ElementsAre(0, 0));
  EXPECT_THAT(call_semctl(client, set, 0, SETALL, values_type{8, 0, 8}).numbers, ElementsAre(0, 0));
  const auto stat = call_semctl(client, set, 0, IPC_STAT, std::vector<::semid_ds>(1));
  EXPECT_THAT(stat.numbers, ElementsAre(0, 0));
  EXPECT_THAT(call_semctl(client, set, 0, IPC_SET, objects_in<::semid_ds>(stat.bytes)).numbers, ElementsAre(0, 0));
  EXPECT_THAT(call_semctl(client, set, 0, IPC_RMID).numbers, ElementsAre(0, 0));
  EXPECT_THAT(call_semctl(client, set, 0, GETVAL).numbers, ElementsAre(-1, EINVAL));
  EXPECT_THAT(call_semctl(client, set, 0, SETVAL, -1).numbers, ElementsAre(-1, ERANGE));
}

TEST_F(SemCtl, QueriesTellWhatWasAskedForAlsoBySemaphore) {
  XSI_ASSERTION("SEMCTL-17");
  actor& client = process();
  const int most = largest_value(client.xsi());
  const semid set = set_of(client, {5, 0, 3});
  std::vector<pending<result<void>>> calls;
  for (const auto& operation : {take(1), take(1, 2), zero(2)}) {
    calls.push_back(process().start(operating(set, {operation})));
    ASSERT_TRUE(calls.back().blocked());
  }
  for (const int value : {most, 9}) {
    ASSERT_THAT(client.xsi().set_value(set, 0, value), Succeeds());
    EXPECT_THAT(client.xsi().query_semaphore(set, 0, sem_query::value), SucceedsWith(value));
  }
  EXPECT_THAT(client.xsi().query_semaphore(set, 0, sem_query::pid), SucceedsWith(client.pid()));
  EXPECT_THAT(client.xsi().query_semaphore(set, 1, sem_query::ncnt), SucceedsWith(2));
  EXPECT_THAT(client.xsi().query_semaphore(set, 1, sem_query::zcnt), SucceedsWith(0));
  EXPECT_THAT(client.xsi().query_semaphore(set, 2, sem_query::zcnt), SucceedsWith(1));
  EXPECT_THAT(client.xsi().query_semaphore(set, 2, sem_query::ncnt), SucceedsWith(0));
  EXPECT_THAT(client.xsi().query_semaphore(set, 2, sem_query::value), SucceedsWith(3));
}

// The errors of one command on memory that isn't there: none at all, forbidden, and only its first two bytes there.
XSI_ROUTINE(semctl_of_bad_memory) {
  const auto& in = context.input.numbers;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const pages = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* const forbidden = static_cast<char*>(pages) + page;
  ::mprotect(forbidden, page, PROT_NONE);
  routine_result errors;
  for (void* const memory :
       {static_cast<void*>(nullptr), static_cast<void*>(forbidden), static_cast<void*>(forbidden - 2)}) {
    const int failed = context.c->semctl(static_cast<int>(in[0]), 0, static_cast<int>(in[1]), memory);
    errors.numbers.push_back(failed == 0 ? 0 : errno);
  }
  ::munmap(pages, 2 * page);
  return errors;
}

TEST_F(SemCtl, MemoryThatIsNotThereIsEfaultAndChangesNothing) {
  XSI_ASSERTION("SEMCTL-18");
  XSI_NEEDS(need::c_calls);
  XSI_NEEDS(capability::bad_address);
  actor& client = process();
  const kind_calls sets(object_kind::set);
  const semid set = set_of(client, {7, 8});
  const common_status before = sets.stat(client.xsi(), static_cast<int>(set)).value();
  for (const int command : {GETALL, SETALL, IPC_STAT, IPC_SET}) {
    EXPECT_THAT(client.run("semctl_of_bad_memory", {.numbers = {static_cast<int>(set), command}}).numbers,
                ElementsAre(EFAULT, EFAULT, EFAULT))
        << command;
    EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(7, 8)) << command;
    EXPECT_THAT(sets.stat(client.xsi(), static_cast<int>(set)), SucceedsWith(before)) << command;
  }
}

TEST_F(SemCtl, AnArrayThatIsNotThereIsEfaultForCallersOfTheInterfaceToo) {
  XSI_ASSERTION("SEMCTL-18");
  XSI_NEEDS(capability::bad_address);
  actor& client = process();
  const semid set = set_of(client, {7, 8});
  EXPECT_THAT(client.xsi().get_all(set, {static_cast<std::uint16_t*>(nullptr), 2}), FailsWith(EFAULT));
  EXPECT_THAT(client.xsi().set_all(set, {static_cast<const std::uint16_t*>(nullptr), 2}), FailsWith(EFAULT));
  EXPECT_THAT(values_of(client.xsi(), set), ElementsAre(7, 8));
}

}  // namespace
}  // namespace xsipc::conformance
