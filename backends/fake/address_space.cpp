#include "address_space.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "../engine/registry.hpp"

namespace xsipc::detail {
namespace {

std::size_t whole_pages(std::uint64_t bytes) {
  return (bytes + engine::page_bytes - 1) / engine::page_bytes * engine::page_bytes;
}

std::uintptr_t number_of(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

// A descriptor for the same memory that mprotect can't lift above reading.
int reopened_read_only(int file) {
  return ::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY | O_CLOEXEC);
}

}  // namespace

address_space::~address_space() {
  for (const auto& [begin, each] : mappings_) ::munmap(reinterpret_cast<void*>(begin), each.length);
  for (const auto& [id, file] : files_) ::close(file);
}

int address_space::make(const engine::object_ref& segment, std::uint64_t bytes) {
  const int file = ::memfd_create("xsipc fake segment", MFD_CLOEXEC);
  if (file < 0) return ENOMEM;
  if (::ftruncate(file, static_cast<off_t>(whole_pages(bytes))) != 0) {
    ::close(file);
    return ENOMEM;
  }
  files_[engine::id_of(segment)] = file;
  return 0;
}

void address_space::drop(const engine::object_ref& segment) {
  const auto found = files_.find(engine::id_of(segment));
  if (found == files_.end()) return;
  ::close(found->second);
  files_.erase(found);
}

int address_space::file_of(const engine::object_ref& segment) const {
  const auto found = files_.find(engine::id_of(segment));
  return found == files_.end() ? -1 : found->second;
}

engine::mapping_result address_space::map_new(place wanted, bool replace, std::size_t length,
                                              const engine::object_ref& segment, const attach_options& options) {
  const int file = file_of(segment);
  const int reading = options.read_only ? reopened_read_only(file) : file;
  if (reading < 0) return {nullptr, ENOMEM};
  const int protection = PROT_READ | (options.read_only ? 0 : PROT_WRITE) | (options.execute ? PROT_EXEC : 0);
  const int fixed = wanted == 0 ? 0 : replace ? MAP_FIXED : MAP_FIXED_NOREPLACE;
  void* const at = ::mmap(reinterpret_cast<void*>(wanted), length, protection, MAP_SHARED | fixed, reading, 0);
  const int error = errno;
  if (options.read_only) ::close(reading);
  if (at == MAP_FAILED) return {nullptr, error == EEXIST ? EINVAL : error == EPERM ? EINVAL : error};
  if (wanted != 0 && number_of(at) != wanted) {  // a kernel that takes the address for a hint
    ::munmap(at, length);
    return {nullptr, EINVAL};
  }
  return {at, 0};
}

engine::mapping_result address_space::map(process_number who, const engine::object_ref& segment, std::uint64_t bytes,
                                          const attach_options& options,
                                          std::vector<engine::object_ref>& replaced) {
  const std::size_t length = whole_pages(bytes);
  place wanted = number_of(options.address);
  if (options.round) wanted -= wanted % engine::page_bytes;
  if (wanted == 0 && options.remap) return {nullptr, EINVAL};
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
  const engine::mapping_result made = map_new(wanted, options.remap, length, segment, options);
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
