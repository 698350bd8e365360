#include "xsipc/open.hpp"

#include <gtest/gtest.h>

#include <memory>

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
  EXPECT_EQ(default_backend().name(), "sysv");
  const auto queue = message_queue::get(key::ipc_private, creation::create_only(0600)).value();
  adopt(queue.id());
  EXPECT_EQ(&queue.backend(), &default_backend());
  EXPECT_TRUE(queue.stat().has_value());
}

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
