// A stage of simulated processes: each is a fake_process of one fake_system and a thread.
//
// What it can't show: real command lines; files' locks, which are the whole program's; the end of a process that runs:
// one that is killed goes on until it sleeps or ends, though nobody sees what it writes.
#ifndef XSIPC_EXAMPLES_SUPPORT_FAKE_STAGE_HPP
#define XSIPC_EXAMPLES_SUPPORT_FAKE_STAGE_HPP

#include <memory>

#include "stage.hpp"

namespace examples {

[[nodiscard]] std::unique_ptr<stage> make_fake_stage(xsipc::key usual);

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_FAKE_STAGE_HPP
