#include "namespace_object.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "../default_limits.hpp"
#include "../engine/registry_layout.hpp"

namespace xsipc::posix {
namespace {

constexpr std::uint32_t slots = engine::most_slots;
constexpr std::uint32_t most_pages = 4U << 20U;  // 16 GiB
constexpr std::uint32_t least_pages = 1024;

std::string error_text(int code) { return ::strerrordesc_np(code) == nullptr ? "error" : ::strerrordesc_np(code); }

// The boot's id, and the PID namespace: what a lock of another one means, nobody knows.
std::string boot_id() { return content_of("/proc/sys/kernel/random/boot_id").substr(0, 36); }
std::uint64_t pid_namespace() {
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

// As many pages as the file system could ever hold.
std::uint32_t pages_for(const std::string& directory) {
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0 || status.f_blocks == 0) return most_pages;
  const std::uint64_t pages = std::uint64_t{status.f_blocks} * status.f_frsize / engine::page_bytes;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(pages, least_pages, most_pages));
}

// While it lives, a file that would grow beyond RLIMIT_FSIZE is an error only, not also a signal.
class without_sigxfsz {
 public:
  without_sigxfsz() {
    rlimit most{};
    limited_ = ::getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY;
    if (!limited_) return;
    ::sigemptyset(&only_);
    ::sigaddset(&only_, SIGXFSZ);
    ::pthread_sigmask(SIG_BLOCK, &only_, &before_);
  }
  ~without_sigxfsz() {
    if (!limited_) return;
    const timespec at_once{};
    while (::sigtimedwait(&only_, nullptr, &at_once) == SIGXFSZ) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  without_sigxfsz(const without_sigxfsz&) = delete;
  without_sigxfsz& operator=(const without_sigxfsz&) = delete;

 private:
  bool limited_ = false;
  sigset_t only_{};
  sigset_t before_{};
};

bool allocate(const file& object, std::uint64_t offset, std::uint64_t bytes) {
  const without_sigxfsz ignored;
  long result = 0;
  do {
    result = raw_syscall(SYS_fallocate, object.number(), 0, static_cast<long>(offset), static_cast<long>(bytes));
  } while (result == -EINTR);
  return result == 0;
}

std::byte* map(const file& object, std::uint64_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, object.number(), 0);
  if (memory == MAP_FAILED) return nullptr;
  ::madvise(memory, bytes, MADV_DONTDUMP);
  return static_cast<std::byte*>(memory);
}

// The engine's view of memory that is still being made.
class no_calls final : public engine::substrate_calls {
 public:
  bool reserve(std::uint64_t, std::uint64_t) override { return true; }
  [[nodiscard]] bool alive(const engine::identity&) override { return true; }
  [[nodiscard]] bool alive(const engine::wait_cell&) override { return true; }
  void wake(engine::wait_cell&) override {}
};

namespace_problem problem_with(const namespace_place& place, int code, const std::string& what) {
  return {code, place.path() + ": " + what};
}
namespace_problem problem_with(const namespace_place& place, int code) {
  return problem_with(place, code, error_text(code));
}

// Writes an empty namespace into a new file; 0 or an errno.
int initialise(const file& object, bool shared, std::uint32_t pages) {
  object_layout layout = object_layout::of(slots, pages);
  std::byte* memory = map(object, layout.end);
  // A limit of address space: whoever opens it later may have more, but it has to fit for its maker at least.
  for (; memory == nullptr && pages / 2 >= least_pages; memory = map(object, layout.end)) {
    pages /= 2;
    layout = object_layout::of(slots, pages);
  }
  if (memory == nullptr) return ENOMEM;
  const auto finish = [&](int code) {
    ::munmap(memory, layout.end);
    return code;
  };
  // What is read before anything was written to it: headers, what is reserved, tables of keys. The rest comes with use.
  if (!allocate(object, 0, engine::page_bytes) || !allocate(object, layout.arena, engine::page_bytes) ||
      !allocate(object, layout.reserved, layout.arena - layout.reserved)) {
    return finish(ENOSPC);
  }
  for (int kind = 0; kind < engine::kinds; ++kind) {
    const engine::arena_layout& in = layout.in_arena;
    if (!allocate(object, layout.arena + in.kind[kind], sizeof(engine::kind_header)) ||
        !allocate(object, layout.arena + in.buckets[kind], engine::buckets_for(slots) * sizeof(std::uint32_t))) {
      return finish(ENOSPC);
    }
  }
  no_calls none;
  const engine::arena space(memory + layout.arena, layout.in_arena, none);
  engine::make_namespace(space, slots, pages, detail::linux_limits(), static_cast<std::uint32_t>(random_number()));
  auto& prefix = *reinterpret_cast<namespace_prefix*>(memory);
  prefix.abi = posix_abi;
  prefix.lock_tag = robust_futex;
  prefix.pid_namespace = pid_namespace();
  boot_id().copy(prefix.boot_id, sizeof prefix.boot_id - 1);
  prefix.slots = slots;
  prefix.pages = pages;
  prefix.shared = shared ? 1 : 0;
  prefix.magic = posix_magic;
  return finish(0);
}

// Why the file is not what it should be, if it isn't.
std::optional<namespace_problem> distrust(const namespace_place& place, const file& object) {
  struct stat status {};
  if (!object.status(status)) return problem_with(place, EIO);
  if (!S_ISREG(status.st_mode)) return problem_with(place, EACCES, "is no regular file");
  if (status.st_nlink != 1) return problem_with(place, EACCES, "has further names");
  if (status.st_uid != place.owner && status.st_uid != 0 && (!place.shared || status.st_uid != ::geteuid())) {
    return problem_with(place, EACCES, "belongs to user " + std::to_string(status.st_uid));
  }
  if (!place.shared && (status.st_mode & 077U) != 0) return problem_with(place, EACCES, "is open to other users");
  return std::nullopt;
}

}  // namespace

std::optional<namespace_place> place_of(std::string_view name, std::string_view directory) {
  namespace_place made;
  made.directory = directory.empty() ? "/dev/shm" : directory;
  made.owner = ::geteuid();
  constexpr std::string_view shared = "shared:";
  if (name.starts_with(shared)) {
    made.shared = true;
    name.remove_prefix(shared.size());
    if (const auto at = name.find('@'); at != name.npos) {
      const std::string_view owner = name.substr(at + 1);
      const auto parsed = std::from_chars(owner.begin(), owner.end(), made.owner);
      if (parsed.ec != std::errc() || parsed.ptr != owner.end()) return std::nullopt;
      name = name.substr(0, at);
    }
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), allowed)) return std::nullopt;
  made.file = made.shared ? "xsipc.s." : "xsipc.u" + std::to_string(made.owner) + ".";
  made.file += name;
  return made;
}

// Under a name of its own until it is whole: nobody ever sees a half-made one, whoever dies.
bool namespace_object::make(const namespace_place& place, mode_t mode, gid_t group, namespace_problem& problem) {
  const std::string making = place.directory + "/.xsipc.making." + hexadecimal(random_number());
  const file object = file::open(making, O_RDWR | O_CREAT | O_EXCL, 0600);
  int code = object.error();
  if (code != 0) {
    problem = {code, making + ": " + error_text(code)};
    return false;
  }
  code = initialise(object, place.shared, pages_for(place.directory));
  if (code == 0 && group != static_cast<gid_t>(-1)) {
    code = -static_cast<int>(raw_syscall(SYS_fchown, object.number(), -1, static_cast<long>(group)));
  }
  if (code == 0) code = -static_cast<int>(raw_syscall(SYS_fchmod, object.number(), mode));  // whatever the umask is
  if (code == 0) {
    code = -static_cast<int>(raw_syscall(SYS_renameat2, AT_FDCWD, word_of(making.c_str()), AT_FDCWD,
                                         word_of(place.path().c_str()), RENAME_NOREPLACE));
  }
  if (code == 0) return true;
  ::unlink(making.c_str());
  problem = problem_with(place, code);
  return false;
}

std::optional<namespace_object> namespace_object::open(const namespace_place& place, namespace_problem& problem) {
  file object = file::open(place.path(), O_RDWR);
  for (int tries = 0; object.error() == ENOENT && tries < 100; ++tries) {
    if (place.shared && ::geteuid() != 0) break;  // made on purpose, or by root
    if (!make(place, place.shared ? 0666 : 0600, static_cast<gid_t>(-1), problem) && problem.code != EEXIST) {
      return std::nullopt;
    }
    object = file::open(place.path(), O_RDWR);
  }
  if (!object.is_open()) {
    problem = problem_with(place, object.error());
    return std::nullopt;
  }
  if (auto wrong = distrust(place, object)) {
    problem = *std::move(wrong);
    return std::nullopt;
  }
  namespace_prefix prefix{};
  if (raw_syscall(SYS_pread64, object.number(), word_of(&prefix), sizeof prefix, 0) != sizeof prefix ||
      prefix.magic != posix_magic) {
    problem = problem_with(place, EINVAL, "is no namespace of xsipc");
    return std::nullopt;
  }
  if (prefix.abi != posix_abi || prefix.lock_tag != robust_futex || prefix.slots != slots ||
      prefix.pages < least_pages || prefix.pages > most_pages) {
    problem = problem_with(place, EPROTO, "was made by another version of xsipc");
    return std::nullopt;
  }
  prefix.boot_id[sizeof prefix.boot_id - 1] = 0;
  if (boot_id() != prefix.boot_id) {
    // Left from before the system was started: nobody can be in it.
    object.close();
    if (!remove(place, problem) && problem.code != ENOENT) return std::nullopt;
    return open(place, problem);
  }
  if (prefix.pid_namespace != pid_namespace()) {
    problem = problem_with(place, EPERM, "belongs to another PID namespace");
    return std::nullopt;
  }
  struct stat status {};
  const object_layout layout = object_layout::of(prefix.slots, prefix.pages);
  std::byte* const base = object.status(status) ? map(object, layout.end) : nullptr;
  if (base == nullptr) {
    problem = problem_with(place, ENOMEM, "can't be mapped");
    return std::nullopt;
  }
  return namespace_object(place, base, layout, status);
}

bool namespace_object::remove(const namespace_place& place, namespace_problem& problem) {
  const int code = ::unlink(place.path().c_str()) == 0 ? 0 : errno;
  if (code != 0) {
    problem = problem_with(place, code);
    return false;
  }
  DIR* const directory = ::opendir(place.directory.c_str());
  if (directory == nullptr) return true;
  const std::string others = place.file + ".";  // data of segments, and more; no name has a full stop
  while (const dirent* const entry = ::readdir(directory)) {
    if (std::string_view(entry->d_name).starts_with(others)) ::unlinkat(::dirfd(directory), entry->d_name, 0);
  }
  ::closedir(directory);
  return true;
}

file namespace_object::reopen() const {
  file object = file::open(place_.path(), O_RDWR);
  struct stat status {};
  if (object.is_open() && (!object.status(status) || status.st_ino != inode_)) object.close();
  return object;
}

bool namespace_object::is_reserved(std::uint64_t chunk) const {
  const std::uint64_t word = engine::load(at<std::uint64_t>(layout_.reserved, chunk / 64));
  return (word >> chunk % 64 & 1U) != 0;
}

bool namespace_object::reserve(std::uint64_t offset, std::uint64_t bytes) {
  if (bytes == 0) return true;
  const std::uint64_t first = offset / chunk_bytes;
  const std::uint64_t end = (offset + bytes + chunk_bytes - 1) / chunk_bytes;
  std::uint64_t missing = first;
  while (missing < end && is_reserved(missing)) ++missing;
  if (missing == end) return true;
  const file object = reopen();
  if (!object.is_open()) return false;
  if (!allocate(object, missing * chunk_bytes, (end - missing) * chunk_bytes)) {
    // A file system that is nearly full may still have what is really asked for.
    return allocate(object, offset, bytes);
  }
  for (std::uint64_t chunk = missing; chunk < end; ++chunk) {
    std::atomic_ref(at<std::uint64_t>(layout_.reserved, chunk / 64)).fetch_or(std::uint64_t{1} << chunk % 64);
  }
  return true;
}

}  // namespace xsipc::posix
