// differential: the same steps on two backends, and every difference between them.
#include <sched.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/str_split.h"
#include "fake.hpp"
#include "generator.hpp"
#include "shrink.hpp"
#include "summary.hpp"
#include "sysv.hpp"
#include "xsipc/config.hpp"
#include "xsipc/conformance/runner.hpp"
#if XSIPC_HAS_POSIX
#include "posix.hpp"
#endif

ABSL_FLAG(std::vector<std::string>, backends, (std::vector<std::string>{"sysv", "fake"}),
          "the two to compare: sysv, posix, fake");
ABSL_FLAG(std::uint64_t, steps, 50'000, "how many steps in all");
ABSL_FLAG(std::uint64_t, seed, 0, "of the first session; 0: a fresh one, which is printed");
ABSL_FLAG(std::uint32_t, length, 250, "steps in a session: then both sides begin anew");
ABSL_FLAG(bool, one_cpu, true, "keep to one processor: twice as fast, with fewer orders in which things can happen");
ABSL_FLAG(bool, shrink, true, "look for the shortest list of steps that shows a difference");

namespace {

namespace conformance = xsipc::conformance;
using namespace conformance::differential;

constexpr char usage[] =
    "compares two backends step by step\n\n"
    "  differential [--backends=sysv,fake] [--steps=N] [--seed=S] [--length=L] [--noone_cpu] [--noshrink]\n\n"
    "Prints DIVERGED after N steps, and a test that shows it, if they differ. Status: 0 no difference, 1 a difference "
    "or\n"
    "too little variety, 2 wrong options.";

absl::FlagsUsageConfig usage_config() {
  absl::FlagsUsageConfig config;
  config.contains_help_flags = [](absl::string_view file) { return file.find("differential/") != file.npos; };
  return config;
}

// In lock-step one thread goes on when another has done its part: to wake it elsewhere takes longer than the part.
// Holds for all processes that this one begins.
void keep_to_one_cpu() {
  const int here = ::sched_getcpu();
  if (here < 0) return;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(here), &only);
  static_cast<void>(::sched_setaffinity(0, sizeof only, &only));  // slower without, that's all
}

std::unique_ptr<conformance::harness> make_harness(const std::string& name) {
  if (name == "sysv") return conformance::make_process_harness(conformance::sysv_backend);
#if XSIPC_HAS_POSIX
  if (name == "posix") return conformance::make_process_harness(conformance::posix_backend);
#endif
  if (name == "fake") return conformance::make_fake_harness();
  return nullptr;
}

// The number of a session is its seed, and says all about it.
terms terms_of(std::uint64_t seed) {
  return {.actors = 3 + static_cast<int>(seed % 3), .narrow_limits = seed / 3 % 4 == 0};
}

void tell(const contestant& a, const contestant& b, const divergence& found, std::uint64_t seed,
          const std::vector<step>& steps) {
  terms which = terms_of(seed);
  which.thorough = true;
  const bool other_users = a.on->offers(conformance::need::other_users) && b.on->offers(conformance::need::other_users);
  if (!absl::GetFlag(FLAGS_shrink)) return print_divergence(std::cout, found, which, other_users);
  divergence last = found;
  const auto shows = [&](const std::vector<step>& fewer) {
    tally unused;
    const auto again = run_in_lockstep(a, b, which, fewer, unused);
    if (again) last = *again;
    return again.has_value();
  };
  std::vector<step> needed(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(found.step) + 1);
  if (!shows(needed)) {
    std::cout << "it did not come again: it depends on time\n";
    return print_divergence(std::cout, found, which, other_users);
  }
  const std::size_t before = needed.size();
  needed = shrink(std::move(needed), shows);
  std::cout << "shrunk from " << before << " steps to " << needed.size() << ", seed " << seed << "\n";
  print_divergence(std::cout, last, which, other_users);
}

int compare(const contestant& a, const contestant& b) {
  std::uint64_t seed = absl::GetFlag(FLAGS_seed);
  if (seed == 0) seed = std::random_device{}() + 1ULL;
  std::cout << "seeds from " << seed << std::flush;
  const auto begin = std::chrono::steady_clock::now();
  const auto time = [&] { return std::chrono::steady_clock::now() - begin; };
  tally counts;
  for (; counts.steps < absl::GetFlag(FLAGS_steps); ++seed) {
    const std::vector<step> steps = generator(seed).next(absl::GetFlag(FLAGS_length));
    const auto found = run_in_lockstep(a, b, terms_of(seed), steps, counts);
    if (!found) continue;
    std::cout << " to " << seed << "\nDIVERGED after " << counts.steps << " steps\n" << std::flush;
    tell(a, b, *found, seed, steps);
    print_tally(std::cout, counts, time());
    return 1;
  }
  std::cout << " to " << seed - 1 << "\n";
  print_tally(std::cout, counts, time());
  if (varied(counts)) return 0;
  std::cout << "too few blocked calls, kills or EIDRM: one step in a hundred at least\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  static const conformance::process_backend* const served[] = {
    &conformance::sysv_backend,
#if XSIPC_HAS_POSIX
    &conformance::posix_backend,
#endif
  };
  conformance::serve_if_actor(argc, argv, served);
  absl::SetProgramUsageMessage(usage);
  absl::SetFlagsUsageConfig(usage_config());
  absl::ParseCommandLine(argc, argv);
  const std::vector<std::string> names = absl::GetFlag(FLAGS_backends);
  if (names.size() != 2 || absl::GetFlag(FLAGS_length) == 0) {
    std::cerr << "differential: two backends and a length are needed\n";
    return 2;
  }
  if (absl::GetFlag(FLAGS_one_cpu)) keep_to_one_cpu();
  const auto one = make_harness(names[0]);
  const auto other = make_harness(names[1]);
  if (!one || !other) {
    std::cerr << "differential: the backends are sysv, posix and fake, if they were built\n";
    return 2;
  }
  return compare({.on = one.get()}, {.on = other.get()});
}
