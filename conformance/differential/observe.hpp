// Looking at every object at once: what IPC_STAT and its kin tell, as rows of numbers that can be compared.
//
// One routine in a process that does nothing else reads everything, so a look costs one round trip, however many
// objects there are. Times are told as zero or not, for the two sides have different clocks. Of sets of more than 20
// semaphores the counters of the first 20 are read, and all values.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_OBSERVE_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_OBSERVE_HPP

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "xsipc/conformance/actor.hpp"
#include "xsipc/object_status.hpp"

namespace xsipc::conformance::differential {

using fields = std::vector<std::int64_t>;

// One object: an errno, or 0 and its fields.
struct observed {
  int code = 0;
  fields values = {};
  friend bool operator==(const observed&, const observed&) = default;
};

struct snapshot {
  std::vector<observed> objects = {};  // in the order in which they were asked for
  fields usage = {};                   // of the three kinds
};

// Places in the fields of an object.
inline constexpr std::size_t key_field = 5;
inline constexpr std::size_t first_semaphore_field = 9;
inline constexpr std::size_t fields_per_semaphore = 4;  // semval, sempid, semncnt, semzcnt
inline constexpr std::size_t most_semaphores_read = 20;

[[nodiscard]] fields fields_of(const queue_status& status);
[[nodiscard]] fields fields_of(const set_status& status);
[[nodiscard]] fields fields_of(const segment_status& status);

// What field `index` of such an object is called: "qnum", "semval[3]".
[[nodiscard]] std::string field_name(object_kind kind, std::size_t index);
// Whether it is a process id.
[[nodiscard]] bool is_pid_field(object_kind kind, std::size_t index);
[[nodiscard]] bool is_otime_field(object_kind kind, std::size_t index);
[[nodiscard]] bool is_zcnt_field(object_kind kind, std::size_t index);
[[nodiscard]] std::string usage_name(std::size_t index);

// Reads the objects, by kind and id, through `eye`, whose main thread must be idle.
[[nodiscard]] snapshot observe(actor& eye, const std::vector<std::pair<object_kind, int>>& objects);

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_OBSERVE_HPP
