#include "world.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <stdexcept>

#include "watchdog.hpp"

namespace xsipc::conformance::differential {
namespace {

constexpr std::chrono::milliseconds time_for_a_session{60'000};
constexpr unsigned actions_between_looks_at_everything = 8;

// Privileges that root does not have on one of the sides, so that it has them on neither.
std::vector<int> lacking(const contestant& a, const contestant& b) {
  std::vector<int> found;
  const std::pair<need, int> all[] = {{need::cap_sys_resource, CAP_SYS_RESOURCE},
                                      {need::cap_ipc_owner, CAP_IPC_OWNER},
                                      {need::cap_sys_admin, CAP_SYS_ADMIN}};
  for (const auto& [privilege, number] : all) {
    if (!a.on->offers(privilege) || !b.on->offers(privilege)) found.push_back(number);
  }
  return found;
}

std::vector<int> identities(int actors, bool other_users) {
  std::vector<int> numbers;
  for (int i = 0; i < actors; ++i) numbers.push_back(other_users ? i : 0);
  return numbers;
}

bool both_offer(const contestant& a, const contestant& b, need what) {
  return a.on->offers(what) && b.on->offers(what);
}

ipc_limits narrow(ipc_limits limits) {
  limits.msgmax = 4096;
  limits.msgmnb = 2000;
  limits.msgmni = 4;
  limits.semmsl = 20;
  limits.semmns = 40;
  limits.semopm = 64;
  limits.semmni = 4;
  limits.shmmax = 100'000;
  limits.shmall = 30;
  limits.shmmni = 4;
  return limits;
}

class world {
 public:
  world(const contestant& a, const contestant& b, const terms& which, tally& counts)
      : other_users_(both_offer(a, b, need::other_users)),
        alone_(both_offer(a, b, need::private_namespace)),
        thorough_(which.thorough),
        names_(a.on->name(), b.on->name()),
        counts_(counts),
        ledger_(identities(which.actors, other_users_), other_users_),
        a_(a, identities(which.actors, other_users_), lacking(a, b)),
        b_(b, identities(which.actors, other_users_), lacking(a, b)) {
    const auto changeable = [](const contestant& each) {
      return each.on->capabilities().has(capability::changeable_limits);
    };
    if (which.narrow_limits && changeable(a) && changeable(b) && alone_) set_limits();
  }

  ~world() {
    counts_.freedoms[freedom::thread_as_process] += static_cast<std::uint64_t>(a_.threads_told() + b_.threads_told());
  }
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  std::optional<std::string> run(const step& wanted) {
    const auto what = ledger_.resolve(wanted, counts_.freedoms);
    if (!what) {
      ++counts_.skipped;
      return std::nullopt;
    }
    ++counts_.steps;
    reach of = ledger_.reach_of(*what);
    lines_.push_back(as_test_line(*what));
    const outcome one = a_.perform(*what);
    const outcome other = b_.perform(*what);
    lines_.back() += "  // " + as_text(one);
    if (auto differs =
            difference(names_, *what, ledger_.open_of(what->what.kind, what->object), one, other, counts_.freedoms))
      return differs;
    count(*what, one);
    if (ends_a_process(what->what.call)) {
      // A backend may wait with what the dead have left until somebody looks; those who sleep see it a little later.
      static_cast<void>(a_.look(ledger_.objects()));
      static_cast<void>(b_.look(ledger_.objects()));
    }
    if (what->what.call == call_kind::get && one.code == 0) {
      of.objects.emplace_back(what->what.kind, static_cast<int>(one.numbers.at(0)));
    }
    of.everything |= thorough_ || counts_.steps % actions_between_looks_at_everything == 0;
    if (auto differs = compare_blocked(of)) return differs;
    ledger_.note(*what, one);
    note_ended();
    return compare_objects(of);
  }

  // Whatever no action since the last look at everything can have changed.
  std::optional<std::string> look_at_everything() {
    const reach all{.everything = true};
    if (auto differs = compare_blocked(all)) return differs;
    note_ended();
    return compare_objects(all);
  }

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  static bool ends_a_process(call_kind call) {
    return call == call_kind::kill || call == call_kind::exit || call == call_kind::fork;  // fork: of whom it replaces
  }
  void set_limits() {
    if (!a_.change_limits(narrow) || !b_.change_limits(narrow)) throw std::runtime_error("limits can't be changed");
  }

  std::optional<std::string> compare_blocked(const reach& of) {
    ended_ = a_.settle(of);
    return difference(names_, ended_, b_.settle(of));
  }

  void note_ended() {
    for (const ended_call& each : ended_) {
      // A process that ended has another in its place already, which has no blocked calls.
      ledger_.note(each);
      if (each.what.code == EIDRM) ++counts_.removed_while_blocked;
      lines_.back() +=
          "; a" + std::to_string(each.actor) + "_t" + std::to_string(each.thread) + ": " + as_text(each.what);
    }
  }

  std::optional<std::string> compare_objects(const reach& of) {
    auto objects = ledger_.objects();
    if (!of.everything) {
      std::erase_if(objects, [&](const auto& each) {
        return std::find(of.objects.begin(), of.objects.end(), each) == of.objects.end();
      });
    }
    snapshot one = a_.look(objects);
    snapshot other = b_.look(objects);
    if (!alone_) one.usage = other.usage = {};  // also of objects that are none of ours
    std::vector<open_fields> open;
    for (const auto& [kind, number] : objects) open.push_back(ledger_.open_of(kind, number));
    if (auto differs = difference(names_, objects, open, one, other, counts_.freedoms)) return differs;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      ledger_.note(objects[i].first, objects[i].second, one.objects[i]);
    }
    return std::nullopt;
  }

  void count(const action& what, const outcome& came) {
    ++counts_.outcomes[{what.what.call, came.blocked ? -1 : came.code}];
    if (came.blocked) ++counts_.blocked;
    if (what.what.call == call_kind::kill) ++counts_.kills;
  }

  bool other_users_;
  bool alone_;  // in namespaces of their own
  bool thorough_;
  side_names names_;
  tally& counts_;
  std::vector<std::string> lines_;
  std::vector<ended_call> ended_;  // after the last action
  ledger ledger_;
  side a_;
  side b_;
};

}  // namespace

std::optional<divergence> run_in_lockstep(const contestant& a, const contestant& b, const terms& which,
                                          std::span<const step> steps, tally& counts) {
  const watchdog watching("a session of differential testing", time_for_a_session);
  std::size_t at = 0;
  std::vector<std::string> lines;
  try {
    world both(a, b, which, counts);
    for (; at < steps.size(); ++at) {
      std::optional<std::string> differs;
      try {
        differs = both.run(steps[at]);
        if (!differs && at + 1 == steps.size()) differs = both.look_at_everything();
      } catch (const std::exception& problem) {
        differs = problem.what();
      }
      if (differs) return divergence{at, *differs, both.lines()};
    }
  } catch (const std::exception& problem) {
    return divergence{at, problem.what(), lines};
  }
  return std::nullopt;
}

}  // namespace xsipc::conformance::differential
