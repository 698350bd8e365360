// The harness of the kernel's System V IPC.
#ifndef XSIPC_CONFORMANCE_HARNESSES_SYSV_HPP
#define XSIPC_CONFORMANCE_HARNESSES_SYSV_HPP

#include "xsipc/conformance/harness.hpp"

namespace xsipc::conformance {

extern const process_backend sysv_backend;
// The same behind checked_backend, which must change no answer: "sysv_checked".
extern const process_backend sysv_checked_backend;

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_HARNESSES_SYSV_HPP
