// An application with a queue, small enough to read at once: letters are posted, and a clerk answers them one by one.
//
// It takes any backend, knows errno only where the user must be told, and is tested against the fake alone
// (mailroom_test.cpp): what goes wrong with queues goes wrong there at the test's command.
#ifndef XSIPC_EXAMPLES_FAKE_MAILROOM_HPP
#define XSIPC_EXAMPLES_FAKE_MAILROOM_HPP

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "xsipc/message_queue.hpp"

namespace mailroom {

enum class posted { accepted, later, closed, forbidden };

// Puts a letter into the queue, without waiting.
inline posted post(xsipc::message_queue& queue, const std::string& letter) {
  const auto sent = queue.send(1, std::as_bytes(std::span(letter)), xsipc::deadline::immediate());
  if (sent) return posted::accepted;
  switch (sent.error().code) {
    case EAGAIN: return posted::later;
    case EACCES: return posted::forbidden;
    default: return posted::closed;
  }
}

// Answers letters until the queue is removed, or until a signal asks it to stop (then `stopped`). A clerk that dies at
// work is replaced by the next who calls this: letters he had not taken are still there.
struct shift {
  std::vector<std::string> answered;
  bool stopped = false;
};
inline shift work(xsipc::message_queue& queue) {
  shift done;
  std::byte room[256];
  for (;;) {
    const auto letter = queue.receive(std::span(room));
    if (!letter) {
      done.stopped = letter.error().code == EINTR;
      return done;
    }
    done.answered.emplace_back(reinterpret_cast<const char*>(room), letter->size_bytes);
  }
}

}  // namespace mailroom

#endif  // XSIPC_EXAMPLES_FAKE_MAILROOM_HPP
