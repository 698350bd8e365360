#include "side.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <tuple>

namespace xsipc::conformance::differential {

std::string as_text(const outcome& what) {
  if (what.blocked) return "blocked";
  if (what.code != 0) return errno_name(what.code);
  std::ostringstream text;
  text << "success";
  for (const std::int64_t each : what.numbers) text << ' ' << each;
  if (what.bytes.empty()) return text.str();
  text << ", bytes";
  for (std::size_t i = 0; i < std::min<std::size_t>(what.bytes.size(), 8); ++i) {
    text << ' ' << static_cast<int>(static_cast<unsigned char>(what.bytes[i]));
  }
  return text.str();
}

side::side(const contestant& which, const std::vector<int>& identities, const std::vector<int>& capabilities_that_lack)
    : which_(which),
      capabilities_that_lack_(capabilities_that_lack),
      session_(which.on->begin_test()),
      eye_(&session_->process(identity_of(0, capabilities_that_lack))) {
  keys_.push_back(key::ipc_private);
  while (keys_.size() <= key_count) keys_.push_back(session_->fresh_key());
  actors_.resize(identities.size());
  for (std::size_t i = 0; i < identities.size(); ++i) begin(static_cast<int>(i), identities[i]);
}

void side::begin(int place, int identity_number) {
  take_place(place, session_->process(identity_of(identity_number, capabilities_that_lack_)));
  install_handler(place);
}

// With SA_RESTART for every other actor: it must make no difference.
void side::install_handler(int place) {
  actors_[static_cast<std::size_t>(place)]->it->catch_signal(SIGUSR1, place % 2 != 0);
}

void side::take_place(int place, actor& born) {
  auto made = std::make_unique<process>();
  made->it = &born;
  const std::int64_t number = ++processes_begun_;
  pids_[born.pid()] = number;
  actors_[static_cast<std::size_t>(place)] = std::move(made);
  seat_threads(*actors_[static_cast<std::size_t>(place)]);
}

// The further threads of a new process, or of one that has lost them.
void side::seat_threads(process& made) {
  for (std::size_t i = 0; i < made.seats.size(); ++i) {
    seat& one = made.seats[i];
    one.thread = i == 0 ? static_cast<actor_thread*>(made.it) : &made.it->begin_thread();
    if (which_.decorate) one.decorated = which_.decorate(one.thread->xsi());
    if (i != 0) tids_[one.thread->tid()] = pids_.at(made.it->pid());
  }
}

void side::end(int place, bool by_signal) {
  std::unique_ptr<process>& gone = actors_[static_cast<std::size_t>(place)];
  by_signal ? gone->it->kill() : gone->it->exit(0);
  collect(*gone, true);
  ended_processes_.push_back(std::move(gone));
}

// Calls that ended with their threads.
void side::collect(process& from, bool all) {
  for (std::size_t i = all ? 0 : 1; i < from.seats.size(); ++i) {
    seat& one = from.seats[i];
    if (!one.call) continue;
    ended_calls_.push_back({one.of.what.actor, one.of.what.thread, translated(one.of, one.call->get())});
    one.call.reset();
  }
}

void side::end_further_threads(int place) {
  process& of = *actors_[static_cast<std::size_t>(place)];
  for (std::size_t i = 1; i < of.seats.size(); ++i) of.seats[i].thread->end();
}

// After exec, which ends the further threads; their decorators live on with the old seats.
void side::seat_anew(int place) {
  std::unique_ptr<process>& now = actors_[static_cast<std::size_t>(place)];
  collect(*now, false);
  actor* const it = now->it;
  ended_processes_.push_back(std::move(now));
  now = std::make_unique<process>();
  now->it = it;
  seat_threads(*now);
}

outcome side::perform_on_process(const action& what) {
  const int place = what.what.actor;
  actor& by = *actors_[static_cast<std::size_t>(place)]->it;
  switch (what.what.call) {
    case call_kind::interrupt: by.signal(SIGUSR1); break;
    case call_kind::kill:
    case call_kind::exit:
      end(place, what.what.call == call_kind::kill);
      begin(place, what.what.value);
      break;
    case call_kind::fork:
      end(what.what.pick, false);
      // A child inherits the sockets of its parent's further threads, which would then not tell that they have ended.
      end_further_threads(place);
      take_place(what.what.pick, by.fork());
      seat_anew(place);
      break;
    case call_kind::exec:
      by.exec();
      seat_anew(place);
      install_handler(place);
      break;
    case call_kind::become:
      // A thread keeps the identity that it began with, as it does on Linux.
      end_further_threads(place);
      by.become(identity_of(what.what.value, capabilities_that_lack_));
      seat_anew(place);
      break;
    default: return touch(what);
  }
  return {};
}

outcome side::touch(const action& what) {
  actor& by = *actors_[what.what.actor]->it;
  if (what.what.call == call_kind::poke) {
    return {.code = by.poke(address_of(what.attachment), filling(what)) ? 0 : EFAULT};
  }
  const auto bytes = by.peek(address_of(what.attachment), what.what.size);
  return {.code = bytes ? 0 : EFAULT, .bytes = bytes.value_or("")};
}

outcome side::perform(const action& what) {
  const bound_call call = bind(what);
  if (!call) return perform_on_process(what);
  seat& by = actors_[what.what.actor]->seats.at(what.what.thread);
  if (!may_wait(what.what)) return translated(what, call(by.xsi()));
  auto running = by.thread->start([call, &by](spi::backend&) { return call(by.xsi()); });
  if (what.what.waits != patience::a_millisecond && running.blocked()) {
    by.call = running;
    by.of = what;
    return {.blocked = true};
  }
  return translated(what, running.get());
}

bool reach::covers(const action& blocked) const {
  const std::pair waited_for{blocked.what.kind, blocked.object};
  return everything || std::find(objects.begin(), objects.end(), waited_for) != objects.end();
}

std::vector<ended_call> side::settle(const reach& of) {
  for (bool again = true; again;) {
    again = false;
    for (const auto& each : actors_) {
      for (seat& one : each->seats) {
        if (!one.call || (!one.call->ended() && (!of.covers(one.of) || one.call->blocked()))) continue;
        ended_calls_.push_back({one.of.what.actor, one.of.what.thread, translated(one.of, one.call->get())});
        one.call.reset();
        again = true;
      }
    }
  }
  std::sort(ended_calls_.begin(), ended_calls_.end(), [](const ended_call& a, const ended_call& b) {
    return std::tie(a.actor, a.thread) < std::tie(b.actor, b.thread);
  });
  return std::exchange(ended_calls_, {});
}

snapshot side::look(const std::vector<std::pair<object_kind, int>>& objects) {
  std::vector<std::pair<object_kind, int>> by_id;
  for (const auto& [kind, number] : objects) by_id.emplace_back(kind, id_of(kind, number));
  snapshot made = observe(*eye_, by_id);
  for (std::size_t i = 0; i < made.objects.size(); ++i) translate(objects[i].first, made.objects[i].values);
  return made;
}

result<void> side::change_limits(ipc_limits (*change)(ipc_limits)) {
  actor& keeper = session_->process();
  const auto limits = keeper.xsi().limits();
  if (!limits) return limits.error();
  return keeper.xsi().change_limits(change(*limits));
}

// What an outcome says in this side's terms, in numbers.
outcome side::translated(const action& what, outcome made) {
  if (made.code != 0) return made;
  const step& s = what.what;
  if (s.call == call_kind::get) {
    made.numbers.at(0) = number_of(s.kind, static_cast<int>(made.numbers.at(0)));
  } else if (s.call == call_kind::stat) {
    translate(s.kind, made.numbers);
  } else if (s.call == call_kind::query && s.what == sem_query::pid) {
    made.numbers.at(0) = process_number(made.numbers.at(0));
  } else if (s.call == call_kind::attach) {
    addresses_[what.attachment] = reinterpret_cast<std::byte*>(made.numbers.at(0));
    made.numbers.clear();
  }
  return made;
}

void side::translate(object_kind kind, fields& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (is_pid_field(kind, i)) values[i] = process_number(values[i]);
  }
  if (values.size() <= key_field) return;
  const auto found = std::find(keys_.begin(), keys_.end(), static_cast<key>(values[key_field]));
  values[key_field] = found == keys_.end() ? -1 : found - keys_.begin();
}

int side::id_of(object_kind kind, int number) const {
  return number < 0 ? -1 : ids_[static_cast<std::size_t>(kind)].at(static_cast<std::size_t>(number));
}

// From the back: an id that is used again means the new object.
std::int64_t side::number_of(object_kind kind, int id) {
  std::vector<int>& all = ids_[static_cast<std::size_t>(kind)];
  for (std::size_t i = all.size(); i-- > 0;) {
    if (all[i] == id) return static_cast<std::int64_t>(i);
  }
  all.push_back(id);
  return static_cast<std::int64_t>(all.size()) - 1;
}

std::int64_t side::process_number(std::int64_t pid) {
  if (pid == 0) return 0;
  if (const auto found = pids_.find(pid); found != pids_.end()) return found->second;
  const auto thread = tids_.find(pid);
  if (thread == tids_.end()) return -1;
  ++threads_told_;
  return thread->second;
}

std::byte* side::address_of(int attachment) const {
  const auto found = addresses_.find(attachment);
  return found == addresses_.end() ? nullptr : found->second;
}

}  // namespace xsipc::conformance::differential
