// A guard that only one process at a time can hold: for servers that must be alone.
//
// A lock on a file, which the kernel releases when the process ends, however it ends; no stale guard is left behind.
// The file holds the pid of the holder, for people. Not inherited by fork: the child doesn't hold it, and destroying
// its copy of the guard does nothing. (A child made without the handlers of pthread_atfork holds it with its parent,
// until it ends or executes another program.) Not kept over exec. Thread safe. Source: TLPI 55.6.
#ifndef XSIPC_SINGLE_INSTANCE_HPP
#define XSIPC_SINGLE_INSTANCE_HPP

#include <string>
#include <utility>

#include "xsipc/object_status.hpp"
#include "xsipc/result.hpp"

namespace xsipc {

class single_instance {
 public:
  // Makes the file if there is none, with mode 0644 less the umask, and takes the lock without waiting for a
  // holder. (If a killed one was just making a child, it may take a moment until that lets go; 0.1 s at most.)
  //
  // Errors: EAGAIN (another process holds it, or the calling one by another guard), ELOOP (the last part of the path is
  // a symbolic link), and those of open(2). Not safe in a signal handler, and no cancellation point.
  [[nodiscard]] static result<single_instance> claim(const std::string& path);

  single_instance(single_instance&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), holder_(other.holder_) {}
  single_instance& operator=(single_instance&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(holder_, other.holder_);
    return *this;
  }
  // Releases the lock; the file stays, empty: removing it would let two processes lock two files of one name.
  ~single_instance();

 private:
  single_instance(int descriptor, ipc_pid holder) noexcept : descriptor_(descriptor), holder_(holder) {}

  int descriptor_;
  ipc_pid holder_;
};

}  // namespace xsipc

#endif  // XSIPC_SINGLE_INSTANCE_HPP
