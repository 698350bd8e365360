// The harness of XSI in user space, with real processes.
#ifndef XSIPC_CONFORMANCE_HARNESSES_POSIX_HPP
#define XSIPC_CONFORMANCE_HARNESSES_POSIX_HPP

#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

extern const process_backend posix_backend;

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_HARNESSES_POSIX_HPP
