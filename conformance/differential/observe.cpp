#include "observe.hpp"

#include <array>
#include <string_view>

#include "xsipc/conformance/routine.hpp"

namespace xsipc::conformance::differential {
namespace {

constexpr std::array<std::string_view, 7> common_names = {"uid", "gid", "cuid", "cgid", "mode", "key", "ctime"};
constexpr std::array<std::string_view, 7> queue_names = {"stime",  "rtime", "cbytes", "qnum",
                                                         "qbytes", "lspid", "lrpid"};
constexpr std::array<std::string_view, 2> set_names = {"otime", "nsems"};
constexpr std::array<std::string_view, 4> semaphore_names = {"semval", "sempid", "semncnt", "semzcnt"};
constexpr std::array<std::string_view, 8> segment_names = {"segsz",   "atime",  "dtime", "nattch",
                                                           "removed", "locked", "cpid",  "lpid"};
constexpr std::array<std::string_view, 5> usage_names = {"objects", "messages", "bytes", "semaphores", "pages"};
static_assert(common_names.size() + set_names.size() == first_semaphore_field);

template <typename T>
std::int64_t wide(T number) {
  return static_cast<std::int64_t>(number);
}

fields common(const ipc_perm& perm, ipc_time ctime) {
  return {perm.uid, perm.gid, perm.cuid, perm.cgid, perm.mode, wide(perm.object_key), ctime != 0};
}

void append(fields& to, std::initializer_list<std::int64_t> more) { to.insert(to.end(), more); }

// The semaphores of a set, behind its status.
void read_semaphores(spi::backend& xsi, semid id, std::size_t nsems, fields& into) {
  for (std::size_t i = 0; i < nsems && i < most_semaphores_read; ++i) {
    for (const auto what : {sem_query::value, sem_query::pid, sem_query::ncnt, sem_query::zcnt}) {
      into.push_back(xsi.query_semaphore(id, static_cast<int>(i), what).value_or(-1));
    }
  }
  if (nsems <= most_semaphores_read) return;
  std::vector<std::uint16_t> values(nsems);
  into.push_back(xsi.get_all(id, values).has_value());
  std::int64_t sum = 0;
  for (const std::uint16_t each : values) sum = (sum * 31 + each) % 1'000'000'007;
  into.push_back(sum);
}

observed read_object(spi::backend& xsi, object_kind kind, int id) {
  const auto row = [](const auto& status) {
    return status ? observed{0, fields_of(*status)} : observed{status.error().code};
  };
  switch (kind) {
    case object_kind::queue: return row(xsi.stat_queue(id, lookup::id));
    case object_kind::segment: return row(xsi.stat_segment(id, lookup::id));
    case object_kind::set: break;
  }
  const auto status = xsi.stat_set(id, lookup::id);
  observed made = row(status);
  if (status) read_semaphores(xsi, semid{id}, status->nsems, made.values);
  return made;
}

// Numbers in: kind and id of each object. Numbers out: of each the errno, how many fields, the fields; then the usage.
XSI_ROUTINE(differential_observe) {
  routine_result outcome;
  const auto& wanted = context.input.numbers;
  for (std::size_t i = 0; i + 1 < wanted.size(); i += 2) {
    const observed one = read_object(context.xsi, static_cast<object_kind>(wanted[i]), static_cast<int>(wanted[i + 1]));
    append(outcome.numbers, {one.code, wide(one.values.size())});
    outcome.numbers.insert(outcome.numbers.end(), one.values.begin(), one.values.end());
  }
  for (const auto kind : {object_kind::queue, object_kind::set, object_kind::segment}) {
    const auto usage = context.xsi.usage(kind);
    if (!usage) return {};
    append(outcome.numbers, {wide(usage->objects), wide(usage->messages), wide(usage->bytes), wide(usage->semaphores),
                             wide(usage->pages)});
  }
  return outcome;
}

}  // namespace

fields fields_of(const queue_status& s) {
  fields made = common(s.perm, s.ctime);
  append(made, {s.stime != 0, s.rtime != 0, wide(s.cbytes), wide(s.qnum), wide(s.qbytes), s.lspid, s.lrpid});
  return made;
}
fields fields_of(const set_status& s) {
  fields made = common(s.perm, s.ctime);
  append(made, {s.otime != 0, wide(s.nsems)});
  return made;
}
fields fields_of(const segment_status& s) {
  fields made = common(s.perm, s.ctime);
  append(made, {wide(s.segsz), s.atime != 0, s.dtime != 0, wide(s.nattch), s.removed, s.locked, s.cpid, s.lpid});
  return made;
}

namespace {

// Without the number of the semaphore.
std::string_view plain_name(object_kind kind, std::size_t index) {
  if (index < common_names.size()) return common_names[index];
  const std::size_t own = index - common_names.size();
  if (kind == object_kind::queue) return queue_names.at(own);
  if (kind == object_kind::segment) return segment_names.at(own);
  if (index < first_semaphore_field) return set_names.at(own);
  if (index >= first_semaphore_field + most_semaphores_read * fields_per_semaphore) return "semval of all";
  return semaphore_names.at((index - first_semaphore_field) % fields_per_semaphore);
}

}  // namespace

std::string field_name(object_kind kind, std::size_t index) {
  std::string name(plain_name(kind, index));
  const std::size_t semaphore = (index - first_semaphore_field) / fields_per_semaphore;
  if (kind != object_kind::set || index < first_semaphore_field || semaphore >= most_semaphores_read) return name;
  return name + "[" + std::to_string(semaphore) + "]";
}

bool is_pid_field(object_kind kind, std::size_t index) {
  return plain_name(kind, index).find("pid") != std::string_view::npos;
}

bool is_otime_field(object_kind kind, std::size_t index) {
  return kind == object_kind::set && index == common_names.size();
}

bool is_zcnt_field(object_kind kind, std::size_t index) {
  return kind == object_kind::set && plain_name(kind, index) == "semzcnt";
}

std::string usage_name(std::size_t index) {
  static constexpr std::array<std::string_view, 3> kinds = {"queues: ", "sets: ", "segments: "};
  return std::string(kinds.at(index / usage_names.size())) + std::string(usage_names.at(index % usage_names.size()));
}

snapshot observe(actor& eye, const std::vector<std::pair<object_kind, int>>& objects) {
  routine_input input;
  for (const auto& [kind, id] : objects) append(input.numbers, {static_cast<std::int64_t>(kind), id});
  const fields told = eye.run("differential_observe", input).numbers;
  snapshot made;
  auto at = told.begin();
  for (std::size_t i = 0; i < objects.size() && told.end() - at >= 2; ++i) {
    observed one{static_cast<int>(at[0]), {}};
    const auto count = static_cast<std::ptrdiff_t>(at[1]);
    one.values.assign(at + 2, at + 2 + count);
    at += 2 + count;
    made.objects.push_back(std::move(one));
  }
  made.usage.assign(at, told.end());
  return made;
}

}  // namespace xsipc::conformance::differential
