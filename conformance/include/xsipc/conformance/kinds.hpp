// The three kinds of object as the rules that hold for all of them see one: get, stat, change, remove, read, write.
//
// For suites that run once a kind: derive the fixture from each_kind and name it to XSI_FOR_EACH_KIND.
#ifndef XSIPC_CONFORMANCE_KINDS_HPP
#define XSIPC_CONFORMANCE_KINDS_HPP

#include <string>

#include "xsipc/conformance/suites.hpp"

// Instantiates SUITE for queue, set and segment.
#define XSI_FOR_EACH_KIND(SUITE)                                                                                      \
  INSTANTIATE_TEST_SUITE_P(Kinds, SUITE, testing::Values(object_kind::queue, object_kind::set, object_kind::segment), \
                           [](const auto& kind) { return std::string(kind_name(kind.param)); })

namespace xsipc::conformance {

// Returns "queue", "set" or "segment".
[[nodiscard]] std::string_view kind_name(object_kind which);

// What the statuses of the three kinds have in common.
struct common_status {
  int id = 0;
  ipc_perm perm;
  ipc_time ctime = 0;
  // Everything else that the status tells, in a fixed order, to be compared as a whole.
  std::vector<std::int64_t> rest;
};
[[nodiscard]] bool operator==(const common_status& a, const common_status& b);
void PrintTo(const common_status& what, std::ostream* out);

// The whole status of a queue, to be compared with a later one. Throws if there is none.
[[nodiscard]] common_status queue_snapshot(spi::backend& xsi, msqid id);
// The same of a segment.
[[nodiscard]] common_status segment_snapshot(spi::backend& xsi, shmid id);

// The calls of one kind, by plain id. New sets have two semaphores, new segments 4096 bytes.
class kind_calls {
 public:
  explicit kind_calls(object_kind which) : kind_(which) {}

  [[nodiscard]] object_kind which() const { return kind_; }
  result<int> get(spi::backend& xsi, key which, creation how) const;
  result<common_status> stat(spi::backend& xsi, int id, lookup how = lookup::id) const;
  result<void> change(spi::backend& xsi, int id, const perm_change& change) const;  // a queue keeps its qbytes
  result<void> remove(spi::backend& xsi, int id) const;

  // A call that needs read permission and nothing else, and leaves the object as it is: IPC_STAT.
  result<void> read(spi::backend& xsi, int id) const;
  // An operation that needs the permission: receive (a message is put there before by `write`, or ENOMSG counts as
  // allowed), wait for zero of semaphore 1, attach read-only; send, add to semaphore 0, attach for writing (which
  // needs both). Success says that it was permitted.
  result<void> use_reading(spi::backend& xsi, int id) const;
  result<void> use_writing(spi::backend& xsi, int id) const;

  // Every call that takes an id, with harmless arguments: name and outcome, for rules on bad ids.
  struct named_outcome {
    std::string call;
    result<void> outcome;
  };
  [[nodiscard]] std::vector<named_outcome> every_call(spi::backend& xsi, int id) const;

 private:
  object_kind kind_;
};

class each_kind : public conformance_test, public testing::WithParamInterface<object_kind> {
 protected:
  [[nodiscard]] kind_calls kind() const { return kind_calls(GetParam()); }

  // Creates an object of a new private key in `owner`; fails the test and throws if that fails.
  int new_object(actor_thread& owner, ipc_mode mode = 0600) const;
  // The same under a fresh key.
  struct named_object {
    key name{};
    int id = 0;
  };
  named_object new_named(actor_thread& owner, ipc_mode mode = 0600);
  // Its status, as `reader` sees it; likewise.
  [[nodiscard]] common_status status(actor_thread& reader, int id) const;

  // Leaves a number of 1 to 32767 in an object, and takes it out again: a message's type, the value of semaphore 0, the
  // first bytes of a segment. Says that two ids or two processes mean the same object.
  result<void> put_number(actor& by, int id, std::int16_t number) const;
  result<int> take_number(actor& by, int id) const;
};

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_KINDS_HPP
