// The functions of queue_calls. Included by queue_calls.hpp.
namespace xsipc::engine {

template <substrate S>
result<msqid> queue_calls<S>::get(key which, creation how) {
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), subject::of(xsi_call::msgget, which));
  const auto got = base::get(
      {which, how, 0, xsi_call::msgget, ipc_limit::msgmni, &ipc_limits::msgmni}, [] { return ipc_error{}; },
      [this](const object_ref& made) {
        store_of(made).make(registry_.fields(made).qbytes);
        return 0;
      },
      [this] { bury_the_dead(); });
  if (!got) return got.error();
  return static_cast<msqid>(*got);
}

template <substrate S>
result<void> queue_calls<S>::send(msqid id, const message_view& message, deadline until) {
  const subject about = subject::of(xsi_call::msgsnd, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  if (message.is_framed() && !on_.readable(message.frame(), sizeof(long))) return failure(EFAULT, about);
  const std::int64_t type = message.type();
  const std::size_t size = message.size_bytes();
  const std::uint64_t longest = limit_of(space_, &ipc_limits::msgmax);
  if (size > longest || size > INT_MAX) return failure(EINVAL, about, ipc_limit::msgmax, size, longest);
  if (static_cast<int>(id) < 0 || type < 1) return failure(EINVAL, about);
  if (size != 0 && !on_.readable(message.text(), size)) return failure(EFAULT, about);
  const auto queue = registry_.by_id(static_cast<int>(id));
  if (!queue) return failure(EINVAL, about);

  section<S> lock = lock_queue(*queue);
  if (const int code = admission(lock, *queue, may_write); code != 0) return failure(code, about);
  message_store store = store_of(*queue);
  const bool fits = store.fits(static_cast<std::uint32_t>(size));
  if (!fits && until.is_immediate()) return full(about, *queue, store, size);
  const std::uint32_t staged = store.stage(type, static_cast<std::uint32_t>(size));
  if (staged == nil) return failure(ENOMEM, about);
  if (size > longest_copy_under_lock) return send_large(lock, about, *queue, staged, message, until);
  if (size != 0) store.write_text(staged, message.text());
  if (!fits) return send_later(lock, about, *queue, staged, size, until);
  store.post(staged, {on_.self().pid, on_.now()}, lock.wakes());
  return {};
}

template <substrate S>
result<received> queue_calls<S>::receive(msqid id, const msgtyp_selector& selector, const message_buffer& into,
                                         truncation when_too_long, deadline until) {
  const subject about = subject::of(xsi_call::msgrcv, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const std::size_t room = into.size_bytes();
  const auto queue = registry_.by_id(static_cast<int>(id));
  if (!queue) return failure(EINVAL, about);
  if (room != 0 && !into.is_framed() && into.text() == nullptr) return failure(EFAULT, about);
  const bool reachable = is_writable(into, room);

  section<S> lock = lock_queue(*queue);
  if (const int code = admission(lock, *queue, may_read); code != 0) return failure(code, about);
  message_store store = store_of(*queue);
  static_cast<void>(store.sweep(false, lock.wakes()));
  std::uint32_t message = store.find(selector);
  if (message == nil && store.sweep(true, lock.wakes())) message = store.find(selector);
  if (message == nil) {
    if (until.is_immediate()) return failure(ENOMSG, about);
    if (!reachable) return failure(EFAULT, about);
    return receive_later(lock, about, *queue, selector, into, when_too_long, until);
  }
  const message_head head = store.head_of(message);
  if (head.size > room && when_too_long == truncation::refuse) return failure(E2BIG, about);
  if (head.size > room && selector.copy) return failure(EINVAL, about);
  if (!reachable) return failure(EFAULT, about);
  if (head.size > longest_copy_under_lock && !selector.copy) {
    // As if it had been handed over by its sender; what there is no memory for is copied under the lock.
    const std::uint32_t waiter = store.claim(message, on_.self(), {on_.self().pid, on_.now()}, lock.wakes());
    if (waiter != nil) {
      lock.leave();
      return collect_message(lock, *queue, waiter, into);
    }
  }
  const received outcome = copy_out(store, message, into);
  if (!selector.copy) store.take(message, {on_.self().pid, on_.now()}, lock.wakes());
  return outcome;
}

template <substrate S>
result<queue_status> queue_calls<S>::stat(int id_or_index, lookup how) {
  const subject about = subject::of(xsi_call::msgctl, id_or_index);
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto queue = base::look_up(id_or_index, how);
  if (!queue) return failure(EINVAL, about);
  section<S> lock = lock_queue(*queue);
  if (const int code = admission(lock, *queue, how == lookup::index_any ? 0 : may_read); code != 0) {
    return failure(code, about);
  }
  const settable fields = registry_.fields(*queue);
  const queue_counts counts = store_of(*queue).counts();
  return queue_status{.id = static_cast<msqid>(id_of(*queue)),
                      .perm = base::perm_of(*queue),
                      .stime = counts.stime,
                      .rtime = counts.rtime,
                      .ctime = fields.ctime,
                      .cbytes = counts.cbytes,
                      .qnum = counts.qnum,
                      .qbytes = fields.qbytes,
                      .lspid = counts.lspid,
                      .lrpid = counts.lrpid};
}

template <substrate S>
result<void> queue_calls<S>::change(msqid id, const queue_change& wanted) {
  const subject about = subject::of(xsi_call::msgctl, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto queue = registry_.by_id(static_cast<int>(id));
  if (!queue) return failure(EINVAL, about);
  section<S> lock = lock_queue(*queue);
  if (const int code = admission(lock, *queue, 0); code != 0) return failure(code, about);
  const credentials& who = on_.credentials();
  if (!owns(base::owner_of(*queue), who)) return failure(EPERM, about);
  const std::uint64_t most = limit_of(space_, &ipc_limits::msgmnb);
  if (wanted.qbytes > most && !who.sys_resource) {
    return failure(EPERM, about, ipc_limit::msgmnb, wanted.qbytes, most);
  }
  settable fields = registry_.fields(*queue);
  fields.qbytes = wanted.qbytes;
  if (const int code = base::change(*queue, wanted.perm, fields); code != 0) return failure(code, about);
  message_store store = store_of(*queue);
  store.recheck(lock.wakes());
  store.set_qbytes(wanted.qbytes, lock.wakes());
  return {};
}

template <substrate S>
result<void> queue_calls<S>::remove(msqid id) {
  const subject about = subject::of(xsi_call::msgctl, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto queue = registry_.by_id(static_cast<int>(id));
  if (!queue) return failure(EINVAL, about);
  {
    section<S> lock = lock_queue(*queue);
    if (lock.code() == EDEADLK) return base::remove_in_handler(*queue, about, slot_state::dying);
    if (const int code = admission(lock, *queue, 0); code != 0) return failure(code, about);
    if (!owns(base::owner_of(*queue), on_.credentials())) return failure(EPERM, about);
    if (!registry_.remove(*queue, slot_state::dying)) return failure(EINVAL, about);  // commits
    store_of(*queue).remove(lock.wakes());
  }
  base::strike(*queue);
  section<S> lock = lock_queue(*queue);
  bury_if_deserted(lock, *queue);
  return {};
}

template <substrate S>
result<ipc_usage> queue_calls<S>::usage() {
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), {xsi_call::msgctl});
  ipc_usage all{.highest_index = static_cast<int>(registry_.highest_index()), .objects = registry_.used()};
  each([&all](message_store& store) {
    const queue_counts counts = store.counts();
    all.messages += counts.qnum;
    all.bytes += counts.cbytes;
  });
  return all;
}

template <substrate S>
void queue_calls<S>::sweep() {
  for (int index = 0; index <= static_cast<int>(registry_.highest_index()); ++index) {
    const auto queue = registry_.by_index(index);
    if (!queue) continue;
    section<S> lock = lock_queue(*queue);
    if (lock.code() == 0 && registry_.is_live(*queue)) static_cast<void>(store_of(*queue).sweep(true, lock.wakes()));
  }
  bury_the_dead();
}

template <substrate S>
section<S> queue_calls<S>::lock_queue(const object_ref& queue) {
  return section<S>(on_, space_.template body<queue_body>(queue).lock, this, queue,
                    [](void* self, const object_ref& which, wake_list& wakes) {
                      static_cast<queue_calls*>(self)->recover(which, wakes);
                    });
}

template <substrate S>
ipc_error queue_calls<S>::full(const subject& about, const object_ref& queue, const message_store& store,
                               std::size_t size) const {
  const queue_counts now = store.counts();
  const std::uint64_t most = registry_.fields(queue).qbytes;
  if (now.cbytes + size > most && (now.cbytes != 0 || size != 0)) {
    return failure(EAGAIN, about, ipc_limit::msg_qbytes, now.cbytes, most);
  }
  return failure(EAGAIN, about, ipc_limit::msg_qnum, now.qnum, most);
}

template <substrate S>
received queue_calls<S>::copy_out(const message_store& store, std::uint32_t message, const message_buffer& into) {
  const message_head head = store.head_of(message);
  const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(head.size, into.size_bytes()));
  const auto type = static_cast<long>(head.type);
  if (into.is_framed()) std::memcpy(into.frame(), &type, sizeof type);
  if (size != 0) store.read_text(message, into.text(), size);
  return {type, size};
}

template <substrate S>
void queue_calls<S>::abandon(const object_ref& queue, std::uint32_t waiter) {
  section<S> lock = lock_queue(queue);
  message_store store = store_of(queue);
  const std::uint32_t status = load(store.cell_of(waiter).status);
  if (is_parked(status)) {
    store.leave(waiter);
  } else if (status == done && store.staged_of(waiter) == nil) {
    store.give_back(waiter, lock.wakes());
  } else {
    store.collect(waiter);
  }
  bury_if_deserted(lock, queue);
}

template <substrate S>
result<void> queue_calls<S>::send_large(section<S>& lock, const subject& about, const object_ref& queue,
                                        std::uint32_t staged, const message_view& message, deadline until) {
  message_store store = store_of(queue);
  const std::uint32_t writer = store.begin_writing(staged, on_.self());
  if (writer == nil) {
    store.drop(staged);
    return failure(ENOMEM, about);
  }
  lock.leave();
  store.write_text(staged, message.text());
  lock.enter();
  store.end_writing(writer);
  if (!registry_.is_live(queue)) {
    store.drop(staged);
    bury_if_deserted(lock, queue);
    return failure(EIDRM, about);
  }
  const auto size = static_cast<std::uint32_t>(message.size_bytes());
  if (store.fits(size)) {
    store.post(staged, {on_.self().pid, on_.now()}, lock.wakes());
    return {};
  }
  if (!until.is_immediate()) return send_later(lock, about, queue, staged, size, until);
  const ipc_error error = full(about, queue, store, size);
  store.drop(staged);
  return error;
}

template <substrate S>
result<void> queue_calls<S>::send_later(section<S>& lock, const subject& about, const object_ref& queue,
                                        std::uint32_t staged, std::size_t size, deadline until) {
  message_store store = store_of(queue);
  const std::uint32_t waiter = store.park_sender(staged, on_.self());
  if (waiter == nil) {
    store.drop(staged);
    return failure(ENOMEM, about);
  }
  const auto look = [&](wake_reason why) -> std::optional<result<void>> {
    lock.enter();
    if (base::is_dying(queue)) store.remove(lock.wakes());  // a handler removed it
    const wait_cell& cell = store.cell_of(waiter);
    const std::uint32_t status = load(cell.status);
    if (!is_parked(status)) {
      const int code = status == done ? 0 : static_cast<int>(load(cell.detail));
      store.collect(waiter);
      bury_if_deserted(lock, queue);
      return code == 0 ? result<void>() : failure(code, about);
    }
    int code = why == wake_reason::interrupted ? EINTR : why == wake_reason::timed_out ? EAGAIN : 0;
    if (code == 0 && store.must_look(waiter) && store.fits(static_cast<std::uint32_t>(size))) {
      if (base::permitted(queue, may_write)) {
        store.post_parked(waiter, {on_.self().pid, on_.now()}, lock.wakes());
        return result<void>();
      }
      code = EACCES;
    }
    if (code == 0) return std::nullopt;
    const ipc_error error = code == EAGAIN ? full(about, queue, store, size) : failure(code, about);
    store.leave(waiter);
    return error;
  };
  return block(on_, lock, store.cell_of(waiter), on_.due_at(until), result<void>(failure(ESRCH, about)), look,
               [&] { abandon(queue, waiter); });
}

template <substrate S>
result<received> queue_calls<S>::receive_later(section<S>& lock, const subject& about, const object_ref& queue,
                                               const msgtyp_selector& selector, const message_buffer& into,
                                               truncation when_too_long, deadline until) {
  message_store store = store_of(queue);
  const std::uint32_t waiter = store.park_receiver(selector, into.size_bytes(), when_too_long, on_.self());
  if (waiter == nil) return failure(ENOMEM, about);
  const auto look = [&](wake_reason why) -> std::optional<result<received>> {
    const wait_cell& cell = store.cell_of(waiter);
    if (load(cell.status) != done) lock.enter();
    if (lock.code() == 0 && base::is_dying(queue)) store.remove(lock.wakes());  // a handler removed it
    const std::uint32_t status = load(cell.status);
    if (status == done) {
      lock.leave();
      return collect_message(lock, queue, waiter, into);
    }
    int code = why == wake_reason::interrupted ? EINTR : why == wake_reason::timed_out ? ENOMSG : 0;
    if (!is_parked(status)) {
      code = static_cast<int>(load(cell.detail));
      store.collect(waiter);
      bury_if_deserted(lock, queue);
      return failure(code, about);
    }
    if (code == 0 && !base::permitted(queue, may_read)) code = EACCES;
    if (code == 0) {
      // A message that was handed to one who has died may be what this one waits for.
      static_cast<void>(store.sweep(true, lock.wakes()));
      return std::nullopt;
    }
    store.leave(waiter);
    return failure(code, about);
  };
  return block(on_, lock, store.cell_of(waiter), on_.due_at(until), result<received>(failure(ESRCH, about)), look,
               [&] { abandon(queue, waiter); });
}

template <substrate S>
received queue_calls<S>::collect_message(section<S>& lock, const object_ref& queue, std::uint32_t waiter,
                                         const message_buffer& into) {
  message_store store = store_of(queue);
  const std::uint32_t message = load(store.cell_of(waiter).detail);
  const received outcome = copy_out(store, message, into);
  lock.enter();
  store.collect(waiter);
  bury_if_deserted(lock, queue);
  return outcome;
}

template <substrate S>
void queue_calls<S>::bury_the_dead() {
  base::each_dying([this](const object_ref& queue) {
    section<S> lock = lock_queue(queue);
    if (lock.code() != 0 || !base::is_dying(queue)) return;
    static_cast<void>(store_of(queue).sweep(true, lock.wakes()));
    bury_if_deserted(lock, queue);
  });
}

}  // namespace xsipc::engine
