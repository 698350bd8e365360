#include "xsipc/decorators/checked_backend.hpp"

#include "argument_check.hpp"
#include "interceptor.hpp"

namespace xsipc {
namespace {

namespace check = argument_check;
using B = spi::backend;

// Names a function of the SPI, to choose an overload by.
template <auto Member>
struct function {};

class checked final : public detail::interceptor<checked> {
 public:
  using interceptor::interceptor;

  template <auto Member, typename... Arguments>
  auto pass(xsi_call call, const Arguments&... arguments) -> decltype((std::declval<B&>().*Member)(arguments...)) {
    if (const int code = refuse(function<Member>(), arguments...); code != 0) [[unlikely]] {
      return detail::refusal(code, call, arguments...);
    }
    return (inner().*Member)(arguments...);
  }

 private:
  [[nodiscard]] bool has(capability which) const { return inner().capabilities().has(which); }

  // One overload for each function of which more than the id can be wrong; functions without an id end in the last.
  int refuse(function<&B::change_limits>, const ipc_limits&) { return has(capability::changeable_limits) ? 0 : ENOSYS; }
  int refuse(function<&B::readiness>, object_kind, int id) {
    return has(capability::readiness) ? check::plain_id(id) : ENOSYS;
  }
  int refuse(function<&B::send>, msqid id, const message_view& message, deadline until) {
    return check::send(inner(), id, message, until);
  }
  int refuse(function<&B::receive>, msqid id, msgtyp_selector selector, const message_buffer& into, truncation,
             deadline until) {
    return check::receive(capabilities(), id, selector, into, until);
  }
  int refuse(function<&B::get_set>, key, int nsems, creation) { return check::get_set(nsems); }
  int refuse(function<&B::operate>, semid id, std::span<const sem_operation> operations, deadline until) {
    return check::operate(inner(), id, operations, until);
  }
  int refuse(function<&B::set_value>, semid id, int, int value) { return check::set_value(inner(), id, value); }
  int refuse(function<&B::get_segment>, key, std::size_t, creation, const segment_options& options) {
    return check::get_segment(capabilities(), options);
  }
  int refuse(function<&B::attach>, shmid id, const attach_options& options) {
    return check::attach(capabilities(), id, options);
  }
  int refuse(function<&B::detach>, const void* address) { return check::detach(address); }
  int refuse(function<&B::lock_segment>, shmid id, bool) {
    return has(capability::segment_lock) ? check::plain_id(id) : ENOSYS;
  }

  template <auto Member>
  int refuse(function<Member>, int id_or_index, lookup how) {
    return check::stat(capabilities(), id_or_index, how);
  }
  template <auto Member, typename Id, typename... Rest>
  requires std::is_enum_v<Id> && std::is_same_v < std::underlying_type_t<Id>,
  int > int refuse(function<Member>, Id id, const Rest&...) {
    if constexpr (std::is_same_v<Id, key>) return 0;
    return check::plain_id(id);
  }
  template <auto Member>
  int refuse(function<Member>) {
    return 0;
  }
  template <auto Member>
  int refuse(function<Member>, object_kind) {
    return 0;
  }
};

}  // namespace

std::unique_ptr<spi::backend> make_checked_backend(std::unique_ptr<spi::backend> inner) {
  return std::make_unique<checked>(std::move(inner));
}

}  // namespace xsipc
