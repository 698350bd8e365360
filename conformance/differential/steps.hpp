// What differential testing does one at a time: a step, as the generator makes it, and an action, which is a step whose
// objects have been chosen.
//
// A step names its object vaguely ("the 7th that is alive"), so that a list of steps still makes sense when others are
// taken out of it. Plain values.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_STEPS_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_STEPS_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "xsipc/conformance/actor.hpp"
#include "xsipc/ipc_perm.hpp"
#include "xsipc/object_id.hpp"
#include "xsipc/semaphore_operation.hpp"

namespace xsipc::conformance::differential {

enum class call_kind : std::uint8_t {
  get,
  stat,
  change,
  remove,
  send,
  receive,
  operate,
  query,
  set_value,
  get_all,
  set_all,
  attach,
  detach,
  lock,
  poke,  // writes into an attachment
  peek,  // reads from one
  interrupt,
  kill,  // a process that ends is replaced by a new one
  exit,
  fork,  // the child takes the place of another actor, which exits
  exec,
  become,
};
inline constexpr int call_kinds = 22;
[[nodiscard]] std::string_view call_kind_name(call_kind which);

// How a step finds its object.
enum class among : std::uint8_t {
  living,
  busy,   // one that somebody waits for, else a living one
  gone,   // one that was removed, else none
  never,  // an id that none ever had
};

// How long a call may wait.
enum class patience : std::uint8_t { none, endless, an_hour, a_millisecond };

inline constexpr int most_actors = 5;
inline constexpr int threads_per_actor = 3;          // the main thread is the first
inline constexpr int key_count = 4;                  // for each kind; key 0 is ipc_private
inline constexpr std::uint16_t one_too_many = 1000;  // a semnum equal to the set's size

struct step {
  call_kind call = call_kind::get;
  object_kind kind = object_kind::queue;
  std::uint8_t actor = 0;
  std::uint8_t thread = 0;  // of calls that may wait
  among whom = among::living;
  std::uint16_t pick = 0;  // which of those
  patience waits = patience::none;

  std::uint8_t key = 0;  // of get
  bool create = false;
  bool exclusive = false;
  perm_change perm = {};     // of get (mode) and change
  std::uint64_t size = 0;    // semaphores, bytes of a segment or message, room, qbytes
  long type = 0;             // of a message, or the selector
  bool except = false;       // of receive
  bool copy = false;         // of receive
  bool cut = false;          // of receive: truncation::allow
  bool flag = false;         // attach: read_only; detach: misaligned; lock: locked
  std::uint16_t semnum = 0;  // below one_too_many: modulo the size of the set
  int value = 0;             // of set_value, poke, set_all; the number of an identity
  sem_query what = sem_query::value;
  std::vector<sem_operation> operations = {};
};

// A step that is about to be done.
struct action {
  step what;
  int object = -1;           // its number: objects of a kind are numbered as they are made; -1: none
  int elements = 0;          // semaphores of the set
  int attachment = -1;       // its number
  std::uint64_t number = 0;  // of the action, from 1 on: it fills messages
};

// The identities that actors have, by number. Root has those privileges only that both sides can give.
inline constexpr int identity_count = 5;
[[nodiscard]] identity identity_of(int number, const std::vector<int>& capabilities_that_lack);
[[nodiscard]] bool is_root(int number);

// Whether the call may sleep in the backend.
[[nodiscard]] bool may_wait(const step& what);

// What a message or poke of this action holds.
[[nodiscard]] std::string filling(const action& what);

// The action as a line of a test, in the SPI's calls: "a1.xsi().remove_queue(q0);".
[[nodiscard]] std::string as_test_line(const action& what);

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_STEPS_HPP
