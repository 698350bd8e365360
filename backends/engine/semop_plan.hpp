// What an array of operations would do to given values: pure, nothing is changed.
//
// For the engine only. Operations are looked at in the order of the array, each on what the ones before it left; the
// first that cannot proceed decides. Any thread, any place: no state.
#ifndef XSIPC_ENGINE_SEMOP_PLAN_HPP
#define XSIPC_ENGINE_SEMOP_PLAN_HPP

#include <cstdint>
#include <span>

#include "xsipc/semaphore_operation.hpp"

namespace xsipc::engine {

inline constexpr std::uint32_t most_operations = 500;  // in one array: SEMOPM

struct semop_plan {
  enum class outcome : std::uint8_t { performed, blocked, failed };

  outcome is;
  bool for_zero;           // blocked: it waits for zero, else for a larger value
  int code;                // failed: EAGAIN or ERANGE
  std::uint32_t at;        // the operation that decided
  std::int32_t threshold;  // blocked: proceeds once the semaphore's own value is at least this; for zero: at most

  // For each operation, its semaphore's value and its process's adjustment of it: before the array when evaluate()
  // begins, after this operation when it ends (up to `at`).
  std::int16_t values[most_operations];
  std::int16_t adjustments[most_operations];
};

// Evaluates `operations` (at most most_operations of them) on plan.values and plan.adjustments, and fills `plan` in.
// `may_wait` false: as if each operation had no_wait.
void evaluate(std::span<const sem_operation> operations, bool may_wait, semop_plan& plan);

// True if an operation before the blocking one may come to fail while the array waits: a value too large, one that may
// not wait, an adjustment out of range.
[[nodiscard]] bool may_come_to_fail(std::span<const sem_operation> operations, const semop_plan& plan);

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_SEMOP_PLAN_HPP
