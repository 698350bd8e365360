#include "liveness.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "thread_state.hpp"

namespace xsipc::posix {
namespace {

constexpr std::uint64_t file_bytes = std::uint64_t{most_images} * sizeof(liveness_row);

// The kernel's word of a mutex.
std::uint32_t word_in(const pthread_mutex_t& mutex) {
  return engine::load(*reinterpret_cast<const std::uint32_t*>(&mutex));
}

std::string path_of(const namespace_object& in, std::uint32_t uid) {
  return in.place().path() + ".l." + std::to_string(uid);
}

// A file that is what it says: of that user, and written by nobody else.
bool is_trusted(const file& rows, std::uint32_t uid) {
  struct stat status {};
  return rows.is_open() && rows.status(status) && S_ISREG(status.st_mode) && status.st_uid == uid &&
         (status.st_mode & 022U) == 0 && static_cast<std::uint64_t>(status.st_size) >= file_bytes;
}

void* map(const file& rows, int protection) {
  void* const memory = ::mmap(nullptr, file_bytes, protection, MAP_SHARED, rows.number(), 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

bool liveness::is_marked(const pthread_mutex_t& mutex) { return (word_in(mutex) & FUTEX_OWNER_DIED) != 0; }

// The file of the calling user, made if it isn't there. Made anew by everybody until it is whole.
liveness_row* liveness::map_own() const {
  const std::uint32_t uid = ::geteuid();
  const std::string path = path_of(in_, uid);
  file rows = file::open(path, O_RDWR);
  if (rows.error() == ENOENT) {
    const file made = file::open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
    if (made.is_open()) {
      raw_syscall(SYS_fchmod, made.number(), 0644);
      raw_syscall(SYS_ftruncate, made.number(), static_cast<long>(file_bytes));
    }
    rows = file::open(path, O_RDWR);
  }
  struct stat status {};
  if (rows.is_open() && rows.status(status) && status.st_uid == uid && status.st_size == 0) {
    raw_syscall(SYS_ftruncate, rows.number(), static_cast<long>(file_bytes));  // its maker has yet to do it, or died
  }
  return is_trusted(rows, uid) ? static_cast<liveness_row*>(map(rows, PROT_READ | PROT_WRITE)) : nullptr;
}

const liveness_row* liveness::map_of(std::uint32_t uid) const {
  const file rows = file::open(path_of(in_, uid), O_RDONLY);
  return is_trusted(rows, uid) ? static_cast<const liveness_row*>(map(rows, PROT_READ)) : nullptr;
}

pthread_mutex_t* liveness::begin(std::uint32_t number) {
#ifdef __GLIBC__
  if (current_thread().raw_forked) return nullptr;  // a mutex would be locked in the parent's name
  liveness_row* row = nullptr;
  if (!in_.place().shared) {
    const std::uint64_t at = in_.layout().liveness + std::uint64_t{number} * sizeof(liveness_row);
    if (in_.reserve(at, sizeof(liveness_row))) row = &in_.at<liveness_row>(at);
  } else if (liveness_row* const rows = map_own(); rows != nullptr) {
    row = &rows[number];
    // Without memory for it the access would be answered with SIGBUS.
    const file own = file::open(path_of(in_, ::geteuid()), O_RDWR);
    const long page = static_cast<long>(number * sizeof(liveness_row) / engine::page_bytes * engine::page_bytes);
    if (raw_syscall(SYS_fallocate, own.number(), 0, page, engine::page_bytes) != 0) row = nullptr;
  }
  if (row == nullptr) return nullptr;
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  const bool made = ::pthread_mutex_init(&row->mutex, &attributes) == 0 && ::pthread_mutex_lock(&row->mutex) == 0;
  ::pthread_mutexattr_destroy(&attributes);
  return made ? &row->mutex : nullptr;
#else
  static_cast<void>(number);
  return nullptr;
#endif
}

void liveness::stand_in(pthread_mutex_t& mutex) {
#ifdef __GLIBC__
  const thread_state& me = current_thread();
  if (me.held.word != nullptr || me.parked_count != 0) return;  // in a handler: the list is being worked with
  if (::pthread_mutex_trylock(&mutex) == EOWNERDEAD) ::pthread_mutex_consistent(&mutex);
#else
  static_cast<void>(mutex);
#endif
}

const liveness_row* liveness::rows_of(std::uint32_t uid) {
  if (!in_.place().shared) return &in_.at<liveness_row>(in_.layout().liveness);
  for (const mapped_file& each : files_) {
    const liveness_row* const rows = each.rows.load(std::memory_order_acquire);
    if (rows == nullptr) break;
    if (each.uid.load(std::memory_order_relaxed) == uid) return rows;
  }
  const std::lock_guard lock(mutex_);
  for (mapped_file& each : files_) {
    if (each.rows.load() != nullptr) continue;
    const liveness_row* const rows = map_of(uid);
    each.uid.store(uid, std::memory_order_relaxed);
    if (rows != nullptr) each.rows.store(rows, std::memory_order_release);
    return rows;
  }
  return nullptr;
}

bool liveness::is_held(std::uint32_t number, std::uint32_t uid) {
  const liveness_row* const rows = rows_of(uid);
  if (rows == nullptr) return false;
  const std::uint32_t word = word_in(rows[number].mutex);
  return (word & FUTEX_TID_MASK) != 0 && (word & FUTEX_OWNER_DIED) == 0;
}

}  // namespace xsipc::posix
