// What the patches beside this file change: a backend that passes each call on to the kernel.
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "interceptor.hpp"
#include "xsipc/open.hpp"

namespace xsipc::conformance {
namespace {

class shim final : public detail::interceptor<shim> {
 public:
  using interceptor::interceptor;

  template <auto Member, typename... Arguments>
  auto pass(xsi_call, const Arguments&... arguments)
      -> decltype((std::declval<spi::backend&>().*Member)(arguments...)) {
    return (inner().*Member)(arguments...);
  }

  // A defect stands here.
};

}  // namespace

std::unique_ptr<spi::backend> make_shim_backend();
std::unique_ptr<spi::backend> make_shim_backend() { return std::make_unique<shim>(make_sysv_backend()); }

}  // namespace xsipc::conformance
