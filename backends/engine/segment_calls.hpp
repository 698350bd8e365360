// shmget, shmat, shmdt and shmctl over a substrate.
#ifndef XSIPC_ENGINE_SEGMENT_CALLS_HPP
#define XSIPC_ENGINE_SEGMENT_CALLS_HPP

#include "object_calls.hpp"
#include "segment_table.hpp"
#include "xsipc/attachment_options.hpp"

namespace xsipc::engine {

template <substrate S>
class segment_calls : private object_calls<S> {
  using base = object_calls<S>;
  using base::on_;
  using base::registry_;
  using base::space_;

 public:
  explicit segment_calls(S& on) : base(on, object_kind::segment) {}

  result<shmid> get(key which, std::size_t size, creation how, segment_options options) {
    const subject about = subject::of(xsi_call::shmget, which);
    const call_scope scope(on_);
    if (scope.code() != 0) return failure(scope.code(), about);
    const auto got = base::get(
        {which, how, size, xsi_call::shmget, ipc_limit::shmmni, &ipc_limits::shmmni},
        [&] { return admit(size, about); },
        [&](const object_ref& made) {
          table_of(made).make(!options.no_reserve);
          return on_.make_data(made, size);
        },
        [this] { end_the_unattached(); });
    if (!got) return got.error();
    return static_cast<shmid>(*got);
  }

  result<void*> attach(shmid id, const attach_options& options) {
    const subject about = subject::of(xsi_call::shmat, static_cast<int>(id));
    const call_scope scope(on_);
    if (scope.code() != 0) return failure(scope.code(), about);
    const auto segment = registry_.by_id(static_cast<int>(id));
    if (!segment) return failure(EINVAL, about);
    const std::uint32_t wanted = may_read | (options.read_only ? 0 : may_write) | (options.execute ? may_execute : 0);
    {
      // Counted first: a segment that is removed meanwhile stays until this attachment goes.
      section<S> lock = lock_segment(*segment);
      if (const int code = admission(lock, *segment, wanted); code != 0) return failure(code, about);
      if (!table_of(*segment).attach(on_.image())) return failure(ENOMEM, about);
    }
    const bool reserved = table_of(*segment).reserved();
    const mapping_result mapped = on_.map(*segment, registry_.size_of(*segment), reserved, options);
    section<S> lock = lock_segment(*segment);
    if (mapped.code == 0) {
      table_of(*segment).stamp_attach({on_.self().pid, on_.now()});
      return mapped.address;
    }
    static_cast<void>(table_of(*segment).detach(on_.image()));
    end_if_unattached(lock, *segment);
    return failure(mapped.code, about);
  }

  result<void> detach(const void* address) {
    const subject about = subject::of(xsi_call::shmdt, address);
    const call_scope scope(on_);
    if (scope.code() != 0) return failure(scope.code(), about);
    const auto segment = on_.mapped(address);
    if (!segment) return failure(EINVAL, about);
    on_.unmap(address);
    leave(*segment, on_.image(), {on_.self().pid, on_.now()});
    return {};
  }

  result<segment_status> stat(int id_or_index, lookup how) {
    const subject about = subject::of(xsi_call::shmctl, id_or_index);
    const call_scope scope(on_);
    if (scope.code() != 0) return failure(scope.code(), about);
    const auto segment = base::look_up(id_or_index, how, true);
    if (!segment) return failure(EINVAL, about);
    section<S> lock = lock_segment(*segment);
    const std::uint32_t wanted = how == lookup::index_any ? 0 : may_read;
    if (const int code = admission(lock, *segment, wanted); code != 0) return failure(code, about);
    segment_table table = table_of(*segment);
    table.sweep(on_.now());
    const segment_counts counts = table.counts();
    return segment_status{.id = static_cast<shmid>(id_of(*segment)),
                          .perm = base::perm_of(*segment),
                          .segsz = registry_.size_of(*segment),
                          .atime = counts.atime,
                          .dtime = counts.dtime,
                          .ctime = registry_.fields(*segment).ctime,
                          .cpid = registry_.slot(*segment).cpid,
                          .lpid = counts.lpid,
                          .nattch = counts.nattch,
                          .removed = !registry_.is_live(*segment),
                          .locked = table.locked()};
  }

  result<void> change(shmid id, const perm_change& wanted) {
    const subject about = subject::of(xsi_call::shmctl, static_cast<int>(id));
    const call_scope scope(on_);
    if (scope.code() != 0) return failure(scope.code(), about);
    const auto segment = registry_.by_id(static_cast<int>(id));
    if (!segment) return failure(EINVAL, about);
    section<S> lock = lock_segment(*segment);
    if (const int code = admission(lock, *segment, 0); code != 0) return failure(code, about);
    if (!owns(base::owner_of(*segment), on_.credentials())) return failure(EPERM, about);
    settable fields = registry_.fields(*segment);
    if (const int code = base::change(*segment, wanted, fields); code != 0) return failure(code, about);
    return {};
  }

  result<void> remove(shmid id) {
    const subject about = subject::of(xsi_call::shmctl, static_cast<int>(id));
    const call_scope scope(on_);
    if (scope.code() != 0) return failure(scope.code(), about);
    const auto segment = registry_.by_id(static_cast<int>(id));
    if (!segment) return failure(EINVAL, about);
    {
      section<S> lock = lock_segment(*segment);
      if (lock.code() == EDEADLK) return base::remove_in_handler(*segment, about, slot_state::dest);
      if (const int code = admission(lock, *segment, 0); code != 0) return failure(code, about);
      if (!owns(base::owner_of(*segment), on_.credentials())) return failure(EPERM, about);
      if (!registry_.is_live(*segment)) return {};  // removed before, still attached
      table_of(*segment).sweep(on_.now());
      if (table_of(*segment).counts().nattch == 0) {
        // Nobody ever sees it removed and still there.
        if (!registry_.remove(*segment, slot_state::dying)) return failure(EINVAL, about);  // commits
        on_.drop_data(*segment);
        base::bury(lock, *segment);
        return {};
      }
      if (!registry_.remove(*segment, slot_state::dest)) return failure(EINVAL, about);  // commits
    }
    base::strike(*segment, true);
    section<S> lock = lock_segment(*segment);
    end_if_unattached(lock, *segment);
    return {};
  }

  result<void> set_locked(shmid id, bool locked) {
    const subject about = subject::of(xsi_call::shmctl, static_cast<int>(id));
    const call_scope scope(on_);
    if (scope.code() != 0) return failure(scope.code(), about);
    const auto segment = registry_.by_id(static_cast<int>(id));
    if (!segment) return failure(EINVAL, about);
    section<S> lock = lock_segment(*segment);
    if (const int code = admission(lock, *segment, 0); code != 0) return failure(code, about);
    const ownership owner = base::owner_of(*segment);
    const credentials& who = on_.credentials();
    if (who.uid != owner.uid && who.uid != owner.cuid && !who.sys_admin) return failure(EPERM, about);
    if (locked && !table_of(*segment).locked()) {
      if (const int code = on_.may_lock(registry_.size_of(*segment)); code != 0) return failure(code, about);
    }
    table_of(*segment).set_locked(locked);
    return {};
  }

  result<ipc_usage> usage() {
    const call_scope scope(on_);
    if (scope.code() != 0) return failure(scope.code(), {xsi_call::shmctl});
    return ipc_usage{.highest_index = static_cast<int>(registry_.highest_index()),
                     .objects = registry_.used(),
                     .pages = registry_.total(),
                     .pages_resident = on_.resident_pages()};
  }

  // fork: the child, an image, has every attachment of the parent's, who did it; `segment` is one. False: there is no
  // memory.
  bool inherit(const object_ref& segment, const identity& child, const deed& by) {
    section<S> lock = lock_segment(segment);
    if (lock.code() != 0 || !registry_.is_live(segment, true) || !table_of(segment).attach(child)) return false;
    table_of(segment).stamp_attach(by);
    return true;
  }
  // exec, exit: one attachment of the image `who` is gone without detach().
  void leave(const object_ref& segment, const identity& who, const deed& by) {
    section<S> lock = lock_segment(segment);
    if (lock.code() != 0 || !registry_.is_live(segment, true)) return;
    if (table_of(segment).detach(who)) table_of(segment).stamp_detach(by);
    end_if_unattached(lock, segment);
  }

  // Visits every segment, removed ones that are attached too, under its lock: visit(ref, table).
  template <typename Visitor>
  void each(Visitor visit) {
    for (int index = 0; index <= static_cast<int>(registry_.highest_index()); ++index) {
      const auto segment = registry_.by_index(index);
      if (!segment) continue;
      section<S> lock = lock_segment(*segment);
      if (lock.code() != 0 || !registry_.is_live(*segment, true)) continue;
      segment_table table = table_of(*segment);
      visit(*segment, table);
    }
  }

 private:
  [[nodiscard]] segment_table table_of(const object_ref& segment) {
    return {space_, segment, registry_.slot(segment).page_chain};
  }
  [[nodiscard]] section<S> lock_segment(const object_ref& segment) {
    return section<S>(on_, space_.template body<segment_body>(segment).lock, this, segment,
                      [](void* self, const object_ref& which, wake_list&) {
                        static_cast<segment_calls*>(self)->table_of(which).recover();
                      });
  }
  [[nodiscard]] int admission(section<S>& lock, const object_ref& segment, std::uint32_t wanted) {
    if (lock.code() != 0) return lock.code();
    if (!registry_.is_live(segment, true)) return EINVAL;
    // The last who had it attached may have died.
    if (!registry_.is_live(segment) && end_if_unattached(lock, segment)) return EINVAL;
    return wanted == 0 || base::permitted(segment, wanted) ? 0 : EACCES;
  }

  // Whether there may be a new segment of that size.
  [[nodiscard]] ipc_error admit(std::size_t size, const subject& about) const {
    const ipc_limits limits = limits_of(space_);
    if (size < limits.shmmin) return failure(EINVAL, about, ipc_limit::shmmin, size, limits.shmmin);
    if (size > limits.shmmax) return failure(EINVAL, about, ipc_limit::shmmax, size, limits.shmmax);
    const std::uint64_t pages = size / page_bytes + (size % page_bytes != 0 ? 1 : 0);
    const std::uint64_t used = registry_.total();
    if (used > limits.shmall || pages > limits.shmall - used) {
      return failure(ENOSPC, about, ipc_limit::shmall, used, limits.shmall);
    }
    return {};
  }

  // Removed segments whose last attachments went with processes that died, and those whose remover died before he had
  // buried them.
  void end_the_unattached() {
    for (int index = 0; index <= static_cast<int>(registry_.highest_index()); ++index) {
      const auto segment = registry_.by_index(index);
      if (!segment || registry_.is_live(*segment)) continue;
      section<S> lock = lock_segment(*segment);
      end_if_unattached(lock, *segment);
    }
    base::each_dying([this](const object_ref& segment) {
      section<S> lock = lock_segment(segment);
      if (lock.code() != 0 || !base::is_dying(segment)) return;
      on_.drop_data(segment);
      base::bury(lock, segment);
    });
  }
  // A removed segment goes with its last attachment: true if it did.
  bool end_if_unattached(section<S>& lock, const object_ref& segment) {
    if (lock.code() != 0) return false;
    segment_table table = table_of(segment);
    table.sweep(on_.now());
    if (table.counts().nattch != 0 || !registry_.end_dest(segment)) return false;
    on_.drop_data(segment);
    base::bury(lock, segment);
    return true;
  }
};

}  // namespace xsipc::engine

#endif  // XSIPC_ENGINE_SEGMENT_CALLS_HPP
