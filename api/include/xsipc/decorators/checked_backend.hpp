// The decorator that stands in front of every backend but sysv: it refuses what no backend could do, so that none has
// to.
//
// It knows every rule that depends on the arguments and the capabilities alone, and gives the *Guaranteed* of the SPI's
// headers. Rules that need an object, a permission or a limit that may change are the backend's: it alone knows in
// which order they fail (docs/error-precedence.md). What it refuses it refuses with the errno and in the place in which
// the kernel does, so that in front of sysv it changes no answer; the suite of error precedence shows it.
//
// Holds no state of its own: as safe in threads, after fork and in signal handlers as the backend behind it.
#ifndef XSIPC_DECORATORS_CHECKED_BACKEND_HPP
#define XSIPC_DECORATORS_CHECKED_BACKEND_HPP

#include <memory>

#include "xsipc/spi/backend.hpp"

namespace xsipc {

// Takes `inner` over and returns it with the checks in front.
[[nodiscard]] std::unique_ptr<spi::backend> make_checked_backend(std::unique_ptr<spi::backend> inner);

}  // namespace xsipc

#endif  // XSIPC_DECORATORS_CHECKED_BACKEND_HPP
