// Arguments of calls in a fake system, made from the bytes of an input: good ones for the most part.
//
// For fuzz_calls. One thread.
#ifndef XSIPC_TESTS_FUZZ_CALL_ARGUMENTS_HPP
#define XSIPC_TESTS_FUZZ_CALL_ARGUMENTS_HPP

#include <sys/mman.h>

#include <chrono>
#include <climits>
#include <cstddef>
#include <span>
#include <vector>

#include "input.hpp"
#include "xsipc/fake.hpp"

namespace xsipc::fuzz {

inline constexpr std::size_t page = 4096;
inline constexpr std::size_t scratch_bytes = 17 * page;

// Memory that ends where nothing is.
inline std::byte* scratch() {
  static std::byte* const memory = [] {
    void* const all = mmap(nullptr, scratch_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    demand(all != MAP_FAILED, "no memory");
    mprotect(static_cast<std::byte*>(all) + scratch_bytes, page, PROT_NONE);
    return static_cast<std::byte*>(all);
  }();
  return memory;
}
inline std::byte* scratch_of(std::size_t size) { return scratch() + scratch_bytes - size; }

// A part of the address space that nobody uses, not even a sanitizer.
inline void* free_place(input& from) {
  return reinterpret_cast<void*>(0x200000000000 + from.below(8) * page + (from.byte() > 240 ? 8 : 0));
}

inline fake_options options_of(input& from) {
  fake_options options;
  options.limits = {.msgmax = from.one_of<std::uint64_t>({8192, 100, 0, 65536}),
                    .msgmnb = from.one_of<std::uint64_t>({16384, 300, 0, 1U << 20U}),
                    .msgmni = from.one_of<std::uint64_t>({64, 2, 0}),
                    .semmsl = from.one_of<std::uint64_t>({32000, 3, 0}),
                    .semmns = from.one_of<std::uint64_t>({1U << 20U, 40}),
                    .semopm = from.one_of<std::uint64_t>({500, 3, 20}),
                    .semmni = 64,
                    .semvmx = 32767,
                    .shmmax = from.one_of<std::uint64_t>({1ULL << 40U, 5000, ~0ULL}),
                    .shmmin = 1,
                    .shmall = from.one_of<std::uint64_t>({1ULL << 40U, 4, ~0ULL}),
                    .shmmni = 64};
  options.objects = from.one_of<std::uint32_t>({64, 0, 1, 128});
  options.memory_bytes = (1 + from.below(16)) * 64 * 1024;
  options.seed = from.byte();
  options.report_leaks = false;
  return options;
}

// A base for whoever makes the calls, and keeps what they returned.
class call_arguments {
 protected:
  explicit call_arguments(input& from) : in_(from) {}

  fake_user user() {
    fake_user who{.uid = in_.one_of<ipc_user>({0, 1000, 1001, ~0U})};
    if (in_.flag()) who.gid = 7;
    if (in_.flag()) who.groups = {7, 1000};
    if (in_.flag()) who.privileges = fake_privileges{in_.flag(), in_.flag(), in_.flag()};
    return who;
  }
  key some_key() { return static_cast<key>(in_.one_of<int>({0, 1, 2, 3, -1, INT_MIN})); }
  int id(const std::vector<int>& known) {
    const std::uint8_t which = in_.byte();
    if (which < 240 && !known.empty()) return known[which % known.size()];
    return in_.number<int>();
  }
  msqid queue() { return static_cast<msqid>(id(queues_)); }
  semid set() { return static_cast<semid>(id(sets_)); }
  shmid segment() { return static_cast<shmid>(id(segments_)); }
  int number_or_id(lookup how, const std::vector<int>& known) {
    return how == lookup::id ? id(known) : in_.number<std::int8_t>();
  }
  lookup some_lookup() { return in_.one_of({lookup::id, lookup::index, lookup::index_any}); }
  creation how() { return {in_.byte() < 200, in_.byte() > 200, in_.one_of<ipc_mode>({0600, 0666, 0, 0400, ~0U})}; }
  perm_change perm() {
    return {in_.one_of<ipc_user>({0, 1000, ~0U}), in_.one_of<ipc_user>({0, 7, ~0U}),
            in_.one_of<ipc_mode>({0600, 0, ~0U})};
  }
  deadline at_once() { return in_.flag() ? deadline::immediate() : deadline::at({}); }
  std::size_t size() { return in_.one_of<std::size_t>({0, 1, 88, 89, in_.byte(), in_.number<std::uint16_t>()}); }
  long type() {
    const auto small = static_cast<long>(in_.number<std::int8_t>());
    return in_.byte() < 240 ? small : in_.one_of<long>({LONG_MAX, LONG_MIN, INT_MIN});
  }
  msgtyp_selector selector() { return {type(), in_.byte() > 200, in_.byte() > 230}; }
  // Memory for `size` bytes, or none, or not enough.
  std::byte* memory(std::size_t size) {
    const std::uint8_t which = in_.byte();
    if (which < 220) return scratch_of(size);
    if (which < 230) return nullptr;
    if (which < 240) return scratch() + scratch_bytes - size / 2;
    void* const at = attached_.empty() ? nullptr : attached_[which % attached_.size()];
    // Once detached, it may be memory of something else.
    return asked_->is_segment_memory(at, 1) ? static_cast<std::byte*>(at) : nullptr;
  }
  message_view message() {
    const std::size_t bytes = size();
    if (in_.flag()) return message_view::framed(memory(bytes + sizeof(long)), in_.byte() > 250 ? SIZE_MAX : bytes);
    return {type(), {memory(bytes), in_.byte() > 250 ? SIZE_MAX : bytes}};
  }
  message_buffer buffer() {
    const std::size_t bytes = size();
    const std::size_t said = in_.byte() > 250 ? in_.one_of<std::size_t>({SIZE_MAX, INT_MAX, LONG_MAX}) : bytes;
    if (in_.flag()) return message_buffer::framed(memory(bytes + sizeof(long)), said);
    return std::span(memory(bytes), said);
  }
  std::vector<sem_operation> operations() {
    std::vector<sem_operation> all(in_.byte() < 240 ? in_.below(5) : in_.byte() * 2U);
    for (sem_operation& each : all) {
      each.semnum = in_.byte() < 240 ? static_cast<std::uint16_t>(in_.below(4)) : in_.number<std::uint16_t>();
      each.sem_op = in_.byte() < 240 ? in_.number<std::int8_t>() : in_.number<std::int16_t>();
      const auto flags =
          in_.byte() < 240 ? static_cast<std::uint16_t>((in_.byte() & 3U) << 11U) : in_.number<std::uint16_t>();
      each.flags = static_cast<sem_flags>(flags);
    }
    return all;
  }
  std::span<std::uint16_t> values() {
    const std::size_t count = in_.byte() < 200 ? 32000 : in_.byte();
    const std::uint16_t fill = in_.byte() < 200 ? in_.byte() : in_.number<std::uint16_t>();
    auto* const memory = reinterpret_cast<std::uint16_t*>(scratch_of(count * sizeof(std::uint16_t)));
    for (std::size_t i = 0; i < count; ++i) memory[i] = fill;
    return {memory, count};
  }
  std::size_t segment_size() {
    return in_.one_of<std::size_t>({1, in_.byte() * page, in_.number<std::uint16_t>(), 1ULL << 40U, SIZE_MAX, 0});
  }
  deadline some_time() {
    return in_.flag() ? deadline::never() : deadline::after(std::chrono::milliseconds(1 + in_.byte()));
  }

  template <typename Id>
  static void keep(std::vector<int>& known, const result<Id>& made) {
    if (made && known.size() < 16) known.push_back(static_cast<int>(*made));
  }

  input& in_;
  std::vector<int> queues_;  // ids that there are or were
  std::vector<int> sets_;
  std::vector<int> segments_;
  std::vector<void*> attached_;          // addresses, likewise
  const fake_process* asked_ = nullptr;  // tells which of them are
};

}  // namespace xsipc::fuzz

#endif  // XSIPC_TESTS_FUZZ_CALL_ARGUMENTS_HPP
