// The times of objects against the clock.
#include <algorithm>
#include <sstream>

#include "xsipc/conformance/kinds.hpp"
#include "xsipc/conformance/semaphores.hpp"

namespace xsipc::conformance {

XSI_SUITE(time)

namespace {

using testing::IsEmpty;

// Times by name, as a status tells them.
using named_times = std::vector<std::pair<const char*, ipc_time>>;

named_times times_of(spi::backend& xsi, object_kind kind, int id) {
  switch (kind) {
    case object_kind::queue: {
      const queue_status status = xsi.stat_queue(id, lookup::id).value();
      return {{"stime", status.stime}, {"rtime", status.rtime}, {"ctime", status.ctime}};
    }
    case object_kind::set: {
      const set_status status = xsi.stat_set(id, lookup::id).value();
      return {{"otime", status.otime}, {"ctime", status.ctime}};
    }
    case object_kind::segment: break;
  }
  const segment_status status = xsi.stat_segment(id, lookup::id).value();
  return {{"atime", status.atime}, {"dtime", status.dtime}, {"ctime", status.ctime}};
}

// Calls everything that sets a time: all times of the kind.
void set_all_times(spi::backend& xsi, object_kind kind, int id) {
  const kind_calls calls(kind);
  calls.change(xsi, id, changeable(calls.stat(xsi, id).value().perm)).value();
  switch (kind) {
    case object_kind::queue:
      send_text(xsi, static_cast<msqid>(id), 1, "").value();
      static_cast<void>(receive_text(xsi, static_cast<msqid>(id)).value());
      return;
    case object_kind::set: operate(xsi, static_cast<semid>(id), {zero(0)}).value(); return;
    case object_kind::segment: xsi.detach(xsi.attach(static_cast<shmid>(id), {}).value()).value(); return;
  }
}

// Says so for each time that is not within `from` and `to`.
void blame(std::ostream& out, const named_times& times, ipc_time from, ipc_time to) {
  for (const auto& [name, time] : times) {
    if (time < from || time > to) out << name << ' ' << time << " not in " << from << " to " << to << '\n';
  }
}

// Sets the times of an object, and of new ones, over the change of a second: kind, id. Returns what is wrong with them.
XSI_ROUTINE(set_times_over_a_second) {
  const auto kind = static_cast<object_kind>(context.input.numbers.at(0));
  const int id = static_cast<int>(context.input.numbers.at(1));
  const kind_calls calls(kind);
  std::ostringstream wrong;
  const ipc_time begin = now();
  for (int rounds_to_go = 100; rounds_to_go > 0;) {
    const ipc_time before = now();
    set_all_times(context.xsi, kind, id);
    blame(wrong, times_of(context.xsi, kind, id), before, now());
    const ipc_time before_creation = now();
    const int passing = calls.get(context.xsi, key::ipc_private, creation::create_only(0600)).value();
    const named_times of_new = times_of(context.xsi, kind, passing);
    calls.remove(context.xsi, passing).value();
    blame(wrong, {of_new.back()}, before_creation, now());
    if (before > begin) --rounds_to_go;
  }
  return {.numbers = {}, .bytes = wrong.str().substr(0, 1000)};
}

// Looks at the times of all three objects until all of them are of a later second than `since`: ids of queue, set and
// segment, since. Returns what is wrong with them.
XSI_ROUTINE(watch_times) {
  const auto& in = context.input.numbers;
  std::ostringstream wrong;
  for (bool all_later = false; !all_later;) {
    all_later = true;
    for (const auto kind : {object_kind::queue, object_kind::set, object_kind::segment}) {
      const named_times times = times_of(context.xsi, kind, static_cast<int>(in.at(static_cast<std::size_t>(kind))));
      blame(wrong, times, in.at(3), now());
      for (const auto& [name, time] : times) all_later = all_later && time > in.at(3);
    }
  }
  return {.numbers = {}, .bytes = wrong.str().substr(0, 1000)};
}

class Times : public conformance_test {};

TEST_F(Times, AreSecondsOfTheClockAtTheOperationNeverLaterThanTheReader) {
  XSI_ASSERTION("TIME-01", "TIME-02");
  constexpr object_kind kinds[] = {object_kind::queue, object_kind::set, object_kind::segment};
  actor& owner = process();
  const ipc_time begin = now();
  std::vector<std::int64_t> ids;
  for (const auto kind : kinds) {
    ids.push_back(kind_calls(kind).get(owner.xsi(), key::ipc_private, creation::create_only(0600)).value());
    set_all_times(owner.xsi(), kind, static_cast<int>(ids.back()));
  }
  std::vector<std::int64_t> for_reader = ids;
  for_reader.push_back(begin);
  auto reader = process().start_run("watch_times", {.numbers = for_reader});
  std::vector<pending<routine_result>> workers;
  for (const auto kind : kinds) {
    const auto number = static_cast<std::int64_t>(kind);
    workers.push_back(
        process().start_run("set_times_over_a_second", {.numbers = {number, ids[static_cast<std::size_t>(number)]}}));
  }
  for (auto& worker : workers) EXPECT_THAT(worker.get().bytes, IsEmpty());
  EXPECT_THAT(reader.get().bytes, IsEmpty());
}

TEST_F(Times, AreZeroUntilTheirOperationAndMoveAlone) {
  XSI_ASSERTION("TIME-01", "TIME-02");
  actor& owner = process();
  const ipc_time begin = now();
  const msqid queue = new_queue(owner);
  const semid set = new_set(owner);
  const shmid segment = new_segment(owner);
  const auto expect_times = [&](auto first, auto second) {
    for (const ipc_time time : {first, second}) {
      if (time != 0) {
        EXPECT_GE(time, begin);
        EXPECT_LE(time, now());
      }
    }
    return std::pair(first != 0, second != 0);
  };
  const auto queue_times = [&] {
    const queue_status status = status_of(owner.xsi(), queue);
    return expect_times(status.stime, status.rtime);
  };
  const auto segment_times = [&] {
    const segment_status status = status_of(owner.xsi(), segment);
    return expect_times(status.atime, status.dtime);
  };
  EXPECT_EQ(queue_times(), std::pair(false, false));
  ASSERT_THAT(send_text(owner.xsi(), queue, 1, "text"), Succeeds());
  EXPECT_EQ(queue_times(), std::pair(true, false));
  ASSERT_THAT(receive_text(owner.xsi(), queue), Succeeds());
  EXPECT_EQ(queue_times(), std::pair(true, true));

  EXPECT_EQ(status_of(owner.xsi(), set).otime, 0);
  ASSERT_THAT(owner.xsi().set_value(set, 0, 1), Succeeds());
  EXPECT_EQ(status_of(owner.xsi(), set).otime, 0);
  ASSERT_THAT(operate(owner.xsi(), set, {take(0)}), Succeeds());
  EXPECT_GE(status_of(owner.xsi(), set).otime, begin);
  EXPECT_LE(status_of(owner.xsi(), set).otime, now());

  EXPECT_EQ(segment_times(), std::pair(false, false));
  char* const memory = attach(owner, segment);
  EXPECT_EQ(segment_times(), std::pair(true, false));
  ASSERT_THAT(owner.xsi().detach(memory), Succeeds());
  EXPECT_EQ(segment_times(), std::pair(true, true));
}

}  // namespace
}  // namespace xsipc::conformance
