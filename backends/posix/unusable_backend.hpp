// A backend whose namespace can't be opened: every call says ENOSYS.
#ifndef XSIPC_POSIX_UNUSABLE_BACKEND_HPP
#define XSIPC_POSIX_UNUSABLE_BACKEND_HPP

#include <cerrno>
#include <memory>

#include "../../api/src/decorators/interceptor.hpp"

namespace xsipc::posix {

class unusable_backend final : public detail::interceptor<unusable_backend> {
 public:
  explicit unusable_backend(capability_set offers) : interceptor(nullptr), offers_(offers) {}

  [[nodiscard]] std::string_view name() const override { return "posix"; }
  [[nodiscard]] capability_set capabilities() const override { return offers_; }

  template <auto Member, typename... Arguments>
  auto pass(xsi_call call, const Arguments&... arguments)
      -> decltype((std::declval<spi::backend&>().*Member)(arguments...)) {
    return detail::refusal(ENOSYS, call, arguments...);
  }

 private:
  capability_set offers_;
};

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_UNUSABLE_BACKEND_HPP
