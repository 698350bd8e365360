// The shortest list of steps that still shows a difference, as far as leaving steps out can find it.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_SHRINK_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_SHRINK_HPP

#include <cstddef>
#include <functional>
#include <vector>

#include "steps.hpp"

namespace xsipc::conformance::differential {

// Returns whether these steps, done from scratch, show a difference.
using shows_difference = std::function<bool(const std::vector<step>&)>;

// Leaves out ever smaller runs of steps, and operations of arrays, as long as `shows` stays true; asks at most `tries`
// times. `steps` itself must show one.
[[nodiscard]] std::vector<step> shrink(std::vector<step> steps, const shows_difference& shows, std::size_t tries = 600);

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_SHRINK_HPP
