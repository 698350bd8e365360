#include "generator.hpp"

#include <climits>

namespace xsipc::conformance::differential {
namespace {

struct weighted {
  call_kind call;
  unsigned weight;
};

// How often each call comes, in a thousand or so. Calls that end what others wait for are frequent enough to end it.
constexpr weighted weights[] = {
    {call_kind::get, 100},      {call_kind::stat, 20},     {call_kind::change, 50},   {call_kind::remove, 60},
    {call_kind::send, 160},     {call_kind::receive, 150}, {call_kind::operate, 230}, {call_kind::query, 25},
    {call_kind::set_value, 30}, {call_kind::get_all, 10},  {call_kind::set_all, 20},  {call_kind::attach, 40},
    {call_kind::detach, 25},    {call_kind::lock, 5},      {call_kind::poke, 15},     {call_kind::peek, 20},
    {call_kind::interrupt, 20}, {call_kind::kill, 20},     {call_kind::exit, 6},      {call_kind::fork, 6},
    {call_kind::exec, 4},       {call_kind::become, 3},
};

constexpr unsigned sum_of_weights() {
  unsigned sum = 0;
  for (const weighted& each : weights) sum += each.weight;
  return sum;
}

constexpr ipc_user nobody_at_all = ~ipc_user{0};  // (uid_t)-1

}  // namespace

step generator::next() {
  step made;
  auto left = static_cast<unsigned>(below(sum_of_weights()));
  for (const weighted& each : weights) {
    made.call = each.call;
    if (left < each.weight) break;
    left -= each.weight;
  }
  made.actor = static_cast<std::uint8_t>(below(most_actors));
  made.thread = static_cast<std::uint8_t>(below(threads_per_actor));
  made.kind =
      one_of({object_kind::queue, object_kind::queue, object_kind::set, object_kind::set, object_kind::segment});
  choose_object(made);
  switch (made.call) {
    case call_kind::get: make_get(made); break;
    case call_kind::change: make_change(made); break;
    case call_kind::send: make_send(made); break;
    case call_kind::receive: make_receive(made); break;
    case call_kind::operate: make_operate(made); break;
    default: make_rest(made); break;
  }
  return made;
}

std::vector<step> generator::next(std::size_t count) {
  std::vector<step> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(next());
  return made;
}

void generator::choose_object(step& made) {
  const std::uint64_t chance = below(64);
  made.whom = chance == 0 ? among::never : chance <= 2 ? among::gone : chance < 36 ? among::busy : among::living;
  made.pick = static_cast<std::uint16_t>(below(1U << 16U));
}

ipc_mode generator::some_mode() {
  return one_of<ipc_mode>({0666, 0666, 0666, 0660, 0600, 0644, 0640, 0444, 0400, 0222, 0060, 0006, 0, 0777, 0111});
}

void generator::make_get(step& made) {
  made.key = static_cast<std::uint8_t>(one_in(5) ? 0 : 1 + below(key_count));
  made.create = !one_in(4);
  made.exclusive = one_in(5);
  made.perm.mode = made.create && !one_in(4) ? one_of<ipc_mode>({0666, 0666, 0777, 0660}) : some_mode();
  if (made.kind == object_kind::set) {
    made.size = one_of<std::uint64_t>({1, 2, 2, 3, 3, 4, 5, 8, 16, 17, 40, 0, 32000, 32001, ~0U});
    if (made.size == 32000 && !one_in(40)) made.size = 3;  // costs much to look at
  } else {
    made.size = one_of<std::uint64_t>({1, 100, 4095, 4096, 4097, 5000, 65536, 0, ~std::uint64_t{0}, 1U << 20U});
  }
}

void generator::make_send(step& made) {
  made.kind = object_kind::queue;
  made.type = one_of<long>({1, 1, 2, 2, 3, 4, 5, 7, 1000, LONG_MAX, 0, -1, LONG_MIN});
  if (made.type < 1 && !one_in(3)) made.type = 1 + static_cast<long>(below(5));
  made.size = one_of<std::uint64_t>({0, 0, 1, 5, 8, 16, 40, 88, 89, 128, 129, 300, 1000, 4096, 4097, 8000, 8192, 8193});
  if (made.size > 1000 && one_in(2)) made.size = below(100);
  made.waits = one_in(2) ? patience::endless : patience::none;
}

void generator::make_receive(step& made) {
  made.kind = object_kind::queue;
  made.type = one_of<long>({0, 0, 0, 1, 2, 3, 5, -1, -2, -3, -4, -1000, LONG_MAX, LONG_MIN});
  made.size = one_of<std::uint64_t>({0, 1, 8, 88, 100, 300, 8192, 8192, 8192, 8192, 20000});
  made.except = one_in(6);
  made.cut = one_in(3);
  made.waits = one_in(2) ? patience::endless : patience::none;
  if (one_in(8)) {
    made.copy = true;
    made.type = one_of<long>({0, 1, 2, 5, -1, LONG_MAX, LONG_MIN});
    if (!one_in(8)) made.waits = patience::none;
    if (!one_in(8)) made.except = made.cut = false;
  }
}

sem_operation generator::some_operation() {
  sem_operation made;
  made.semnum = static_cast<std::uint16_t>(below(40));
  if (one_in(60)) made.semnum = one_of<std::uint16_t>({one_too_many, UINT16_MAX});
  made.sem_op = one_of<std::int16_t>({1, 1, 1, 2, 3, 5, -1, -1, -1, -2, -3, 0, 0, 0, 100, 32767, -100, -32768});
  if ((made.sem_op > 50 || made.sem_op < -50) && !one_in(3)) made.sem_op = 1;
  const std::uint64_t chance = below(16);
  if (chance < 5) made.flags = made.flags | sem_flags::undo;
  if (chance == 0 || chance == 15) made.flags = made.flags | sem_flags::no_wait;
  return made;
}

void generator::make_operate(step& made) {
  made.kind = object_kind::set;
  std::size_t count = one_of<std::size_t>({1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 6, 8});
  if (one_in(30)) count = one_of<std::size_t>({0, 16, 17, 64, 65, 500, 501});
  for (std::size_t i = 0; i < count; ++i) made.operations.push_back(some_operation());
  // Long arrays of any operations fail; these have a chance.
  if (count > 8) {
    for (sem_operation& each : made.operations) each.sem_op = one_of<std::int16_t>({1, 1, -1});
  }
  if (one_in(10)) {  // the lock of the books: who waits for zero takes it from the others who do
    const auto semnum = static_cast<std::uint16_t>(below(3));
    const sem_flags undo = one_in(3) ? sem_flags::undo : sem_flags::none;
    made.operations = {{semnum, 0, sem_flags::none}, {semnum, 1, undo}};
  }
  made.waits = one_in(3)    ? patience::none
               : one_in(20) ? patience::a_millisecond
               : one_in(10) ? patience::an_hour
                            : patience::endless;
}

void generator::make_change(step& made) {
  made.perm = {.uid = one_of<ipc_user>({0, 0, 61011, 61012, 61013}),
               .gid = one_of<ipc_user>({0, 61011, 61012, 61013}),
               .mode = one_in(2) ? 0666 : some_mode()};
  if (one_in(30)) made.perm.uid = nobody_at_all;
  if (one_in(30)) made.perm.gid = nobody_at_all;
  made.size = one_of<std::uint64_t>({0, 1, 2, 5, 16, 100, 100, 300, 1000, 16384, 16384, 16385, 100000});
}

void generator::make_rest(step& made) {
  switch (made.call) {
    case call_kind::query:
    case call_kind::set_value:
    case call_kind::get_all:
    case call_kind::set_all: made.kind = object_kind::set; break;
    case call_kind::attach:
    case call_kind::lock: made.kind = object_kind::segment; break;
    default: break;
  }
  made.semnum = static_cast<std::uint16_t>(below(40));
  if (one_in(20)) made.semnum = one_of<std::uint16_t>({one_too_many, 40000});
  made.what = one_of({sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt});
  made.value = one_of({0, 0, 0, 1, 1, 2, 3, 10, 32767, 32768, -1, 65535});
  if (made.call == call_kind::set_all) made.value = one_of({0, 1, 2, 5, 32767, 32768});
  made.flag = one_in(3);
  made.size = one_of<std::uint64_t>({1, 4, 8, 100, 5000});
  if (made.call == call_kind::remove && !one_in(3)) {
    made.actor = 0;  // mostly root, so that it may; and somebody waits
    if (made.whom == among::living) made.whom = among::busy;
  }
  if (made.call == call_kind::kill || made.call == call_kind::exit) {
    made.value = one_of({0, 0, 1, 2, 2, 3, 4});
  } else if (made.call == call_kind::become) {
    made.value = static_cast<int>(2 + below(identity_count - 2));
  }
}

}  // namespace xsipc::conformance::differential
