#include "xsipc/ipc_error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace xsipc {
namespace {

ipc_error on_id(int code, xsi_call call, std::int64_t id) {
  return {.code = code, .call = call, .subject_is = subject_kind::id, .subject = id};
}
ipc_error on_key(int code, xsi_call call, std::int64_t key) {
  return {.code = code, .call = call, .subject_is = subject_kind::key, .subject = key};
}
ipc_error with(ipc_error error, ipc_limit limit, std::uint64_t used, std::uint64_t maximum) {
  error.limit = limit;
  error.used = used;
  error.maximum = maximum;
  return error;
}

TEST(IpcErrorMessage, NamesCallErrnoObjectAndFigures) {
  const auto error = with(on_id(EAGAIN, xsi_call::msgsnd, 65536), ipc_limit::msg_qbytes, 16384, 16384);
  EXPECT_EQ(error.message(), "msgsnd: EAGAIN (queue 65536 is full: 16384 of 16384 bytes)");
}

TEST(IpcErrorMessage, SaysWhichLimitAQueueHit) {
  const ipc_error send = on_id(EAGAIN, xsi_call::msgsnd, 7);
  EXPECT_EQ(with(send, ipc_limit::msg_qnum, 9, 9).message(), "msgsnd: EAGAIN (queue 7 is full: 9 of 9 messages)");
  EXPECT_EQ(with(on_id(EINVAL, xsi_call::msgsnd, 7), ipc_limit::msgmax, 8193, 8192).message(),
            "msgsnd: EINVAL (queue 7: 8193 bytes, MSGMAX is 8192)");
  EXPECT_EQ(with(on_id(EPERM, xsi_call::msgctl, 7), ipc_limit::msgmnb, 20000, 16384).message(),
            "msgctl: EPERM (queue 7: 20000 bytes for msg_qbytes, MSGMNB is 16384)");
  EXPECT_EQ(with(on_key(ENOSPC, xsi_call::msgget, 0), ipc_limit::msgmni, 5, 5).message(),
            "msgget: ENOSPC (new queue: MSGMNI is reached: 5 of 5 queues)");
}

TEST(IpcErrorMessage, SaysWhichLimitASetHit) {
  const ipc_error get = on_key(ENOSPC, xsi_call::semget, 75);
  EXPECT_EQ(with(get, ipc_limit::semmni, 3, 3).message(),
            "semget: ENOSPC (set with key 0x4b: SEMMNI is reached: 3 of 3 sets)");
  EXPECT_EQ(with(get, ipc_limit::semmns, 8, 10).message(),
            "semget: ENOSPC (set with key 0x4b: SEMMNS is reached: 8 of 10 semaphores)");
  EXPECT_EQ(with(on_key(EINVAL, xsi_call::semget, 0), ipc_limit::semmsl, 32001, 32000).message(),
            "semget: EINVAL (new set: 32001 semaphores, SEMMSL is 32000)");
  EXPECT_EQ(with(on_id(E2BIG, xsi_call::semop, 7), ipc_limit::semopm, 501, 500).message(),
            "semop: E2BIG (set 7: 501 operations, SEMOPM is 500)");
  EXPECT_EQ(with(on_id(ERANGE, xsi_call::semctl, 7), ipc_limit::semvmx, 40000, 32767).message(),
            "semctl: ERANGE (set 7: 40000 as a value, SEMVMX is 32767)");
}

TEST(IpcErrorMessage, SaysWhichLimitASegmentHit) {
  const ipc_error get = on_key(ENOSPC, xsi_call::shmget, 0);
  const ipc_error invalid = on_key(EINVAL, xsi_call::shmget, 0);
  EXPECT_EQ(with(get, ipc_limit::shmmni, 4, 4).message(),
            "shmget: ENOSPC (new segment: SHMMNI is reached: 4 of 4 segments)");
  EXPECT_EQ(with(get, ipc_limit::shmall, 7, 8).message(),
            "shmget: ENOSPC (new segment: SHMALL is reached: 7 of 8 pages)");
  EXPECT_EQ(with(invalid, ipc_limit::shmmax, 4097, 4096).message(),
            "shmget: EINVAL (new segment: 4097 bytes, SHMMAX is 4096)");
  EXPECT_EQ(with(invalid, ipc_limit::shmmin, 0, 1).message(), "shmget: EINVAL (new segment: 0 bytes, SHMMIN is 1)");
}

TEST(IpcErrorMessage, NamesEveryKindOfSubject) {
  EXPECT_EQ(on_id(EIDRM, xsi_call::semop, 0).message(), "semop: EIDRM (set 0 was removed while the call waited)");
  EXPECT_EQ(on_id(EACCES, xsi_call::shmat, 12).message(), "shmat: EACCES (segment 12: permission denied)");
  EXPECT_EQ(on_id(EACCES, xsi_call::readiness, 12).message(), "readiness: EACCES (object 12: permission denied)");
  EXPECT_EQ(on_key(EEXIST, xsi_call::msgget, 255).message(), "msgget: EEXIST (queue with key 0xff exists already)");
  EXPECT_EQ(on_key(ENOENT, xsi_call::shmget, -1).message(),
            "shmget: ENOENT (segment with key 0xffffffff does not exist)");
  EXPECT_EQ(on_key(ENOMEM, xsi_call::semget, 0).message(), "semget: ENOMEM (new set: out of memory)");
  const ipc_error address{
      .code = EINVAL, .call = xsi_call::shmdt, .subject_is = subject_kind::address, .subject = 4096};
  EXPECT_EQ(address.message(), "shmdt: EINVAL (address 0x1000: an argument is out of range)");
  EXPECT_EQ((ipc_error{.code = ENOENT, .call = xsi_call::ftok}.message()), "ftok: ENOENT (no such file)");
}

TEST(IpcErrorMessage, SaysWhatAnErrnoMeansForItsCall) {
  EXPECT_EQ(on_id(E2BIG, xsi_call::msgrcv, 7).message(),
            "msgrcv: E2BIG (queue 7: the message is longer than the buffer)");
  EXPECT_EQ(on_id(E2BIG, xsi_call::semop, 7).message(), "semop: E2BIG (set 7: too many operations)");
  EXPECT_EQ(on_id(EAGAIN, xsi_call::msgsnd, 7).message(), "msgsnd: EAGAIN (queue 7 is full)");
  EXPECT_EQ(on_id(EAGAIN, xsi_call::semop, 7).message(), "semop: EAGAIN (set 7: would block)");
  EXPECT_EQ(on_id(EBADMSG, xsi_call::msgrcv, 7).message(),
            "msgrcv: EBADMSG (queue 7: the message is shorter than the type asked for)");
  EXPECT_EQ(on_id(EFAULT, xsi_call::msgrcv, 7).message(), "msgrcv: EFAULT (queue 7: bad address)");
  EXPECT_EQ(on_id(EFBIG, xsi_call::semop, 7).message(), "semop: EFBIG (set 7: no such semaphore in the set)");
  EXPECT_EQ(on_id(EINTR, xsi_call::semop, 7).message(), "semop: EINTR (set 7: interrupted by a signal)");
  EXPECT_EQ(on_id(EINVAL, xsi_call::semop, 7).message(),
            "semop: EINVAL (set 7: no such object, or an argument is out of range)");
  EXPECT_EQ(on_id(ENOMSG, xsi_call::msgrcv, 7).message(), "msgrcv: ENOMSG (queue 7: no message that suits)");
  EXPECT_EQ(on_key(ENOSPC, xsi_call::semget, 0).message(),
            "semget: ENOSPC (new set: a limit of the system is reached)");
  EXPECT_EQ(on_id(ENOSYS, xsi_call::msgsnd, 7).message(), "msgsnd: ENOSYS (queue 7: the backend cannot do this)");
  EXPECT_EQ(on_id(EPERM, xsi_call::shmctl, 7).message(),
            "shmctl: EPERM (segment 7: only owner, creator or the privileged may do this)");
  EXPECT_EQ((ipc_error{.code = EPERM, .call = xsi_call::limits}.message()), "limits: EPERM (operation not permitted)");
  EXPECT_EQ(on_id(ERANGE, xsi_call::semop, 7).message(), "semop: ERANGE (set 7: value out of range)");
  EXPECT_EQ(on_id(ESRCH, xsi_call::semop, 7).message(), "semop: ESRCH (set 7: the process has ended)");
}

TEST(IpcErrorMessage, IsShortWhereNothingIsKnown) {
  EXPECT_EQ((ipc_error{.code = 4000, .call = xsi_call::msgget}.message()), "msgget: errno 4000");
  EXPECT_EQ(on_id(4000, xsi_call::msgctl, 7).message(), "msgctl: errno 4000 (queue 7)");
}

TEST(ErrnoName, KnowsTheErrorsOfXsi) {
  const std::pair<int, std::string_view> known[] = {{E2BIG, "E2BIG"},
                                                    {EACCES, "EACCES"},
                                                    {EAGAIN, "EAGAIN"},
                                                    {EBADMSG, "EBADMSG"},
                                                    {EDEADLK, "EDEADLK"},
                                                    {EEXIST, "EEXIST"},
                                                    {EFAULT, "EFAULT"},
                                                    {EFBIG, "EFBIG"},
                                                    {EIDRM, "EIDRM"},
                                                    {EINTR, "EINTR"},
                                                    {EINVAL, "EINVAL"},
                                                    {ELOOP, "ELOOP"},
                                                    {ENOENT, "ENOENT"},
                                                    {ENOMEM, "ENOMEM"},
                                                    {ENOMSG, "ENOMSG"},
                                                    {ENOSPC, "ENOSPC"},
                                                    {ENOSYS, "ENOSYS"},
                                                    {EPERM, "EPERM"},
                                                    {ENOTDIR, "ENOTDIR"},
                                                    {ERANGE, "ERANGE"},
                                                    {EROFS, "EROFS"},
                                                    {ESRCH, "ESRCH"},
                                                    {ENAMETOOLONG, "ENAMETOOLONG"}};
  for (const auto& [code, name] : known) EXPECT_EQ(errno_name(code), name);
}

TEST(ErrnoName, GivesTheNumberOfOthers) {
  EXPECT_EQ(errno_name(0), "errno 0");
  EXPECT_EQ(errno_name(4095), "errno 4095");
  EXPECT_EQ(errno_name(-1), "errno -1");
}

TEST(CallName, IsTheNameInTheStandard) {
  const std::pair<xsi_call, std::string_view> calls[] = {
      {xsi_call::none, "xsipc"},    {xsi_call::ftok, "ftok"},     {xsi_call::msgget, "msgget"},
      {xsi_call::msgsnd, "msgsnd"}, {xsi_call::msgrcv, "msgrcv"}, {xsi_call::msgctl, "msgctl"},
      {xsi_call::semget, "semget"}, {xsi_call::semop, "semop"},   {xsi_call::semctl, "semctl"},
      {xsi_call::shmget, "shmget"}, {xsi_call::shmat, "shmat"},   {xsi_call::shmdt, "shmdt"},
      {xsi_call::shmctl, "shmctl"}, {xsi_call::limits, "limits"}, {xsi_call::readiness, "readiness"}};
  for (const auto& [call, name] : calls) EXPECT_EQ(call_name(call), name);
}

TEST(IpcError, EqualsOneWithTheSameMembers) {
  const ipc_error error = with(on_id(EAGAIN, xsi_call::msgsnd, 7), ipc_limit::msg_qbytes, 1, 2);
  EXPECT_EQ(error, error);
  EXPECT_NE(error, with(error, ipc_limit::msg_qnum, 1, 2));
  EXPECT_NE(error, with(error, ipc_limit::msg_qbytes, 2, 2));
  EXPECT_NE(error, on_id(EAGAIN, xsi_call::msgsnd, 7));
}

}  // namespace
}  // namespace xsipc
