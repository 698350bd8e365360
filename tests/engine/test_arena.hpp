// A namespace in ordinary memory, for tests of what lies in it: who lives is what the test says.
//
// The memory is shared with forked children, so that a test can watch what a child does to it. One thread.
#ifndef XSIPC_TESTS_ENGINE_TEST_ARENA_HPP
#define XSIPC_TESTS_ENGINE_TEST_ARENA_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <vector>

#include "arena.hpp"

namespace xsipc::test_support {

// How many steps a comparison with a naive model takes. Sanitizers make each many times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int random_steps = 30'000;
#else
inline constexpr int random_steps = 200'000;
#endif

class test_arena final : public engine::substrate_calls {
 public:
  // `slots` is a multiple of 64; there are never more than `pages` pages.
  test_arena(std::uint32_t slots, std::uint32_t pages);
  ~test_arena();
  test_arena(const test_arena&) = delete;
  test_arena& operator=(const test_arena&) = delete;

  [[nodiscard]] engine::arena& space() { return space_; }
  // All of it, to be compared, kept and put back.
  [[nodiscard]] std::span<std::byte> bytes() { return {base_, size_}; }
  [[nodiscard]] std::vector<std::byte> image() const { return {base_, base_ + size_}; }
  void restore(std::span<const std::byte> image);

  // Processes and threads live until they are killed.
  void kill_process(std::int32_t pid) { dead_processes_.insert(pid); }
  void kill_thread(std::uint32_t thread) { dead_threads_.insert(thread); }
  void revive_all();

  // From now on no page that isn't there yet can be had, or again can.
  void exhaust(bool exhausted) { exhausted_ = exhausted; }

  [[nodiscard]] int wakes() const { return wakes_; }
  // Called at each wake; for tests in which one has consequences.
  std::function<void(engine::wait_cell&)> on_wake;

  bool reserve(std::uint64_t offset, std::uint64_t bytes) override;
  [[nodiscard]] bool alive(const engine::identity& who) override;
  [[nodiscard]] bool alive(const engine::wait_cell& waiter) override;
  void wake(engine::wait_cell& waiter) override;

 private:
  engine::arena_layout layout_;
  std::size_t size_;
  std::byte* base_;
  engine::arena space_;
  std::set<std::int32_t> dead_processes_;
  std::set<std::uint32_t> dead_threads_;
  bool exhausted_ = false;
  int wakes_ = 0;
};

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_ENGINE_TEST_ARENA_HPP
