#include "support/ipc_namespace.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include "xsipc/open.hpp"

namespace xsipc::test_support {
namespace {

bool alone = false;

void expect_none_left(spi::backend& on, object_kind kind, const char* what) {
  const auto usage = on.usage(kind);
  if (!usage || usage->objects != 0) ADD_FAILURE() << "the tests left " << what << " behind";
}

class private_namespace final : public ::testing::Environment {
 public:
  void SetUp() override { alone = ::unshare(CLONE_NEWIPC) == 0; }

  void TearDown() override {
    if (!alone) return;
    const auto on = make_sysv_backend();
    expect_none_left(*on, object_kind::queue, "queues");
    expect_none_left(*on, object_kind::set, "semaphore sets");
    expect_none_left(*on, object_kind::segment, "segments");
  }
};

[[maybe_unused]] const auto* const registered = ::testing::AddGlobalTestEnvironment(new private_namespace);

}  // namespace

bool has_private_namespace() { return alone; }

}  // namespace xsipc::test_support
