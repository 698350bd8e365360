// Who calls: effective ids, groups and capabilities of the calling thread, kept.
//
// To ask the kernel costs five system calls, more than everything else in a call. So it is asked once, and again after
// forget(): by whoever changes ids or capabilities of the process (refresh_posix_credentials in posix.hpp). Threads: any;
// what current() returned stays readable for ever.
#ifndef XSIPC_POSIX_CALLER_CREDENTIALS_HPP
#define XSIPC_POSIX_CALLER_CREDENTIALS_HPP

#include <atomic>

#include "../engine/access.hpp"

namespace xsipc::posix::caller_credentials {

// What was asked last; null: nothing, or it is to be asked again.
extern std::atomic<const engine::credentials*> known;
[[nodiscard]] const engine::credentials& ask();

[[nodiscard]] inline const engine::credentials& current() {
  const engine::credentials* const last = known.load(std::memory_order_acquire);
  return last != nullptr ? *last : ask();
}
inline void forget() { known.store(nullptr); }

}  // namespace xsipc::posix::caller_credentials

#endif  // XSIPC_POSIX_CALLER_CREDENTIALS_HPP
