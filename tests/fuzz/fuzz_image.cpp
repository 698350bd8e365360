// Spoilt arenas: bytes of a valid namespace are overwritten, then everything is called that can be.
//
// Wrong answers are fine. Not fine: a touch outside of the arena or of the caller's memory, undefined behaviour, a walk
// without end.
#include <time.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "backend.hpp"
#include "image_substrate.hpp"
#include "message_layout.hpp"
#include "registry_layout.hpp"
#include "segment_table.hpp"
#include "semaphore_layout.hpp"
#include "xsipc/decorators/checked_backend.hpp"

namespace xsipc {
namespace {

using engine::wake_reason;
using fuzz::demand;
using fuzz::image_substrate;
using fuzz::input;

constexpr std::uint32_t slots = 64;
constexpr std::uint32_t pages = 96;
constexpr std::size_t most_text = 9000;

ipc_limits limits() {
  return {.msgmax = 8192,
          .msgmnb = 16384,
          .msgmni = slots,
          .semmsl = 32000,
          .semmns = 1U << 20U,
          .semopm = 500,
          .semmni = slots,
          .semvmx = 32767,
          .shmmax = 1U << 30U,
          .shmmin = 1,
          .shmall = 1U << 30U,
          .shmmni = slots};
}

// A namespace with something of everything in it, and every call.
class scene {
 public:
  scene() : on_(slots, pages) {
    auto made = std::make_unique<engine::backend<image_substrate>>(on_, "image", everything());
    engine_ = made.get();
    calls_ = make_checked_backend(std::move(made));
    engine::make_namespace(on_.space(), slots, pages, limits(), 12345);
    build();
    image_.assign(on_.space().base(), on_.space().base() + on_.size());
  }

  void play(input& from) {
    std::memcpy(on_.space().base(), image_.data(), image_.size());
    on_.begin();
    const std::uint8_t how = from.byte();
    on_.holders_die = (how & 1U) != 0;
    on_.no_memory = (how & 14U) == 14;
    on_.privileged = (how & 16U) == 0;
    on_.parks = (how & 32U) != 0   ? wake_reason::ended
                : (how & 64U) != 0 ? wake_reason::interrupted
                                   : wake_reason::timed_out;
    on_.dead_pids = from.byte();
    const std::size_t at_first = from.below(64);
    for (std::size_t i = 0; i < at_first && !from.empty(); ++i) spoil(from);
    on_.meddle = [this, &from] {
      if (!from.empty() && from.byte() < 64) spoil(from);
    };
    const std::int64_t begin = now_ns();
    everything_once(from);
    on_.meddle = [] {};
    const std::int64_t took = now_ns() - begin;
    demand(took < most_ns(), "it took " + std::to_string(took / 1'000'000) + " ms");
  }

 private:
  static capability_set everything() {
    capability_set all;
    for (int i = 0; i < capability_count; ++i) all = all.with(static_cast<capability>(i));
    return all;
  }
  static std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
  }
  // XSIPC_FUZZ_MOST_MS: for a fast build on a quiet machine.
  static std::int64_t most_ns() {
    static const char* const said = std::getenv("XSIPC_FUZZ_MOST_MS");
    return (said != nullptr ? std::atoll(said) : 5000) * 1'000'000LL;
  }

  // -- The valid namespace. Whoever parks stays parked: his process is gone from the call, but not dead.
  void build() {
    on_.parks = wake_reason::ended;
    build_queues();
    build_sets();
    build_segments();
    on_.caller = {.pid = 100, .hint = 0, .start = 100};
  }
  void become(std::int32_t pid) { on_.caller = {.pid = pid, .hint = 0, .start = static_cast<std::uint64_t>(pid)}; }
  msqid new_queue(int number) {
    queues_.push_back(calls_->get_queue(static_cast<key>(number), creation::create_only(0600)).value());
    return queues_.back();
  }
  semid new_set(int number, int nsems) {
    sets_.push_back(calls_->get_set(static_cast<key>(number), nsems, creation::create_only(0600)).value());
    return sets_.back();
  }
  void send(msqid to, long type, std::size_t size, deadline until = deadline::immediate()) {
    static_cast<void>(calls_->send(to, {type, std::span(memory_, size)}, until));
  }
  void receive(msqid from, const msgtyp_selector& which, std::size_t room, deadline until = deadline::immediate(),
               truncation cut = truncation::allow) {
    static_cast<void>(calls_->receive(from, which, std::span(memory_, room), cut, until));
  }
  void operate(semid on, std::initializer_list<sem_operation> what, deadline until = deadline::immediate()) {
    static_cast<void>(calls_->operate(on, {what.begin(), what.size()}, until));
  }
  void build_queues() {
    const msqid mixed = new_queue(1);
    const std::size_t sizes[] = {0, 10, 88, 89, 300, 600, 2000};
    for (int i = 0; i < 28; ++i) send(mixed, 1 + i % 5, sizes[i % 7]);
    receive(mixed, msgtyp_selector::lowest_up_to(4), most_text);
    receive(mixed, msgtyp_selector::all_but(2), most_text);
    const msqid empty = new_queue(2);
    become(101);
    receive(empty, msgtyp_selector::type(7), 10, deadline::never());
    receive(empty, msgtyp_selector::lowest_up_to(3), 100, deadline::never());
    become(102);
    receive(empty, msgtyp_selector::all_but(3), 100, deadline::never(), truncation::refuse);
    receive(empty, msgtyp_selector::any(), 1000, deadline::never());
    send(empty, 7, 5);  // completes the first, which never looks
    const msqid full = new_queue(3);
    send(full, 1, 8000);
    send(full, 1, 8000);
    send(full, 1, 1000, deadline::never());
    send(full, 2, 50, deadline::never());
    become(103);
    send(full, 3, 5000, deadline::never());
    receive(new_queue(4), msgtyp_selector::any(), 10, deadline::never());
    static_cast<void>(calls_->remove_queue(queues_.back()));
    new_queue(5);
  }
  void build_sets() {
    new_set(1, 1);
    const semid few = new_set(2, 5);
    become(101);
    operate(few, {{0, 3, sem_flags::undo}, {1, 1, sem_flags::undo}});
    become(102);
    operate(few, {{0, -1, sem_flags::undo}});
    operate(few, {{0, -10, sem_flags::none}}, deadline::never());
    operate(few, {{0, 0, sem_flags::none}}, deadline::never());
    operate(few, {{2, 1, sem_flags::none}, {0, -5, sem_flags::undo}}, deadline::never());
    become(103);
    operate(few, {{1, -1, sem_flags::no_wait}, {3, -1, sem_flags::none}}, deadline::never());
    operate(few,
            {{2, 1, {}},
             {3, 1, {}},
             {4, 1, {}},
             {2, -1, {}},
             {3, -1, {}},
             {4, -1, {}},
             {0, 1, {}},
             {0, -1, {}},
             {1, 0, {}},
             {2, -3, {}},
             {0, 1, {}}},
            deadline::never());
    const semid many = new_set(3, 600);
    operate(many, {{0, 5, sem_flags::undo}, {599, 2, sem_flags::none}, {300, 1, sem_flags::undo}});
    operate(many, {{599, -7, sem_flags::none}}, deadline::never());
    static_cast<void>(calls_->set_value(many, 4, 7));
    operate(new_set(4, 2), {{1, -1, sem_flags::none}}, deadline::never());
    static_cast<void>(calls_->remove_set(sets_.back()));
  }
  void build_segments() {
    for (int i = 1; i <= 3; ++i) {
      segments_.push_back(calls_->get_segment(static_cast<key>(i), 5000, creation::create_only(0600), {}).value());
    }
    for (int i = 0; i < 20; ++i) {
      become(100 + i);
      static_cast<void>(calls_->attach(segments_[0], {}));
    }
    static_cast<void>(calls_->attach(segments_[1], {}));
    static_cast<void>(calls_->remove_segment(segments_[1]));
  }

  // -- Spoiling.
  struct range {
    std::uint64_t begin;
    std::uint64_t bytes;
  };
  [[nodiscard]] range region(input& from) const {
    const engine::arena_layout& at = on_.space().layout();
    const std::size_t which = from.below(32);
    const std::size_t kind = which / 4 % 3;
    constexpr std::uint64_t used = 8;  // slots of which something is made
    if (which >= 24) return {at.heap, at.end - at.heap};
    switch (which % 4) {
      case 0: return {at.slots[kind], used * sizeof(engine::object_slot)};
      case 1:
      case 2: return {at.bodies[kind], used * engine::body_bytes};
      default: break;
    }
    switch (which) {
      case 3: return {0, sizeof(engine::namespace_header)};
      case 7: return {at.owners, pages * sizeof(std::uint64_t)};
      case 11: return {at.chains, pages * sizeof(std::uint32_t)};
      case 15: return {at.links, std::uint64_t{pages} * engine::cells_per_page * sizeof(std::uint32_t)};
      case 19: return {at.kind[from.below(3)], 256};
      default: return {at.buckets[from.below(3)], engine::buckets_for(slots) * sizeof(std::uint32_t)};
    }
  }
  void spoil(input& from) {
    const range where = region(from);
    std::byte* const base = on_.space().base() + where.begin;
    const std::uint64_t words = where.bytes / sizeof(std::uint32_t);
    std::uint64_t at = from.number<std::uint16_t>();
    if (words > 0xffff) at |= std::uint64_t{from.byte()} << 16U;
    auto& word = *reinterpret_cast<std::uint32_t*>(base + at % words * sizeof(std::uint32_t));
    const std::uint32_t odd[] = {
        0,          1,    engine::nil, engine::nil - 1, slots,      pages, pages - 1, pages * 32 - 1,
        pages * 32, 4096, 32767,       0x7fffffff,      0x80000000, 32,    0xffff,    0x40000000};
    switch (from.below(8)) {
      case 0: word = from.one_of(odd); break;
      case 1: word = from.byte(); break;
      case 2: word = from.number<std::uint32_t>(); break;
      case 3: word ^= 1U << from.below(32); break;
      case 4: word += static_cast<std::uint32_t>(from.number<std::int8_t>()); break;
      case 5: word = *reinterpret_cast<std::uint32_t*>(base + from.number<std::uint16_t>() % words * 4); break;
      case 6: {  // two words alike
        const std::uint32_t value = from.one_of(odd);
        word = value;
        *reinterpret_cast<std::uint32_t*>(base + (at + 1) % words * 4) = value;
        break;
      }
      default:
        std::memset(base + at % words * 4, from.byte(), std::min<std::uint64_t>((words - at % words) * 4, from.byte()));
    }
  }

  // -- Calls.
  void everything_once(input& from) {
    const std::uint8_t order = from.byte();
    for (int turn = 0; turn < 3; ++turn) {
      switch ((turn + order) % 3) {
        case 0:
          for (std::size_t i = 0; i < queues_.size(); ++i) use_queue(queues_[i], static_cast<int>(i) + 1);
          break;
        case 1:
          for (std::size_t i = 0; i < sets_.size(); ++i) use_set(sets_[i], static_cast<int>(i) + 1);
          break;
        default:
          for (std::size_t i = 0; i < segments_.size(); ++i) use_segment(segments_[i], static_cast<int>(i) + 1);
      }
    }
    for (const auto kind : {object_kind::queue, object_kind::set, object_kind::segment}) {
      static_cast<void>(calls_->usage(kind));
    }
    static_cast<void>(calls_->change_limits(limits()));
    engine_->queues().sweep();
    engine_->sets().sweep();
    for (int i = 0; i < 2; ++i) {  // as many pages as there are may be wanted
      static_cast<void>(calls_->get_queue(key::ipc_private, creation::create_only(0600)));
      static_cast<void>(calls_->get_set(key::ipc_private, 32000, creation::create_only(0600)));
      static_cast<void>(calls_->get_segment(key::ipc_private, 100, creation::create_only(0600), {}));
    }
    remove_all();
  }
  void remove_all() {
    for (const msqid each : queues_) static_cast<void>(calls_->remove_queue(each));
    for (const semid each : sets_) static_cast<void>(calls_->remove_set(each));
    for (const shmid each : segments_) static_cast<void>(calls_->remove_segment(each));
    engine_->queues().sweep();
    engine_->sets().sweep();
    static_cast<void>(calls_->get_queue(static_cast<key>(1), creation::open_or_create(0600)));
  }
  void use_queue(msqid queue, int number) {
    static_cast<void>(calls_->get_queue(static_cast<key>(number), creation::open_or_create(0600)));
    static_cast<void>(calls_->stat_queue(number - 1, lookup::index_any));
    for (const std::size_t size : {0U, 88U, 300U, 8000U}) send(queue, 2, size);
    receive(queue, msgtyp_selector::copy_of(3), most_text);
    receive(queue, msgtyp_selector::any(), most_text);
    receive(queue, msgtyp_selector::type(2), 100, deadline::immediate(), truncation::refuse);
    receive(queue, msgtyp_selector::type(3), 100);
    receive(queue, msgtyp_selector::lowest_up_to(9), most_text);
    receive(queue, msgtyp_selector::all_but(1), most_text);
    send(queue, 1, 8192, deadline::never());
    receive(queue, msgtyp_selector::type(77), 100, deadline::never());
    static_cast<void>(calls_->change_queue(queue, {{1000, 1000, 0600}, 60000}));
    for (int i = 0; i < 4; ++i) receive(queue, msgtyp_selector::any(), most_text);
    static_cast<void>(calls_->stat_queue(static_cast<int>(queue), lookup::id));
  }
  void use_set(semid set, int number) {
    static_cast<void>(calls_->get_set(static_cast<key>(number), 1, creation::open_or_create(0600)));
    static_cast<void>(calls_->stat_set(number - 1, lookup::index_any));
    const auto nsems = calls_->stat_set(static_cast<int>(set), lookup::id);
    operate(set, {{0, 1, sem_flags::none}});
    operate(set, {{0, -1, sem_flags::undo}});
    operate(set, {{0, 2, sem_flags::undo}, {1, 1, sem_flags::undo}, {0, -1, sem_flags::none}});
    operate(set, {{599, 1, sem_flags::undo}, {598, 1, sem_flags::none}});
    operate(set, {{65535, 1, sem_flags::undo}});
    operate(set, {{0, -30000, sem_flags::none}}, deadline::never());
    operate(set, {{1, 0, sem_flags::none}, {2, -1, sem_flags::no_wait}}, deadline::never());
    for (const sem_query what : {sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt}) {
      for (const int semnum : {0, 2, 599, 31999}) static_cast<void>(calls_->query_semaphore(set, semnum, what));
    }
    static_cast<void>(calls_->set_value(set, 0, 5));
    static_cast<void>(calls_->set_value(set, 31999, 5));
    // As many as the caller was told there are.
    const std::size_t count = nsems && nsems->nsems < 32000 ? static_cast<std::size_t>(nsems->nsems) : 32000;
    const std::unique_ptr<std::uint16_t[]> values(new std::uint16_t[count]());
    static_cast<void>(calls_->get_all(set, {values.get(), count}));
    for (std::size_t i = 0; i < count; ++i) values[i] = 1;
    static_cast<void>(calls_->set_all(set, {values.get(), count}));
    static_cast<void>(calls_->change_set(set, {1000, 1000, 0600}));
  }
  void use_segment(shmid segment, int number) {
    static_cast<void>(calls_->get_segment(static_cast<key>(number), 1, creation::open_or_create(0600), {}));
    static_cast<void>(calls_->stat_segment(number - 1, lookup::index_any));
    const auto at = calls_->attach(segment, {});
    static_cast<void>(calls_->stat_segment(static_cast<int>(segment), lookup::id));
    static_cast<void>(calls_->lock_segment(segment, true));
    static_cast<void>(calls_->change_segment(segment, {1000, 1000, 0600}));
    if (at) static_cast<void>(engine_->detach(*at));
  }

  image_substrate on_;
  engine::backend<image_substrate>* engine_ = nullptr;
  std::unique_ptr<spi::backend> calls_;
  std::vector<std::byte> image_;
  std::vector<msqid> queues_;
  std::vector<semid> sets_;
  std::vector<shmid> segments_;
  std::byte memory_[most_text] = {};
};

}  // namespace
}  // namespace xsipc

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static xsipc::scene one;
  xsipc::fuzz::input from(data, size);
  one.play(from);
  return 0;
}
