// A queue as XSI describes it, in ordinary containers: what a message_store is compared with.
#ifndef XSIPC_TESTS_ENGINE_MESSAGE_MODEL_HPP
#define XSIPC_TESTS_ENGINE_MESSAGE_MODEL_HPP

#include <cerrno>
#include <climits>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "message_store.hpp"

namespace xsipc::test_support {

struct letter {
  std::uint64_t order = 0;
  long type = 0;
  std::string text;
};

struct waiting {
  std::uint32_t number = 0;
  std::int32_t pid = 0;
  bool receives = false;
  engine::wait_status status = engine::awake;  // awake stands for asleep too
  int code = 0;
  msgtyp_selector wanted;
  std::size_t room = 0;
  bool truncates = false;
  bool looks_itself = false;
  std::optional<letter> mail;  // a sender's, or what a receiver was given
};

class message_model {
 public:
  std::deque<letter> queue;
  std::deque<waiting> receivers;
  std::deque<waiting> senders;
  std::deque<waiting> flight;
  std::uint64_t qbytes = 0;
  std::int32_t lspid = 0;
  std::int32_t lrpid = 0;
  std::int64_t stime = 0;
  std::int64_t rtime = 0;

  [[nodiscard]] std::uint64_t cbytes() const {
    std::uint64_t sum = 0;
    for (const letter& each : queue) sum += each.text.size();
    return sum;
  }
  [[nodiscard]] bool fits(std::size_t size) const { return cbytes() + size <= qbytes && queue.size() + 1 <= qbytes; }

  [[nodiscard]] static bool admits(const msgtyp_selector& wanted, long type) {
    if (wanted.msgtyp == 0) return true;
    if (wanted.msgtyp > 0) return wanted.except ? type != wanted.msgtyp : type == wanted.msgtyp;
    return wanted.msgtyp == LONG_MIN || type <= -wanted.msgtyp;
  }
  // The place of the letter in the queue, or nothing.
  [[nodiscard]] std::optional<std::size_t> find(const msgtyp_selector& wanted) const {
    if (wanted.copy) {
      if (wanted.msgtyp < 0 || static_cast<std::size_t>(wanted.msgtyp) >= queue.size()) return std::nullopt;
      return static_cast<std::size_t>(wanted.msgtyp);
    }
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < queue.size(); ++i) {
      if (!admits(wanted, queue[i].type)) continue;
      if (wanted.msgtyp >= 0) return i;
      if (!found || queue[i].type < queue[*found].type) found = i;
    }
    return found;
  }

  void post(letter mail, std::int32_t pid, std::int64_t now) {
    mail.order = ++last_order_;
    lspid = pid;
    stime = now;
    place(std::move(mail), now);
  }
  letter take(std::size_t place_in_queue, std::int32_t pid, std::int64_t now) {
    letter taken = queue[place_in_queue];
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(place_in_queue));
    lrpid = pid;
    rtime = now;
    admit(now);
    return taken;
  }
  void place(letter mail, std::int64_t now) {
    for (std::size_t i = 0; i < receivers.size();) {
      if (!admits(receivers[i].wanted, mail.type)) {
        ++i;
        continue;
      }
      waiting served = receivers[i];
      receivers.erase(receivers.begin() + static_cast<std::ptrdiff_t>(i));
      if (mail.text.size() > served.room && !served.truncates) {
        fail(served, E2BIG);
        continue;
      }
      served.status = engine::done;
      served.mail = std::move(mail);
      lrpid = served.pid;
      rtime = now;
      flight.push_back(std::move(served));
      return;
    }
    auto behind = queue.end();
    while (behind != queue.begin() && (behind - 1)->order > mail.order) --behind;
    queue.insert(behind, std::move(mail));
  }
  void admit(std::int64_t now) {
    for (std::size_t i = 0; i < senders.size();) {
      if (senders[i].looks_itself || !fits(senders[i].mail->text.size())) {
        ++i;
        continue;
      }
      waiting served = senders[i];
      senders.erase(senders.begin() + static_cast<std::ptrdiff_t>(i));
      letter mail = *served.mail;
      served.mail.reset();
      served.status = engine::done;
      const std::int32_t pid = served.pid;
      flight.push_back(std::move(served));
      post(std::move(mail), pid, now);
    }
  }
  void remove() {
    for (waiting& each : receivers) fail(each, EIDRM);
    for (waiting& each : senders) fail(each, EIDRM);
    receivers.clear();
    senders.clear();
  }

 private:
  void fail(waiting served, int code) {
    served.status = engine::failed;
    served.code = code;
    served.mail.reset();
    flight.push_back(std::move(served));
  }

  std::uint64_t last_order_ = 0;
};

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_ENGINE_MESSAGE_MODEL_HPP
