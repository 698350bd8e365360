#include "semaphore_store.hpp"

#include <cerrno>

namespace xsipc::engine {

bool semaphore_store::make(std::uint32_t nsems) {
  if (nsems > most_semaphores) return false;
  set_body& body = *body_;
  put(body.nsems, nsems);
  put(body.journal_count, 0);
  for (std::uint32_t* word : {&body.journal_run, &body.waiting_run, &body.free, &body.all_head, &body.all_tail,
                              &body.fragile_head, &body.fragile_tail, &body.records}) {
    put(*word, nil);
  }
  for (std::uint32_t* word : {&body.undo_sensitive, &body.parked, &body.in_use, &body.holders}) put(*word, 0);
  put(body.otime, 0);
  put(body.ctime, 0);
  put(body.ticket, 0);
  return make_words(nsems);
}

bool semaphore_store::make_words(std::uint32_t nsems) {
  if (nsems <= inline_semaphores) {
    for (std::uint64_t& word : body_->words) put(word, 0);
    return true;
  }
  for (std::uint32_t& page : body_->pages) put(page, nil);
  for (std::uint32_t at = 0; at * words_per_page < nsems; ++at) {
    const std::uint32_t page = pages_.take(set_, 1, 1, true, *page_chain_);
    if (page == nil) {
      pages_.give_all(set_, *page_chain_);
      return false;
    }
    pages_.name(page, page_use::values);
    put(body_->pages[at], page);
  }
  return true;
}

std::uint32_t semaphore_store::nsems() const { return memory_.nsems(); }

// Evaluates operations, whose semaphores exist, on the present values.
void semaphore_store::plan(operation_list operations, std::uint32_t record, bool may_wait, semop_plan& to) const {
  for (std::size_t at = 0; at < operations.size(); ++at) {
    const std::uint16_t semnum = operations[at].semnum;
    to.values[at] = static_cast<std::int16_t>(memory_.value(semnum));
    to.adjustments[at] =
        record == nil ? std::int16_t{0} : static_cast<std::int16_t>(ledger_.adjustment(record, semnum));
  }
  evaluate(operations, may_wait, to);
}

// Adds to the journal what the operations do: absolute values, so that a repeated semaphore ends with its last one.
void semaphore_store::add_performed(operation_list operations, std::uint32_t record, std::int32_t pid, std::int64_t now,
                                    const semop_plan& planned) {
  for (std::size_t at = 0; at < operations.size(); ++at) {
    const std::uint16_t semnum = operations[at].semnum;
    journal_.add(journal_kind::value, semnum, 0, semaphore_word(planned.values[at], pid));
    if (has(operations[at].flags, sem_flags::undo)) {
      journal_.add(journal_kind::adjustment, semnum, record, static_cast<std::uint16_t>(planned.adjustments[at]));
    }
  }
  journal_.add_otime(now);
}

namespace {

bool any_undo(std::span<const sem_operation> operations) {
  return std::any_of(operations.begin(), operations.end(),
                     [](const sem_operation& operation) { return has(operation.flags, sem_flags::undo); });
}

attempt failed_with(int code) { return {attempt::outcome::failed, code}; }

}  // namespace

// Notices when there is somebody at last whose death a waiter must learn of: then the first one looks how long it may
// sleep.
class semaphore_store::holders_watch {
 public:
  holders_watch(semaphore_store& store, wake_list& wakes)
      : store_(store), wakes_(wakes), before_(load(store.body_->holders)) {}
  ~holders_watch() {
    if (before_ != 0 || load(store_.body_->parked) == 0 || load(store_.body_->holders) == 0) return;
    waiter_node* const first = store_.memory_.node(load(store_.body_->all_head));
    if (first != nullptr) wakes_.nudge(first->cell);
  }
  holders_watch(const holders_watch&) = delete;
  holders_watch& operator=(const holders_watch&) = delete;

 private:
  semaphore_store& store_;
  wake_list& wakes_;
  std::uint32_t before_;
};

attempt semaphore_store::operate_as_planned(operation_list operations, const identity& who, const deed& by,
                                            bool may_wait, wake_list& wakes) {
  if (operations.size() > most_operations) return failed_with(E2BIG);
  const std::uint32_t nsems = memory_.nsems();
  for (const sem_operation& operation : operations) {
    if (operation.semnum >= nsems) return failed_with(EFBIG);
  }
  const holders_watch watch(*this, wakes);
  const bool with_undo = any_undo(operations);
  std::uint32_t record = with_undo ? ledger_.find(who) : nil;
  semop_plan planned;
  plan(operations, record, may_wait, planned);
  if (planned.is == semop_plan::outcome::blocked) return {attempt::outcome::blocked, 0};
  if (planned.is == semop_plan::outcome::failed) return failed_with(planned.code);

  const auto entries = static_cast<std::uint32_t>(operations.size() * (with_undo ? 2 : 1) + 1);
  if (!journal_.reserve(entries)) return failed_with(ENOMEM);
  if (with_undo && record == nil && (record = ledger_.obtain(who)) == nil) return failed_with(ENOMEM);
  if (!journal_.begin(entries)) return failed_with(ENOMEM);
  add_performed(operations, record, by.pid, by.now, planned);
  journal_.commit(ledger_, wakes);
  after(operations, with_undo, by.now, wakes);
  return {};
}

// Lets waiters proceed that operations just performed may concern.
void semaphore_store::after(operation_list operations, bool with_undo, std::int64_t now, wake_list& wakes) {
  if (load(body_->waiting_run) == nil) return;
  changed_semaphores changed;
  for (const sem_operation& operation : operations) {
    if (!memory_.quiet(operation.semnum, memory_.value(operation.semnum))) changed.add(operation.semnum);
  }
  if (changed.any() || (with_undo && load(body_->undo_sensitive) != 0)) run(changed, now, wakes);
}

int semaphore_store::value(std::uint32_t semnum) const { return memory_.value(semnum); }
std::int32_t semaphore_store::pid(std::uint32_t semnum) const { return pid_in(load(memory_.word(semnum))); }
std::int64_t semaphore_store::otime() const { return load(body_->otime); }
std::int64_t semaphore_store::ctime() const { return load(body_->ctime); }
void semaphore_store::set_ctime(std::int64_t now) { put(body_->ctime, now); }

bool semaphore_store::set_value(std::uint32_t semnum, int value, const deed& by, wake_list& wakes) {
  if (semnum >= memory_.nsems() || !journal_.begin(3)) return false;
  const holders_watch watch(*this, wakes);
  journal_.add(journal_kind::value, semnum, 0, semaphore_word(value, by.pid));
  journal_.add(journal_kind::clearing, semnum, 0, 0);
  journal_.add(journal_kind::ctime, 0, 0, static_cast<std::uint64_t>(by.now));
  journal_.commit(ledger_, wakes);
  if (load(body_->parked) == 0) return true;
  changed_semaphores changed;
  changed.add(semnum);
  run(changed, by.now, wakes);
  return true;
}

bool semaphore_store::set_all(std::span<const std::uint16_t> values, const deed& by, wake_list& wakes) {
  const std::uint32_t entries = 1 + set_journal::entries_for_all(memory_.nsems());
  if (values.size() != memory_.nsems() || !journal_.reserve(entries) || !journal_.begin(entries)) return false;
  const holders_watch watch(*this, wakes);
  journal_.add(journal_kind::ctime, 0, 0, static_cast<std::uint64_t>(by.now));
  journal_.add_all(values, by.pid);
  journal_.commit(ledger_, wakes);
  if (load(body_->parked) == 0) return true;
  changed_semaphores changed;
  changed.all = true;
  run(changed, by.now, wakes);
  return true;
}

std::int64_t semaphore_store::look_after_ns(std::uint32_t waiter, const identity& who) const {
  constexpr std::int64_t often_ns = 20'000'000;
  constexpr std::int64_t seldom_ns = 200'000'000;  // the first may have gone meanwhile
  if (!ledger_.foreign(who)) return 0;
  return load(body_->all_head) == waiter ? often_ns : seldom_ns;
}

}  // namespace xsipc::engine
