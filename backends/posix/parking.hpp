// Where a blocked call sleeps: on the status word of its cell, as a futex.
//
// First it looks again for a while without sleeping, for as long as that has paid lately: between two processors that
// are both at work a wake-up costs fifty times the time that the other needs.
#ifndef XSIPC_POSIX_PARKING_HPP
#define XSIPC_POSIX_PARKING_HPP

#include "../engine/substrate.hpp"

namespace xsipc::posix {

// As substrate.hpp says of park(). The cell's death word is being watched (robust_lock.hpp); at the end it is no more.
[[nodiscard]] engine::wake_reason park(engine::wait_cell& cell, const engine::due& until, bool cancellable);

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_PARKING_HPP
