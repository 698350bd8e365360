#include "explain.hpp"

#include <cerrno>

namespace xsipc::detail {
namespace {

ipc_error with_limit(ipc_error error, ipc_limit limit, std::uint64_t used, std::uint64_t maximum) {
  error.limit = limit;
  error.used = used;
  error.maximum = maximum;
  return error;
}

// `asked` is over `maximum`, or something else was wrong.
ipc_error if_above(ipc_error error, ipc_limit limit, std::uint64_t asked, std::uint64_t maximum) {
  return asked > maximum ? with_limit(error, limit, asked, maximum) : error;
}

// `used` is at `maximum` by now, or adding `more` would exceed it.
ipc_error if_full(ipc_error error, ipc_limit limit, std::uint64_t used, std::uint64_t more, std::uint64_t maximum) {
  return used >= maximum || more > maximum - used ? with_limit(error, limit, used, maximum) : error;
}

ipc_error explain_queue_limits(const ipc_usage& usage, const ipc_limits& limits, ipc_error error) {
  return error.code == ENOSPC ? if_full(error, ipc_limit::msgmni, usage.objects, 1, limits.msgmni) : error;
}

ipc_error explain_set_limits(const ipc_usage& usage, const ipc_limits& limits, std::size_t nsems, ipc_error error) {
  if (error.code == EINVAL) return if_above(error, ipc_limit::semmsl, nsems, limits.semmsl);
  if (error.code != ENOSPC) return error;
  error = if_full(error, ipc_limit::semmni, usage.objects, 1, limits.semmni);
  if (error.limit != ipc_limit::none) return error;
  return if_full(error, ipc_limit::semmns, usage.semaphores, nsems, limits.semmns);
}

ipc_error explain_segment_limits(const ipc_usage& usage, const ipc_limits& limits, std::size_t size, ipc_error error) {
  if (error.code == EINVAL && size < limits.shmmin) {
    return with_limit(error, ipc_limit::shmmin, size, limits.shmmin);
  }
  if (error.code == EINVAL) return if_above(error, ipc_limit::shmmax, size, limits.shmmax);
  if (error.code != ENOSPC) return error;
  error = if_full(error, ipc_limit::shmmni, usage.objects, 1, limits.shmmni);
  if (error.limit != ipc_limit::none) return error;
  // What is left that a creation runs out of is pages. Their size is the backend's affair, so only a hint.
  return with_limit(error, ipc_limit::shmall, usage.pages, limits.shmall);
}

}  // namespace

ipc_error explain_send(spi::backend& on, msqid id, std::size_t size_bytes, ipc_error error) {
  if (error.limit != ipc_limit::none) return error;
  if (error.code == EINVAL) {
    const auto limits = on.limits();
    return limits ? if_above(error, ipc_limit::msgmax, size_bytes, limits->msgmax) : error;
  }
  if (error.code != EAGAIN) return error;
  const auto status = on.stat_queue(static_cast<int>(id), lookup::id);
  if (!status) return error;
  const ipc_error bytes = if_full(error, ipc_limit::msg_qbytes, status->cbytes, size_bytes, status->qbytes);
  if (bytes.limit != ipc_limit::none && (status->cbytes != 0 || size_bytes != 0)) return bytes;
  return if_full(error, ipc_limit::msg_qnum, status->qnum, 1, status->qbytes);
}

ipc_error explain_queue_change(spi::backend& on, const queue_change& change, ipc_error error) {
  if (error.limit != ipc_limit::none || error.code != EPERM) return error;
  const auto limits = on.limits();
  return limits ? if_above(error, ipc_limit::msgmnb, change.qbytes, limits->msgmnb) : error;
}

ipc_error explain_get(spi::backend& on, object_kind kind, std::size_t requested, ipc_error error) {
  if (error.limit != ipc_limit::none || (error.code != ENOSPC && error.code != EINVAL)) return error;
  const auto limits = on.limits();
  const auto usage = on.usage(kind);
  if (!limits || !usage) return error;
  switch (kind) {
    case object_kind::queue: return explain_queue_limits(*usage, *limits, error);
    case object_kind::set: return explain_set_limits(*usage, *limits, requested, error);
    case object_kind::segment: return explain_segment_limits(*usage, *limits, requested, error);
  }
  return error;
}

ipc_error explain_operate(spi::backend& on, std::span<const sem_operation> operations, ipc_error error) {
  if (error.limit != ipc_limit::none || error.code != E2BIG) return error;
  const auto limits = on.limits();
  return limits ? if_above(error, ipc_limit::semopm, operations.size(), limits->semopm) : error;
}

ipc_error explain_value(spi::backend& on, std::uint64_t largest, ipc_error error) {
  if (error.limit != ipc_limit::none || error.code != ERANGE) return error;
  const auto limits = on.limits();
  return limits ? if_above(error, ipc_limit::semvmx, largest, limits->semvmx) : error;
}

}  // namespace xsipc::detail
