// What the calls of all three kinds have in common: get, permission, IPC_SET, IPC_RMID, the end of an object.
//
// A base for queue_calls, set_calls and segment_calls. Holds no state of its own but views of the arena: safe in
// threads. Locks: the registry's or an object's, never both.
#ifndef XSIPC_ENGINE_OBJECT_CALLS_HPP
#define XSIPC_ENGINE_OBJECT_CALLS_HPP

#include <cerrno>
#include <optional>

#include "../failure.hpp"
#include "access.hpp"
#include "page_heap.hpp"
#include "registry.hpp"
#include "section.hpp"
#include "xsipc/ipc_perm.hpp"
#include "xsipc/object_status.hpp"
#include "xsipc/result.hpp"

namespace xsipc::engine {

using detail::failure;
using detail::subject;

template <substrate S>
class object_calls {
 protected:
  object_calls(S& on, object_kind kind) : on_(on), space_(on.space()), registry_(on.space(), kind), kind_(kind) {}

  // The registry's lock, for as long as the returned object lives.
  [[nodiscard]] section<S> registry_section() {
    return section<S>(on_, registry_.lock_word(), this, {}, [](void* self, const object_ref&, wake_list&) {
      static_cast<object_calls*>(self)->recover_registry();
    });
  }
  void recover_registry() {
    registry_.recover([this](const object_ref& half_made) {
      if (kind_ == object_kind::segment) on_.drop_data(half_made);
      page_heap(space_).recover(half_made, registry_.slot(half_made).page_chain);
      page_heap(space_).give_all(half_made, registry_.slot(half_made).page_chain);
    });
  }

  [[nodiscard]] ownership owner_of(const object_ref& which) const { return registry_.owner_of(which); }
  [[nodiscard]] bool permitted(const object_ref& which, std::uint32_t wanted) {
    return permits(owner_of(which), wanted, on_.credentials());
  }

  // What a get call asks for.
  struct get_request {
    key which;
    creation how;
    std::uint64_t size;  // semaphores, bytes; 0 for a queue
    xsi_call call;
    ipc_limit limit;  // the limit of their number, and where it stands
    std::uint64_t ipc_limits::*most;
  };

  // msgget, semget, shmget. admit(): whether there may be a new object of that size: an error, or one of code 0.
  // make(ref): makes the body of a new object: 0 or an errno; pages that it took are given back for it if it fails.
  // tidy(): what the dead have left behind goes; then, if there was no room, everything is tried once more.
  template <typename Admit, typename Make, typename Tidy>
  result<int> get(const get_request& wanted, Admit admit, Make make, Tidy tidy) {
    const result<int> got = try_get(wanted, admit, make);
    if (got || (got.error().code != ENOSPC && got.error().code != ENOMEM)) return got;
    tidy();
    return try_get(wanted, admit, make);
  }
  template <typename Admit, typename Make>
  result<int> try_get(const get_request& wanted, Admit admit, Make make) {
    const creation how = wanted.how;
    const subject about = subject::of(wanted.call, wanted.which);
    const auto number = static_cast<std::int32_t>(wanted.which);
    for (;;) {
      bool sure = true;
      std::optional<object_ref> found = number == 0 ? std::nullopt : registry_.find(number, sure);
      if (found) {
        if (how.create && how.exclusive) return failure(EEXIST, about);
        int code = wanted.size > registry_.size_of(*found) ? EINVAL : 0;
        if (code == 0 && !permitted(*found, asked_by(how.mode))) code = EACCES;
        if (!registry_.is_live(*found)) continue;  // what was looked at is gone
        if (code != 0) return failure(code, about);
        return id_of(*found);
      }
      if (sure && number != 0 && !how.create) return failure(ENOENT, about);
      const section<S> lock = registry_section();
      if (lock.code() != 0) return failure(lock.code(), about);
      if (number != 0 && registry_.find(number, sure)) continue;
      if (number != 0 && !how.create) return failure(ENOENT, about);
      if (const ipc_error error = admit(); error.code != 0) return error;
      return create(wanted, about, make);
    }
  }

  // Common to IPC_STAT and its relatives. `dest`: a removed segment that is attached counts.
  [[nodiscard]] std::optional<object_ref> look_up(int id_or_index, lookup how, bool dest = false) const {
    const auto found = how == lookup::id ? registry_.by_id(id_or_index) : registry_.by_index(id_or_index);
    return found && registry_.is_live(*found, dest) ? found : std::nullopt;
  }
  [[nodiscard]] ipc_perm perm_of(const object_ref& which) const {
    const settable now = registry_.fields(which);
    const object_slot& slot = registry_.slot(which);
    const slot_word word = registry_.word(which.slot());
    return {.uid = now.uid,
            .gid = now.gid,
            .cuid = load(slot.cuid),
            .cgid = load(slot.cgid),
            .mode = now.mode,
            .object_key = static_cast<key>(word.state == slot_state::live ? word.key : 0),
            .sequence = which.sequence()};
  }

  // IPC_SET's order of errors, then the change itself. Wants the object's lock.
  [[nodiscard]] int change(const object_ref& which, const perm_change& wanted, settable& fields) {
    if (wanted.uid == ~0U || wanted.gid == ~0U) return EINVAL;
    fields.uid = wanted.uid;
    fields.gid = wanted.gid;
    fields.mode = wanted.mode & 0777U;
    fields.ctime = on_.now();
    registry_.set_fields(which, fields);
    return 0;
  }

  // IPC_RMID from a signal handler that interrupted the holder of the lock: one word commits it. Who waits finds out
  // when he looks next, and the slot is free when somebody needs it.
  [[nodiscard]] result<void> remove_in_handler(const object_ref& which, const subject& about, slot_state to) {
    if (!registry_.is_live(which)) return failure(EINVAL, about);
    if (!owns(owner_of(which), on_.credentials())) return failure(EPERM, about);
    if (!registry_.remove(which, to)) return failure(EINVAL, about);  // commits
    return {};
  }

  // After IPC_RMID committed: the key is free and the object no longer counts. Wants no lock.
  void strike(const object_ref& which, bool still_counts = false) {
    const section<S> lock = registry_section();
    if (lock.code() != 0) return;  // in a handler: whoever needs the slot does it
    registry_.unlink(which);
    if (!still_counts) registry_.uncount(which);
  }
  // The end of a removed object in which nobody waits any more: pages and slot become free. Wants its lock; leaves it.
  void bury(section<S>& lock, const object_ref& which) {
    page_heap(space_).give_all(which, registry_.slot(which).page_chain);
    lock.leave();
    const section<S> registry_lock = registry_section();
    if (registry_lock.code() != 0) return;
    registry_.unlink(which);
    registry_.uncount(which);
    registry_.release(which);
  }
  // Visits each object that was removed and not yet buried: visit(ref).
  template <typename Visitor>
  void each_dying(Visitor visit) {
    for (std::uint32_t number = 0; number < registry_.end(); ++number) {
      const object_ref which{kind_, number, registry_.word(number).sequence};
      if (is_dying(which)) visit(which);
    }
  }
  [[nodiscard]] bool is_dying(const object_ref& which) const {
    const slot_word now = registry_.word(which.slot());
    return now.sequence == which.sequence() && now.state == slot_state::dying;
  }

  S& on_;
  const arena& space_;
  registry registry_;
  object_kind kind_;

 private:
  template <typename Make>
  result<int> create(const get_request& wanted, const subject& about, Make make) {
    const std::uint64_t most = limit_of(space_, wanted.most);
    if (registry_.used() >= most) recover_registry();  // some may be gone that a dead process didn't strike off
    const std::uint64_t used = registry_.used();
    if (used >= most) return failure(ENOSPC, about, wanted.limit, used, most);
    const std::optional<object_ref> made = registry_.take(static_cast<std::int32_t>(wanted.which));
    if (!made) return failure(ENOSPC, about);
    object_slot& slot = registry_.slot(*made);
    const credentials& who = on_.credentials();
    // Who looked at the last object of this slot without its lock may still be looking.
    commit(slot.cuid, who.uid);
    commit(slot.cgid, who.gid);
    commit(slot.cpid, on_.self().pid);
    commit(slot.page_chain, nil);
    commit(slot.size, wanted.size);
    slot.counted = 0;
    settable fields{.uid = who.uid, .gid = who.gid, .mode = wanted.how.mode & 0777U, .ctime = on_.now()};
    fields.qbytes = limit_of(space_, &ipc_limits::msgmnb);
    registry_.set_fields(*made, fields);
    if (const int code = make(*made); code != 0) {
      page_heap(space_).give_all(*made, slot.page_chain);
      registry_.abandon(*made);
      return failure(code, about);
    }
    registry_.publish(*made);
    return id_of(*made);
  }
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_OBJECT_CALLS_HPP
