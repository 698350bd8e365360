#include "ledger.hpp"

#include <algorithm>
#include <cerrno>

namespace xsipc::conformance::differential {
namespace {

constexpr std::size_t most_of_a_kind = 9;  // objects alive at once: each is looked at after each action

// What a step does that finds no object: one for the next.
void become_get(step& s) {
  s = {.call = call_kind::get, .kind = s.kind, .actor = s.actor, .thread = s.thread, .pick = s.pick};
  s.key = static_cast<std::uint8_t>(s.pick % (key_count + 1));
  s.create = true;
  s.perm.mode = 0666;
  s.size = 1U + s.pick % 5U;
}

bool only_zero_waits(const std::vector<sem_operation>& operations) {
  return std::all_of(operations.begin(), operations.end(), [](const sem_operation& o) { return o.sem_op == 0; });
}

// Several operations that all wait for zero, and not all of them for long.
bool zero_waits_with_no_wait(const std::vector<sem_operation>& operations) {
  const auto hurries = [](const sem_operation& o) { return has(o.flags, sem_flags::no_wait); };
  return operations.size() > 1 && only_zero_waits(operations) &&
         std::any_of(operations.begin(), operations.end(), hurries);
}

}  // namespace

ledger::ledger(const std::vector<int>& identities, bool other_users) : other_users_(other_users) {
  for (const int each : identities) parties_.push_back({.identity_number = each});
}

std::optional<action> ledger::resolve(const step& wanted, std::map<freedom, std::uint64_t>& left_out) {
  action made{.what = wanted};
  made.what.actor = static_cast<std::uint8_t>(wanted.actor % parties_.size());
  if (!other_users_) made.what.value = wanted.call >= call_kind::kill ? 0 : wanted.value;
  const bool sensible =
      wanted.call >= call_kind::poke ? resolve_for_process(made, left_out) : resolve_call(made, left_out);
  if (!sensible) return std::nullopt;
  made.number = ++actions_;
  return made;
}

bool ledger::resolve_call(action& made, std::map<freedom, std::uint64_t>& left_out) {
  step& s = made.what;
  if (!choose_thread(s)) return false;
  if (s.call == call_kind::get) {
    const auto alive =
        std::count_if(all_of(s.kind).begin(), all_of(s.kind).end(), [](const object& o) { return o.lives; });
    if (alive >= static_cast<std::ptrdiff_t>(most_of_a_kind) && s.key == 0) s.key = 1;
    return true;
  }
  if (s.call == call_kind::detach) return choose_attachment(made);
  made.object = choose_object(s);
  if (made.object < 0 && (s.whom == among::living || s.whom == among::busy)) {
    become_get(s);
    return true;
  }
  if (s.call == call_kind::attach) made.attachment = ++attachments_made_;
  if (s.kind == object_kind::set && made.object >= 0) {
    made.elements = static_cast<int>(all_of(s.kind)[static_cast<std::size_t>(made.object)].size);
  }
  resolve_semnums(made);
  if (s.call == call_kind::send && may_wait(s) && blocked_on(s.kind, made.object, call_kind::send) > 0) {
    ++left_out[freedom::order_of_senders];
    s.waits = patience::none;
  }
  if (may_wait(s) && s.call == call_kind::operate && zero_waits_with_no_wait(s.operations)) {
    ++left_out[freedom::stale_zero_wait];
    s.waits = patience::none;
  }
  if (may_wait(s) && s.call == call_kind::operate && meets_other_zero_waits(made.object, s.operations)) {
    ++left_out[freedom::order_of_zero_waits];
    s.waits = patience::none;
  }
  if (s.call == call_kind::change && s.kind == object_kind::queue) {
    const int receivers = blocked_on(s.kind, made.object, call_kind::receive);
    if (receivers > 1 || (receivers > 0 && blocked_on(s.kind, made.object, call_kind::send) > 0)) {
      ++left_out[freedom::order_of_receivers];
      return false;
    }
  }
  return true;
}

void ledger::resolve_semnums(action& made) const {
  const auto size = static_cast<unsigned>(std::max(made.elements, 1));
  const auto fitted = [&](std::uint16_t semnum) {
    return semnum < one_too_many    ? static_cast<std::uint16_t>(semnum % size)
           : semnum == one_too_many ? static_cast<std::uint16_t>(size)
                                    : semnum;
  };
  made.what.semnum = fitted(made.what.semnum);
  for (sem_operation& each : made.what.operations) each.semnum = fitted(each.semnum);
}

int ledger::choose_object(const step& wanted) const {
  const std::vector<object>& all = all_of(wanted.kind);
  const auto pick_of = [&](const auto& suits) {
    std::vector<int> found;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (suits(static_cast<int>(i))) found.push_back(static_cast<int>(i));
    }
    return found.empty() ? -1 : found[wanted.pick % found.size()];
  };
  const auto lives = [&](int i) { return all[static_cast<std::size_t>(i)].lives; };
  if (wanted.whom == among::never) return -1;
  if (wanted.whom == among::gone) return pick_of([&](int i) { return !lives(i); });
  if (wanted.whom == among::busy) {
    const int busy = pick_of([&](int i) {
      return lives(i) && blocked_on(wanted.kind, i, call_kind::send) + blocked_on(wanted.kind, i, call_kind::receive) +
                                 blocked_on(wanted.kind, i, call_kind::operate) >
                             0;
    });
    if (busy >= 0) return busy;
  }
  return pick_of(lives);
}

// The thread that was wished for, if the call may wait, else the first that is free; of this actor or the next.
bool ledger::choose_thread(step& wanted) const {
  const std::size_t first = may_wait(wanted) ? wanted.thread : 0;
  for (std::size_t i = 0; i < parties_.size(); ++i) {
    const std::size_t place = (wanted.actor + i) % parties_.size();
    for (std::size_t j = 0; j < threads_per_actor; ++j) {
      const std::size_t thread = (first + j) % threads_per_actor;
      if (parties_[place].blocked[thread]) continue;
      wanted.actor = static_cast<std::uint8_t>(place);
      wanted.thread = static_cast<std::uint8_t>(thread);
      return true;
    }
  }
  return false;
}

// Of this actor or the next that has one and whose main thread is free. A detach may miss: no attachment, or one byte
// behind its begin.
bool ledger::choose_attachment(action& made) {
  for (std::size_t i = 0; i < parties_.size(); ++i) {
    const party& by = party_at(made.what.actor);
    if (!by.attachments.empty() && !by.blocked[0]) break;
    made.what.actor = static_cast<std::uint8_t>((made.what.actor + 1U) % parties_.size());
  }
  if (party_at(made.what.actor).blocked[0]) return false;
  made.what.thread = 0;
  const std::vector<attachment>& all = party_at(made.what.actor).attachments;
  if (all.empty() || made.what.whom == among::never) {
    made.what.flag = true;
    return made.what.call == call_kind::detach;
  }
  const attachment& chosen = all[made.what.pick % all.size()];
  made.attachment = chosen.number;
  if (made.what.call == call_kind::detach) {
    made.what.flag = made.what.whom == among::gone;
    return true;
  }
  made.what.size = std::min(made.what.size, chosen.size);
  return made.what.call == call_kind::peek || !chosen.read_only;
}

bool ledger::resolve_for_process(action& made, std::map<freedom, std::uint64_t>& left_out) {
  step& s = made.what;
  party& by = party_at(s.actor);
  const bool idle = !by.blocked[0];
  const bool all_idle =
      std::none_of(by.blocked.begin(), by.blocked.end(), [](const auto& each) { return each.has_value(); });
  switch (s.call) {
    case call_kind::poke:
    case call_kind::peek: return choose_attachment(made);
    case call_kind::interrupt:
      for (std::size_t i = 0; i < parties_.size() && !party_at(s.actor).blocked[0]; ++i) {
        s.actor = static_cast<std::uint8_t>((s.actor + 1U) % parties_.size());
      }
      return true;
    case call_kind::kill: return true;
    case call_kind::exit:
      if (idle && waits_for_a_set(by)) ++left_out[freedom::undo_in_exit];
      if (!idle || waits_for_a_set(by)) s.call = call_kind::kill;
      return true;
    case call_kind::fork:
      // The child's place is that of another actor that can exit.
      s.pick = static_cast<std::uint16_t>((s.actor + 1U + s.pick % (parties_.size() - 1)) % parties_.size());
      if (waits_for_a_set(party_at(s.pick))) {
        ++left_out[freedom::undo_in_exit];
        return false;
      }
      return all_idle && !party_at(s.pick).blocked[0];
    case call_kind::exec:
      // A real one of uid 0 gets back the privileges that it gave up.
      return idle && !(is_root(by.identity_number) && by.identity_number != 0);
    case call_kind::become: return other_users_ && is_root(by.identity_number) && all_idle;
    default: return false;
  }
}

bool ledger::waits_for_a_set(const party& who) {
  return std::any_of(who.blocked.begin(), who.blocked.end(),
                     [](const auto& each) { return each && each->what.call == call_kind::operate; });
}

int ledger::blocked_on(object_kind kind, int number, call_kind call) const {
  int count = 0;
  for (const party& each : parties_) {
    for (const auto& blocked : each.blocked) {
      count += blocked && blocked->what.kind == kind && blocked->object == number && blocked->what.call == call ? 1 : 0;
    }
  }
  return count;
}

void ledger::begin_anew(int place, int identity_number) { party_at(place) = {.identity_number = identity_number}; }

void ledger::note(const action& done, const outcome& what) {
  const step& s = done.what;
  party& by = party_at(s.actor);
  if (what.blocked) by.blocked[s.thread] = done;
  if (s.call == call_kind::operate && done.object >= 0) {
    all_of(s.kind)[static_cast<std::size_t>(done.object)].undo_tried |= std::any_of(
        s.operations.begin(), s.operations.end(), [](const sem_operation& o) { return has(o.flags, sem_flags::undo); });
  }
  if (what.blocked || what.code != 0) return;
  switch (s.call) {
    case call_kind::get: {
      const auto number = static_cast<std::size_t>(what.numbers.at(0));
      if (number == all_of(s.kind).size()) all_of(s.kind).push_back({.lives = true, .size = s.size});
      return;
    }
    case call_kind::attach:
      by.attachments.push_back({done.attachment, done.object, s.flag,
                                all_of(object_kind::segment).at(static_cast<std::size_t>(done.object)).size});
      return;
    case call_kind::detach:
      std::erase_if(by.attachments, [&](const attachment& each) { return each.number == done.attachment; });
      return;
    case call_kind::kill:
    case call_kind::exit: return begin_anew(s.actor, s.value);
    case call_kind::fork:
      begin_anew(s.pick, by.identity_number);
      party_at(s.pick).attachments = by.attachments;
      return;
    case call_kind::exec: return begin_anew(s.actor, by.identity_number);
    case call_kind::become: by.identity_number = s.value; return;
    default: return;
  }
}

void ledger::note(const ended_call& ended) {
  party_at(ended.actor).blocked[static_cast<std::size_t>(ended.thread)].reset();
}

void ledger::note(object_kind kind, int number, const observed& status) {
  object& one = all_of(kind)[static_cast<std::size_t>(number)];
  one.lives = status.code != EINVAL && status.code != EIDRM;
}

reach ledger::reach_of(const action& what) const {
  const party& by = parties_[what.what.actor];
  switch (what.what.call) {
    case call_kind::kill:
    case call_kind::exit:
    case call_kind::fork:
    case call_kind::exec: return {.everything = true};
    case call_kind::interrupt:
      if (!by.blocked[0]) return {};
      return {.objects = {{by.blocked[0]->what.kind, by.blocked[0]->object}}};
    case call_kind::detach:
      for (const attachment& each : by.attachments) {
        if (each.number == what.attachment) return {.objects = {{object_kind::segment, each.of}}};
      }
      return {};
    default: break;
  }
  if (what.object < 0) return {};
  return {.objects = {{what.what.kind, what.object}}};
}

std::vector<std::pair<object_kind, int>> ledger::objects() const {
  std::vector<std::pair<object_kind, int>> found;
  for (const auto kind : {object_kind::queue, object_kind::set, object_kind::segment}) {
    for (std::size_t i = 0; i < all_of(kind).size(); ++i) {
      if (all_of(kind)[i].lives) found.emplace_back(kind, static_cast<int>(i));
    }
  }
  return found;
}

open_fields ledger::open_of(object_kind kind, int number) const {
  if (kind != object_kind::set || number < 0) return {};
  return {.zcnt = several_zero_waits(number), .otime = all_of(kind)[static_cast<std::size_t>(number)].undo_tried};
}

bool ledger::meets_other_zero_waits(int set, const std::vector<sem_operation>& operations) const {
  if (operations.empty() || !only_zero_waits(operations)) return false;
  for (const party& each : parties_) {
    for (const auto& blocked : each.blocked) {
      if (!blocked || blocked->what.call != call_kind::operate || blocked->object != set) continue;
      const auto& others = blocked->what.operations;
      if (only_zero_waits(others) && (others.size() > 1) != (operations.size() > 1)) return true;
    }
  }
  return false;
}

bool ledger::several_zero_waits(int set) const {
  for (const party& each : parties_) {
    for (const auto& blocked : each.blocked) {
      if (!blocked || blocked->what.call != call_kind::operate || blocked->object != set) continue;
      const auto& operations = blocked->what.operations;
      const auto zeros =
          std::count_if(operations.begin(), operations.end(), [](const auto& o) { return o.sem_op == 0; });
      if (zeros > 1) return true;
    }
  }
  return false;
}

}  // namespace xsipc::conformance::differential
