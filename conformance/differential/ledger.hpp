// What both sides agree on so far: which objects, attachments, blocked calls and actors there are.
//
// It chooses for steps: objects, threads that are free, what has no meaning now or a meaning that is open. As long as
// the sides agree it is right for both; after a difference nobody asks it any more.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_LEDGER_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_LEDGER_HPP

#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "freedom.hpp"
#include "side.hpp"

namespace xsipc::conformance::differential {

class ledger {
 public:
  // Of actors that begin with these identities; with `other_users` they may change.
  ledger(const std::vector<int>& identities, bool other_users);

  // What to do for `wanted`; nothing if it makes no sense now. Counts in `left_out` what is not done because it is
  // open.
  [[nodiscard]] std::optional<action> resolve(const step& wanted, std::map<freedom, std::uint64_t>& left_out);

  // Takes note of what the sides agreed on.
  void note(const action& done, const outcome& what);
  void note(const ended_call& ended);
  // `kind` and `number` of an object and its status, of which the size is remembered, or that it is gone.
  void note(object_kind kind, int number, const observed& status);

  // What this can change, before it is done; an object that it makes is not known yet.
  [[nodiscard]] reach reach_of(const action& what) const;

  // All objects that may exist, by kind and number.
  [[nodiscard]] std::vector<std::pair<object_kind, int>> objects() const;
  // What of that object need not be equal.
  [[nodiscard]] open_fields open_of(object_kind kind, int number) const;

 private:
  struct object {
    bool lives = true;
    std::uint64_t size = 0;  // semaphores, or bytes of a segment
    bool undo_tried = false;
  };
  struct attachment {
    int number = 0;
    int of = 0;  // the segment
    bool read_only = false;
    std::uint64_t size = 0;
  };
  struct party {
    int identity_number = 0;
    std::array<std::optional<action>, threads_per_actor> blocked = {};
    std::vector<attachment> attachments = {};
  };

  std::vector<object>& all_of(object_kind kind) { return objects_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] const std::vector<object>& all_of(object_kind kind) const {
    return objects_[static_cast<std::size_t>(kind)];
  }
  party& party_at(int place) { return parties_[static_cast<std::size_t>(place)]; }

  [[nodiscard]] int choose_object(const step& wanted) const;
  [[nodiscard]] bool choose_thread(step& wanted) const;
  [[nodiscard]] bool resolve_call(action& made, std::map<freedom, std::uint64_t>& left_out);
  [[nodiscard]] bool resolve_for_process(action& made, std::map<freedom, std::uint64_t>& left_out);
  [[nodiscard]] static bool waits_for_a_set(const party& who);
  [[nodiscard]] bool choose_attachment(action& made);
  void resolve_semnums(action& made) const;
  [[nodiscard]] int blocked_on(object_kind kind, int number, call_kind call) const;
  // Whether these operations would wait for zero beside others that do, the ones in an array and the others alone.
  [[nodiscard]] bool meets_other_zero_waits(int set, const std::vector<sem_operation>& operations) const;
  // Whether a blocked array on this set has several operations that wait for zero.
  [[nodiscard]] bool several_zero_waits(int set) const;
  void begin_anew(int place, int identity_number);

  bool other_users_;
  std::array<std::vector<object>, 3> objects_;
  std::vector<party> parties_;
  int attachments_made_ = 0;
  std::uint64_t actions_ = 0;
};

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_LEDGER_HPP
