#include "support/threads.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace xsipc::test_support {
namespace {

using steady = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(20);
constexpr auto between_looks = std::chrono::microseconds(100);

}  // namespace

bool blocks_in(pid_t tid, long number) {
  // The file reads "running" or begins with the number of the call that the thread sleeps in.
  const std::string path = "/proc/self/task/" + std::to_string(tid) + "/syscall";
  const std::string wanted = std::to_string(number);
  for (const auto end = steady::now() + patience; steady::now() < end; std::this_thread::sleep_for(between_looks)) {
    std::string word;
    if (std::ifstream(path) >> word && word == wanted) return true;
  }
  return false;
}

posix_thread::posix_thread(std::function<void()> body) : body_(std::move(body)) {
  if (pthread_create(&thread_, nullptr, run, this) != 0) throw std::runtime_error("pthread_create failed");
  while (tid_ == 0) std::this_thread::yield();
}

posix_thread::~posix_thread() {
  if (!joined_) join();
}

void* posix_thread::run(void* self) {
  auto& thread = *static_cast<posix_thread*>(self);
  thread.tid_ = gettid();
  thread.body_();
  return nullptr;
}

bool posix_thread::blocks_in(long number) { return test_support::blocks_in(tid_, number); }

void posix_thread::cancel() { pthread_cancel(thread_); }

bool posix_thread::join() {
  if (joined_) return cancelled_;
  void* ended_with = nullptr;
  pthread_join(thread_, &ended_with);
  joined_ = true;
  cancelled_ = ended_with == PTHREAD_CANCELED;
  return cancelled_;
}

}  // namespace xsipc::test_support
