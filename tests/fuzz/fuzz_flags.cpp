// Flag words and packed words: what becomes of structs on their way to the kernel and back, with any bits in them.
//
// Bits are written out, because the C library's headers and the backends might be wrong together.
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <chrono>
#include <cstring>
#include <vector>

#include "../../backends/engine/access.hpp"
#include "../../backends/engine/message_layout.hpp"
#include "../../backends/engine/registry.hpp"
#include "../../backends/engine/semaphore_layout.hpp"
#include "../../backends/sysv/backend.hpp"
#include "../../backends/sysv/translate.hpp"
#include "input.hpp"

namespace xsipc {
namespace {

using fuzz::demand;
using fuzz::input;

// What the backend told the kernel, and what the kernel answers.
struct told {
  int flags = 0;
  int command = 0;
  const void* memory = nullptr;
  std::size_t size = 0;
  long msgtyp = 0;
  timespec timeout{};
  long answer = 0;
  std::vector<std::byte> memory_in;   // what a status call puts into its structure
  std::vector<std::byte> memory_out;  // what IPC_SET found there
};
told heard;

void exchange(void* structure, std::size_t size) {
  heard.memory_out.assign(static_cast<std::byte*>(structure), static_cast<std::byte*>(structure) + size);
  if (heard.memory_in.size() >= size) std::memcpy(structure, heard.memory_in.data(), size);
}

constexpr sysv::syscalls kernel = {
    .msgget = [](int, int flags) { return heard.flags = flags, heard.answer; },
    .msgsnd = [](int, const void*, std::size_t size,
                 int flags) { return heard.size = size, heard.flags = flags, heard.answer; },
    .msgrcv = [](int, void*, std::size_t size, long msgtyp,
                 int flags) { return heard.size = size, heard.msgtyp = msgtyp, heard.flags = flags, heard.answer; },
    .msgctl =
        [](int, int command, void* at) {
          heard.command = command;
          if (at != nullptr) exchange(at, sizeof(msqid_ds));
          return heard.answer;
        },
    .semget = [](int, int, int flags) { return heard.flags = flags, heard.answer; },
    .semop = [](int, const void* at, std::size_t count) { return heard.memory = at, heard.size = count, heard.answer; },
    .semtimedop =
        [](int, const void* at, std::size_t count, const timespec* timeout) {
          heard.timeout = *timeout;
          return heard.memory = at, heard.size = count, heard.answer;
        },
    .semctl =
        [](int, int, int command, unsigned long at) {
          heard.command = command;
          if (command == IPC_SET || command == IPC_STAT) exchange(reinterpret_cast<void*>(at), sizeof(semid_ds));
          return heard.answer;
        },
    .shmget = [](int, std::size_t, int flags) { return heard.flags = flags, heard.answer; },
    .shmat = [](int, const void*, int flags) { return heard.flags = flags, heard.answer; },
    .shmdt = [](const void*) { return heard.answer; },
    .shmctl =
        [](int, int command, void* at) {
          heard.command = command;
          if (command == IPC_SET || command == IPC_STAT) exchange(at, sizeof(shmid_ds));
          return heard.answer;
        }};

bool bit(int word, int one) { return (word & one) != 0; }

void get_flags(input& from, spi::backend& on) {
  const creation how{from.flag(), from.flag(), from.number<ipc_mode>()};
  const segment_options options{from.flag(), from.flag(), static_cast<std::uint8_t>(from.below(64))};
  const auto expect = [&how](int extra) {
    const int word = heard.flags & ~extra;
    demand(bit(word, 01000) == how.create && bit(word, 02000) == how.exclusive, "IPC_CREAT or IPC_EXCL got lost");
    demand((word & ~03000) == static_cast<int>(how.mode & 0777U), "a mode is more or less than its nine bits");
  };
  static_cast<void>(on.get_queue({}, how));
  expect(0);
  static_cast<void>(on.get_set({}, 1, how));
  expect(0);
  static_cast<void>(on.get_segment({}, 1, how, options));
  demand(bit(heard.flags, 010000) == options.no_reserve && bit(heard.flags, 04000) == options.huge_pages,
         "SHM_NORESERVE or SHM_HUGETLB got lost");
  demand((static_cast<unsigned>(heard.flags) >> 26U) == options.huge_page_log2, "a page size got lost");
  expect(static_cast<int>(0xfc000000U) | 010000 | 04000);
}

void call_flags(input& from, spi::backend& on) {
  std::byte text[16] = {};
  const attach_options options{nullptr, from.flag(), from.flag(), from.flag(), from.flag()};
  static_cast<void>(on.attach({}, options));
  demand(heard.flags == ((options.read_only ? 010000 : 0) | (options.round ? 020000 : 0) |
                         (options.remap ? 040000 : 0) | (options.execute ? 0100000 : 0)),
         "flags of shmat");
  const msgtyp_selector what{from.number<long>(), from.flag(), from.flag()};
  const bool cut = from.flag();
  const bool waits = from.flag();
  const deadline until = waits ? deadline::never() : deadline::immediate();
  static_cast<void>(on.receive({}, what, std::span(text), cut ? truncation::allow : truncation::refuse, until));
  demand(heard.msgtyp == what.msgtyp && heard.flags == ((waits ? 0 : 04000) | (cut ? 010000 : 0) |
                                                        (what.except ? 020000 : 0) | (what.copy ? 040000 : 0)),
         "flags of msgrcv");
  static_cast<void>(on.send({}, {1, std::span(text)}, until));
  demand(heard.flags == (waits ? 0 : 04000), "flags of msgsnd");
}

// Operations go to the kernel as they are, whatever their flags; times are never negative nor out of range.
void operations(input& from, spi::backend& on) {
  const sem_operation one{from.number<std::uint16_t>(), from.number<std::int16_t>(),
                          static_cast<sem_flags>(from.number<std::int16_t>())};
  static_cast<void>(on.operate({}, {&one, 1}, deadline::never()));
  sembuf seen{};
  std::memcpy(&seen, heard.memory, sizeof seen);
  demand(seen.sem_num == one.semnum && seen.sem_op == one.sem_op && seen.sem_flg == static_cast<short>(one.flags),
         "an operation changed on its way");
  demand(has(one.flags, sem_flags::undo) == bit(seen.sem_flg, 010000), "SEM_UNDO");
  demand(has(one.flags, sem_flags::no_wait) == bit(seen.sem_flg, 04000), "IPC_NOWAIT");
  const std::chrono::nanoseconds time(from.number<std::int64_t>());
  const bool absolute = from.flag();
  const deadline until = absolute ? deadline::at(std::chrono::steady_clock::time_point(time)) : deadline::after(time);
  heard.timeout = {};
  static_cast<void>(on.operate({}, {&one, 1}, until));
  demand(heard.timeout.tv_sec >= 0 && heard.timeout.tv_nsec >= 0 && heard.timeout.tv_nsec < 1'000'000'000, "a time");
  // Longer ones are said to be the longest that there is.
  if (!absolute && time.count() > 0 && time.count() < 9'200'000'000'000'000'000) {
    demand(heard.timeout.tv_sec * 1'000'000'000 + heard.timeout.tv_nsec == time.count(),
           "a duration changed on its way");
  }
}

template <typename Structure>
Structure any_bytes(input& from) {
  Structure made{};
  auto* const bytes = reinterpret_cast<unsigned char*>(&made);
  for (std::size_t i = 0; i < sizeof made; ++i) bytes[i] = from.byte();
  heard.memory_in.assign(reinterpret_cast<std::byte*>(bytes), reinterpret_cast<std::byte*>(bytes) + sizeof made);
  return made;
}

void expect_perm(const ipc_perm& got, const ::ipc_perm& kernels) {
  demand(got.uid == kernels.uid && got.gid == kernels.gid && got.cuid == kernels.cuid && got.cgid == kernels.cgid,
         "an id of a status");
  demand(got.mode == (kernels.mode & 0777U), "a mode of a status");
  demand(static_cast<int>(got.object_key) == kernels.__key && got.sequence == kernels.__seq,
         "key or sequence of a status");
  ::ipc_perm back{};
  sysv::put_change(changeable(got), back);
  demand(back.uid == kernels.uid && back.gid == kernels.gid && back.mode == (kernels.mode & 0777U),
         "a status doesn't come back by IPC_SET");
}

void statuses(input& from, spi::backend& on) {
  const lookup how = from.one_of({lookup::id, lookup::index, lookup::index_any});
  const int number = from.number<int>();
  heard.answer = from.number<std::uint16_t>();
  const int id = how == lookup::id ? number : static_cast<int>(heard.answer);
  const auto queue = any_bytes<msqid_ds>(from);
  const auto queue_seen = on.stat_queue(number, how);
  demand(static_cast<int>(queue_seen->id) == id && queue_seen->qbytes == queue.msg_qbytes, "a queue's status");
  expect_perm(queue_seen->perm, queue.msg_perm);
  const auto segment = any_bytes<shmid_ds>(from);
  if (how == lookup::id) {
    const auto seen = on.stat_segment(number, how);
    demand(seen->segsz == segment.shm_segsz && seen->removed == ((segment.shm_perm.mode & 01000U) != 0) &&
               seen->locked == ((segment.shm_perm.mode & 02000U) != 0),
           "a segment's status");
    expect_perm(seen->perm, segment.shm_perm);
    const auto set = any_bytes<semid_ds>(from);
    const auto set_seen = on.stat_set(number, how);
    demand(set_seen->nsems == set.sem_nsems, "a set's status");
    expect_perm(set_seen->perm, set.sem_perm);
  }
  heard.memory_in.clear();
  heard.answer = 0;
}

// Words of the engine.
void packed_words(input& from) {
  const auto word = from.number<std::uint64_t>();
  const auto slot = engine::slot_word::of(word);
  const auto again = engine::slot_word::of(slot.packed());
  demand(slot.key == again.key && slot.sequence == again.sequence && slot.state == again.state, "a slot's word");
  demand((slot.packed() & ~0xfff8ULL) == (word & ~0xfff8ULL), "a slot's word has lost bits");
  const engine::object_ref which{object_kind::queue, from.number<std::uint32_t>() % engine::most_slots,
                                 from.number<std::uint16_t>()};
  const int id = engine::id_of(which);
  demand(id >= 0, "an id is negative");
  demand(static_cast<std::uint32_t>(id) % engine::most_slots == which.slot() &&
             static_cast<std::uint32_t>(id) / engine::most_slots == which.sequence(),
         "an id says neither slot nor sequence");
  const std::uint64_t ticket = word >> 2U;
  for (const auto kind : {engine::node_kind::none, engine::node_kind::message, engine::node_kind::sender}) {
    const std::uint64_t state = engine::state_of(ticket, kind);
    demand(engine::ticket_of(state) == ticket && engine::kind_of(state) == kind, "a node's state");
  }
  const int value = static_cast<int>(from.number<std::uint16_t>() & 0x7fffU);
  const auto pid = from.number<std::int32_t>();
  const std::uint64_t semaphore = engine::semaphore_word(value, pid);
  demand(engine::value_in(semaphore) == value && engine::pid_in(semaphore) == pid, "a semaphore's word");
  demand(engine::value_in(word) >= 0 && engine::value_in(word) <= 32767, "a value that there can't be");
  const auto mode = from.number<std::uint32_t>();
  demand(engine::asked_by(mode) == engine::asked_by(mode & 0777U & ~0111U), "bits that mean nothing ask for something");
  demand((engine::asked_by(mode) & ~6U) == 0, "more than reading and writing is asked for");
}

}  // namespace
}  // namespace xsipc

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  xsipc::fuzz::input from(data, size);
  xsipc::sysv::backend on(xsipc::kernel);
  xsipc::heard = {};
  xsipc::get_flags(from, on);
  xsipc::call_flags(from, on);
  xsipc::operations(from, on);
  xsipc::packed_words(from);
  xsipc::statuses(from, on);
  return 0;
}
