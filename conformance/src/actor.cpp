#include "xsipc/conformance/actor.hpp"

#include "process_state.hpp"

namespace xsipc::conformance {

namespace detail {

bool settle_blocked(pending_base& call) {
  bool blocked = false;
  wait_for_state("a call to block or return", [&] {
    // In this order: a call that returns meanwhile is then not taken for one that sleeps.
    blocked = call.asleep();
    return blocked || call.ended();
  });
  return blocked;
}

void wait_until_ended(pending_base& call) {
  wait_for_state("a call to return", [&] { return call.ended(); });
  call.throw_problem();
}

}  // namespace detail

pending<routine_result> actor_thread::start_run(std::string name, routine_input input) {
  auto outcome = std::make_shared<std::optional<routine_result>>();
  auto running = launch([outcome, name = std::move(name), input = std::move(input)](actor_thread& self) {
    outcome->emplace(self.run(name, input));
  });
  return {std::move(running), std::move(outcome)};
}

}  // namespace xsipc::conformance
