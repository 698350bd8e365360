#include "xsipc/single_instance.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>
#include <mutex>
#include <vector>

#include "no_cancellation.hpp"

namespace xsipc {
namespace {

constexpr int most_pauses = 1000;  // 0.1 s

// A lock of fcntl(2) would belong to the process: it goes when the process closes any descriptor of the file, if only
// to read it, and doesn't keep the process itself out. flock(2)'s belongs to the descriptor, which a forked child
// shares. So that it doesn't hold the lock, the child closes its copies first of all.
struct held_descriptors {
  std::mutex mutex;
  std::vector<int> all;
};

held_descriptors& held() {
  static auto* const made = [] {
    ::pthread_atfork([] { held().mutex.lock(); }, [] { held().mutex.unlock(); },
                     [] {
                       for (const int descriptor : held().all) ::close(descriptor);
                       held().all.clear();
                       held().mutex.unlock();
                     });
    return new held_descriptors;  // never destroyed: guards may be static objects too
  }();
  return *made;
}

// True if the file holds the pid of a process that isn't there.
bool holder_is_dead(int descriptor) {
  char text[16] = {};
  const ssize_t size = ::pread(descriptor, text, sizeof text, 0);
  pid_t pid = 0;
  if (size <= 0 || std::from_chars(text, text + size, pid).ec != std::errc() || pid <= 0) return false;
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

// A child that a killed holder was just making has the lock until it closes its copy.
bool lock_file(int descriptor) {
  constexpr timespec pause = {.tv_sec = 0, .tv_nsec = 100'000};
  for (int i = 0; i < most_pauses; ++i) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK || !holder_is_dead(descriptor)) break;
    ::nanosleep(&pause, nullptr);
  }
  return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
}

// Locks the file and writes the pid into it. Returns an errno value, 0 for success.
int take(int descriptor) {
  if (!lock_file(descriptor)) return errno;
  const std::string pid = std::to_string(::getpid()).append("\n");
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) return errno;
  return 0;
}

}  // namespace

result<single_instance> single_instance::claim(const std::string& path) {
  const detail::no_cancellation guard;
  const std::lock_guard lock(held().mutex);  // no fork sees a descriptor that isn't in the list yet
  held().all.reserve(held().all.size() + 1);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor < 0) return ipc_error{.code = errno};
  if (const int code = take(descriptor); code != 0) {
    ::close(descriptor);
    return ipc_error{.code = code};
  }
  held().all.push_back(descriptor);
  return single_instance(descriptor, ::getpid());
}

single_instance::~single_instance() {
  if (descriptor_ < 0 || holder_ != ::getpid()) return;
  const detail::no_cancellation guard;
  const std::lock_guard lock(held().mutex);
  std::erase(held().all, descriptor_);
  static_cast<void>(!::ftruncate(descriptor_, 0));
  ::flock(descriptor_, LOCK_UN);  // not by closing alone: a child that is just being made may have a copy
  ::close(descriptor_);
}

}  // namespace xsipc
