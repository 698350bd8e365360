#include "address_space.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "../engine/registry.hpp"
#include "../raw_syscall.hpp"

namespace xsipc::detail {
namespace {

std::size_t whole_pages(std::uint64_t bytes) {
  return (bytes + engine::page_bytes - 1) / engine::page_bytes * engine::page_bytes;
}

std::uintptr_t number_of(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

// Of each segment only so much is looked at page by page.
constexpr std::size_t most_counted = std::size_t{1} << 30;

// A descriptor for the same memory that mprotect can't lift above reading.
int reopened_read_only(int file) {
  return ::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY | O_CLOEXEC);
}

}  // namespace

address_space::~address_space() {
  for (const auto& [begin, each] : mappings_) ::munmap(reinterpret_cast<void*>(begin), each.length);
  for (const auto& [id, each] : contents_) clear(each);
}

void address_space::clear(const content& of) {
  if (of.writable != nullptr) ::munmap(of.writable, of.length);
  if (of.readable != nullptr) ::munmap(of.readable, of.length);
}

bool address_space::fill(content& of) {
  const int file = ::memfd_create("xsipc fake segment", MFD_CLOEXEC);
  if (file < 0) return false;
  const int reading = reopened_read_only(file);
  content made{of.length};
  if (reading >= 0 && ::ftruncate(file, static_cast<off_t>(of.length)) == 0) {
    void* const writable = ::mmap(nullptr, of.length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    void* const readable = ::mmap(nullptr, of.length, PROT_READ, MAP_SHARED, reading, 0);
    if (writable != MAP_FAILED) made.writable = writable;
    if (readable != MAP_FAILED) made.readable = readable;
  }
  ::close(file);
  if (reading >= 0) ::close(reading);
  if (made.writable == nullptr || made.readable == nullptr) {
    clear(made);
    return false;
  }
  of = made;
  return true;
}

void address_space::make(const engine::object_ref& segment, std::uint64_t bytes) {
  contents_[engine::id_of(segment)] = {.length = whole_pages(bytes)};
}

void address_space::drop(const engine::object_ref& segment) {
  const auto found = contents_.find(engine::id_of(segment));
  if (found == contents_.end()) return;
  clear(found->second);
  contents_.erase(found);
}

std::uint64_t address_space::resident_pages() const {
  std::uint64_t pages = 0;
  std::vector<unsigned char> there(4096);
  for (const auto& [id, each] : contents_) {
    if (each.readable == nullptr) continue;
    const std::size_t step = there.size() * engine::page_bytes;
    const std::size_t counted = std::min(each.length, most_counted);
    for (std::size_t at = 0; at < counted; at += step) {
      const std::size_t size = std::min(step, counted - at);
      if (::mincore(static_cast<char*>(each.readable) + at, size, there.data()) != 0) break;
      for (std::size_t page = 0; page < size / engine::page_bytes; ++page) pages += there[page] & 1U;
    }
  }
  return pages;
}

engine::mapping_result address_space::map_new(place wanted, const content& of, const attach_options& options) {
  void* const place_wanted = reinterpret_cast<void*>(wanted);
  if (wanted != 0 && !options.remap) {
    // mremap replaces what is there: so it must be ours. The thread sanitizer's mmap would look for another address.
    const long held = raw_syscall(SYS_mmap, static_cast<long>(wanted), static_cast<long>(of.length), PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (held < 0 && held > -4096) {
      const int error = static_cast<int>(-held);
      return {nullptr, error == EEXIST || error == EPERM ? EINVAL : error};
    }
    if (static_cast<place>(held) != wanted) {  // a kernel that takes the address for a hint
      ::munmap(reinterpret_cast<void*>(held), of.length);
      return {nullptr, EINVAL};
    }
  }
  void* const source = options.read_only ? of.readable : of.writable;
  // An old size of 0 makes a second mapping of what is shared.
  void* const at = wanted == 0 ? ::mremap(source, 0, of.length, MREMAP_MAYMOVE)
                               : ::mremap(source, 0, of.length, MREMAP_MAYMOVE | MREMAP_FIXED, place_wanted);
  if (at == MAP_FAILED) {
    const int error = errno;
    if (wanted != 0 && !options.remap) ::munmap(place_wanted, of.length);
    return {nullptr, error == EFAULT ? EINVAL : error};
  }
  const int protection = PROT_READ | PROT_EXEC | (options.read_only ? 0 : PROT_WRITE);
  if (options.execute && ::mprotect(at, of.length, protection) != 0) {
    ::munmap(at, of.length);
    return {nullptr, EACCES};
  }
  return {at, 0};
}

engine::mapping_result address_space::map(process_number who, const engine::object_ref& segment, std::uint64_t bytes,
                                          const attach_options& options, std::vector<engine::object_ref>& replaced) {
  const std::size_t length = whole_pages(bytes);
  place wanted = number_of(options.address);
  if (options.round) wanted -= wanted % engine::page_bytes;
  // No address that was chosen is 0, and what is replaced must be said.
  if (wanted == 0 && (options.remap || options.address != nullptr)) return {nullptr, EINVAL};
  const auto found = contents_.find(engine::id_of(segment));
  if (found == contents_.end() || found->second.length != length) return {nullptr, EINVAL};
  if (found->second.writable == nullptr && !fill(found->second)) return {nullptr, ENOMEM};
  if (wanted + length < wanted) return {nullptr, EINVAL};
  if (wanted != 0) {
    // Somebody else has the same there: then there is nothing to map.
    const auto same = mappings_.find(wanted);
    if (same != mappings_.end() && same->second.segment == segment && same->second.length == length &&
        same->second.read_only == options.read_only && !same->second.in.contains(who)) {
      same->second.in.insert(who);
      return {reinterpret_cast<void*>(wanted), 0};
    }
  }
  const engine::mapping_result made = map_new(wanted, found->second, options);
  if (made.code != 0) return made;
  const place begin = number_of(made.address);
  if (options.remap) {
    // What began within the new mapping is gone, and so is what ended in it; a larger one is taken for gone too.
    for (auto each = mappings_.begin(); each != mappings_.end();) {
      const bool hit = each->first < begin + length && begin < each->first + each->second.length;
      if (hit && each->second.in.contains(who)) replaced.push_back(each->second.segment);
      each = hit ? mappings_.erase(each) : std::next(each);
    }
  }
  mappings_[begin] = {length, segment, options.read_only, {who}};
  return made;
}

std::optional<engine::object_ref> address_space::mapped(process_number who, const void* address) const {
  const auto found = mappings_.find(number_of(address));
  if (found == mappings_.end() || !found->second.in.contains(who)) return std::nullopt;
  return found->second.segment;
}

void address_space::release(std::map<place, mapping>::iterator which, process_number who) {
  which->second.in.erase(who);
  if (!which->second.in.empty()) return;
  ::munmap(reinterpret_cast<void*>(which->first), which->second.length);
  mappings_.erase(which);
}

void address_space::unmap(process_number who, const void* address) {
  const auto found = mappings_.find(number_of(address));
  if (found != mappings_.end()) release(found, who);
}

std::vector<std::pair<void*, engine::object_ref>> address_space::all_of(process_number who) const {
  std::vector<std::pair<void*, engine::object_ref>> all;
  for (const auto& [begin, each] : mappings_) {
    if (each.in.contains(who)) all.emplace_back(reinterpret_cast<void*>(begin), each.segment);
  }
  return all;
}

void address_space::inherit(process_number parent, process_number child) {
  for (auto& [begin, each] : mappings_) {
    if (each.in.contains(parent)) each.in.insert(child);
  }
}

bool address_space::has(process_number who, const void* address, std::size_t bytes, bool writable) const {
  place at = number_of(address);
  const place end = at + bytes;
  while (at < end) {
    auto found = mappings_.upper_bound(at);
    if (found == mappings_.begin()) return false;
    --found;
    const mapping& in = found->second;
    if (at >= found->first + in.length || !in.in.contains(who) || (writable && in.read_only)) return false;
    at = found->first + in.length;
  }
  return true;
}

bool address_space::touches(const void* address, std::size_t bytes) const {
  const place begin = number_of(address);
  for (const auto& [at, each] : mappings_) {
    if (at < begin + bytes && begin < at + each.length) return true;
  }
  return false;
}

}  // namespace xsipc::detail
