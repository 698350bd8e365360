// The message store against a model of it, and what the model doesn't see.
#include "message_store.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "engine/message_model.hpp"
#include "engine/test_arena.hpp"

namespace xsipc {
namespace {

using engine::message_store;
using engine::nil;
using engine::wake_list;
using test_support::letter;
using test_support::message_model;
using test_support::test_arena;
using test_support::waiting;

constexpr engine::object_ref the_queue{object_kind::queue, 3, 7};

// A store and its model, to which the same is done.
class twins {
 public:
  explicit twins(unsigned seed, std::uint32_t pages = 4096) : memory_(64, pages), random_(seed) {
    store_.make(model_.qbytes = 400000);
  }

  // One random operation. False: what came of it differs, and `failure` says what.
  bool step(std::uint64_t number);
  bool check() {
    const std::string wrong = store_.check(false);
    return wrong.empty() || fail("check: " + wrong);
  }
  // Removes the queue and lets everybody go.
  bool finish();

  std::string failure;

 private:
  using deque = std::deque<waiting>;

  bool fail(const std::string& what) {
    failure = what;
    return false;
  }
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  std::int32_t new_pid() { return ++last_pid_; }
  engine::deed deed_of(std::int32_t pid) const { return {pid, now_}; }
  letter random_letter();
  msgtyp_selector random_selector(bool copies);
  std::uint32_t stage(const letter& mail);
  bool same_text(std::uint32_t message, const letter& mail, std::size_t room);
  waiting pull(deque& from, std::size_t at) {
    waiting pulled = from[at];
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
    return pulled;
  }

  bool send();
  bool receive();
  bool leave();
  bool collect();
  bool change();
  bool look();
  bool kill();
  bool same_state();

  test_arena memory_;
  std::uint32_t chain_ = nil;
  message_store store_{memory_.space(), the_queue, chain_};
  wake_list wakes_{memory_};
  message_model model_;
  std::mt19937 random_;
  std::int32_t last_pid_ = 1000;
  std::int64_t now_ = 1;
  unsigned types_ = 6;
};

letter twins::random_letter() {
  letter mail;
  mail.type = 1 + below(types_);
  if (below(500) == 0) mail.type = LONG_MAX;
  std::size_t size = below(200);
  if (below(4) == 0) size = below(9000);
  if (below(9) == 0) size = below(66000);
  if (below(300) == 0) size = below(300000);
  mail.text.resize(size);
  const std::size_t salt = random_();
  for (std::size_t i = 0; i < size; ++i) mail.text[i] = static_cast<char>(salt + i * 7 + (i >> 7));
  return mail;
}

msgtyp_selector twins::random_selector(bool copies) {
  const long type = 1 + below(types_);
  switch (below(copies ? 6 : 5)) {
    case 0: return msgtyp_selector::any();
    case 1: return msgtyp_selector::lowest_up_to(type);
    case 2: return msgtyp_selector::all_but(type);
    case 3: return below(20) == 0 ? msgtyp_selector{LONG_MIN, true} : msgtyp_selector{-type, true};
    case 4: return msgtyp_selector::type(type);
    default: return msgtyp_selector::copy_of(static_cast<long>(below(30)) - 2);
  }
}

std::uint32_t twins::stage(const letter& mail) {
  const std::uint32_t staged = store_.stage(mail.type, static_cast<std::uint32_t>(mail.text.size()));
  if (staged != nil) store_.write_text(staged, reinterpret_cast<const std::byte*>(mail.text.data()));
  return staged;
}

bool twins::same_text(std::uint32_t message, const letter& mail, std::size_t room) {
  const engine::message_head head = store_.head_of(message);
  if (head.type != mail.type || head.size != mail.text.size()) return fail("another message");
  const std::size_t size = std::min(room, mail.text.size());
  std::string text(size + 1, '!');
  store_.read_text(message, reinterpret_cast<std::byte*>(text.data()), static_cast<std::uint32_t>(size));
  return (text.compare(0, size, mail.text, 0, size) == 0 && text[size] == '!') || fail("another text");
}

bool twins::send() {
  const letter mail = random_letter();
  const bool fits = model_.fits(mail.text.size());
  if (store_.fits(static_cast<std::uint32_t>(mail.text.size())) != fits) return fail("fits");
  const std::uint32_t staged = stage(mail);
  if (staged == nil) return fail("no memory");
  const std::int32_t pid = new_pid();
  if (below(6) == 0) {
    waiting writer{
        .number = store_.begin_writing(staged, {pid, 0, 0}), .pid = pid, .status = engine::busy, .mail = mail};
    model_.flight.push_back(writer);
  } else if (fits && below(20) != 0) {
    store_.post(staged, deed_of(pid), wakes_);
    model_.post(mail, pid, now_);
  } else if (!fits && model_.senders.size() < 8 && below(2) == 0) {
    model_.senders.push_back({.number = store_.park_sender(staged, {pid, 0, 0}), .pid = pid, .mail = mail});
  } else {
    store_.drop(staged);
  }
  return true;
}

bool twins::receive() {
  const msgtyp_selector wanted = random_selector(true);
  const auto place = model_.find(wanted);
  const std::uint32_t message = store_.find(wanted);
  if ((message == nil) == place.has_value()) return fail("find");
  const std::int32_t pid = new_pid();
  if (place) {
    const std::size_t room = below(3) == 0 ? below(300) : 400000;
    if (!same_text(message, model_.queue[*place], room)) return false;
    if (wanted.copy || below(20) == 0) return true;
    if (below(6) != 0) {
      store_.take(message, deed_of(pid), wakes_);
      static_cast<void>(model_.take(*place, pid, now_));
      return true;
    }
    waiting reader{.pid = pid, .receives = true, .status = engine::done, .room = 400000};
    reader.number = store_.claim(message, {pid, 0, 0}, deed_of(pid), wakes_);
    reader.mail = model_.queue[*place];
    model_.flight.push_back(reader);
    static_cast<void>(model_.take(*place, pid, now_));
  } else if (!wanted.copy && model_.receivers.size() < 8) {
    waiting reader{.pid = pid, .receives = true, .wanted = wanted, .room = below(2) == 0 ? below(300) : 400000};
    reader.truncates = below(3) == 0;
    reader.number = store_.park_receiver(wanted, below(9) == 0 && reader.room == 400000 ? UINT64_MAX : reader.room,
                                         reader.truncates ? truncation::allow : truncation::refuse, {pid, 0, 0});
    if (below(2) == 0) store_.cell_of(reader.number).status = engine::asleep;
    model_.receivers.push_back(reader);
  }
  return true;
}

bool twins::leave() {
  deque& from = below(2) == 0 ? model_.receivers : model_.senders;
  if (from.empty()) return true;
  store_.leave(pull(from, below(static_cast<unsigned>(from.size()))).number);
  return true;
}

bool twins::collect() {
  if (model_.flight.empty()) return true;
  const waiting who = pull(model_.flight, below(static_cast<unsigned>(model_.flight.size())));
  const engine::wait_cell& cell = store_.cell_of(who.number);
  if (cell.status != who.status) return fail("status");
  if (who.status == engine::failed && cell.detail != static_cast<std::uint32_t>(who.code)) return fail("code");
  if (who.status == engine::busy) {
    const std::uint32_t staged = store_.staged_of(who.number);
    store_.end_writing(who.number);
    if (model_.fits(who.mail->text.size())) {
      store_.post(staged, deed_of(who.pid), wakes_);
      model_.post(*who.mail, who.pid, now_);
    } else if (below(2) == 0) {
      model_.senders.push_back(
          {.number = store_.park_sender(staged, {who.pid, 0, 0}), .pid = who.pid, .mail = who.mail});
    } else {
      store_.drop(staged);
    }
    return true;
  }
  if (who.receives && who.status == engine::done) {
    if (!same_text(cell.detail, *who.mail, who.room)) return false;
    if (below(3) == 0) {
      store_.give_back(who.number, wakes_);
      model_.place(*who.mail, model_.rtime);
      return true;
    }
  }
  store_.collect(who.number);
  return true;
}

bool twins::change() {
  model_.qbytes = below(4) == 0 ? below(50) : 1000 + below(800000);
  store_.set_qbytes(model_.qbytes, wakes_);
  model_.admit(model_.stime);
  if (below(4) != 0) return true;
  store_.recheck(wakes_);
  for (waiting& each : model_.senders) each.looks_itself = true;
  return true;
}

// A sender that must look for itself does.
bool twins::look() {
  for (std::size_t i = 0; i < model_.senders.size(); ++i) {
    const waiting& who = model_.senders[i];
    if (store_.must_look(who.number) != who.looks_itself) return fail("must_look");
    if (!who.looks_itself || !model_.fits(who.mail->text.size())) continue;
    const waiting sender = pull(model_.senders, i);
    store_.post_parked(sender.number, deed_of(sender.pid), wakes_);
    model_.post(*sender.mail, sender.pid, now_);
    return true;
  }
  return true;
}

// Somebody dies, or nobody, and the queue is recovered or swept.
bool twins::kill() {
  deque* const lists[] = {&model_.receivers, &model_.senders, &model_.flight};
  deque& from = *lists[below(3)];
  bool swept = false;
  if (!from.empty() && below(4) != 0) {
    const waiting who = pull(from, below(static_cast<unsigned>(from.size())));
    memory_.kill_process(who.pid);
    if (below(2) == 0) store_.cell_of(who.number).death = 0x40000000;
    if (&from == &model_.flight) {
      if (below(2) == 0) {
        swept = true;
        if (!store_.sweep(true, wakes_)) return fail("sweep");
      }
      const std::int64_t when = swept ? model_.rtime : model_.stime;
      if (who.receives && who.status == engine::done) model_.place(*who.mail, when);
    }
  }
  if (!swept) {
    if (below(2) == 0) memset(&memory_.space().body<engine::queue_body>(the_queue).ticket, 0x11, 64);
    store_.recover(model_.qbytes, false, wakes_);
  }
  memory_.revive_all();
  return true;
}

bool twins::same_state() {
  const engine::queue_counts counts = store_.counts();
  if (counts.qnum != model_.queue.size() || counts.cbytes != model_.cbytes()) return fail("counts");
  if (counts.lspid != model_.lspid || counts.lrpid != model_.lrpid) return fail("pids");
  if (counts.stime != model_.stime || counts.rtime != model_.rtime) return fail("times");
  if (store_.waiting_receivers() != model_.receivers.size()) return fail("receivers");
  if (store_.waiting_senders() != model_.senders.size()) return fail("senders");
  for (const waiting& each : model_.flight) {
    if (store_.cell_of(each.number).status != each.status) return fail("status in flight");
  }
  return true;
}

bool twins::step(std::uint64_t number) {
  types_ = number / 25000 % 2 == 0 ? 6 : 500;
  if (below(10) == 0) ++now_;
  // Phases in which the queue grows and phases in which it shrinks.
  const unsigned sends = number / 3000 % 2 == 0 ? 50 : 30;
  const unsigned what = below(100);
  const bool same = model_.flight.size() > 12 ? collect()
                    : what < sends            ? send()
                    : what < 84               ? receive()
                    : what < 87               ? leave()
                    : what < 94               ? collect()
                    : what < 96               ? change()
                    : what < 98               ? look()
                    : what == 98              ? kill()
                                              : true;
  return same && same_state();
}

bool twins::finish() {
  store_.remove(wakes_);
  model_.remove();
  if (!same_state()) return false;
  if (const std::string wrong = store_.check(true); !wrong.empty()) return fail("removed: " + wrong);
  store_.recover(model_.qbytes, true, wakes_);
  if (const std::string wrong = store_.check(true); !wrong.empty()) return fail("recovered: " + wrong);
  while (!model_.flight.empty()) {
    if (store_.deserted()) return fail("deserted too early");
    const waiting who = pull(model_.flight, 0);
    if (who.status == engine::busy) {
      const std::uint32_t staged = store_.staged_of(who.number);
      store_.end_writing(who.number);
      store_.drop(staged);
    } else {
      store_.collect(who.number);
    }
  }
  if (const std::string wrong = store_.check(true); !wrong.empty()) return fail("at the end: " + wrong);
  return store_.deserted() || fail("not deserted");
}

class AgainstTheModel : public testing::TestWithParam<unsigned> {};

TEST_P(AgainstTheModel, RandomOperationsComeToTheSame) {
  twins both(GetParam());
  for (std::uint64_t number = 0; number < std::uint64_t{test_support::random_steps}; ++number) {
    ASSERT_TRUE(both.step(number)) << "operation " << number << ": " << both.failure;
    if (number < 20000 || number % 64 == 0) {
      ASSERT_TRUE(both.check()) << "operation " << number << ": " << both.failure;
    }
  }
  EXPECT_TRUE(both.finish()) << both.failure;
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgainstTheModel, testing::Values(1U, 2U));

}  // namespace
}  // namespace xsipc
