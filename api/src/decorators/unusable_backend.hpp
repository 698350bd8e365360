// A backend that isn't there, or whose namespace can't be opened: every call says ENOSYS.
#ifndef XSIPC_SRC_DECORATORS_UNUSABLE_BACKEND_HPP
#define XSIPC_SRC_DECORATORS_UNUSABLE_BACKEND_HPP

#include <cerrno>
#include <memory>

#include "interceptor.hpp"

namespace xsipc::detail {

class unusable_backend final : public interceptor<unusable_backend> {
 public:
  // `name` lives as long as the program.
  unusable_backend(std::string_view name, capability_set offers) : interceptor(nullptr), name_(name), offers_(offers) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] capability_set capabilities() const override { return offers_; }

  template <auto Member, typename... Arguments>
  auto pass(xsi_call call, const Arguments&... arguments)
      -> decltype((std::declval<spi::backend&>().*Member)(arguments...)) {
    return refusal(ENOSYS, call, arguments...);
  }

 private:
  std::string_view name_;
  capability_set offers_;
};

}  // namespace xsipc::detail

#endif  // XSIPC_SRC_DECORATORS_UNUSABLE_BACKEND_HPP
