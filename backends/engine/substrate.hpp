// The lower seam: what the engine stands on.
//
// For whoever writes a substrate: memory, lock, parking, identity, credentials, clock, mappings. The engine knows XSI
// and no operating system; a substrate knows no XSI. There are two: heap_substrate (backends/fake) has all of it in one
// process; the shared one (backends/posix) has it between processes. One object stands for one process; its functions
// are called by all threads of that process at once, unless said otherwise. What is called on every operation is part
// of the concept and bound at compile time; what is cold is substrate_calls (arena.hpp).
//
// *Guaranteed* is what the engine sees to, *must* what the substrate owes.
//
// * Memory. space(): the arena, mapped readable and writable for as long as the object lives. Must: bytes never written
//   read as zeros; what reserve() granted can be touched by every process, and never raises SIGBUS.
// * Lock. lock(word) takes it. Guaranteed: a thread holds one at a time, never across park(), and calls nothing but
//   reserve(), alive(), wake(), credentials() and now() meanwhile. Must: work between all processes; return owner_died
//   to the first who comes after the death of a holder, however he died, and let him in; return would_deadlock, without
//   the lock, to a signal handler that interrupted the holder. unlock(word). unlock_and_wake(word, cell) must be one
//   step for a death: whoever dies in it either still holds the lock or has woken the cell. unlock_to_park(word, cell):
//   as unlock, and from then on death_mark appears in cell.death, where the substrate can, when the thread dies.
// * Parking. park(cell, until): turns the status from `awake` into `asleep` and sleeps while it is that; any other
// status
//   is a reason not to sleep. Guaranteed: nobody else parks on that cell. Must: return woken when the status is
//   something else, or for no reason at all; interrupted if a signal handler ran, SA_RESTART or not; timed_out once
//   `until` has passed; ended if the process has ended (a simulated one: then the call goes away at once and touches
//   the arena no more; death_mark must be in the cell). A thread that is cancelled unwinds from here, if `cancellable`,
//   and from nowhere else.
// * Identity. self(): this process. Must survive exec, differ after fork, and never be used again while anything in the
//   arena names it. image(): the program that it runs now, which ends with exec as with the process. alive(identity), alive(cell): false only when sure; true for a stopped process, false for a zombie.
// * Who calls. credentials(): as of now, valid until the call ends. may_set_limits(): whether he may change limits.
// * Time. now(): seconds since the epoch of the realtime clock. due_at(deadline): when a call that begins now is over.
// * The caller's memory. readable(address, bytes), writable(...): whether it can be touched; asked before the lock is
// taken.
//   A substrate without capability::bad_address may say `true` to everything.
// * Calls. enter() begins one: 0, or the errno with which it fails without doing anything. leave() ends it.
// * Segments. make_data(ref, bytes) makes the memory of a new segment, which reads as zeros: 0 or an errno.
//   drop_data(ref): nobody needs it any more, if it was made at all. map(ref, bytes, reserved, options) maps it into this
//   process and remembers it: the address, or an errno (EINVAL, ENOMEM, EACCES); if `reserved`, no access fails later
//   because there is no memory. mapped(address): the segment that map() put exactly there.
//   unmap(address). resident_pages(): how many pages of all segments are in memory. may_lock(bytes): 0, or EPERM or
//   ENOMEM: whether this process may keep so much in memory.
#ifndef XSIPC_ENGINE_SUBSTRATE_HPP
#define XSIPC_ENGINE_SUBSTRATE_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "access.hpp"
#include "arena.hpp"
#include "xsipc/attachment_options.hpp"
#include "xsipc/deadline.hpp"

namespace xsipc::engine {

enum class lock_outcome : std::uint8_t { taken, owner_died, would_deadlock };
enum class wake_reason : std::uint8_t { woken, interrupted, timed_out, ended };

// When a wait is over, on the substrate's clock.
struct due {
  bool never = true;
  std::int64_t at_ns = 0;
  // Besides, park() must return now and then (woken), so that the caller can look for the dead: after so long at most.
  // 0: whenever the substrate thinks fit.
  std::int64_t look_after_ns = 0;
};

// Where map() put a segment, or why not.
struct mapping_result {
  void* address = nullptr;
  int code = 0;  // 0: mapped
};

template <typename S>
concept substrate = requires(S& on, std::uint32_t& word, wait_cell& cell, const due& until, deadline when,
                             const object_ref& segment, const attach_options& options, const void* address,
                             std::size_t bytes) {
  { on.space() } -> std::convertible_to<const arena&>;
  { on.lock(word) } -> std::same_as<lock_outcome>;
  { on.unlock(word) } -> std::same_as<void>;
  { on.unlock_and_wake(word, cell) } -> std::same_as<void>;
  { on.unlock_to_park(word, cell) } -> std::same_as<void>;
  { on.park(cell, until, true) } -> std::same_as<wake_reason>;
  { on.self() } -> std::convertible_to<identity>;
  { on.image() } -> std::convertible_to<identity>;
  { on.credentials() } -> std::convertible_to<credentials>;
  { on.may_set_limits() } -> std::same_as<bool>;
  { on.now() } -> std::same_as<std::int64_t>;
  { on.due_at(when) } -> std::same_as<due>;
  { on.readable(address, bytes) } -> std::same_as<bool>;
  { on.writable(address, bytes) } -> std::same_as<bool>;
  { on.enter() } -> std::same_as<int>;
  { on.leave() } -> std::same_as<void>;
  { on.make_data(segment, std::uint64_t{}) } -> std::same_as<int>;
  { on.drop_data(segment) } -> std::same_as<void>;
  { on.map(segment, std::uint64_t{}, true, options) } -> std::same_as<mapping_result>;
  { on.mapped(address) } -> std::same_as<std::optional<object_ref>>;
  { on.unmap(address) } -> std::same_as<void>;
  { on.resident_pages() } -> std::same_as<std::uint64_t>;
  { on.may_lock(std::uint64_t{}) } -> std::same_as<int>;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_SUBSTRATE_HPP
