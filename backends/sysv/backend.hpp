// The kernel's System V IPC as a backend: one system call a function, nothing in front of it.
//
// The oracle that every other backend is held to, and therefore bare: arguments go to the kernel unchecked,
// and its errno comes back with the call and the id or key. What the kernel cannot be asked is refused here: a timed
// send or receive is ENOSYS. Holds no state, so it is safe in threads, after fork and in signal handlers, like the
// calls themselves. Three source files, one for each kind of object.
//
// Known gaps, all of the kernel (docs/divergences.md): msg_lrpid is a thread id after a hand-over to a blocked
// non-main thread; semop ends with EINTR after SIGSTOP and SIGCONT; asking for execute bits of an existing object
// without them is EACCES.
#ifndef XSIPC_SYSV_BACKEND_HPP
#define XSIPC_SYSV_BACKEND_HPP

#include "syscalls.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc::sysv {

class backend final : public spi::backend {
 public:
  backend() noexcept = default;
  // Calls `replacement`, which must outlive the backend, in place of the kernel.
  explicit backend(const syscalls& replacement) noexcept : calls_(&replacement) {}

  [[nodiscard]] std::string_view name() const override { return "sysv"; }
  [[nodiscard]] capability_set capabilities() const override;
  result<ipc_limits> limits() override;
  result<void> change_limits(const ipc_limits& wanted) override;  // writes the sysctls of the IPC namespace
  result<ipc_usage> usage(object_kind kind) override;
  result<int> readiness(object_kind kind, int id) override;  // ENOSYS: the kernel has none

  result<msqid> get_queue(key which, creation how) override;
  result<void> send(msqid id, message_view message, deadline until) override;
  result<received> receive(msqid id, msgtyp_selector selector, message_buffer into, truncation when_too_long,
                           deadline until) override;
  result<queue_status> stat_queue(int id_or_index, lookup how) override;
  result<void> change_queue(msqid id, const queue_change& change) override;
  result<void> remove_queue(msqid id) override;

  result<semid> get_set(key which, int nsems, creation how) override;
  result<void> operate(semid id, std::span<const sem_operation> operations, deadline until) override;
  result<int> query_semaphore(semid id, int semnum, sem_query what) override;
  result<void> set_value(semid id, int semnum, int value) override;
  result<void> get_all(semid id, std::span<std::uint16_t> values) override;
  result<void> set_all(semid id, std::span<const std::uint16_t> values) override;
  result<set_status> stat_set(int id_or_index, lookup how) override;
  result<void> change_set(semid id, const perm_change& change) override;
  result<void> remove_set(semid id) override;

  result<shmid> get_segment(key which, std::size_t size, creation how, segment_options options) override;
  result<void*> attach(shmid id, const attach_options& options) override;
  result<void> detach(const void* address) override;
  result<segment_status> stat_segment(int id_or_index, lookup how) override;
  result<void> change_segment(shmid id, const perm_change& change) override;
  result<void> remove_segment(shmid id) override;
  result<void> lock_segment(shmid id, bool locked) override;

 private:
  // Messages whose type and text lie apart; `long`: longer than a frame on the stack, or not there.
  result<void> send_apart(msqid id, const message_view& message, int flags);
  result<void> send_long(msqid id, const message_view& message, int flags);
  result<received> receive_apart(msqid id, msgtyp_selector selector, const message_buffer& into, int flags);
  result<received> receive_staged(msqid id, msgtyp_selector selector, const message_buffer& into, int flags,
                                  void* staged);
  result<received> receive_long(msqid id, msgtyp_selector selector, const message_buffer& into, int flags);
  result<void> operate_for_a_time(semid id, std::span<const sem_operation> operations, deadline until);

  system_calls calls_;
};

}  // namespace xsipc::sysv

#endif  // XSIPC_SYSV_BACKEND_HPP
