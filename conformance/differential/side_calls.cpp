// Actions as calls of the SPI. What they need is copied: they may run long after.
#include <algorithm>
#include <chrono>
#include <memory>

#include "side.hpp"

namespace xsipc::conformance::differential {
namespace {

deadline until(patience waits) {
  using namespace std::chrono_literals;
  switch (waits) {
    case patience::none: return deadline::immediate();
    case patience::endless: return deadline::never();
    case patience::an_hour: return deadline::after(1h);
    case patience::a_millisecond: return deadline::after(1ms);
  }
  return deadline::immediate();
}

outcome plain(const result<void>& made) { return {.code = made ? 0 : made.error().code}; }
template <typename T>
outcome number(const result<T>& made) {
  return made ? outcome{.numbers = {static_cast<std::int64_t>(*made)}} : outcome{.code = made.error().code};
}
template <typename T>
outcome status(const result<T>& made) {
  return made ? outcome{.numbers = fields_of(*made)} : outcome{.code = made.error().code};
}

}  // namespace

side::bound_call side::bind(const action& what) const {
  switch (what.what.call) {
    case call_kind::get:
    case call_kind::stat:
    case call_kind::change:
    case call_kind::remove: return bind_common_call(what);
    case call_kind::send:
    case call_kind::receive: return bind_queue_call(what);
    case call_kind::operate:
    case call_kind::query:
    case call_kind::set_value:
    case call_kind::get_all:
    case call_kind::set_all: return bind_set_call(what);
    case call_kind::attach:
    case call_kind::detach:
    case call_kind::lock: return bind_segment_call(what);
    default: return {};
  }
}

side::bound_call side::bind_common_call(const action& what) const {
  const step& s = what.what;
  const int id = id_of(s.kind, what.object);
  const key name = keys_.at(s.key);
  switch (s.call) {
    case call_kind::get:
      return [=](spi::backend& xsi) -> outcome {
        const creation how{s.create, s.exclusive, s.perm.mode};
        if (s.kind == object_kind::queue) return number(xsi.get_queue(name, how));
        if (s.kind == object_kind::set) return number(xsi.get_set(name, static_cast<int>(s.size), how));
        return number(xsi.get_segment(name, s.size, how, {}));
      };
    case call_kind::stat:
      return [=](spi::backend& xsi) -> outcome {
        if (s.kind == object_kind::queue) return status(xsi.stat_queue(id, lookup::id));
        if (s.kind == object_kind::set) return status(xsi.stat_set(id, lookup::id));
        return status(xsi.stat_segment(id, lookup::id));
      };
    case call_kind::change:
      return [=](spi::backend& xsi) -> outcome {
        if (s.kind == object_kind::queue) return plain(xsi.change_queue(msqid{id}, {s.perm, s.size}));
        if (s.kind == object_kind::set) return plain(xsi.change_set(semid{id}, s.perm));
        return plain(xsi.change_segment(shmid{id}, s.perm));
      };
    default:
      return [=](spi::backend& xsi) -> outcome {
        if (s.kind == object_kind::queue) return plain(xsi.remove_queue(msqid{id}));
        if (s.kind == object_kind::set) return plain(xsi.remove_set(semid{id}));
        return plain(xsi.remove_segment(shmid{id}));
      };
  }
}

side::bound_call side::bind_queue_call(const action& what) const {
  const step& s = what.what;
  const msqid id{id_of(object_kind::queue, what.object)};
  const deadline end = until(s.waits);
  if (s.call == call_kind::send) {
    return [=, text = filling(what)](spi::backend& xsi) -> outcome {
      return plain(xsi.send(id, {s.type, std::as_bytes(std::span(text))}, end));
    };
  }
  return [=](spi::backend& xsi) -> outcome {
    std::string room(s.size, '\0');
    const auto got = xsi.receive(id, {s.type, s.except, s.copy}, std::as_writable_bytes(std::span(room)),
                                 s.cut ? truncation::allow : truncation::refuse, end);
    if (!got) return {.code = got.error().code};
    room.resize(std::min(room.size(), got->size_bytes));
    return {.numbers = {got->type, static_cast<std::int64_t>(got->size_bytes)}, .bytes = room};
  };
}

side::bound_call side::bind_set_call(const action& what) const {
  const step& s = what.what;
  const semid id{id_of(object_kind::set, what.object)};
  const auto size = static_cast<std::size_t>(std::max(what.elements, 1));
  switch (s.call) {
    case call_kind::operate:
      return
          [=, end = until(s.waits)](spi::backend& xsi) -> outcome { return plain(xsi.operate(id, s.operations, end)); };
    case call_kind::query:
      return [=](spi::backend& xsi) -> outcome { return number(xsi.query_semaphore(id, s.semnum, s.what)); };
    case call_kind::set_value:
      return [=](spi::backend& xsi) -> outcome { return plain(xsi.set_value(id, s.semnum, s.value)); };
    case call_kind::get_all:
      return [=](spi::backend& xsi) -> outcome {
        std::vector<std::uint16_t> values(size);
        const auto made = xsi.get_all(id, values);
        if (!made) return {.code = made.error().code};
        return {.numbers = {values.begin(), values.end()}};
      };
    default:
      return [=](spi::backend& xsi) -> outcome {
        std::vector<std::uint16_t> values(size);
        for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<std::uint16_t>(i % 3);
        values[0] = static_cast<std::uint16_t>(s.value);
        return plain(xsi.set_all(id, values));
      };
  }
}

side::bound_call side::bind_segment_call(const action& what) const {
  const step& s = what.what;
  const shmid id{id_of(object_kind::segment, what.object)};
  const auto address =
      reinterpret_cast<std::uintptr_t>(address_of(what.attachment)) + (s.call == call_kind::detach && s.flag);
  switch (s.call) {
    case call_kind::attach:
      return [=](spi::backend& xsi) -> outcome {
        const auto made = xsi.attach(id, {.read_only = s.flag});
        if (!made) return {.code = made.error().code};
        return {.numbers = {static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(*made))}};
      };
    case call_kind::detach:
      return [=](spi::backend& xsi) -> outcome { return plain(xsi.detach(reinterpret_cast<const void*>(address))); };
    default: return [=](spi::backend& xsi) -> outcome { return plain(xsi.lock_segment(id, s.flag)); };
  }
}

}  // namespace xsipc::conformance::differential
