// The limits of a new namespace.
#ifndef XSIPC_BACKENDS_DEFAULT_LIMITS_HPP
#define XSIPC_BACKENDS_DEFAULT_LIMITS_HPP

#include "xsipc/limits.hpp"

namespace xsipc::detail {

// Linux's.
[[nodiscard]] inline ipc_limits linux_limits() {
  constexpr std::uint64_t nearly_all = ~std::uint64_t{0} - (1U << 24U);  // what Linux says of SHMMAX and SHMALL
  return {.msgmax = 8192,
          .msgmnb = 16384,
          .msgmni = 32000,
          .semmsl = 32000,
          .semmns = 1024000000,
          .semopm = 500,
          .semmni = 32000,
          .semvmx = 32767,
          .shmmax = nearly_all,
          .shmmin = 1,
          .shmall = nearly_all,
          .shmmni = 4096};
}

}  // namespace xsipc::detail

#endif  // XSIPC_BACKENDS_DEFAULT_LIMITS_HPP
