// Semaphores as suites speak of them: operations by name, and what is to be seen of a set.
//
// The looks fail the test if they can't look; each is a call of its own, so a set that changes meanwhile shows several
// moments.
#ifndef XSIPC_CONFORMANCE_SEMAPHORES_HPP
#define XSIPC_CONFORMANCE_SEMAPHORES_HPP

#include <cstdint>
#include <vector>

#include "xsipc/conformance/suites.hpp"

namespace xsipc::conformance {

inline constexpr auto no_wait = sem_flags::no_wait;
inline constexpr auto undo = sem_flags::undo;

constexpr sem_operation op_of(int semnum, int sem_op, sem_flags flags = sem_flags::none) {
  return {static_cast<std::uint16_t>(semnum), static_cast<std::int16_t>(sem_op), flags};
}
constexpr sem_operation add(int semnum, int n = 1, sem_flags flags = sem_flags::none) {
  return op_of(semnum, n, flags);
}
constexpr sem_operation take(int semnum, int n = 1, sem_flags flags = sem_flags::none) {
  return op_of(semnum, -n, flags);
}
constexpr sem_operation zero(int semnum, sem_flags flags = sem_flags::none) { return op_of(semnum, 0, flags); }

// semop; waits unless told otherwise.
inline result<void> operate(spi::backend& xsi, semid set, const std::vector<sem_operation>& operations,
                            deadline until = deadline::never()) {
  return xsi.operate(set, operations, until);
}

inline set_status status_of(spi::backend& xsi, semid set) {
  const auto status = xsi.stat_set(static_cast<int>(set), lookup::id);
  if (!status) {
    ADD_FAILURE() << status.error().message();
    return {};
  }
  return *status;
}

// What one query tells of each semaphore, in their order.
inline std::vector<int> each_semaphore(spi::backend& xsi, semid set, sem_query what) {
  std::vector<int> seen;
  for (std::uint64_t i = 0, count = status_of(xsi, set).nsems; i < count; ++i) {
    const auto one = xsi.query_semaphore(set, static_cast<int>(i), what);
    if (!one) ADD_FAILURE() << one.error().message();
    seen.push_back(one.value_or(-1));
  }
  return seen;
}
inline std::vector<int> ncnts_of(spi::backend& xsi, semid set) { return each_semaphore(xsi, set, sem_query::ncnt); }
inline std::vector<int> zcnts_of(spi::backend& xsi, semid set) { return each_semaphore(xsi, set, sem_query::zcnt); }
inline std::vector<int> sempids_of(spi::backend& xsi, semid set) { return each_semaphore(xsi, set, sem_query::pid); }

// All values, of one moment.
inline std::vector<int> values_of(spi::backend& xsi, semid set) {
  std::vector<std::uint16_t> values(status_of(xsi, set).nsems);
  const auto outcome = xsi.get_all(set, values);
  if (!outcome) ADD_FAILURE() << outcome.error().message();
  return {values.begin(), values.end()};
}

// SEMVMX of the backend.
inline int largest_value(spi::backend& xsi) { return static_cast<int>(xsi.limits().value().semvmx); }

class semaphore_test : public conformance_test {
 protected:
  // Creates a set of these values, which `owner` gives it by SETALL: sempid is its, otime stays 0.
  static semid set_of(actor_thread& owner, const std::vector<std::uint16_t>& values, ipc_mode mode = 0600) {
    const semid set = new_set(owner, static_cast<int>(values.size()), mode);
    EXPECT_THAT(owner.xsi().set_all(set, values), Succeeds());
    return set;
  }
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_SEMAPHORES_HPP
