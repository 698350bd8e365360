// Cancellation of threads that are blocked: msgsnd and msgrcv are cancellation points, semop is none.
#include <vector>

#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

XSI_SUITE(cancel)

namespace {

class Cancel : public conformance_test {};

TEST_F(Cancel, ABlockedSenderHasSentNothing) {
  XSI_ASSERTION("MSGSND-34");
  actor& one = process();
  actor& other = process();
  actor_thread& thread = one.begin_thread();
  const msqid queue = new_queue(one);
  ASSERT_THAT(limit_queue(one.xsi(), queue, 4), Succeeds());
  ASSERT_THAT(send_text(one.xsi(), queue, 1, "full"), Succeeds());
  auto call = thread.start(sending(queue, 2, "late"));
  ASSERT_TRUE(call.blocked());
  one.cancel(thread);
  EXPECT_THAT(call.get(), FailsWith(ESRCH));
  EXPECT_THAT(receive_text(other.xsi(), queue), SucceedsWith(message{1, "full"}));
  EXPECT_THAT(receive_text(other.xsi(), queue), FailsWith(ENOMSG));
  // The room that it waited for is free, for the same process and for others.
  EXPECT_THAT(send_text(one.xsi(), queue, 3, "next"), Succeeds());
  EXPECT_THAT(receive_text(other.xsi(), queue), SucceedsWith(message{3, "next"}));
}

TEST_F(Cancel, ABlockedReceiverHasTakenNothing) {
  XSI_ASSERTION("MSGRCV-43");
  actor& one = process();
  actor& other = process();
  actor_thread& thread = one.begin_thread();
  const msqid queue = new_queue(one);
  auto call = thread.start(receiving(queue));
  ASSERT_TRUE(call.blocked());
  one.cancel(thread);
  EXPECT_THAT(call.get(), FailsWith(ESRCH));
  ASSERT_THAT(send_text(one.xsi(), queue, 1, "kept"), Succeeds());
  EXPECT_EQ(status_of(one.xsi(), queue).qnum, 1U);
  EXPECT_THAT(receive_text(other.xsi(), queue), SucceedsWith(message{1, "kept"}));
}

TEST_F(Cancel, ABlockedSemopGoesOn) {
  XSI_ASSERTION("SEMOP-50");
  actor& one = process();
  actor_thread& thread = one.begin_thread();
  const semid set = new_set(one);
  auto call = thread.start(operating(set, {{0, -1}}));
  ASSERT_TRUE(call.blocked());
  one.cancel(thread);
  EXPECT_TRUE(call.blocked());
  ASSERT_THAT(one.xsi().set_value(set, 0, 3), Succeeds());
  // The operation was performed; the cancellation then ends the thread where it next may.
  const auto ended = call.get();
  EXPECT_TRUE(ended.has_value() || ended.error().code == ESRCH) << testing::PrintToString(ended);
  EXPECT_THAT(one.xsi().query_semaphore(set, 0, sem_query::value), SucceedsWith(2));
}

}  // namespace
}  // namespace xsipc::conformance
