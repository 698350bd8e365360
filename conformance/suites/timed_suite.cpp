// Send and receive with a deadline, where the backend can; where it can't, that it says so and does nothing.
#include <chrono>

#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(timed)

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class Timed : public conformance_test {
 protected:
  [[nodiscard]] bool can_wait() const { return the_harness().capabilities().has(capability::timed_messages); }
};

TEST_F(Timed, SendFailsWithEagainWhenTheTimeIsOver) {
  XSI_ASSERTION("MSGSND-35");
  actor& one = process();
  const msqid queue = new_queue(one);
  ASSERT_THAT(limit_queue(one.xsi(), queue, 4), Succeeds());
  ASSERT_THAT(send_text(one.xsi(), queue, 1, "full"), Succeeds());
  const auto begin = steady_clock::now();
  const auto sent = send_text(one.xsi(), queue, 2, "late", deadline::after(milliseconds(50)));
  if (can_wait()) {
    EXPECT_THAT(sent, FailsWith(EAGAIN));
    EXPECT_GE(steady_clock::now() - begin, milliseconds(50));
  } else {
    EXPECT_THAT(sent, FailsWith(ENOSYS));
  }
  EXPECT_EQ(status_of(one.xsi(), queue).qnum, 1U);
}

TEST_F(Timed, SendSucceedsIfRoomComesInTime) {
  XSI_ASSERTION("MSGSND-35");
  actor& one = process();
  actor& other = process();
  const msqid queue = new_queue(one);
  ASSERT_THAT(limit_queue(one.xsi(), queue, 4), Succeeds());
  ASSERT_THAT(send_text(one.xsi(), queue, 1, "full"), Succeeds());
  auto call = other.start([&](spi::backend& xsi) {
    return send_text(xsi, queue, 2, "next", deadline::at(steady_clock::now() + std::chrono::hours(1)));
  });
  if (!can_wait()) {
    EXPECT_THAT(call.get(), FailsWith(ENOSYS));
    return;
  }
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(receive_text(one.xsi(), queue), Succeeds());
  EXPECT_THAT(call.get(), Succeeds());
}

TEST_F(Timed, ReceiveFailsWithEnomsgWhenTheTimeIsOver) {
  XSI_ASSERTION("MSGRCV-44");
  actor& one = process();
  const msqid queue = new_queue(one);
  ASSERT_THAT(send_text(one.xsi(), queue, 1, "other"), Succeeds());
  const auto begin = steady_clock::now();
  const auto got = receive_text(one.xsi(), queue,
                                {.selector = msgtyp_selector::type(2), .until = deadline::after(milliseconds(50))});
  if (can_wait()) {
    EXPECT_THAT(got, FailsWith(ENOMSG));
    EXPECT_GE(steady_clock::now() - begin, milliseconds(50));
  } else {
    EXPECT_THAT(got, FailsWith(ENOSYS));
  }
  EXPECT_EQ(status_of(one.xsi(), queue).qnum, 1U);
}

TEST_F(Timed, ReceiveSucceedsIfAMessageComesInTime) {
  XSI_ASSERTION("MSGRCV-44");
  actor& one = process();
  actor& other = process();
  const msqid queue = new_queue(one);
  auto call = other.start([&](spi::backend& xsi) {
    return receive_text(xsi, queue, {.until = deadline::at(steady_clock::now() + std::chrono::hours(1))});
  });
  if (!can_wait()) {
    EXPECT_THAT(call.get(), FailsWith(ENOSYS));
    return;
  }
  ASSERT_TRUE(call.blocked());
  ASSERT_THAT(send_text(one.xsi(), queue, 3, "in time"), Succeeds());
  EXPECT_THAT(call.get(), SucceedsWith(message{3, "in time"}));
}

}  // namespace
}  // namespace xsipc::conformance
