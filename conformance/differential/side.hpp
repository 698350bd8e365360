// One side of the comparison: a session of a backend's harness, in which actions are done by number.
//
// Ids, addresses, keys and process ids differ between backends. A side knows what its own are and tells numbers
// instead: objects, attachments and processes in the order in which they came to be, keys by their place. For one
// thread.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_SIDE_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_SIDE_HPP

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "observe.hpp"
#include "steps.hpp"
#include "xsipc/conformance/harness.hpp"
#include "xsipc/limits.hpp"

namespace xsipc::conformance::differential {

// A backend to compare.
struct contestant {
  harness* on = nullptr;
  // Stands before the backend in each thread of its actors, if there is one: for tests of this.
  std::function<std::unique_ptr<spi::backend>(spi::backend& beneath)> decorate = {};
};

// What came of an action.
struct outcome {
  bool blocked = false;  // a call that sleeps now; nothing else is said
  int code = 0;
  fields numbers = {};
  std::string bytes = {};
  friend bool operator==(const outcome&, const outcome&) = default;
};
[[nodiscard]] std::string as_text(const outcome& what);

// What an action can have changed: these objects, and whoever waits for them.
struct reach {
  bool everything = false;
  std::vector<std::pair<object_kind, int>> objects = {};
  [[nodiscard]] bool covers(const action& blocked) const;
};

// A call that was blocked and has returned.
struct ended_call {
  int actor = 0;
  int thread = 0;
  outcome what = {};
  friend bool operator==(const ended_call&, const ended_call&) = default;
};

class side {
 public:
  // Begins an actor of each identity.
  side(const contestant& which, const std::vector<int>& identities, const std::vector<int>& capabilities_that_lack);

  // Does it. A call that may wait has returned or sleeps when this returns.
  [[nodiscard]] outcome perform(const action& what);
  // Waits until every blocked call within reach either sleeps for good or has returned, and tells those that have, by
  // actor and thread; of the others those that are known to have returned. One that returned may have woken another:
  // only a whole round without one that returns is the end.
  [[nodiscard]] std::vector<ended_call> settle(const reach& of);
  [[nodiscard]] snapshot look(const std::vector<std::pair<object_kind, int>>& objects);
  // Puts limits in force, changed by `change` from those that are. By a process that may all that this side allows.
  [[nodiscard]] result<void> change_limits(ipc_limits (*change)(ipc_limits));

  // How often a thread's id was told as that of its process (MSGRCV-39).
  [[nodiscard]] int threads_told() const { return threads_told_; }

 private:
  // A thread of an actor.
  struct seat {
    actor_thread* thread = nullptr;
    std::unique_ptr<spi::backend> decorated = {};
    std::optional<pending<outcome>> call = {};
    action of = {};  // the call
    [[nodiscard]] spi::backend& xsi() const { return decorated ? *decorated : thread->xsi(); }
  };
  struct process {
    actor* it = nullptr;
    std::array<seat, threads_per_actor> seats = {};
  };
  using bound_call = std::function<outcome(spi::backend&)>;

  void seat_threads(process& made);
  void begin(int place, int identity_number);
  void take_place(int place, actor& born);
  void install_handler(int place);
  void end(int place, bool by_signal);
  void collect(process& from, bool all);
  void end_further_threads(int place);
  void seat_anew(int place);

  [[nodiscard]] outcome perform_on_process(const action& what);
  [[nodiscard]] outcome touch(const action& what);
  [[nodiscard]] bound_call bind(const action& what) const;
  [[nodiscard]] bound_call bind_queue_call(const action& what) const;
  [[nodiscard]] bound_call bind_set_call(const action& what) const;
  [[nodiscard]] bound_call bind_segment_call(const action& what) const;
  [[nodiscard]] bound_call bind_common_call(const action& what) const;
  [[nodiscard]] outcome translated(const action& what, outcome made);
  void translate(object_kind kind, fields& values);

  [[nodiscard]] int id_of(object_kind kind, int number) const;
  [[nodiscard]] std::int64_t number_of(object_kind kind, int id);
  [[nodiscard]] std::int64_t process_number(std::int64_t pid);
  [[nodiscard]] std::byte* address_of(int attachment) const;

  contestant which_;
  std::vector<int> capabilities_that_lack_;
  std::unique_ptr<session> session_;
  actor* eye_;
  std::vector<std::unique_ptr<process>> actors_;
  std::vector<std::unique_ptr<process>> ended_processes_;  // their decorators may be in use
  std::vector<ended_call> ended_calls_;
  std::array<std::vector<int>, 3> ids_;  // by kind and number
  std::map<int, std::byte*> addresses_;  // by attachment
  std::vector<key> keys_;
  std::map<std::int64_t, std::int64_t> pids_;  // to numbers
  std::map<std::int64_t, std::int64_t> tids_;  // of further threads, to the numbers of their processes
  std::int64_t processes_begun_ = 0;
  int threads_told_ = 0;
};

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_SIDE_HPP
