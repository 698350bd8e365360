// Bach's client and server, for whoever starts them.
#ifndef XSIPC_EXAMPLES_BACH_PROGRAMS_HPP
#define XSIPC_EXAMPLES_BACH_PROGRAMS_HPP

#include "support/player.hpp"

namespace bach {

extern const examples::program server_program;
extern const examples::program client_program;

}  // namespace bach

#endif  // XSIPC_EXAMPLES_BACH_PROGRAMS_HPP
