#include "process_table.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "robust_lock.hpp"

namespace xsipc::posix {
namespace {

// The start of an image's identity: this bit, its row, its serial number. No process is so old.
constexpr std::uint64_t image_bit = std::uint64_t{1} << 63;

constexpr std::uint32_t looked_at_before_growing = 64;  // rows that may be a dead image's

constexpr std::uint64_t image_start(std::uint32_t row, std::uint32_t serial) {
  return image_bit | std::uint64_t{row} << 32 | serial;
}

// Field `number` of /proc/PID/stat, counted from 3 behind the name, which may contain anything.
std::string_view field_of(std::string_view fields, int number) {
  for (int at = 3; at < number; ++at) {
    const auto blank = fields.find(' ');
    if (blank == fields.npos) return {};
    fields.remove_prefix(blank + 1);
  }
  return fields.substr(0, fields.find(' '));
}

std::uint64_t number_in(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.begin(), digits.end(), number);
  return number;
}

// A lock of the byte `number`, as F_OFD_SETLK and F_OFD_GETLK want it.
struct flock lock_of(std::uint32_t number, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = number;
  lock.l_len = 1;
  return lock;
}

}  // namespace

process_facts facts_of(std::int32_t pid) {
  const std::string text = content_of("/proc/" + std::to_string(pid) + "/stat");
  const auto end_of_name = text.rfind(')');
  if (end_of_name == text.npos || end_of_name + 2 >= text.size()) {
    // No such process, or /proc doesn't show it.
    return {.ended = raw_syscall(SYS_kill, pid, 0) == -ESRCH, .start = 0};
  }
  const std::string_view fields = std::string_view(text).substr(end_of_name + 2);
  constexpr int state = 3;
  constexpr int threads = 20;
  constexpr int start = 22;
  const char letter = field_of(fields, state).front();
  // The first thread may be gone and others go on.
  const bool zombie = (letter == 'Z' && number_in(field_of(fields, threads)) <= 1) || letter == 'X' || letter == 'x';
  return {.ended = zombie, .start = number_in(field_of(fields, start))};
}

void process_table::begin() {
  self_ = {.pid = own_pid(), .hint = 0, .start = facts_of(own_pid()).start};
  image_ = {.pid = self_.pid, .hint = 0, .start = 0};
  liveness_ = nullptr;
  const file object = in_.reopen();
  if (!object.is_open()) return;
  namespace_prefix& prefix = in_.prefix();
  // Nobody takes a row for a dead image's before its token is there. Recovery: rows without one are such rows.
  if (lock(prefix.images_lock) == lock_outcome::would_deadlock) return;
  const std::uint32_t number = find_row(object);
  if (number != engine::nil) fill(number);
  const bool whole = number != engine::nil && take_token(object, number);
  unlock(prefix.images_lock);
  if (!whole) return;
  image_.start = image_start(number, row(number).serial);
  liveness_ = lives_.begin(number);
  if (liveness_ != nullptr) self_.hint = number + 1;
}

// The row of an image that has ended, or a new one. Wants images_lock.
std::uint32_t process_table::find_row(const file& object) {
  namespace_prefix& prefix = in_.prefix();
  const std::uint32_t end = images_end();
  for (std::uint32_t looked = 0; end >= looked_at_before_growing && looked < looked_at_before_growing; ++looked) {
    const std::uint32_t number = engine::load(prefix.images_next) % end;
    engine::commit(prefix.images_next, number + 1);
    if (!has_token(object, number)) return number;
  }
  if (end == most_images) return engine::nil;
  if (!in_.reserve(in_.layout().images + end * sizeof(image_row), sizeof(image_row))) return engine::nil;
  engine::commit(prefix.images_end, end + 1);
  return end;
}

// Wants images_lock.
void process_table::fill(std::uint32_t number) {
  namespace_prefix& prefix = in_.prefix();
  image_row& mine = row(number);
  engine::commit(mine.serial, 0);
  mine.pid = self_.pid;
  mine.start = self_.start;
  mine.uid = ::geteuid();
  std::uint32_t serial = engine::load(prefix.serial) + 1;
  if (serial == 0) serial = 1;
  engine::commit(prefix.serial, serial);
  engine::commit(mine.serial, serial);
}

bool process_table::take_token(const file& object, std::uint32_t number) {
  struct flock wanted = lock_of(number, F_RDLCK);
  if (raw_syscall(SYS_fcntl, object.number(), F_OFD_SETLK, word_of(&wanted)) != 0) return false;
  // The lock belongs to the open file, which the mapping keeps when the descriptor is closed.
  void* const page = ::mmap(nullptr, engine::page_bytes, PROT_NONE, MAP_SHARED, object.number(), 0);
  return page != MAP_FAILED && ::madvise(page, engine::page_bytes, MADV_DONTFORK) == 0;
}

bool process_table::has_token(const file& object, std::uint32_t number) {
  struct flock asked = lock_of(number, F_WRLCK);
  return raw_syscall(SYS_fcntl, object.number(), F_OFD_GETLK, word_of(&asked)) != 0 || asked.l_type != F_UNLCK;
}

bool process_table::image_lives(const engine::identity& who) const {
  if (who == image_) return true;
  const auto number = static_cast<std::uint32_t>((who.start & ~image_bit) >> 32);
  if (number >= images_end()) return false;
  const image_row& there = row(number);
  if (engine::load(there.serial) != static_cast<std::uint32_t>(who.start) || there.pid != who.pid) return false;
  const file object = in_.reopen();
  return !object.is_open() || has_token(object, number);  // if the object is gone, nothing is known
}

bool process_table::hinted_alive(const engine::identity& who) {
  const std::uint32_t number = who.hint - 1;
  if (number >= images_end()) return false;
  const image_row& there = row(number);
  if (there.pid != who.pid || engine::load(there.start) != who.start) return false;
  return lives_.is_held(number, engine::load(there.uid));
}

bool process_table::alive(const engine::identity& who) {
  if ((who.start & image_bit) != 0) return image_lives(who);
  if (who == self_) return true;
  if (who.hint != 0 && hinted_alive(who)) return true;
  const process_facts now = facts_of(who.pid);
  return !now.ended && (now.start == who.start || now.start == 0 || who.start == 0);
}

}  // namespace xsipc::posix
