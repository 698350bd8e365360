// Who calls: effective ids, groups and capabilities of the calling thread, kept.
//
// To ask the kernel costs five system calls, more than everything else in a call. So it is asked once, and again after
// forget(): by whoever changes ids or capabilities of the process (refresh_posix_credentials in posix.hpp). Threads: any;
// what current() returned stays readable for ever.
#ifndef XSIPC_POSIX_CALLER_CREDENTIALS_HPP
#define XSIPC_POSIX_CALLER_CREDENTIALS_HPP

#include "../engine/access.hpp"

namespace xsipc::posix::caller_credentials {

[[nodiscard]] engine::credentials current();
void forget();

}  // namespace xsipc::posix::caller_credentials

#endif  // XSIPC_POSIX_CALLER_CREDENTIALS_HPP
