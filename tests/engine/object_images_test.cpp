// Kills calls that create, change and remove objects, attach and detach, at each of their instructions: what a living
// process finds afterwards is as before the call or as after it, and nothing of the dead one's is left.
//
// It finds that by calls alone, as a substrate would: nobody is told that somebody died but by a lock that was left
// taken.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <unordered_set>
#include <vector>

#include "backend.hpp"
#include "engine/mortal_substrate.hpp"
#include "engine/stepping.hpp"

namespace xsipc::engine {
namespace {

using test_support::image_set;
using test_support::mortal_substrate;
using test_support::test_arena;

constexpr std::int32_t victim = 1;
constexpr std::int32_t survivor = 2;
constexpr std::int32_t second_survivor = 3;
constexpr std::int32_t others = 10;      // they live
constexpr ipc_mode passing = 0111;       // of objects that survivors make only to see whether they can
constexpr std::size_t usual_images = 8;  // with fewer, an operation was not really stepped
constexpr std::size_t looked_at = 8;     // images whose recovery is interrupted, unless all are
constexpr object_kind all_kinds[] = {object_kind::queue, object_kind::set, object_kind::segment};

class objects_scene {
 public:
  test_arena memory{64, 24};
  mortal_substrate on{memory};
  backend<mortal_substrate> calls{on, "images", {}};

  // What the operations work on, known since prepare().
  int id = 0;
  [[nodiscard]] msqid queue() const { return static_cast<msqid>(id); }
  [[nodiscard]] semid set() const { return static_cast<semid>(id); }
  [[nodiscard]] shmid segment() const { return static_cast<shmid>(id); }

  int make(object_kind kind, key which, std::size_t size = 4, ipc_mode mode = 0600) {
    const creation how{true, false, mode};
    switch (kind) {
      case object_kind::queue: return number(calls.get_queue(which, how));
      case object_kind::set: return number(calls.get_set(which, static_cast<int>(size), how));
      case object_kind::segment: return number(calls.get_segment(which, size, how, {}));
    }
    return -1;
  }
  void remove(object_kind kind, int which) {
    switch (kind) {
      case object_kind::queue: return static_cast<void>(calls.remove_queue(static_cast<msqid>(which)));
      case object_kind::set: return static_cast<void>(calls.remove_set(static_cast<semid>(which)));
      case object_kind::segment: return static_cast<void>(calls.remove_segment(static_cast<shmid>(which)));
    }
  }
  void attach(std::int32_t pid) {
    on.become(pid);
    static_cast<void>(calls.attach(segment(), {}));
    on.become(victim);
  }
  void detach(std::int32_t pid) {
    on.become(pid);
    static_cast<void>(calls.detach(nullptr));
    on.become(victim);
  }

  // What a living process does sooner or later: it uses every object, and makes new ones until there is no room.
  void survive(std::int32_t pid) {
    on.become(pid);
    calls.queues().each([](message_store&) {});
    calls.sets().each([](semaphore_store&, wake_list&) {});
    calls.segments().each([this](const object_ref&, segment_table& table) { table.sweep(on.now()); });
    for (const object_kind kind : all_kinds) {
      remove_passing(kind);
      memory.exhaust(true);
      while (make(kind, key::ipc_private, 1, passing) >= 0) continue;
      memory.exhaust(false);
      remove_passing(kind);
    }
  }

  // What is wrong, after somebody survived.
  [[nodiscard]] std::string check() {
    for (const object_kind kind : all_kinds) {
      const registry all(memory.space(), kind);
      if (const std::string wrong = all.check(); !wrong.empty()) return wrong;
      if (load(all.lock_word()) != 0) return "a registry is locked";
      for (std::uint32_t slot = 0; slot < 64; ++slot) {
        if (const std::string wrong = check_slot(kind, all, slot); !wrong.empty()) return wrong;
      }
    }
    return check_pages();
  }

  // Everything that callers can see, as text. Not times of attachments: those a death may cost.
  [[nodiscard]] std::string describe() {
    std::string text;
    const ipc_limits limits = limits_of(memory.space());
    text += std::to_string(limits.msgmnb) + " " + std::to_string(limits.semmns) + " " + std::to_string(limits.shmall);
    for (const object_kind kind : all_kinds) {
      const registry all(memory.space(), kind);
      for (std::uint32_t slot = 0; slot < 64; ++slot) {
        const auto found = all.by_index(static_cast<int>(slot));
        if (found && all.fields(*found).mode != passing) text += describe(all, *found);
      }
    }
    return text;
  }

 private:
  template <typename Id>
  static int number(const result<Id>& made) {
    return made ? static_cast<int>(*made) : -1;
  }
  void remove_passing(object_kind kind) {
    const registry all(memory.space(), kind);
    for (std::uint32_t slot = 0; slot < 64; ++slot) {
      const auto found = all.by_index(static_cast<int>(slot));
      if (found && all.fields(*found).mode == passing) remove(kind, id_of(*found));
    }
  }
  [[nodiscard]] std::string describe(const registry& all, const object_ref& which) {
    const settable now = all.fields(which);
    const slot_word word = all.word(which.slot());
    std::ostringstream text;
    text << "; " << static_cast<int>(which.kind()) << ':' << id_of(which) << ' ' << word.key << ' '
         << all.slot(which).size << ' ' << now.uid << ' ' << now.gid << ' ' << now.mode << ' ' << now.ctime << ' '
         << now.qbytes;
    if (word.state == slot_state::dest) text << " removed";
    if (which.kind() == object_kind::segment) {
      std::uint32_t& chain = all.slot(which).page_chain;
      text << ", attached " << segment_table(memory.space(), which, chain).counts().nattch;
    }
    return text.str();
  }
  [[nodiscard]] std::string check_slot(object_kind kind, const registry& all, std::uint32_t slot) {
    const slot_word word = all.word(slot);
    const std::string name = "kind " + std::to_string(static_cast<int>(kind)) + ", slot " + std::to_string(slot) + ": ";
    const bool there = word.state == slot_state::live || word.state == slot_state::dest;
    if (!there && word.state != slot_state::free) return name + "neither there nor free";
    const object_ref which{kind, slot, word.sequence};
    if (kind == object_kind::segment) {
      if (on.has_any_data(slot) != there || on.has_data(which) != there) return name + "data and no segment, or none";
      if (word.state == slot_state::dest &&
          segment_table(memory.space(), which, all.slot(slot).page_chain).counts().nattch == 0) {
        return name + "removed, attached by nobody, and still there";
      }
    }
    if (!there) return "";
    std::string wrong;
    if (kind == object_kind::queue) {
      wrong = message_store(memory.space(), which, all.slot(slot).page_chain).check(false);
    } else if (kind == object_kind::set) {
      wrong = semaphore_store(memory.space(), which, all.slot(slot).page_chain).check(false);
    }
    return wrong.empty() ? "" : name + wrong;
  }
  // Each page is free or belongs to an object that is there.
  [[nodiscard]] std::string check_pages() const {
    const page_heap heap(on.space());
    for (std::uint32_t page = 0; page < on.space().committed_pages(); ++page) {
      const page_owner owner = heap.owner_of(page);
      if (owner.use == page_use::none) continue;
      const registry all(on.space(), owner.object.kind());
      if (owner.use == page_use::claimed && owner.place == 0) return "a page is claimed and never used";
      if (!all.is_live(owner.object, true)) return "a page belongs to nobody";
    }
    return "";
  }
};

struct scenario {
  const char* name;
  std::function<void(objects_scene&)> prepare;
  std::function<void(objects_scene&)> operate;
  bool victim_lives = false;  // only the thread died: what its process has attached counts
  std::size_t images = usual_images;
};

constexpr auto first_key = static_cast<key>(42);
constexpr auto second_key = static_cast<key>(43);
void nothing(objects_scene&) {}
std::function<void(objects_scene&)> makes(object_kind kind, key which, std::size_t size) {
  return [=](objects_scene& at) { at.id = at.make(kind, which, size); };
}
std::function<void(objects_scene&)> removes(object_kind kind) {
  return [=](objects_scene& at) { at.remove(kind, at.id); };
}
// Keys enough that their chains are longer than one, and a hole among the slots.
void some(objects_scene& at, object_kind kind) {
  std::vector<int> made;
  for (int i = 0; i < 48; ++i) made.push_back(at.make(kind, static_cast<key>(1000 + i), 1));
  at.remove(kind, made[7]);
}
void attached_segment(objects_scene& at) {
  at.id = at.make(object_kind::segment, first_key, 5000);
  at.attach(others);
}
void full_rows(objects_scene& at) {
  at.id = at.make(object_kind::segment, first_key, 5000);
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(rows_inline); ++i) at.attach(others + i);
}
void send(objects_scene& at, std::size_t bytes) {
  const std::vector<std::byte> text(bytes);
  static_cast<void>(at.calls.send(at.queue(), {5, text}, deadline::immediate()));
}
constexpr perm_change to_others{1000, 77, 0640};

std::vector<scenario> registry_scenarios() {
  return {
      {"msgget, the first of all", nothing, makes(object_kind::queue, first_key, 0)},
      {"msgget, among others", [](objects_scene& at) { some(at, object_kind::queue); },
       makes(object_kind::queue, first_key, 0)},
      {"msgget, private", [](objects_scene& at) { some(at, object_kind::queue); },
       makes(object_kind::queue, key::ipc_private, 0)},
      {"msgget at the limit",
       [](objects_scene& at) {
         ipc_limits limits = limits_of(at.memory.space());
         limits.msgmni = 1;
         set_limits(at.memory.space(), limits);
         at.make(object_kind::queue, first_key);
       },
       makes(object_kind::queue, second_key, 0)},
      {"semget, a small set", [](objects_scene& at) { some(at, object_kind::set); },
       makes(object_kind::set, first_key, 4)},
      {"semget, a set of pages", nothing, makes(object_kind::set, first_key, 1200)},
      {"semget without memory", [](objects_scene& at) { at.memory.exhaust(true); },
       [](objects_scene& at) {
         at.memory.exhaust(false);
         at.make(object_kind::set, first_key, 1);
         at.memory.exhaust(true);
         at.make(object_kind::set, second_key, 9000);
         at.memory.exhaust(false);
       }},
      {"IPC_RMID of a queue among others",
       [](objects_scene& at) {
         some(at, object_kind::queue);
         at.id = at.make(object_kind::queue, static_cast<key>(1020));
       },
       removes(object_kind::queue)},
      {"IPC_RMID of a queue with messages",
       [](objects_scene& at) {
         at.id = at.make(object_kind::queue, first_key);
         for (const std::size_t bytes : {20U, 3000U, 100U}) send(at, bytes);
       },
       removes(object_kind::queue)},
      {"IPC_RMID of a set of pages", makes(object_kind::set, first_key, 1200), removes(object_kind::set)},
      {"IPC_SET of a queue", makes(object_kind::queue, first_key, 0),
       [](objects_scene& at) {
         at.on.set_time(5001);
         static_cast<void>(at.calls.change_queue(at.queue(), {to_others, 100}));
       }},
      // The lock, owner, mode, time, the switch, the lock.
      {"IPC_SET of a set", makes(object_kind::set, first_key, 4),
       [](objects_scene& at) {
         at.on.set_time(5001);
         static_cast<void>(at.calls.change_set(at.set(), to_others));
       },
       false, 7},
      {"limits change", nothing,
       [](objects_scene& at) {
         ipc_limits limits;
         limits.msgmax = limits.msgmnb = 77;
         limits.msgmni = limits.semmni = limits.shmmni = 33;
         limits.semmsl = limits.semmns = limits.semopm = 22;
         limits.shmmax = limits.shmall = 11;
         static_cast<void>(at.calls.change_limits(limits));
       }},
  };
}

std::vector<scenario> segment_scenarios() {
  return {
      {"shmget, the first of all", nothing, makes(object_kind::segment, first_key, 5000)},
      {"shmget, among others", [](objects_scene& at) { some(at, object_kind::segment); },
       makes(object_kind::segment, first_key, 5000)},
      // The lock, pid and start of the row, the lock; the lock again, the time, the lock.
      {"shmat, a new row", attached_segment, [](objects_scene& at) { at.attach(victim); }, true, 7},
      {"shmat again",
       [](objects_scene& at) {
         attached_segment(at);
         at.attach(victim);
         at.on.set_time(5001);
       },
       [](objects_scene& at) { at.attach(victim); }, true, 6},
      {"shmat, rows need a page", full_rows, [](objects_scene& at) { at.attach(victim); }, true},
      {"shmat of a process that dies", attached_segment, [](objects_scene& at) { at.attach(victim); }, false, 7},
      {"shmdt",
       [](objects_scene& at) {
         attached_segment(at);
         at.attach(victim);
         at.on.set_time(5001);
         at.on.become(others);
         static_cast<void>(at.calls.attach(at.segment(), {}));
         at.on.become(victim);
       },
       [](objects_scene& at) { at.detach(victim); }, true, 6},
      {"shmdt, the last of a removed segment",
       [](objects_scene& at) {
         attached_segment(at);
         at.remove(object_kind::segment, at.id);
       },
       [](objects_scene& at) { at.detach(others); }},
      {"shmdt, the last of a removed segment with a page of rows",
       [](objects_scene& at) {
         full_rows(at);
         at.attach(victim);
         at.remove(object_kind::segment, at.id);
         for (std::int32_t i = 0; i < static_cast<std::int32_t>(rows_inline); ++i) at.detach(others + i);
       },
       [](objects_scene& at) { at.detach(victim); }, true},
      {"IPC_RMID of a segment",
       [](objects_scene& at) {
         some(at, object_kind::segment);
         at.id = at.make(object_kind::segment, first_key, 5000);
       },
       removes(object_kind::segment)},
      {"IPC_RMID of a segment that is attached",
       [](objects_scene& at) {
         some(at, object_kind::segment);
         attached_segment(at);
       },
       removes(object_kind::segment)},
      {"IPC_RMID of a segment with a page of rows",
       [](objects_scene& at) {
         full_rows(at);
         at.attach(victim);
         for (std::int32_t i = 0; i < static_cast<std::int32_t>(rows_inline); ++i) at.detach(others + i);
         at.detach(victim);
       },
       removes(object_kind::segment)},
      {"IPC_RMID of a segment that a dead process has attached",
       [](objects_scene& at) {
         attached_segment(at);
         at.memory.kill_process(others);
       },
       removes(object_kind::segment)},
      {"fork: a child has what its parent had", attached_segment,
       [](objects_scene& at) {
         at.calls.segments().inherit(*registry(at.memory.space(), object_kind::segment).by_id(at.id),
                                     mortal_substrate::process(others + 1), {victim, 5001});
       },
       false, 7},
  };
}

class ObjectImages : public testing::TestWithParam<scenario> {
 protected:
  // Somebody survives what the memory holds; returns what he sees.
  std::string survived(std::int32_t pid) {
    scene_.survive(pid);
    const std::string wrong = scene_.check();
    return wrong.empty() ? scene_.describe() : "WRONG: " + wrong;
  }
  // Images of the first survivor's work, each taken up by a second one.
  std::size_t interrupt_recoveries(const image_set& images, const std::vector<std::string>& states) {
    const bool all = test_support::all_double_crashes();
    const std::size_t stride = all ? 1 : std::max<std::size_t>(images.size() / looked_at, 1);
    std::size_t tried = 0;
    for (std::size_t i = 0; i < images.size(); i += stride) {
      images.restore(i);
      image_set cut(scene_.memory.bytes(), &seen_);
      static_cast<void>(test_support::step_stores(
          scene_.memory.bytes(), [this] { scene_.survive(survivor); }, cut));
      scene_.memory.kill_process(survivor);
      for (std::size_t k = 0; k < cut.size(); ++k, ++tried) {
        cut.restore(k);
        const std::string state = survived(second_survivor);
        if (state != states[i]) bad("double crash of image", i, state);
      }
    }
    return tried;
  }
  void bad(const char* what, std::size_t image, const std::string& state) {
    if (++bad_ <= 3) ADD_FAILURE() << GetParam().name << ", " << what << " " << image << ": " << state;
  }

  objects_scene scene_;
  std::unordered_set<std::uint64_t> seen_;
  int bad_ = 0;
};

TEST_P(ObjectImages, AreAsBeforeOrAsAfterAndNothingIsLeftBehind) {
  const scenario& each = GetParam();
  each.prepare(scene_);
  ASSERT_EQ(scene_.check(), "");
  image_set images(scene_.memory.bytes());
  const test_support::stepped run = test_support::step_instructions([&] { each.operate(scene_); }, images);
  ASSERT_EQ(run.problem, "");
  EXPECT_GE(images.size(), each.images) << each.name << ": not really stepped";

  if (!each.victim_lives) scene_.memory.kill_process(victim);
  std::vector<std::string> states;
  for (std::size_t i = 0; i < images.size(); ++i) {
    images.restore(i);
    states.push_back(survived(survivor));
  }
  bool after = false;
  for (std::size_t i = 0; i < states.size(); ++i) {
    after = after || states[i] != states.front();
    const std::string& expected = after ? states.back() : states.front();
    if (states[i] != expected || states[i].starts_with("WRONG")) bad("image", i, states[i] + "\nexpected: " + expected);
  }
  const std::size_t doubles = interrupt_recoveries(images, states);
  std::printf("%-58s %6ld instructions %4zu images %4zu recoveries %6zu double crashes\n", each.name, run.instructions,
              images.size(), states.size(), doubles);
  std::fflush(stdout);
}

std::string name_of(const testing::TestParamInfo<scenario>& one) { return test_support::as_test_name(one.param.name); }
void PrintTo(const scenario& one, std::ostream* to) { *to << one.name; }
INSTANTIATE_TEST_SUITE_P(Registry, ObjectImages, testing::ValuesIn(registry_scenarios()), name_of);
INSTANTIATE_TEST_SUITE_P(Segments, ObjectImages, testing::ValuesIn(segment_scenarios()), name_of);

}  // namespace
}  // namespace xsipc::engine
