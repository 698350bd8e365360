// What every test on the kernel's objects needs: a backend, objects that go when the test ends, limits that come back.
#ifndef XSIPC_TESTS_SUPPORT_SYSV_FIXTURE_HPP
#define XSIPC_TESTS_SUPPORT_SYSV_FIXTURE_HPP

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xsipc/message_queue.hpp"
#include "xsipc/open.hpp"
#include "xsipc/semaphore_set.hpp"
#include "xsipc/shared_memory.hpp"

namespace xsipc::test_support {

class sysv_test : public ::testing::Test {
 protected:
  sysv_test() : backend_(make_sysv_backend()) {}
  ~sysv_test() override;

  [[nodiscard]] spi::backend& on() { return *backend_; }

  message_queue new_queue(ipc_mode mode = 0600);
  semaphore_set new_set(int nsems, ipc_mode mode = 0600);
  shared_memory new_segment(std::size_t size, ipc_mode mode = 0600);

  // Has an object that the test made itself removed with the others.
  void adopt(msqid id) { queues_.push_back(id); }
  void adopt(semid id) { sets_.push_back(id); }
  void adopt(shmid id) { segments_.push_back(id); }

 private:
  std::unique_ptr<spi::backend> backend_;
  std::vector<msqid> queues_;
  std::vector<semid> sets_;
  std::vector<shmid> segments_;
};

// A key that no other test of this process uses, and in a shared namespace hardly another process.
[[nodiscard]] key unused_key();

// Limits changed until the end of the test. Only in a private namespace: they would be everybody's otherwise.
class changed_limits {
 public:
  changed_limits(spi::backend& on, const std::function<void(ipc_limits&)>& edit);
  changed_limits(const changed_limits&) = delete;
  changed_limits& operator=(const changed_limits&) = delete;
  ~changed_limits();

  [[nodiscard]] bool in_force() const { return why_not_.empty(); }
  [[nodiscard]] const std::string& why_not() const { return why_not_; }

 private:
  spi::backend& on_;
  ipc_limits before_;
  std::string why_not_;
};

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Any container of bytes as the place of a message.
[[nodiscard]] inline message_buffer into(std::span<std::byte> room) { return room; }

[[nodiscard]] inline std::string string_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// All that a call could have changed, as text to compare.
[[nodiscard]] std::string state_of(const message_queue& queue);
[[nodiscard]] std::string state_of(const semaphore_set& set);
[[nodiscard]] std::string state_of(const shared_memory& segment);

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_SUPPORT_SYSV_FIXTURE_HPP
