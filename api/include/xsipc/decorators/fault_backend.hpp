// The decorator that makes chosen calls fail: for tests of what a program does when they do.
//
//   auto faulty = make_fault_backend(make_sysv_backend());
//   faulty->fail({.nth = 3, .code = ENOSPC, .only = xsi_call::msgget});
//
// Run a program with nth = 1, 2, 3 ... until it ends without the fault having struck, and every place has failed once.
// A call that fails so has not reached the backend behind. Thread safe.
#ifndef XSIPC_DECORATORS_FAULT_BACKEND_HPP
#define XSIPC_DECORATORS_FAULT_BACKEND_HPP

#include <cstdint>
#include <memory>

#include "xsipc/spi/backend.hpp"

namespace xsipc {

// Which calls fail, and how.
struct fault {
  std::uint64_t nth = 1;           // counted from 1, from the moment of fail()
  int code = 0;                    // the errno
  bool persistent = false;         // all calls from the nth on, not only that one
  xsi_call only = xsi_call::none;  // count and fail only these calls; none: all
};

class fault_backend : public spi::backend {
 public:
  // Plans a fault in place of the one before, and counts anew.
  virtual void fail(const fault& planned) = 0;
  // No call fails any more.
  virtual void heal() = 0;
  // How many calls have failed by the planned fault.
  [[nodiscard]] virtual std::uint64_t struck() const = 0;
};

// Takes `inner` over. Without a planned fault all calls pass.
[[nodiscard]] std::unique_ptr<fault_backend> make_fault_backend(std::unique_ptr<spi::backend> inner);

}  // namespace xsipc

#endif  // XSIPC_DECORATORS_FAULT_BACKEND_HPP
