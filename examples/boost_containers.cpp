// Boost's containers in a segment that two processes share: a map that counts words, and a vector of what was said.
//
// xsipc/boost.hpp makes the segment a heap; a semaphore set guards it. The second process is this program once more,
// started with both ids as its arguments, and attaches the segment wherever its address space has room.
#include <signal.h>

#include <boost/container/map.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>

#include "support/story.hpp"
#include "xsipc/boost.hpp"

namespace {

using examples::child;
using examples::expect;
using examples::player;
using examples::say;
using examples::stage;
using examples::temporary;
using xsipc::creation;
using xsipc::key;
using xsipc::managed_segment;
using xsipc::segment_lock;
using xsipc::semaphore_set;
using xsipc::shared_memory;
using xsipc::shared_memory_attachment;

using text = boost::container::basic_string<char, std::char_traits<char>, xsipc::segment_allocator<char>>;
using counts = boost::container::map<text, int, std::less<>, xsipc::segment_allocator<std::pair<const text, int>>>;
using lines = boost::container::vector<text, xsipc::segment_allocator<text>>;

constexpr key usual_key{1074};
constexpr std::size_t size_bytes = 1 << 20;
constexpr int rounds = 500;

text make_text(managed_segment& heap, const std::string& from) {
  return {from.data(), from.size(), heap.get_segment_manager()};
}

// What both processes do at once. Each word is found where the other one has put it.
int say_words(const shared_memory_attachment& attachment, semaphore_set set, const std::string& who) {
  managed_segment heap = xsipc::open_managed_segment(attachment);
  segment_lock lock(set);
  auto& words = *heap.find<counts>("counts").first;
  auto& said = *heap.find<lines>("lines").first;
  for (int i = 0; i < rounds; ++i) {
    const std::string word = "a word too long for a short string, number " + std::to_string(i % 50);
    const std::lock_guard guard(lock);
    ++words[make_text(heap, word)];
    said.push_back(make_text(heap, std::string(who).append(" says ").append(word)));
  }
  return EXIT_SUCCESS;
}

int run_second(player& me, examples::options& given) {
  const auto segment = given.number("segment");
  const auto set = given.number("set");
  given.end();
  if (!segment || !set) given.refuse();
  const auto attachment = shared_memory(me.backend(), xsipc::shmid{*segment}).attach().value();
  me.out() << "the second process has the segment at " << attachment.data() << '\n';
  return say_words(attachment, semaphore_set(me.backend(), xsipc::semid{*set}), "second");
}

constexpr examples::program second_program = {"boost_containers", "second", "--second --segment=N --set=N", run_second};

struct objects {
  std::optional<temporary<shared_memory>> segment;
  std::optional<temporary<semaphore_set>> set;
  shared_memory_attachment attachment;
};

void make_heap(stage& at, objects& on) {
  on.segment.emplace(
      shared_memory::get(key::ipc_private, size_bytes, creation::create_only(0600), {}, at.backend()).value());
  on.set.emplace(semaphore_set::get(key::ipc_private, 1, creation::create_only(0600), at.backend()).value());
  (*on.set)->set_value(0, 1).value();
  on.attachment = (*on.segment)->attach().value();
  managed_segment heap = xsipc::make_managed_segment(on.attachment);
  heap.construct<counts>("counts")(std::less<>(), heap.get_segment_manager());
  heap.construct<lines>("lines")(heap.get_segment_manager());
  std::cout << "   the first process has it at " << on.attachment.data() << '\n';
}

void check_content(const shared_memory_attachment& attachment) {
  managed_segment heap = xsipc::open_managed_segment(attachment);
  const auto& words = *heap.find<counts>("counts").first;
  const auto& said = *heap.find<lines>("lines").first;
  int total = 0;
  for (const auto& [word, count] : words) total += count;
  int second = 0;
  for (const text& line : said) second += line.find("second says a word") == 0 ? 1 : 0;
  say(std::to_string(words.size()) + " words, counted " + std::to_string(total) + " times; " +
      std::to_string(said.size()) + " lines, " + std::to_string(second) + " of the second process");
  expect(words.size() == 50 && total == 2 * rounds, "the map isn't as expected");
  expect(said.size() == 2 * rounds && second == rounds, "the vector isn't as expected");
}

void both_write(stage& at, objects& on) {
  const auto other = at.run(second_program, {"--segment=" + std::to_string(static_cast<int>((*on.segment)->id())),
                                             "--set=" + std::to_string(static_cast<int>((*on.set)->id()))});
  const auto first = at.fork([&](player& me) { return say_words(on.attachment, me.own(**on.set), "first"); });
  examples::await_end(*first);
  examples::await_end(*other);
  check_content(on.attachment);
}

void elsewhere(objects& on) {
  shared_memory_attachment again = (*on.segment)->attach().value();
  std::cout << "   attached at " << again.data() << ", detached at " << on.attachment.data() << '\n';
  expect(again.data() != on.attachment.data(), "it is at the same address");
  on.attachment = std::move(again);
  check_content(on.attachment);
}

void full(objects& on) {
  managed_segment heap = xsipc::open_managed_segment(on.attachment);
  auto& said = *heap.find<lines>("lines").first;
  const std::size_t before = said.size();
  try {
    for (;;) said.push_back(make_text(heap, std::string(10000, 'x')));
  } catch (const boost::interprocess::bad_alloc& problem) {
    say(std::string("after ") + std::to_string(said.size() - before) + " long lines more: " + problem.what());
  }
  said.erase(said.begin() + static_cast<std::ptrdiff_t>(before), said.end());
  expect(heap.check_sanity(), "the heap is broken");
  check_content(on.attachment);
}

void holder_is_killed(stage& at, objects& on) {
  segment_lock lock(**on.set);
  const auto holder = at.fork([&](player& me) {
    segment_lock(me.own(**on.set)).lock();
    return me.sleep();
  });
  examples::await("it has the lock", [&] { return (*on.set)->sempid(0).value() == holder->pid(); });
  expect(!lock.try_lock(), "two have the lock");
  holder->signal(SIGKILL);
  examples::await_end(*holder, "signal 9");
  examples::await("the lock is given back", [&] { return lock.try_lock(); });
  lock.unlock();
  say("its holder is dead, and the lock is free again");
}

void clean_up(objects& on) {
  on.attachment.detach().value();
  (*on.segment)->remove().value();
  (*on.set)->remove().value();
  examples::expect_error("attaching the segment", (*on.segment)->attach(), EINVAL);
}

int play(stage& at) {
  objects on;
  return examples::tell("boost_containers", "Boost's containers in a shared memory segment",
                        {
                            {"A heap in a segment.", [&] { make_heap(at, on); }},
                            {"Two processes count words in one map.", [&] { both_write(at, on); }},
                            {"At another address everything is still there.", [&] { elsewhere(on); }},
                            {"The segment becomes full.", [&] { full(on); }},
                            {"A process is killed while it holds the lock.", [&] { holder_is_killed(at, on); }},
                            {"Nothing is left.", [&] { clean_up(on); }},
                        });
}

}  // namespace

int main(int argc, char** argv) {
  if (examples::is_asked_for(second_program, argc, argv)) return examples::run(second_program, argc, argv);
  return examples::run({"boost_containers", usual_key, play}, argc, argv);
}
