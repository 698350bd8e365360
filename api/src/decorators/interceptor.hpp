// What all decorators are: a backend that passes each call through one place.
//
// A decorator derives from interceptor<itself, base> and writes one function template,
//   template <auto Member, typename... Arguments> auto pass(xsi_call call, const Arguments&... arguments);
// in which inner().*Member is the call. `name` and `capabilities` are the inner backend's.
#ifndef XSIPC_SRC_DECORATORS_INTERCEPTOR_HPP
#define XSIPC_SRC_DECORATORS_INTERCEPTOR_HPP

#include <memory>
#include <type_traits>
#include <utility>

#include "xsipc/spi/backend.hpp"

namespace xsipc::detail {

template <typename Self, typename Base = spi::backend>
class interceptor : public Base {
 public:
  explicit interceptor(std::unique_ptr<spi::backend> inner) : inner_(std::move(inner)) {}

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] capability_set capabilities() const override { return inner_->capabilities(); }

  using B = spi::backend;
  result<ipc_limits> limits() override { return on<&B::limits>(xsi_call::limits); }
  result<void> change_limits(const ipc_limits& to) override { return on<&B::change_limits>(xsi_call::limits, to); }
  result<ipc_usage> usage(object_kind kind) override { return on<&B::usage>(xsi_call::limits, kind); }
  result<int> readiness(object_kind kind, int id) override { return on<&B::readiness>(xsi_call::readiness, kind, id); }

  result<msqid> get_queue(key k, creation how) override { return on<&B::get_queue>(xsi_call::msgget, k, how); }
  result<void> send(msqid id, message_view m, deadline d) override { return on<&B::send>(xsi_call::msgsnd, id, m, d); }
  result<received> receive(msqid id, msgtyp_selector s, message_buffer m, truncation t, deadline d) override {
    return on<&B::receive>(xsi_call::msgrcv, id, s, m, t, d);
  }
  result<queue_status> stat_queue(int id, lookup how) override { return on<&B::stat_queue>(xsi_call::msgctl, id, how); }
  result<void> change_queue(msqid id, const queue_change& to) override {
    return on<&B::change_queue>(xsi_call::msgctl, id, to);
  }
  result<void> remove_queue(msqid id) override { return on<&B::remove_queue>(xsi_call::msgctl, id); }

  result<semid> get_set(key k, int n, creation how) override { return on<&B::get_set>(xsi_call::semget, k, n, how); }
  result<void> operate(semid id, std::span<const sem_operation> ops, deadline d) override {
    return on<&B::operate>(xsi_call::semop, id, ops, d);
  }
  result<int> query_semaphore(semid id, int n, sem_query q) override {
    return on<&B::query_semaphore>(xsi_call::semctl, id, n, q);
  }
  result<void> set_value(semid id, int n, int value) override {
    return on<&B::set_value>(xsi_call::semctl, id, n, value);
  }
  result<void> get_all(semid id, std::span<std::uint16_t> to) override {
    return on<&B::get_all>(xsi_call::semctl, id, to);
  }
  result<void> set_all(semid id, std::span<const std::uint16_t> to) override {
    return on<&B::set_all>(xsi_call::semctl, id, to);
  }
  result<set_status> stat_set(int id, lookup how) override { return on<&B::stat_set>(xsi_call::semctl, id, how); }
  result<void> change_set(semid id, const perm_change& to) override {
    return on<&B::change_set>(xsi_call::semctl, id, to);
  }
  result<void> remove_set(semid id) override { return on<&B::remove_set>(xsi_call::semctl, id); }

  result<shmid> get_segment(key k, std::size_t size, creation how, segment_options options) override {
    return on<&B::get_segment>(xsi_call::shmget, k, size, how, options);
  }
  result<void*> attach(shmid id, const attach_options& how) override {
    return on<&B::attach>(xsi_call::shmat, id, how);
  }
  result<void> detach(const void* address) override { return on<&B::detach>(xsi_call::shmdt, address); }
  result<segment_status> stat_segment(int id, lookup how) override {
    return on<&B::stat_segment>(xsi_call::shmctl, id, how);
  }
  result<void> change_segment(shmid id, const perm_change& to) override {
    return on<&B::change_segment>(xsi_call::shmctl, id, to);
  }
  result<void> remove_segment(shmid id) override { return on<&B::remove_segment>(xsi_call::shmctl, id); }
  result<void> lock_segment(shmid id, bool locked) override {
    return on<&B::lock_segment>(xsi_call::shmctl, id, locked);
  }

 protected:
  [[nodiscard]] spi::backend& inner() const { return *inner_; }

 private:
  template <auto Member, typename... Arguments>
  auto on(xsi_call call, const Arguments&... arguments) {
    return static_cast<Self*>(this)->template pass<Member>(call, arguments...);
  }

  std::unique_ptr<spi::backend> inner_;
};

// The error of a call that a decorator answers itself: about the key, id or address that is its first argument.
inline ipc_error refusal(int code, xsi_call call) { return {.code = code, .call = call}; }

template <typename First, typename... Rest>
ipc_error refusal(int code, xsi_call call, const First& first, const Rest&...) {
  ipc_error error{.code = code, .call = call};
  if constexpr (std::is_same_v<First, key>) {
    error.subject_is = subject_kind::key;
    error.subject = static_cast<std::int32_t>(first);
  } else if constexpr (std::is_same_v<First, const void*>) {
    error.subject_is = subject_kind::address;
    error.subject = reinterpret_cast<std::intptr_t>(first);
  } else if constexpr (std::is_same_v<First, msqid> || std::is_same_v<First, semid> || std::is_same_v<First, shmid> ||
                       std::is_same_v<First, int>) {
    error.subject_is = subject_kind::id;
    error.subject = static_cast<int>(first);
  }
  return error;
}

}  // namespace xsipc::detail

#endif  // XSIPC_SRC_DECORATORS_INTERCEPTOR_HPP
