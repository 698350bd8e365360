#include "xsipc/single_instance.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "no_cancellation.hpp"

namespace xsipc {
namespace {

ipc_error failure() { return {.code = errno == EACCES ? EAGAIN : errno}; }

}  // namespace

result<single_instance> single_instance::claim(const std::string& path) {
  const detail::no_cancellation guard;
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor < 0) return ipc_error{.code = errno};
  single_instance claimed(descriptor);
  // A lock of the process, not of the descriptor: a forked child must neither hold it nor release it.
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(descriptor, F_SETLK, &whole) != 0) return failure();
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
    return ipc_error{.code = errno};
  }
  return claimed;
}

single_instance::~single_instance() {
  const detail::no_cancellation guard;
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace xsipc
