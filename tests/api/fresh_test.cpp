#include "xsipc/fresh.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/matchers.hpp"
#include "support/sysv_fixture.hpp"
#include "support/threads.hpp"
#include "xsipc/decorators/fault_backend.hpp"

namespace xsipc {
namespace {

using test_support::error_on_key;
using test_support::FailsAs;
using test_support::FailsWith;
using test_support::state_of;
using test_support::Succeeds;
using test_support::unused_key;

// One kind of object: how it is made afresh, how somebody else has made it, whether nobody has used it, how one uses
// it.

struct queues {
  using object = message_queue;
  static constexpr xsi_call get_call = xsi_call::msgget;
  static constexpr xsi_call remove_call = xsi_call::msgctl;

  static result<object> fresh(key which, spi::backend& on) { return create_fresh_queue(which, 0640, on); }
  static result<object> get(key which, creation how, spi::backend& on) { return message_queue::get(which, how, on); }
  static result<object> get_other_size(key which, spi::backend& on) {
    return message_queue::get(which, creation::create_only(0600), on);
  }
  static bool is_unused(const object& queue) {
    const auto status = queue.stat();
    return status && status->qnum == 0 && status->lspid == 0 && status->lrpid == 0 && status->stime == 0;
  }
  static void use(object& queue) { static_cast<void>(queue.send_value(1, getpid(), deadline::immediate())); }
  static bool is_used_by_me_alone(const object& queue) {
    const auto status = queue.stat();
    return !status || (status->qnum == 1 && status->lspid == getpid());
  }
};

struct sets {
  using object = semaphore_set;
  static constexpr xsi_call get_call = xsi_call::semget;
  static constexpr xsi_call remove_call = xsi_call::semctl;

  static result<object> fresh(key which, spi::backend& on) { return create_fresh_set(which, 3, 0640, on); }
  static result<object> get(key which, creation how, spi::backend& on) { return semaphore_set::get(which, 3, how, on); }
  static result<object> get_other_size(key which, spi::backend& on) {
    return semaphore_set::get(which, 1, creation::create_only(0600), on);
  }
  static bool is_unused(const object& set) {
    const auto status = set.stat();
    const auto values = set.values();
    return status && values && *values == std::vector<std::uint16_t>{0, 0, 0} && status->otime == 0;
  }
  static void use(object& set) { static_cast<void>(set.release(1)); }
  static bool is_used_by_me_alone(const object& set) {
    const auto value = set.value(1);
    const auto pid = set.sempid(1);
    return !value || !pid || (*value == 1 && *pid == getpid());
  }
};

struct segments {
  using object = shared_memory;
  static constexpr xsi_call get_call = xsi_call::shmget;
  static constexpr xsi_call remove_call = xsi_call::shmctl;

  static result<object> fresh(key which, spi::backend& on) { return create_fresh_segment(which, 5000, 0640, {}, on); }
  static result<object> get(key which, creation how, spi::backend& on) {
    return shared_memory::get(which, 5000, how, {}, on);
  }
  static result<object> get_other_size(key which, spi::backend& on) {
    return shared_memory::get(which, 100, creation::create_only(0600), {}, on);
  }
  static bool is_unused(const object& segment) {
    const auto status = segment.stat();
    return status && status->segsz == 5000 && status->nattch == 0 && status->atime == 0 && status->cpid == getpid();
  }
  static void use(object& segment) {
    const auto attachment = segment.attach();
    if (attachment) attachment->template as_span<pid_t>()[0] += getpid();
  }
  static bool is_used_by_me_alone(const object& segment) {
    const auto attachment = segment.attach({.read_only = true});
    return !attachment || attachment->template as_const_span<pid_t>()[0] == getpid();
  }
};

template <typename Object>
Object object_on(spi::backend& on, const Object& of_another_backend) {
  return Object(on, of_another_backend.id());
}

template <typename Kind>
class fresh_test : public test_support::sysv_test {
 protected:
  using object = typename Kind::object;

  // The object of the key, removed at the end of the test whoever has made it.
  result<object> find() {
    auto found = Kind::get(name_, creation::find(), on());
    if (found) adopt(found->id());
    return found;
  }
  ~fresh_test() override { static_cast<void>(find()); }

  // Makes the key's object and uses it.
  object leave_behind() {
    object left = Kind::get(name_, creation::create_only(0600), on()).value();
    adopt(left.id());
    Kind::use(left);
    return left;
  }

  const key name_ = unused_key();
};

using kinds = ::testing::Types<queues, sets, segments>;
TYPED_TEST_SUITE(fresh_test, kinds);

TYPED_TEST(fresh_test, CreatesWhereNothingIs) {
  const auto made = TypeParam::fresh(this->name_, this->on()).value();
  EXPECT_TRUE(TypeParam::is_unused(made));
  EXPECT_EQ(made.stat()->perm.mode, 0640U);
  EXPECT_EQ(made.stat()->perm.object_key, this->name_);
  EXPECT_THAT(this->find(), test_support::Holds(made));
}

TYPED_TEST(fresh_test, ReplacesWhatIsThere) {
  const auto old = this->leave_behind();
  const auto made = TypeParam::fresh(this->name_, this->on()).value();
  EXPECT_NE(made, old);
  EXPECT_TRUE(TypeParam::is_unused(made));
  EXPECT_THAT(old.stat(), FailsWith(EINVAL));
  EXPECT_THAT(this->find(), test_support::Holds(made));
}

TYPED_TEST(fresh_test, ReplacesWhatHasAnotherSizeAndMode) {
  const auto old = TypeParam::get_other_size(this->name_, this->on()).value();
  const auto made = TypeParam::fresh(this->name_, this->on()).value();
  EXPECT_TRUE(TypeParam::is_unused(made));
  EXPECT_EQ(made.stat()->perm.mode, 0640U);
  EXPECT_THAT(old.stat(), FailsWith(EINVAL));
  this->adopt(made.id());
}

TYPED_TEST(fresh_test, ReplacesWhatNobodyMayReadOrWrite) {
  const auto old = TypeParam::get(this->name_, creation::create_only(0), this->on()).value();
  EXPECT_THAT(TypeParam::fresh(this->name_, this->on()), Succeeds());
  EXPECT_THAT(this->find(), testing::Not(test_support::Holds(old)));
}

TYPED_TEST(fresh_test, OfAPrivateKeyOnlyCreates) {
  const auto first = TypeParam::fresh(key::ipc_private, this->on()).value();
  const auto second = TypeParam::fresh(key::ipc_private, this->on()).value();
  this->adopt(first.id());
  this->adopt(second.id());
  EXPECT_NE(first, second);
  EXPECT_THAT(first.stat(), Succeeds());
}

TYPED_TEST(fresh_test, AnothersObjectIsEpermAndStays) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  const auto old = this->leave_behind();
  const std::string before = state_of(old);
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    const auto made = TypeParam::fresh(this->name_, this->on());
    return !made && made.error().code == EPERM;
  }));
  EXPECT_EQ(state_of(old), before);
  EXPECT_THAT(this->find(), test_support::Holds(old));
}

TYPED_TEST(fresh_test, AnUnprivilegedOwnerMayReplaceAndRootAnyway) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  EXPECT_TRUE(test_support::holds_in_child([&] {
    if (!test_support::become_nobody()) return false;
    const auto old = TypeParam::fresh(this->name_, this->on());
    return old && TypeParam::fresh(this->name_, this->on()).has_value() && !old->stat();
  }));
  EXPECT_THAT(TypeParam::fresh(this->name_, this->on()), Succeeds());
}

// With something there the calls are: create, find, remove, create.
TYPED_TEST(fresh_test, SurvivesThatWhatItLooksAtIsGone) {
  const auto faulty = make_fault_backend(make_sysv_backend());
  for (const int code : {EIDRM, EINVAL, ENOENT}) {
    for (const xsi_call call : {TypeParam::get_call, TypeParam::remove_call}) {
      for (std::uint64_t nth = 1;; ++nth) {
        auto old = TypeParam::fresh(this->name_, this->on()).value();
        TypeParam::use(old);
        faulty->fail({.nth = nth, .code = code, .only = call});
        const auto made = TypeParam::fresh(this->name_, *faulty);
        if (faulty->struck() == 0) break;
        ASSERT_THAT(made, Succeeds()) << errno_name(code) << " at " << nth;
        EXPECT_TRUE(TypeParam::is_unused(object_on(this->on(), *made)));
        EXPECT_THAT(old.stat(), FailsWith(EINVAL));
        ASSERT_LT(nth, 10U);
      }
    }
  }
}

TYPED_TEST(fresh_test, ReportsWhatKeepsItFromCreatingOrRemoving) {
  const auto faulty = make_fault_backend(make_sysv_backend());
  for (const int code : {EACCES, ENOSPC, ENOMEM, ENOSYS, EPERM}) {
    for (const xsi_call call : {TypeParam::get_call, TypeParam::remove_call}) {
      for (std::uint64_t nth = 1;; ++nth) {
        ASSERT_THAT(TypeParam::fresh(this->name_, this->on()), Succeeds());
        faulty->fail({.nth = nth, .code = code, .only = call});
        const auto made = TypeParam::fresh(this->name_, *faulty);
        if (faulty->struck() == 0) break;
        ASSERT_THAT(made, FailsWith(code)) << nth;
        ASSERT_LT(nth, 10U);
      }
    }
  }
}

TYPED_TEST(fresh_test, BelievesACreationThatFailsTwice) {
  const auto faulty = make_fault_backend(make_sysv_backend());
  for (const int code : {EIDRM, EINVAL, ENOENT}) {
    faulty->fail({.code = code, .persistent = true, .only = TypeParam::get_call});
    EXPECT_THAT(TypeParam::fresh(this->name_, *faulty), FailsWith(code));
    EXPECT_EQ(faulty->struck(), 2U);
  }
}

TYPED_TEST(fresh_test, EndsThoughTheKeyIsAlwaysTaken) {
  const auto faulty = make_fault_backend(make_sysv_backend());
  static_cast<void>(this->leave_behind());
  faulty->fail({.code = EINVAL, .persistent = true, .only = TypeParam::remove_call});
  EXPECT_THAT(TypeParam::fresh(this->name_, *faulty), FailsWith(EAGAIN));
}

TYPED_TEST(fresh_test, IsNoCancellationPoint) {
  static_cast<void>(this->leave_behind());
  bool returned = false;
  int state = -1;
  test_support::posix_thread thread([&] {
    pthread_cancel(pthread_self());
    returned = TypeParam::fresh(this->name_, this->on()).has_value();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);  // asked for, and never carried out
  });
  EXPECT_FALSE(thread.join());
  EXPECT_TRUE(returned);
  EXPECT_EQ(state, PTHREAD_CANCEL_ENABLE);
}

// What racing processes have got, in memory that they share.
constexpr int racers = 4;
constexpr int rounds = 200;
struct race_record {
  int ids[racers][rounds];
};

class shared_record {
 public:
  shared_record()
      : memory_(::mmap(nullptr, sizeof(race_record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~shared_record() { ::munmap(memory_, sizeof(race_record)); }
  shared_record(const shared_record&) = delete;
  shared_record& operator=(const shared_record&) = delete;
  race_record* operator->() { return static_cast<race_record*>(memory_); }

 private:
  void* memory_;
};

// One racer. An object that it was given is unused (or gone again), and stays its own.
template <typename Kind>
bool race(key name, spi::backend& on, int (&ids)[rounds]) {
  for (int& id : ids) {
    auto made = Kind::fresh(name, on);
    if (!made) return false;
    id = static_cast<int>(made->id());
    if (!Kind::is_unused(*made) && made->stat()) return false;
    Kind::use(*made);
    if (!Kind::is_used_by_me_alone(*made)) return false;
  }
  return true;
}

TYPED_TEST(fresh_test, RacingProcessesEndAndEachGetsObjectsOfItsOwn) {
  shared_record record;
  std::vector<pid_t> children;
  for (auto& ids : record->ids) {
    const pid_t child = fork();
    ASSERT_NE(child, -1);
    if (child == 0) _exit(race<TypeParam>(this->name_, this->on(), ids) ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  const auto last = this->find().value();
  std::set<int> all;
  int alive = 0;
  for (const auto& ids : record->ids) {
    for (const int id : ids) {
      all.insert(id);
      const typename TypeParam::object made(this->on(), decltype(last.id()){id});
      if (made == last) {
        ++alive;
      } else {
        EXPECT_THAT(made.stat(), FailsWith(EINVAL));
      }
    }
  }
  EXPECT_EQ(all.size(), std::size_t{racers} * rounds);  // no id was given twice
  EXPECT_EQ(alive, 1);
}

class fresh_arguments : public test_support::sysv_test {};

TEST_F(fresh_arguments, AnImpossibleNumberOfSemaphoresRemovesNothing) {
  const key name = unused_key();
  const auto old = semaphore_set::get(name, 2, creation::create_only(0600), on()).value();
  adopt(old.id());
  for (const int nsems : {0, -1, 1 << 20}) {
    EXPECT_THAT(create_fresh_set(name, nsems, 0600, on()), FailsWith(EINVAL)) << nsems;
    EXPECT_THAT(old.stat(), Succeeds());
  }
}

TEST_F(fresh_arguments, AnImpossibleSizeOfASegmentRemovesNothing) {
  const key name = unused_key();
  const auto old = shared_memory::get(name, 10, creation::create_only(0600), {}, on()).value();
  adopt(old.id());
  EXPECT_THAT(create_fresh_segment(name, 0, 0600, {}, on()), FailsWith(EINVAL));
  const auto shmmax = on().limits()->shmmax;
  EXPECT_THAT(create_fresh_segment(name, shmmax + 1, 0600, {}, on()),
              FailsAs(ipc_error{.code = EINVAL,
                                .call = xsi_call::shmget,
                                .subject_is = subject_kind::key,
                                .limit = ipc_limit::shmmax,
                                .subject = static_cast<int>(name),
                                .used = shmmax + 1,
                                .maximum = shmmax}));
  EXPECT_THAT(old.stat(), Succeeds());
}

TEST_F(fresh_arguments, AnotherKindOfObjectOfTheSameKeyStays) {
  const key name = unused_key();
  const auto set = semaphore_set::get(name, 1, creation::create_only(0600), on()).value();
  adopt(set.id());
  adopt(create_fresh_queue(name, 0600, on()).value().id());
  adopt(create_fresh_segment(name, 1, 0600, {}, on()).value().id());
  EXPECT_THAT(set.stat(), Succeeds());
}

TEST_F(fresh_arguments, AFullSystemIsReportedWithItsLimit) {
  const test_support::changed_limits full(on(), [](ipc_limits& limits) { limits.msgmni = 0; });
  if (!full.in_force()) GTEST_SKIP() << full.why_not();
  EXPECT_THAT(create_fresh_queue(unused_key(), 0600, on()), FailsWith(ENOSPC));
}

}  // namespace
}  // namespace xsipc
