// Words of a segment by which the routines of a race see each other, and the test sees them.
//
// For suites whose routines meet at full speed: the calls under test are what synchronises them otherwise.
#ifndef XSIPC_CONFORMANCE_SHARED_WORDS_HPP
#define XSIPC_CONFORMANCE_SHARED_WORDS_HPP

#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>

#include "xsipc/conformance/actor.hpp"

namespace xsipc::conformance {

using shared_word = std::atomic_ref<std::uint32_t>;

// A segment that is attached as long as this lives; in a routine. Throws if it can't be.
class shared_words {
 public:
  shared_words(spi::backend& xsi, std::int64_t segment)
      : xsi_(xsi), words_(static_cast<std::uint32_t*>(xsi.attach(static_cast<shmid>(segment), {}).value())) {}
  ~shared_words() { static_cast<void>(xsi_.detach(words_)); }
  shared_words(const shared_words&) = delete;
  shared_words& operator=(const shared_words&) = delete;

  shared_word operator[](std::size_t index) const { return shared_word(words_[index]); }

 private:
  spi::backend& xsi_;
  std::uint32_t* words_;
};

// Waits for a word to become as large, without an event: who meets by it goes on at the same moment.
inline void spin_until(shared_word what, std::uint32_t at_least) {
  for (int spins = 0; what.load() < at_least; ++spins) {
    if (spins > 500) std::this_thread::yield();
  }
}

// Passes a little time without a call, so that two actors meet differently each time.
inline void dawdle(std::uint32_t steps) {
  for (std::uint32_t i = 0; i < steps; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
}

// The word of a segment that is attached to `reader` at `memory`. Throws if `reader` is dead.
inline std::uint32_t word_at(actor& reader, const char* memory, std::size_t index) {
  std::uint32_t value = 0;
  std::memcpy(&value, reader.peek(memory + index * sizeof value, sizeof value).value().data(), sizeof value);
  return value;
}

}  // namespace xsipc::conformance

#endif  // XSIPC_CONFORMANCE_SHARED_WORDS_HPP
