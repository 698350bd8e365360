#include "engine/message_scene.hpp"

#include <algorithm>
#include <vector>

namespace xsipc::test_support {
namespace {

std::vector<std::byte> text_of(int number, std::uint32_t size) {
  std::vector<std::byte> text(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    text[i] = static_cast<std::byte>(static_cast<std::uint32_t>(number) * 31 + i * 7 + (i >> 7));
  }
  return text;
}

}  // namespace

message_scene::message_scene() {
  chain() = engine::nil;
  store().make(qbytes);
}

std::uint32_t message_scene::stage(int number, long type, std::uint32_t size) {
  letters_[{type, size}] = number;
  const std::uint32_t staged = store().stage(type, size);
  std::vector<std::byte>& text = texts_[number];
  if (text.size() != size) text = text_of(number, size);
  if (staged != engine::nil) store().write_text(staged, text.data());
  return staged;
}

void message_scene::send(int number, long type, std::uint32_t size, std::int32_t pid) {
  store().post(stage(number, type, size), {pid, 100}, wakes_);
}

void message_scene::take(const msgtyp_selector& wanted) {
  const std::uint32_t found = store().find(wanted);
  store().take(found, {victim, 100}, wakes_);
}

void message_scene::send_mix() {
  send(1, 5, 20);
  send(2, 3, 70);
  send(3, 5, 300);
  send(4, 9, 0);
  send(5, 3, 1500);
}

std::uint32_t message_scene::park_reader(std::int32_t pid, long msgtyp, std::uint32_t room, truncation how) {
  const std::uint32_t waiter = store().park_receiver({.msgtyp = msgtyp}, room, how, {pid, 0, 0});
  store().cell_of(waiter).status = engine::asleep;
  return waiter;
}

std::uint32_t message_scene::park_writer(std::int32_t pid, int number, long type, std::uint32_t size) {
  const std::uint32_t waiter = store().park_sender(stage(number, type, size), {pid, 0, 0});
  store().cell_of(waiter).status = engine::asleep;
  return waiter;
}

void message_scene::make_full() { set_qbytes(store().counts().cbytes); }

void message_scene::set_qbytes(std::uint64_t value) {
  qbytes = value;
  body().qbytes = value;
}

std::string message_scene::recover(std::string& problem) {
  memory.kill_process(victim);
  engine::wake_list wakes(memory);
  store().recover(qbytes, removed, wakes);
  memory.revive_all();
  if (const std::string wrong = store().check(removed); !wrong.empty()) problem = wrong;
  return problem.empty() ? describe(problem) : std::string();
}

std::string message_scene::describe_message(std::uint32_t message, std::string& problem) {
  const engine::message_store queue = store();
  const engine::message_head head = queue.head_of(message);
  const auto letter = letters_.find({head.type, head.size});
  if (letter == letters_.end()) {
    problem = "a message that nobody sent";
    return {};
  }
  std::vector<std::byte> text(head.size);
  queue.read_text(message, text.data(), head.size);
  if (text != text_of(letter->second, head.size)) problem = "damaged text of " + std::to_string(letter->second);
  if (!present.insert(letter->second).second) problem = "twice: " + std::to_string(letter->second);
  std::string described(1, ' ');
  described += std::to_string(letter->second);
  return described;
}

std::string message_scene::describe(std::string& problem) {
  present.clear();
  const engine::queue_counts counts = store().counts();
  std::string all = std::to_string(counts.qnum) + " messages, " + std::to_string(counts.cbytes) + " bytes:";
  for (long place = 0; static_cast<std::uint64_t>(place) < counts.qnum; ++place) {
    all += describe_message(store().find(msgtyp_selector::copy_of(place)), problem);
  }
  // Waiters by pid; asleep and awake are the same to them.
  std::vector<std::string> waiters;
  const engine::message_memory view(memory.space(), the_queue, chain());
  view.for_each_node_page([&](std::uint32_t page) {
    for (std::uint32_t cell = 0; cell < engine::nodes_per_page; ++cell) {
      const engine::wait_node& waiter = view.known_waiter(page * engine::cells_per_page + cell);
      const engine::node_kind kind = engine::kind_of(waiter.state);
      if (kind != engine::node_kind::receiver && kind != engine::node_kind::sender) continue;
      const bool receives = kind == engine::node_kind::receiver;
      const std::uint32_t status = engine::is_parked(waiter.cell.status) ? engine::asleep : waiter.cell.status;
      std::string one = "; " + std::to_string(waiter.cell.who.pid) + (receives ? " reads" : " writes") + ", status " +
                        std::to_string(status);
      if (status == engine::failed) one += " code " + std::to_string(waiter.cell.detail);
      if (receives && status == engine::done) one += describe_message(waiter.cell.detail, problem);
      if (!receives && (status == engine::asleep || status == engine::busy)) {
        std::set<int> sent = present;
        one += describe_message(waiter.staged, problem);
        present = sent;
      }
      waiters.push_back(one);
    }
  });
  std::sort(waiters.begin(), waiters.end());
  for (const std::string& one : waiters) all += one;
  return all;
}

}  // namespace xsipc::test_support
