// The functions of set_calls. Included by set_calls.hpp.
namespace xsipc::engine {

template <substrate S>
result<semid> set_calls<S>::get(key which, int nsems, creation how) {
  const subject about = subject::of(xsi_call::semget, which);
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const std::uint64_t most = limit_of(space_, &ipc_limits::semmsl);
  const auto wanted = static_cast<std::uint64_t>(nsems);
  if (wanted > most) return failure(EINVAL, about, ipc_limit::semmsl, wanted, most);
  const auto got = base::get(
      {which, how, wanted, xsi_call::semget, ipc_limit::semmni, &ipc_limits::semmni},
      [&] { return admit(wanted, about); },
      [&](const object_ref& made) {
        if (!store_of(made).make(static_cast<std::uint32_t>(wanted))) return ENOMEM;
        store_of(made).set_ctime(registry_.fields(made).ctime);
        return 0;
      },
      [this] { bury_the_dead(); });
  if (!got) return got.error();
  return static_cast<semid>(*got);
}

template <substrate S>
result<void> set_calls<S>::operate(semid id, std::span<const sem_operation> operations, deadline until) {
  const subject about = subject::of(xsi_call::semop, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const std::uint64_t most = limit_of(space_, &ipc_limits::semopm);
  if (operations.size() > most) return failure(E2BIG, about, ipc_limit::semopm, operations.size(), most);
  if (!on_.readable(operations.data(), operations.size_bytes())) return failure(EFAULT, about);
  // A copy of its own: the caller's array may change while the call waits. What isn't used of it isn't written.
  constexpr std::size_t few = 16;
  alignas(sem_operation) std::byte room[few * sizeof(sem_operation)];
  std::unique_ptr<std::byte[]> more;
  if (operations.size() > few) {
    more.reset(new (std::nothrow) std::byte[operations.size_bytes()]);
    if (!more) return failure(ENOMEM, about);
  }
  auto* const copy = reinterpret_cast<sem_operation*>(more ? more.get() : room);
  std::uninitialized_copy(operations.begin(), operations.end(), copy);
  const std::span<const sem_operation> wanted(copy, operations.size());

  const auto set = registry_.by_id(static_cast<int>(id));
  if (!set) return failure(EINVAL, about);
  section<S> lock = lock_set(*set);
  if (const int code = admission(lock, *set); code != 0) return failure(code, about);
  const std::uint64_t nsems = registry_.size_of(*set);
  bool alters = false;
  for (const sem_operation& each : wanted) {
    if (each.semnum >= nsems) return failure(EFBIG, about);
    alters = alters || each.sem_op != 0;
  }
  if (!base::permitted(*set, alters ? may_write : may_read)) return failure(EACCES, about);
  semaphore_store store = store_of(*set);
  const deed by{on_.self().pid, on_.now()};
  store.undo_of_the_dead(by.now, lock.wakes());
  const attempt tried = store.operate(wanted, on_.self(), by, !until.is_immediate(), lock.wakes());
  if (tried.is == attempt::outcome::performed) return {};
  if (tried.is == attempt::outcome::failed) return failure(tried.code, about);
  return operate_later(lock, about, *set, wanted, until);
}

template <substrate S>
result<int> set_calls<S>::query(semid id, int semnum, sem_query what) {
  const subject about = subject::of(xsi_call::semctl, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto set = registry_.by_id(static_cast<int>(id));
  if (!set) return failure(EINVAL, about);
  section<S> lock = lock_set(*set);
  if (const int code = admission(lock, *set, may_read); code != 0) return failure(code, about);
  if (semnum < 0 || static_cast<std::uint64_t>(semnum) >= registry_.size_of(*set)) return failure(EINVAL, about);
  semaphore_store store = store_of(*set);
  store.undo_of_the_dead(on_.now(), lock.wakes());
  const auto number = static_cast<std::uint32_t>(semnum);
  switch (what) {
    case sem_query::value: return store.value(number);
    case sem_query::pid: return static_cast<int>(store.pid(number));
    case sem_query::ncnt: return store.waiting(number, false);
    case sem_query::zcnt: return store.waiting(number, true);
  }
  return failure(EINVAL, about);
}

template <substrate S>
result<void> set_calls<S>::set_value(semid id, int semnum, int value) {
  const subject about = subject::of(xsi_call::semctl, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto set = registry_.by_id(static_cast<int>(id));
  if (!set) return failure(EINVAL, about);
  section<S> lock = lock_set(*set);
  if (const int code = admission(lock, *set); code != 0) return failure(code, about);
  if (semnum < 0 || static_cast<std::uint64_t>(semnum) >= registry_.size_of(*set)) return failure(EINVAL, about);
  if (!base::permitted(*set, may_write)) return failure(EACCES, about);
  semaphore_store store = store_of(*set);
  store.undo_of_the_dead(on_.now(), lock.wakes());
  const deed by{on_.self().pid, on_.now()};
  if (!store.set_value(static_cast<std::uint32_t>(semnum), value, by, lock.wakes())) return failure(ENOMEM, about);
  return {};
}

template <substrate S>
result<void> set_calls<S>::get_all(semid id, std::span<std::uint16_t> values) {
  const subject about = subject::of(xsi_call::semctl, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto set = registry_.by_id(static_cast<int>(id));
  if (!set) return failure(EINVAL, about);
  const bool reachable = on_.writable(values.data(), registry_.size_of(*set) * sizeof(std::uint16_t));
  section<S> lock = lock_set(*set);
  if (const int code = admission(lock, *set, may_read); code != 0) return failure(code, about);
  if (!reachable) return failure(EFAULT, about);
  semaphore_store store = store_of(*set);
  store.undo_of_the_dead(on_.now(), lock.wakes());
  const std::size_t count = std::min<std::size_t>(store.nsems(), values.size());
  for (std::uint32_t i = 0; i < count; ++i) values[i] = static_cast<std::uint16_t>(store.value(i));
  return {};
}

template <substrate S>
result<void> set_calls<S>::set_all(semid id, std::span<const std::uint16_t> values) {
  const subject about = subject::of(xsi_call::semctl, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto set = registry_.by_id(static_cast<int>(id));
  if (!set) return failure(EINVAL, about);
  const std::uint64_t nsems = std::min<std::uint64_t>(registry_.size_of(*set), values.size());
  const bool reachable = on_.readable(values.data(), nsems * sizeof(std::uint16_t));
  section<S> lock = lock_set(*set);
  if (const int code = admission(lock, *set, may_write); code != 0) return failure(code, about);
  if (!reachable) return failure(EFAULT, about);
  const std::span<const std::uint16_t> all(values.data(), nsems);
  const std::uint64_t most = limit_of(space_, &ipc_limits::semvmx);
  for (const std::uint16_t value : all) {
    if (value > most) return failure(ERANGE, about, ipc_limit::semvmx, value, most);
  }
  semaphore_store store = store_of(*set);
  store.undo_of_the_dead(on_.now(), lock.wakes());
  if (!store.set_all(all, {on_.self().pid, on_.now()}, lock.wakes())) return failure(ENOMEM, about);
  return {};
}

template <substrate S>
result<set_status> set_calls<S>::stat(int id_or_index, lookup how) {
  const subject about = subject::of(xsi_call::semctl, id_or_index);
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto set = base::look_up(id_or_index, how);
  if (!set) return failure(EINVAL, about);
  section<S> lock = lock_set(*set);
  const std::uint32_t wanted = how == lookup::index_any ? 0 : may_read;
  if (const int code = admission(lock, *set, wanted); code != 0) return failure(code, about);
  semaphore_store store = store_of(*set);
  store.undo_of_the_dead(on_.now(), lock.wakes());
  return set_status{.id = static_cast<semid>(id_of(*set)),
                    .perm = base::perm_of(*set),
                    .otime = store.otime(),
                    .ctime = store.ctime(),
                    .nsems = registry_.size_of(*set)};
}

template <substrate S>
result<void> set_calls<S>::change(semid id, const perm_change& wanted) {
  const subject about = subject::of(xsi_call::semctl, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto set = registry_.by_id(static_cast<int>(id));
  if (!set) return failure(EINVAL, about);
  section<S> lock = lock_set(*set);
  if (const int code = admission(lock, *set); code != 0) return failure(code, about);
  if (!owns(base::owner_of(*set), on_.credentials())) return failure(EPERM, about);
  settable fields = registry_.fields(*set);
  if (const int code = base::change(*set, wanted, fields); code != 0) return failure(code, about);
  store_of(*set).set_ctime(fields.ctime);
  return {};
}

template <substrate S>
result<void> set_calls<S>::remove(semid id) {
  const subject about = subject::of(xsi_call::semctl, static_cast<int>(id));
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), about);
  const auto set = registry_.by_id(static_cast<int>(id));
  if (!set) return failure(EINVAL, about);
  {
    section<S> lock = lock_set(*set);
    if (lock.code() == EDEADLK) return base::remove_in_handler(*set, about, slot_state::dying);
    if (const int code = admission(lock, *set); code != 0) return failure(code, about);
    if (!owns(base::owner_of(*set), on_.credentials())) return failure(EPERM, about);
    if (!registry_.remove(*set, slot_state::dying)) return failure(EINVAL, about);  // commits
    store_of(*set).remove(lock.wakes());
  }
  base::strike(*set);
  section<S> lock = lock_set(*set);
  bury_if_deserted(lock, *set);
  return {};
}

template <substrate S>
result<ipc_usage> set_calls<S>::usage() {
  const call_scope scope(on_);
  if (scope.code() != 0) return failure(scope.code(), {xsi_call::semctl});
  return ipc_usage{.highest_index = static_cast<int>(registry_.highest_index()),
                   .objects = registry_.used(),
                   .semaphores = registry_.total()};
}

template <substrate S>
void set_calls<S>::sweep() {
  each([this](semaphore_store& store, wake_list& wakes) { store.sweep(on_.now(), wakes); });
  bury_the_dead();
}

template <substrate S>
void set_calls<S>::bury_the_dead() {
  base::each_dying([this](const object_ref& set) {
    section<S> lock = lock_set(set);
    if (lock.code() != 0 || !base::is_dying(set)) return;
    store_of(set).sweep(on_.now(), lock.wakes());
    bury_if_deserted(lock, set);
  });
}

template <substrate S>
void set_calls<S>::end(const identity& who) {
  for (int index = 0; index <= static_cast<int>(registry_.highest_index()); ++index) {
    const auto set = registry_.by_index(index);
    if (!set || load(space_.template body<set_body>(*set).holders) == 0) continue;
    section<S> lock = lock_set(*set);
    if (lock.code() == 0 && registry_.is_live(*set)) store_of(*set).undo(who, on_.now(), lock.wakes());
  }
}

template <substrate S>
section<S> set_calls<S>::lock_set(const object_ref& set) {
  return section<S>(on_, space_.template body<set_body>(set).lock, this, set,
                    [](void* self, const object_ref& which, wake_list& wakes) {
                      static_cast<set_calls*>(self)->recover(which, wakes);
                    });
}

template <substrate S>
ipc_error set_calls<S>::admit(std::uint64_t nsems, const subject& about) const {
  if (nsems == 0) return failure(EINVAL, about);
  const std::uint64_t most = limit_of(space_, &ipc_limits::semmns);
  const std::uint64_t used = registry_.total();
  if (used > most || nsems > most - used) return failure(ENOSPC, about, ipc_limit::semmns, used, most);
  return {};
}

template <substrate S>
result<void> set_calls<S>::operate_later(section<S>& lock, const subject& about, const object_ref& set,
                                         std::span<const sem_operation> wanted, deadline until) {
  semaphore_store store = store_of(set);
  const std::uint32_t waiter = store.park(wanted, on_.self());
  if (waiter == nil) return failure(ENOMEM, about);
  due over = on_.due_at(until);
  over.look_after_ns = store.look_after_ns(waiter, on_.self());
  const auto look = [&](wake_reason why) -> std::optional<result<void>> {
    lock.enter();
    if (base::is_dying(set)) store.remove(lock.wakes());  // a handler removed it
    const wait_cell& cell = store.cell_of(waiter);
    const std::uint32_t status = load(cell.status);
    if (!is_parked(status)) {
      const int code = status == done ? 0 : static_cast<int>(load(cell.detail));
      store.collect(waiter);
      bury_if_deserted(lock, set);
      return code == 0 ? result<void>() : failure(code, about);
    }
    if (why == wake_reason::interrupted || why == wake_reason::timed_out) {
      store.leave(waiter);
      return failure(why == wake_reason::interrupted ? EINTR : EAGAIN, about);
    }
    store.sweep(on_.now(), lock.wakes());
    over.look_after_ns = store.look_after_ns(waiter, on_.self());
    return std::nullopt;
  };
  return block(on_, lock, store.cell_of(waiter), over, result<void>(failure(ESRCH, about)), look);
}

}  // namespace xsipc::engine
