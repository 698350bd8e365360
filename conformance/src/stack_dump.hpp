// Stacks of threads that hang, for the watchdog's report.
#ifndef XSIPC_CONFORMANCE_STACK_DUMP_HPP
#define XSIPC_CONFORMANCE_STACK_DUMP_HPP

namespace xsipc::conformance {

// The signal that makes a thread of this program write its stack to standard error and go on.
[[nodiscard]] int stack_dump_signal();

// Installs the handler. The program's name must have been given to absl::InitializeSymbolizer before.
void install_stack_dump();

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_STACK_DUMP_HPP
