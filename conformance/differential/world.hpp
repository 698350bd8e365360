// Two sides in lock-step: an action on one, the same on the other, and then everything that can be seen is compared.
//
// After each action: what it returned, which blocked calls returned and what, and of each object that it can have
// changed all of its status and what semctl tells of its semaphores; of every object that lives after each eighth
// action, at the end, and where a process has ended. Not compared: the exact time in a timestamp, and lists by index.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_WORLD_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_WORLD_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compare.hpp"
#include "ledger.hpp"
#include "side.hpp"
#include "steps.hpp"

namespace xsipc::conformance::differential {

// What happened in a run.
struct tally {
  std::uint64_t steps = 0;                                           // actions that were done
  std::uint64_t skipped = 0;                                         // steps that made no sense
  std::map<std::pair<call_kind, int>, std::uint64_t> outcomes = {};  // by errno; -1: blocked
  std::uint64_t blocked = 0;
  std::uint64_t kills = 0;
  std::uint64_t removed_while_blocked = 0;  // EIDRM
  freedom_counts freedoms = {};
};

struct divergence {
  std::size_t step = 0;  // its index
  std::string what = {};
  std::vector<std::string> lines = {};  // the actions up to there, as lines of a test
};

// A fresh namespace on either side, and what is special about it.
struct terms {
  int actors = 4;              // 3 to most_actors
  bool narrow_limits = false;  // limits so low that they are hit, where both sides can change them
  bool thorough = false;       // looks at every object after each action: to say which one it was
};

// Does the steps on both sides, in fresh sessions. Returns the first difference.
[[nodiscard]] std::optional<divergence> run_in_lockstep(const contestant& a, const contestant& b, const terms& which,
                                                        std::span<const step> steps, tally& counts);

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_WORLD_HPP
