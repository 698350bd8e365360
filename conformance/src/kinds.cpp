#include "xsipc/conformance/kinds.hpp"

#include <cstring>
#include <stdexcept>

namespace xsipc::conformance {
namespace {

// The same result without its value.
template <typename T>
result<void> without_value(const result<T>& outcome) {
  if (!outcome) return outcome.error();
  return {};
}

template <typename Id>
result<int> as_number(const result<Id>& id) {
  if (!id) return id.error();
  return static_cast<int>(*id);
}

template <typename T>
std::int64_t wide(T number) {
  return static_cast<std::int64_t>(number);
}

common_status common(const queue_status& s) {
  return {static_cast<int>(s.id),
          s.perm,
          s.ctime,
          {s.stime, s.rtime, wide(s.cbytes), wide(s.qnum), wide(s.qbytes), s.lspid, s.lrpid}};
}
common_status common(const set_status& s) {
  return {static_cast<int>(s.id), s.perm, s.ctime, {s.otime, wide(s.nsems)}};
}
common_status common(const segment_status& s) {
  return {static_cast<int>(s.id),
          s.perm,
          s.ctime,
          {wide(s.segsz), s.atime, s.dtime, s.cpid, s.lpid, wide(s.nattch), s.removed, s.locked}};
}

template <typename Status>
result<common_status> common_of(const result<Status>& status) {
  if (!status) return status.error();
  return common(*status);
}

result<void> attach_and_detach(spi::backend& xsi, int id, bool read_only) {
  const auto address = xsi.attach(static_cast<shmid>(id), {.read_only = read_only});
  if (!address) return address.error();
  return xsi.detach(*address);
}

result<void> operate_on(spi::backend& xsi, int id, std::uint16_t semnum, std::int16_t sem_op) {
  const sem_operation operation{semnum, sem_op, sem_flags::no_wait};
  return xsi.operate(static_cast<semid>(id), {&operation, 1}, deadline::immediate());
}

}  // namespace

std::string_view kind_name(object_kind which) {
  switch (which) {
    case object_kind::queue: return "queue";
    case object_kind::set: return "set";
    case object_kind::segment: return "segment";
  }
  return "?";
}

bool operator==(const common_status& a, const common_status& b) {
  const auto fields = [](const ipc_perm& p) {
    return std::tuple(p.uid, p.gid, p.cuid, p.cgid, p.mode, p.object_key, p.sequence);
  };
  return a.id == b.id && fields(a.perm) == fields(b.perm) && a.ctime == b.ctime && a.rest == b.rest;
}

void PrintTo(const common_status& what, std::ostream* out) {
  *out << "id " << what.id << " uid " << what.perm.uid << " gid " << what.perm.gid << " cuid " << what.perm.cuid
       << " cgid " << what.perm.cgid << " mode 0" << std::oct << what.perm.mode << std::dec << " key "
       << static_cast<std::int32_t>(what.perm.object_key) << " ctime " << what.ctime << " rest "
       << testing::PrintToString(what.rest);
}

common_status queue_snapshot(spi::backend& xsi, msqid id) {
  return common(xsi.stat_queue(static_cast<int>(id), lookup::id).value());
}

common_status segment_snapshot(spi::backend& xsi, shmid id) {
  return common(xsi.stat_segment(static_cast<int>(id), lookup::id).value());
}

result<int> kind_calls::get(spi::backend& xsi, key which, creation how) const {
  // A size is asked for only where an object may be made, so that one of any size is found.
  const bool makes = how.create || which == key::ipc_private;
  switch (kind_) {
    case object_kind::queue: return as_number(xsi.get_queue(which, how));
    case object_kind::set: return as_number(xsi.get_set(which, makes ? 2 : 0, how));
    case object_kind::segment: return as_number(xsi.get_segment(which, makes ? 4096 : 0, how, {}));
  }
  throw std::logic_error("no such kind");
}

result<common_status> kind_calls::stat(spi::backend& xsi, int id, lookup how) const {
  switch (kind_) {
    case object_kind::queue: return common_of(xsi.stat_queue(id, how));
    case object_kind::set: return common_of(xsi.stat_set(id, how));
    case object_kind::segment: return common_of(xsi.stat_segment(id, how));
  }
  throw std::logic_error("no such kind");
}

result<void> kind_calls::change(spi::backend& xsi, int id, const perm_change& change) const {
  switch (kind_) {
    case object_kind::queue: {
      const auto status = xsi.stat_queue(id, lookup::id);
      const auto limits = xsi.limits();
      const std::uint64_t qbytes = status ? status->qbytes : limits ? limits->msgmnb : 0;
      return xsi.change_queue(static_cast<msqid>(id), {change, qbytes});
    }
    case object_kind::set: return xsi.change_set(static_cast<semid>(id), change);
    case object_kind::segment: return xsi.change_segment(static_cast<shmid>(id), change);
  }
  throw std::logic_error("no such kind");
}

result<void> kind_calls::remove(spi::backend& xsi, int id) const {
  switch (kind_) {
    case object_kind::queue: return xsi.remove_queue(static_cast<msqid>(id));
    case object_kind::set: return xsi.remove_set(static_cast<semid>(id));
    case object_kind::segment: return xsi.remove_segment(static_cast<shmid>(id));
  }
  throw std::logic_error("no such kind");
}

result<void> kind_calls::read(spi::backend& xsi, int id) const { return without_value(stat(xsi, id)); }

result<void> kind_calls::use_reading(spi::backend& xsi, int id) const {
  switch (kind_) {
    case object_kind::queue: {
      const auto got = receive_text(xsi, static_cast<msqid>(id));
      if (!got && got.error().code == ENOMSG) return {};
      return without_value(got);
    }
    case object_kind::set: return operate_on(xsi, id, 1, 0);
    case object_kind::segment: return attach_and_detach(xsi, id, true);
  }
  throw std::logic_error("no such kind");
}

result<void> kind_calls::use_writing(spi::backend& xsi, int id) const {
  switch (kind_) {
    case object_kind::queue: return send_text(xsi, static_cast<msqid>(id), 1, "");
    case object_kind::set: return operate_on(xsi, id, 0, 1);
    case object_kind::segment: return attach_and_detach(xsi, id, false);
  }
  throw std::logic_error("no such kind");
}

std::vector<kind_calls::named_outcome> kind_calls::every_call(spi::backend& xsi, int id) const {
  const perm_change change{0, 0, 0600};
  std::vector<named_outcome> outcomes;
  const auto add = [&](std::string call, result<void> outcome) { outcomes.push_back({std::move(call), outcome}); };
  add("stat", read(xsi, id));
  add("change", this->change(xsi, id, change));
  if (kind_ == object_kind::queue) {
    add("send", use_writing(xsi, id));
    add("receive", without_value(receive_text(xsi, static_cast<msqid>(id))));
  } else if (kind_ == object_kind::set) {
    const auto set = static_cast<semid>(id);
    std::uint16_t values[2] = {};
    add("operate", operate_on(xsi, id, 0, 0));
    add("GETVAL", without_value(xsi.query_semaphore(set, 0, sem_query::value)));
    add("GETPID", without_value(xsi.query_semaphore(set, 0, sem_query::pid)));
    add("GETNCNT", without_value(xsi.query_semaphore(set, 0, sem_query::ncnt)));
    add("GETZCNT", without_value(xsi.query_semaphore(set, 0, sem_query::zcnt)));
    add("SETVAL", xsi.set_value(set, 0, 0));
    add("GETALL", xsi.get_all(set, values));
    add("SETALL", xsi.set_all(set, values));
  } else {
    add("attach", attach_and_detach(xsi, id, false));
  }
  add("remove", remove(xsi, id));
  return outcomes;
}

int each_kind::new_object(actor_thread& owner, ipc_mode mode) const {
  const auto id = kind().get(owner.xsi(), key::ipc_private, creation::create_only(mode));
  if (!id) throw std::runtime_error("no object to test with: " + id.error().message());
  return *id;
}

each_kind::named_object each_kind::new_named(actor_thread& owner, ipc_mode mode) {
  const key name = fresh_key();
  return {name, kind().get(owner.xsi(), name, creation::create_only(mode)).value()};
}

common_status each_kind::status(actor_thread& reader, int id) const {
  const auto status = kind().stat(reader.xsi(), id);
  if (!status) throw std::runtime_error("no status to test with: " + status.error().message());
  return *status;
}

result<void> each_kind::put_number(actor& by, int id, std::int16_t number) const {
  switch (kind().which()) {
    case object_kind::queue: return send_text(by.xsi(), static_cast<msqid>(id), number, "");
    case object_kind::set: return by.xsi().set_value(static_cast<semid>(id), 0, number);
    case object_kind::segment: {
      const auto address = by.xsi().attach(static_cast<shmid>(id), {});
      if (!address) return address.error();
      by.poke(*address, {reinterpret_cast<const char*>(&number), sizeof number});
      return by.xsi().detach(*address);
    }
  }
  throw std::logic_error("no such kind");
}

result<int> each_kind::take_number(actor& by, int id) const {
  switch (kind().which()) {
    case object_kind::queue: {
      const auto got = receive_text(by.xsi(), static_cast<msqid>(id));
      if (!got) return got.error();
      return static_cast<int>(got->type);
    }
    case object_kind::set: return by.xsi().query_semaphore(static_cast<semid>(id), 0, sem_query::value);
    case object_kind::segment: {
      const auto address = by.xsi().attach(static_cast<shmid>(id), {.read_only = true});
      if (!address) return address.error();
      std::int16_t number = 0;
      const auto bytes = by.peek(*address, sizeof number);
      if (bytes) std::memcpy(&number, bytes->data(), sizeof number);
      if (const auto detached = by.xsi().detach(*address); !detached) return detached.error();
      return number;
    }
  }
  throw std::logic_error("no such kind");
}

}  // namespace xsipc::conformance
