// A critical section of the engine: a lock, what recovery it asks for, and the waiters to wake at its end.
#ifndef XSIPC_ENGINE_SECTION_HPP
#define XSIPC_ENGINE_SECTION_HPP

#include <cerrno>
#include <cstdint>
#include <utility>

#include "substrate.hpp"
#include "wait_queue.hpp"

namespace xsipc::engine {

// Stands around a whole call of a backend.
template <substrate S>
class call_scope {
 public:
  explicit call_scope(S& on) : on_(on), code_(on.enter()) {}
  ~call_scope() {
    if (code_ == 0) on_.leave();
  }
  call_scope(const call_scope&) = delete;
  call_scope& operator=(const call_scope&) = delete;

  // 0, or the errno with which the call fails at once.
  [[nodiscard]] int code() const { return code_; }

 private:
  S& on_;
  int code_;
};

// Holds a lock from its construction to its end, and can be left and entered again meanwhile. If the last holder died,
// recover(context, object, wakes) runs before anything else.
template <substrate S>
class section {
 public:
  using recover_function = void (*)(void* context, const object_ref& object, wake_list& wakes);

  // Inline, as is what it does: part of every call, and what one function stores the next would have to wait for.
  [[gnu::always_inline]] section(S& on, std::uint32_t& word, void* context, const object_ref& object,
                                 recover_function recover)
      : on_(on), word_(&word), context_(context), object_(object), recover_(recover), wakes_(on.space().calls()) {
    enter();
  }
  [[gnu::always_inline]] ~section() { leave(); }
  section(const section&) = delete;
  section& operator=(const section&) = delete;

  // 0, or EDEADLK: a signal handler has interrupted the holder in this very thread.
  [[nodiscard]] int code() const { return held_ ? 0 : EDEADLK; }
  [[nodiscard]] wake_list& wakes() { return wakes_; }

  [[gnu::always_inline]] void enter() {
    const lock_outcome outcome = on_.lock(*word_);
    held_ = outcome != lock_outcome::would_deadlock;
    if (outcome == lock_outcome::owner_died) [[unlikely]]
      recover_(context_, object_, wakes_);
  }
  [[gnu::always_inline]] void leave() {
    if (!std::exchange(held_, false)) return;
    wait_cell* const last = wakes_.take_last();
    if (last != nullptr) {
      on_.unlock_and_wake(*word_, *last);
    } else {
      on_.unlock(*word_);
    }
  }
  // Leaves to park on `cell`.
  void leave_to_park(wait_cell& cell) {
    if (!std::exchange(held_, false)) return;
    if (wait_cell* const last = wakes_.take_last(); last != nullptr) on_.space().calls().wake(*last);
    on_.unlock_to_park(*word_, cell);
  }

 private:
  S& on_;
  std::uint32_t* word_;
  void* context_;
  object_ref object_;
  recover_function recover_;
  wake_list wakes_;
  bool held_ = false;
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_SECTION_HPP
