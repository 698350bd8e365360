#include "argument_check.hpp"

#include <unistd.h>

#include <cstdint>

namespace xsipc::argument_check {
namespace {

// Attachments begin at multiples of SHMLBA, which is the page size on all machines served.
bool aligned(const void* address) {
  static const auto page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  return reinterpret_cast<std::uintptr_t>(address) % page_bytes == 0;
}

}  // namespace

int get_set(int nsems) { return nsems < 0 ? EINVAL : 0; }

int get_segment(const capability_set& has, const segment_options& options) {
  return options.huge_pages && !has.has(capability::huge_pages) ? EINVAL : 0;
}

int send(spi::backend& on, msqid id, const message_view& message, deadline until) {
  if (until.is_timed() && !on.capabilities().has(capability::timed_messages)) return ENOSYS;
  if (message.is_framed()) return 0;
  if (static_cast<int>(id) < 0 || message.type() < 1 || message.size_bytes() > PTRDIFF_MAX) return EINVAL;
  if (message.text() != nullptr || message.size_bytes() == 0) return 0;
  const auto limits = on.limits();
  return limits && message.size_bytes() > limits->msgmax ? EINVAL : EFAULT;
}

int receive(const capability_set& has, msqid id, msgtyp_selector selector, const message_buffer& into, deadline until) {
  if (until.is_timed() && !has.has(capability::timed_messages)) return ENOSYS;
  if (static_cast<int>(id) < 0 || into.size_bytes() > PTRDIFF_MAX) return EINVAL;
  if (selector.except && !has.has(capability::except_selector)) return EINVAL;
  if (!selector.copy) return 0;
  return !has.has(capability::copy_selector) || selector.except || !until.is_immediate() ? EINVAL : 0;
}

int operate(spi::backend& on, semid id, std::span<const sem_operation> operations, deadline until) {
  if (until.is_timed() && !on.capabilities().has(capability::timed_semop)) return ENOSYS;
  if (operations.empty()) return EINVAL;
  const bool nothing_there = operations.data() == nullptr;
  if (static_cast<int>(id) >= 0 && !nothing_there) return 0;
  const auto limits = on.limits();
  if (limits && operations.size() > limits->semopm) return E2BIG;
  return nothing_there ? EFAULT : EINVAL;
}

int set_value(spi::backend& on, semid id, int value) {
  if (static_cast<int>(id) < 0) return EINVAL;
  if (value < 0) return ERANGE;
  const auto limits = on.limits();
  return limits && static_cast<std::uint64_t>(value) > limits->semvmx ? ERANGE : 0;
}

int stat(const capability_set& has, int id_or_index, lookup how) {
  if (how != lookup::id && !has.has(capability::lookup_by_index)) return ENOSYS;
  return id_or_index < 0 ? EINVAL : 0;
}

int attach(const capability_set& has, shmid id, const attach_options& options) {
  if (options.remap && !has.has(capability::segment_remap)) return EINVAL;
  if (options.execute && !has.has(capability::segment_execute)) return EINVAL;
  if (static_cast<int>(id) < 0) return EINVAL;
  if (options.address == nullptr) return options.remap ? EINVAL : 0;
  return !options.round && !aligned(options.address) ? EINVAL : 0;
}

int detach(const void* address) { return address == nullptr || !aligned(address) ? EINVAL : 0; }

}  // namespace xsipc::argument_check
