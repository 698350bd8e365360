// A small queue in a small namespace, with messages and waiters that can be told apart: the stage for crash images.
#ifndef XSIPC_TESTS_ENGINE_MESSAGE_SCENE_HPP
#define XSIPC_TESTS_ENGINE_MESSAGE_SCENE_HPP

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/test_arena.hpp"
#include "message_store.hpp"

namespace xsipc::test_support {

class message_scene {
 public:
  static constexpr std::int32_t victim = 1;  // the process that dies in the operation

  message_scene();

  test_arena memory{64, 24};
  bool removed = false;
  std::uint64_t qbytes = 300000;

  [[nodiscard]] engine::message_store store() { return {memory.space(), the_queue, chain()}; }
  [[nodiscard]] engine::queue_body& body() { return memory.space().body<engine::queue_body>(the_queue); }
  [[nodiscard]] engine::wake_list& wakes() { return wakes_; }

  // Messages are known by a number, which fixes what is in them. Type and size of no two are equal.
  std::uint32_t stage(int number, long type, std::uint32_t size);
  void send(int number, long type, std::uint32_t size, std::int32_t pid = victim);
  void take(const msgtyp_selector& wanted);
  // Five of them, of three types, small and large.
  void send_mix();
  std::uint32_t park_reader(std::int32_t pid, long msgtyp, std::uint32_t room, truncation how = truncation::refuse);
  std::uint32_t park_writer(std::int32_t pid, int number, long type, std::uint32_t size);
  void make_full();  // sets qbytes to what there is
  void set_qbytes(std::uint64_t value);
  void mark_dead(std::uint32_t waiter) { store().cell_of(waiter).death = 0x40000000; }

  // What the next process sees after recovery, as text. `problem`, if something in it cannot be.
  std::string recover(std::string& problem);
  std::string describe(std::string& problem);
  // The numbers of the messages that are queued or handed over; as of the last describe().
  std::set<int> present;

 private:
  static constexpr engine::object_ref the_queue{object_kind::queue, 3, 7};
  // Like a registry slot's: in the memory that is watched.
  [[nodiscard]] std::uint32_t& chain() { return memory.space().body<std::uint32_t>({object_kind::queue, 5, 0}); }
  [[nodiscard]] std::string describe_message(std::uint32_t message, std::string& problem);

  engine::wake_list wakes_{memory};
  std::map<std::pair<std::int64_t, std::uint32_t>, int> letters_;
  std::map<int, std::vector<std::byte>> texts_;  // made once: what is stepped through is the store's work
};

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_ENGINE_MESSAGE_SCENE_HPP
