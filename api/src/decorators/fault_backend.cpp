#include "xsipc/decorators/fault_backend.hpp"

#include <mutex>

#include "interceptor.hpp"

namespace xsipc {
namespace {

class faulty final : public detail::interceptor<faulty, fault_backend> {
 public:
  using interceptor::interceptor;

  void fail(const fault& planned) override {
    const std::lock_guard lock(mutex_);
    planned_ = planned;
    seen_ = 0;
    struck_ = 0;
  }

  void heal() override { fail({}); }

  [[nodiscard]] std::uint64_t struck() const override {
    const std::lock_guard lock(mutex_);
    return struck_;
  }

  template <auto Member, typename... Arguments>
  auto pass(xsi_call call, const Arguments&... arguments)
      -> decltype((std::declval<spi::backend&>().*Member)(arguments...)) {
    if (const int code = strike(call); code != 0) return detail::refusal(code, call, arguments...);
    return (inner().*Member)(arguments...);
  }

 private:
  // The errno with which this call is to fail, 0 if it is to pass.
  int strike(xsi_call call) {
    const std::lock_guard lock(mutex_);
    if (planned_.code == 0 || (planned_.only != xsi_call::none && planned_.only != call)) return 0;
    ++seen_;
    if (seen_ < planned_.nth || (seen_ > planned_.nth && !planned_.persistent)) return 0;
    ++struck_;
    return planned_.code;
  }

  mutable std::mutex mutex_;
  fault planned_;
  std::uint64_t seen_ = 0;
  std::uint64_t struck_ = 0;
};

}  // namespace

std::unique_ptr<fault_backend> make_fault_backend(std::unique_ptr<spi::backend> inner) {
  return std::make_unique<faulty>(std::move(inner));
}

}  // namespace xsipc
