// A spi::backend whose calls run in an actor: the test's end of one actor thread's socket.
#ifndef XSIPC_CONFORMANCE_REMOTE_BACKEND_HPP
#define XSIPC_CONFORMANCE_REMOTE_BACKEND_HPP

#include <functional>
#include <mutex>
#include <string>

#include "protocol.hpp"
#include "xsipc/spi/backend.hpp"

namespace xsipc::conformance {

// The socket to one thread of an actor. Owns it.
class actor_socket {
 public:
  explicit actor_socket(int descriptor) : descriptor_(descriptor) {}
  ~actor_socket();
  actor_socket(const actor_socket&) = delete;
  actor_socket& operator=(const actor_socket&) = delete;

  // Sends a request, waits for its answer and returns what was asked for. Throws `disconnected` if the actor has died,
  // std::runtime_error if it could not do it, std::logic_error if another request is pending: the thread does one thing
  // at a time.
  [[nodiscard]] packet_reader ask(const packet_writer& request, int descriptor_to_pass = -1);
  // Waits for what a new thread or process sends first.
  [[nodiscard]] greeting await_greeting();

 private:
  int descriptor_;
  std::mutex busy_;
};

// Called for each object that a call has created or found: kind and id.
using object_observer = std::function<void(object_kind, int)>;

class remote_backend final : public spi::backend {
 public:
  remote_backend(actor_socket& socket, std::string name, capability_set capabilities, object_observer observer)
      : socket_(socket), name_(std::move(name)), capabilities_(capabilities), observer_(std::move(observer)) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] capability_set capabilities() const override { return capabilities_; }
  result<ipc_limits> limits() override;
  result<void> change_limits(const ipc_limits& wanted) override;
  result<ipc_usage> usage(object_kind kind) override;
  result<int> readiness(object_kind kind, int id) override;

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
  template <typename T, typename... Arguments>
  result<T> call(op code, const Arguments&... arguments);
  template <typename T>
  result<T> call_with(op code, const std::function<void(packet_writer&)>& put_arguments,
                      const std::function<void(packet_reader&)>& take_more = {});
  template <typename Id>
  result<Id> observed(object_kind kind, result<Id> id);

  actor_socket& socket_;
  std::string name_;
  capability_set capabilities_;
  object_observer observer_;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_REMOTE_BACKEND_HPP
