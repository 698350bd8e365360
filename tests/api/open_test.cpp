#include "xsipc/open.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>

#include "support/sysv_fixture.hpp"

namespace xsipc {
namespace {

using test_support::sysv_test;

class open_test : public sysv_test {};

TEST_F(open_test, BuiltBackendsNameWhatIsCompiledIn) {
  std::vector<std::string_view> compiled_in{"sysv"};
  if (XSIPC_HAS_POSIX) compiled_in.emplace_back("posix");
  if (XSIPC_HAS_FAKE) compiled_in.emplace_back("fake");
  EXPECT_EQ(built_backends(), compiled_in);
}

TEST_F(open_test, TheDefaultBackendIsMadeOnce) { EXPECT_EQ(&default_backend(), &default_backend()); }

TEST_F(open_test, TheDefaultBackendIsTheKernelWhereThatIsAllThereIs) {
  EXPECT_EQ(default_backend_name(), "sysv");
  EXPECT_EQ(default_backend().name(), "sysv");
  const auto queue = message_queue::get(key::ipc_private, creation::create_only(0600)).value();
  adopt(queue.id());
  EXPECT_EQ(&queue.backend(), &default_backend());
  EXPECT_TRUE(queue.stat().has_value());
}

TEST_F(open_test, EveryBuiltBackendCanBeMadeByItsName) {
  EXPECT_EQ(make_backend("sysv")->name(), "sysv");
#if XSIPC_HAS_FAKE
  EXPECT_EQ(make_backend("fake")->name(), "fake");
#endif
}

TEST_F(open_test, ABackendThatIsntBuiltSaysSoAndDoesNothing) {
  std::string problem;
  const auto made = make_backend("psix", &problem);
  EXPECT_EQ(problem.find("backend psix is not built; there are: sysv"), 0U) << problem;
  EXPECT_EQ(made->limits().error().code, ENOSYS);
  EXPECT_EQ(message_queue::get(key::ipc_private, creation::create_only(0600), *made).error().code, ENOSYS);
}

#if XSIPC_DEFAULT_IS_AUTO
// In a program of its own, which hasn't made its default backend yet.
TEST_F(open_test, AWrongNameInTheEnvironmentIsAnErrorNotAnotherBackend) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  ASSERT_EQ(setenv("XSIPC_BACKEND", "psix", 1), 0);
  EXPECT_EXIT(_exit(default_backend_name() == "psix" ? default_backend().limits().error().code : 0),
              testing::ExitedWithCode(ENOSYS), "");
  unsetenv("XSIPC_BACKEND");
}
#endif

TEST_F(open_test, TwoSysvBackendsSeeTheSameObjects) {
  const auto queue = new_queue();
  const auto other = make_sysv_backend();
  EXPECT_TRUE(other->stat_queue(static_cast<int>(queue.id()), lookup::id).has_value());
}

TEST_F(open_test, DestroyingABackendRemovesNothing) {
  auto other = make_sysv_backend();
  const msqid id = other->get_queue(key::ipc_private, creation::create_only(0600)).value();
  adopt(id);
  other.reset();
  EXPECT_TRUE(on().stat_queue(static_cast<int>(id), lookup::id).has_value());
}

TEST_F(open_test, TheSysvBackendTellsItsCapabilities) {
  const capability_set offered = on().capabilities();
  EXPECT_EQ(offered.without(capability::timed_messages).without(capability::readiness), offered);
  for (int i = 0; i < capability_count; ++i) {
    const auto which = static_cast<capability>(i);
    const bool lacking = which == capability::timed_messages || which == capability::readiness;
    EXPECT_EQ(offered.has(which), !lacking) << capability_name(which);
  }
}

}  // namespace
}  // namespace xsipc
