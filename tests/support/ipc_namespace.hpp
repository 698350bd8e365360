// The IPC namespace that the tests run in.
//
// XSI objects and limits are shared by every program of a namespace. The test program leaves the machine's for one of
// its own where it is allowed to; elsewhere tests use private keys, and those that would change limits are skipped.
#ifndef XSIPC_TESTS_SUPPORT_IPC_NAMESPACE_HPP
#define XSIPC_TESTS_SUPPORT_IPC_NAMESPACE_HPP

namespace xsipc::test_support {

// True if nobody else can see or disturb this process's objects.
[[nodiscard]] bool has_private_namespace();

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_SUPPORT_IPC_NAMESPACE_HPP
