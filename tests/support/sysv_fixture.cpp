#include "support/sysv_fixture.hpp"

#include <unistd.h>

#include <sstream>

#include "support/ipc_namespace.hpp"

namespace xsipc::test_support {
namespace {

void put_perm(std::ostream& out, const ipc_perm& perm) {
  out << perm.uid << ' ' << perm.gid << ' ' << perm.mode << ' ';
}

}  // namespace

sysv_test::~sysv_test() {
  for (const msqid id : queues_) static_cast<void>(backend_->remove_queue(id));
  for (const semid id : sets_) static_cast<void>(backend_->remove_set(id));
  for (const shmid id : segments_) static_cast<void>(backend_->remove_segment(id));
}

message_queue sysv_test::new_queue(ipc_mode mode) {
  const auto queue = message_queue::get(key::ipc_private, creation::create_only(mode), on()).value();
  adopt(queue.id());
  return queue;
}

semaphore_set sysv_test::new_set(int nsems, ipc_mode mode) {
  const auto set = semaphore_set::get(key::ipc_private, nsems, creation::create_only(mode), on()).value();
  adopt(set.id());
  return set;
}

shared_memory sysv_test::new_segment(std::size_t size, ipc_mode mode) {
  const auto segment = shared_memory::get(key::ipc_private, size, creation::create_only(mode), {}, on()).value();
  adopt(segment.id());
  return segment;
}

key unused_key() {
  static int used = 0;
  constexpr int test_keys = 0x58000000;
  return static_cast<key>(test_keys + (getpid() & 0xfffff) * 16 + used++ % 16);
}

changed_limits::changed_limits(spi::backend& on, const std::function<void(ipc_limits&)>& edit)
    : on_(on), before_(on.limits().value()) {
  if (!has_private_namespace()) {
    why_not_ = "limits of a shared namespace are left alone";
    return;
  }
  ipc_limits wanted = before_;
  edit(wanted);
  const auto changed = on.change_limits(wanted);
  if (!changed) why_not_ = changed.error().message();
}

changed_limits::~changed_limits() {
  if (has_private_namespace()) static_cast<void>(on_.change_limits(before_));
}

std::string state_of(const message_queue& queue) {
  const auto status = queue.stat().value();
  std::ostringstream out;
  put_perm(out, status.perm);
  out << status.stime << ' ' << status.rtime << ' ' << status.ctime << ' ' << status.cbytes << ' ' << status.qnum << ' '
      << status.qbytes << ' ' << status.lspid << ' ' << status.lrpid;
  return out.str();
}

std::string state_of(const semaphore_set& set) {
  const auto status = set.stat().value();
  std::ostringstream out;
  put_perm(out, status.perm);
  out << status.otime << ' ' << status.ctime;
  for (int semnum = 0; semnum < static_cast<int>(status.nsems); ++semnum) {
    out << ' ' << set.value(semnum).value() << '/' << set.sempid(semnum).value();
  }
  return out.str();
}

std::string state_of(const shared_memory& segment) {
  const auto status = segment.stat().value();
  std::ostringstream out;
  put_perm(out, status.perm);
  out << status.segsz << ' ' << status.atime << ' ' << status.dtime << ' ' << status.ctime << ' ' << status.nattch
      << ' ' << status.removed << status.locked;
  return out.str();
}

}  // namespace xsipc::test_support
