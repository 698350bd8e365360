#include "attachments.hpp"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "../engine/registry.hpp"

namespace xsipc::posix {
namespace {

constexpr std::uint64_t block_bytes = 512;  // what st_blocks counts

std::uint64_t whole_pages(std::uint64_t bytes) {
  return (bytes + engine::page_bytes - 1) / engine::page_bytes * engine::page_bytes;
}

std::uintptr_t number_of(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

// Makes sure that no access fails later because there is no memory: 0 or an errno.
int reserve_all(const file& data, std::uint64_t bytes) {
  struct stat status {};
  if (data.status(status) && static_cast<std::uint64_t>(status.st_blocks) * block_bytes >= whole_pages(bytes)) return 0;
  long result = 0;
  do {
    result = raw_syscall(SYS_fallocate, data.number(), 0, 0, static_cast<long>(bytes));
  } while (result == -EINTR);
  return result == 0 || result == -EBADF ? 0 : ENOMEM;  // -EBADF: who may only read can't make sure of it
}

// The address that is asked for; nothing if none can be meant by it.
std::optional<std::uintptr_t> wanted_address(const attach_options& options, std::uint64_t length) {
  std::uintptr_t wanted = number_of(options.address);
  if (options.round) wanted -= wanted % engine::page_bytes;
  if (wanted == 0 && (options.remap || options.address != nullptr)) return std::nullopt;
  if (wanted % engine::page_bytes != 0 || wanted + length < wanted) return std::nullopt;
  return wanted;
}

engine::mapping_result map_file(const file& data, std::uintptr_t wanted, std::uint64_t length,
                                const attach_options& options) {
  const int protection =
      PROT_READ | (options.read_only ? 0 : PROT_WRITE) | (options.execute ? PROT_EXEC : 0);
  const int fixed = wanted == 0 ? 0 : options.remap ? MAP_FIXED : MAP_FIXED_NOREPLACE;
  void* const place = reinterpret_cast<void*>(wanted);
  void* const at = ::mmap(place, length, protection, MAP_SHARED | fixed, data.number(), 0);
  if (at == MAP_FAILED) {
    switch (errno) {
      case EEXIST:
      case EPERM: return {nullptr, options.execute && wanted == 0 ? EACCES : EINVAL};
      case EACCES: return {nullptr, EACCES};
      default: return {nullptr, wanted != 0 && errno != ENOMEM ? EINVAL : ENOMEM};
    }
  }
  if (wanted != 0 && at != place) {  // a kernel that takes the address for a hint
    ::munmap(at, length);
    return {nullptr, EINVAL};
  }
  return {at, 0};
}

// A line of /proc/self/maps.
struct mapped_range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

std::optional<mapped_range> parse(std::string_view line) {
  mapped_range made;
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  const char* at = line.begin();
  const auto number = [&](std::uint64_t& to, int base, char before_next) {
    const auto parsed = std::from_chars(at, line.end(), to, base);
    at = parsed.ptr == line.end() ? parsed.ptr : parsed.ptr + 1;
    return parsed.ec == std::errc() && (before_next == 0 || parsed.ptr == line.end() || *parsed.ptr == before_next);
  };
  const auto skip_field = [&] {
    while (at != line.end() && *at != ' ') ++at;
    if (at != line.end()) ++at;
  };
  if (!number(made.begin, 16, '-') || !number(made.end, 16, ' ')) return std::nullopt;
  skip_field();  // permissions
  skip_field();  // offset
  if (!number(major, 16, ':') || !number(minor, 16, ' ') || !number(made.inode, 10, 0)) return std::nullopt;
  made.device = major << 32 | minor;
  return made;
}

std::uint64_t device_number(const struct stat& status) {
  return std::uint64_t{gnu_dev_major(status.st_dev)} << 32 | gnu_dev_minor(status.st_dev);
}

}  // namespace

std::string attachments::path_of(const engine::object_ref& segment) const {
  return in_.place().path() + ".d." + hexadecimal(static_cast<std::uint64_t>(engine::id_of(segment))) + "." +
         hexadecimal(engine::load(nonce(segment)));
}

int attachments::make_data(const engine::object_ref& segment, std::uint64_t bytes) {
  if (bytes > INT64_MAX) return ENOMEM;
  if (!in_.reserve(in_.layout().nonces + segment.slot() * sizeof(std::uint64_t), sizeof(std::uint64_t))) return ENOMEM;
  engine::commit(nonce(segment), random_number());  // before the object: who finds this creation unfinished removes it
  const file data = file::open(path_of(segment), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!data.is_open()) return data.error() == ENOSPC ? ENOSPC : ENOMEM;
  raw_syscall(SYS_fchmod, data.number(), in_.place().shared ? 0666 : 0600);  // whatever the umask is
  if (raw_syscall(SYS_ftruncate, data.number(), static_cast<long>(bytes)) == 0) return 0;
  drop_data(segment);
  return ENOMEM;
}

void attachments::drop_data(const engine::object_ref& segment) {
  if (!in_.reserve(in_.layout().nonces + segment.slot() * sizeof(std::uint64_t), sizeof(std::uint64_t))) return;
  const std::string path = path_of(segment);
  raw_syscall(SYS_unlinkat, AT_FDCWD, word_of(path.c_str()), 0);
}

engine::mapping_result attachments::map(const engine::object_ref& segment, std::uint64_t bytes, bool reserved,
                                        const attach_options& options, std::vector<engine::object_ref>& replaced) {
  const std::uint64_t length = whole_pages(bytes);
  const auto wanted = wanted_address(options, length);
  if (!wanted) return {nullptr, EINVAL};
  // Opened for reading only where that is asked for, so that mprotect can't lift it.
  const file data = file::open(path_of(segment), options.read_only ? O_RDONLY : O_RDWR);
  if (!data.is_open()) return {nullptr, data.error() == ENOENT ? EINVAL : data.error()};
  if (reserved) {
    const file writable = options.read_only ? file::open(path_of(segment), O_RDWR) : file();
    if (reserve_all(writable.is_open() ? writable : data, bytes) != 0) return {nullptr, ENOMEM};
  }
  struct stat status {};
  if (!data.status(status)) return {nullptr, ENOMEM};
  const std::lock_guard lock(mutex_);
  const engine::mapping_result made = map_file(data, *wanted, length, options);
  if (made.code != 0) return made;
  const std::uintptr_t begin = number_of(made.address);
  // What began within the new mapping is gone, and so is what ended in it; a larger one is taken for gone too.
  for (auto each = mapped_.begin(); each != mapped_.end();) {
    const bool hit = each->first < begin + length && begin < each->first + each->second.length;
    if (hit) replaced.push_back(each->second.segment);
    each = hit ? mapped_.erase(each) : std::next(each);
  }
  mapped_[begin] = {length, segment, device_number(status), status.st_ino};
  return made;
}

std::optional<engine::object_ref> attachments::mapped(const void* address) {
  const std::lock_guard lock(mutex_);
  const auto found = mapped_.find(number_of(address));
  if (found == mapped_.end()) return std::nullopt;
  return found->second.segment;
}

// Only what still is the segment: the program may have unmapped parts, and something else may lie there now.
void attachments::unmap(const void* address) {
  const std::lock_guard lock(mutex_);
  const auto found = mapped_.find(number_of(address));
  if (found == mapped_.end()) return;
  const std::uintptr_t begin = found->first;
  const attachment gone = found->second;
  mapped_.erase(found);
  const std::string text = content_of("/proc/self/maps");
  if (text.empty()) {
    ::munmap(reinterpret_cast<void*>(begin), gone.length);
    return;
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto range = parse(std::string_view(text).substr(at, end - at));
    at = end + 1;
    if (!range || range->inode != gone.inode || range->device != gone.device) continue;
    const std::uintptr_t from = std::max(range->begin, begin);
    const std::uintptr_t to = std::min<std::uintptr_t>(range->end, begin + gone.length);
    if (from < to) ::munmap(reinterpret_cast<void*>(from), to - from);
  }
}

std::uint64_t attachments::resident_pages() const {
  DIR* const directory = ::opendir(in_.place().directory.c_str());
  if (directory == nullptr) return 0;
  const std::string data = in_.place().file + ".d.";
  std::uint64_t blocks = 0;
  while (const dirent* const entry = ::readdir(directory)) {
    struct stat status {};
    if (!std::string_view(entry->d_name).starts_with(data)) continue;
    if (::fstatat(::dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
      blocks += static_cast<std::uint64_t>(status.st_blocks);
    }
  }
  ::closedir(directory);
  return blocks * block_bytes / engine::page_bytes;
}

std::vector<engine::object_ref> attachments::all() {
  const std::lock_guard lock(mutex_);
  std::vector<engine::object_ref> segments;
  for (const auto& [address, each] : mapped_) segments.push_back(each.segment);
  return segments;
}

}  // namespace xsipc::posix
