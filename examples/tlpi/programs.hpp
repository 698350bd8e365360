// The restartable server and its client, for whoever starts them.
#ifndef XSIPC_EXAMPLES_TLPI_PROGRAMS_HPP
#define XSIPC_EXAMPLES_TLPI_PROGRAMS_HPP

#include "support/player.hpp"

namespace tlpi {

extern const examples::program server_program;
extern const examples::program client_program;

}  // namespace tlpi

#endif  // XSIPC_EXAMPLES_TLPI_PROGRAMS_HPP
