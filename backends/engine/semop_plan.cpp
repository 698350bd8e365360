#include "semop_plan.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

namespace xsipc::engine {
namespace {

constexpr int semvmx = 32767;
constexpr std::uint32_t no_operation = 0xffff;

// Finds the last operation on the same semaphore: by looking back in a short array, by a hash table in a long one.
class earlier_operations {
 public:
  explicit earlier_operations(std::span<const sem_operation> operations) : operations_(operations) {
    if (is_long()) std::fill(std::begin(last_), std::end(last_), no_operation);
  }

  // Call it for each operation, in order.
  std::uint32_t before(std::uint32_t at) {
    const std::uint16_t semnum = operations_[at].semnum;
    if (!is_long()) {
      for (std::uint32_t back = at; back-- > 0;) {
        if (operations_[back].semnum == semnum) return back;
      }
      return no_operation;
    }
    std::uint32_t place = semnum * 2654435761U >> 22;
    while (last_[place] != no_operation && operations_[last_[place]].semnum != semnum) place = (place + 1) % places;
    const std::uint32_t found = last_[place];
    last_[place] = static_cast<std::uint16_t>(at);
    return found;
  }

 private:
  static constexpr std::uint32_t places = 1024;  // twice most_operations
  static_assert(most_operations < places / 2);

  [[nodiscard]] bool is_long() const { return operations_.size() > 16; }

  std::span<const sem_operation> operations_;
  std::uint16_t last_[places];
};

void fail(semop_plan& plan, int code) {
  plan.is = semop_plan::outcome::failed;
  plan.code = code;
}

void block(const sem_operation& operation, bool may_wait, std::int32_t threshold, semop_plan& plan) {
  if (!may_wait || has(operation.flags, sem_flags::no_wait)) return fail(plan, EAGAIN);
  plan.is = semop_plan::outcome::blocked;
  plan.for_zero = operation.sem_op == 0;
  plan.threshold = threshold;
}

}  // namespace

void evaluate(std::span<const sem_operation> operations, bool may_wait, semop_plan& plan) {
  operations = operations.first(std::min<std::size_t>(operations.size(), most_operations));
  earlier_operations earlier(operations);
  plan.is = semop_plan::outcome::performed;
  plan.code = 0;
  for (plan.at = 0; plan.at < operations.size(); ++plan.at) {
    const sem_operation& operation = operations[plan.at];
    const std::uint32_t before = earlier.before(plan.at);
    const std::uint32_t from = before == no_operation ? plan.at : before;
    const int own = plan.values[plan.at];
    const int now = plan.values[from];
    const int then = now + operation.sem_op;
    if (operation.sem_op == 0 && now != 0) return block(operation, may_wait, own - now, plan);
    if (then < 0) return block(operation, may_wait, own - then, plan);
    if (then > semvmx) return fail(plan, ERANGE);
    int adjustment = plan.adjustments[from];
    if (has(operation.flags, sem_flags::undo)) {
      adjustment -= operation.sem_op;
      using range = std::numeric_limits<std::int16_t>;
      if (adjustment < range::min() || adjustment > range::max()) return fail(plan, ERANGE);
    }
    plan.values[plan.at] = static_cast<std::int16_t>(then);
    plan.adjustments[plan.at] = static_cast<std::int16_t>(adjustment);
  }
}

bool may_come_to_fail(std::span<const sem_operation> operations, const semop_plan& plan) {
  const auto fragile = [](const sem_operation& operation) {
    return operation.sem_op > 0 || has(operation.flags, sem_flags::no_wait) || has(operation.flags, sem_flags::undo);
  };
  const auto before = operations.first(std::min<std::size_t>(plan.at, operations.size()));
  return std::any_of(before.begin(), before.end(), fragile);
}

}  // namespace xsipc::engine
