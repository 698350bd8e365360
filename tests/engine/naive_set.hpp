// A semaphore set as simple as can be: vectors, and waiters that are all looked at after every change, in the kernel's
// order. What the engine's set is compared with.
#ifndef XSIPC_TESTS_ENGINE_NAIVE_SET_HPP
#define XSIPC_TESTS_ENGINE_NAIVE_SET_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "xsipc/semaphore_operation.hpp"

namespace xsipc::test_support {

class naive_set {
 public:
  static constexpr int blocked = -1;
  struct semaphore {
    int value = 0;
    int pid = 0;
    friend bool operator==(const semaphore&, const semaphore&) = default;
  };
  struct waiter {
    int pid = 0;
    std::vector<sem_operation> operations;
    bool constant = true;
    int outcome = blocked;  // 0 or an errno once it is completed
  };

  explicit naive_set(std::size_t nsems) : semaphores(nsems) {}

  std::vector<semaphore> semaphores;
  std::map<int, std::vector<int>> adjustments;  // by pid; of a process that has any
  std::map<std::size_t, waiter> waiters;        // by ticket
  std::int64_t otime = 0;
  std::int64_t ctime = 0;

  // 0, an errno, or blocked; performs the operations if it is 0.
  int operate(const std::vector<sem_operation>& operations, int pid, std::int64_t now) {
    const int outcome = try_operate(operations, pid, now);
    if (outcome == 0) settle(now);
    return outcome;
  }
  std::size_t park(const std::vector<sem_operation>& operations, int pid) {
    waiter& added = waiters[++ticket_];
    added.pid = pid;
    added.operations = operations;
    for (const sem_operation& one : operations) added.constant &= one.sem_op == 0;
    return ticket_;
  }
  void set_value(std::size_t semnum, int value, int pid, std::int64_t now) {
    set_one(semnum, value, pid);
    ctime = now;
    settle(now);
  }
  void set_all(const std::vector<std::uint16_t>& values, int pid, std::int64_t now) {
    for (std::size_t semnum = 0; semnum < semaphores.size(); ++semnum) set_one(semnum, values[semnum], pid);
    ctime = now;
    settle(now);
  }
  void undo(int pid, std::int64_t now) {
    const auto found = adjustments.find(pid);
    if (found == adjustments.end()) return;
    for (std::size_t semnum = 0; semnum < semaphores.size(); ++semnum) {
      const int adjustment = found->second[semnum];
      if (adjustment == 0) continue;
      const int value = semaphores[semnum].value + adjustment;
      semaphores[semnum] = {value < 0 ? 0 : value > 32767 ? 32767 : value, pid};
      otime = now;
    }
    adjustments.erase(found);
    settle(now);
  }
  int adjustment(int pid, std::size_t semnum) const {
    const auto found = adjustments.find(pid);
    return found == adjustments.end() ? 0 : found->second[semnum];
  }
  int waiting(std::size_t semnum, bool for_zero) const {
    int count = 0;
    for (const auto& [ticket, one] : waiters) {
      if (one.outcome != blocked) continue;
      std::size_t at = 0;
      naive_set copy = without_waiters();
      if (copy.evaluate(one.operations, one.pid, at) != blocked) continue;
      count += one.operations[at].semnum == semnum && (one.operations[at].sem_op == 0) == for_zero ? 1 : 0;
    }
    return count;
  }

 private:
  naive_set without_waiters() const {
    naive_set copy(0);
    copy.semaphores = semaphores;
    copy.adjustments = adjustments;
    return copy;
  }
  void set_one(std::size_t semnum, int value, int pid) {
    semaphores[semnum] = {value, pid};
    for (auto& [owner, all] : adjustments) all[semnum] = 0;
  }
  std::vector<int>& adjustments_of(int pid) {
    std::vector<int>& all = adjustments[pid];
    all.resize(semaphores.size());
    return all;
  }
  // Performs operations on this very set until one cannot proceed.
  int evaluate(const std::vector<sem_operation>& operations, int pid, std::size_t& at) {
    for (at = 0; at < operations.size(); ++at) {
      const sem_operation& one = operations[at];
      semaphore& on = semaphores[one.semnum];
      const bool blocks = one.sem_op == 0 ? on.value != 0 : on.value + one.sem_op < 0;
      if (blocks) return has(one.flags, sem_flags::no_wait) ? EAGAIN : blocked;
      if (on.value + one.sem_op > 32767) return ERANGE;
      if (has(one.flags, sem_flags::undo)) {
        int& adjustment = adjustments_of(pid)[one.semnum];
        adjustment -= one.sem_op;
        if (adjustment < -32768 || adjustment > 32767) return ERANGE;
      }
      on = {on.value + one.sem_op, pid};
    }
    return 0;
  }
  int try_operate(const std::vector<sem_operation>& operations, int pid, std::int64_t now) {
    for (const sem_operation& one : operations) {
      if (one.semnum >= semaphores.size()) return EFBIG;
    }
    const naive_set before = without_waiters();
    std::size_t at = 0;
    const int outcome = evaluate(operations, pid, at);
    if (outcome == 0) {
      otime = now;
    } else {
      semaphores = before.semaphores;
      adjustments = before.adjustments;
    }
    return outcome;
  }
  // Completes waiters of one sort, in order. True if one changed values.
  bool serve(bool constant, std::int64_t now) {
    for (auto& [ticket, one] : waiters) {
      if (one.outcome != blocked || one.constant != constant) continue;
      one.outcome = try_operate(one.operations, one.pid, now);
      if (one.outcome == 0 && !constant) return true;
    }
    return false;
  }
  void settle(std::int64_t now) {
    do {
      serve(true, now);
    } while (serve(false, now));
  }

  std::size_t ticket_ = 0;
};

}  // namespace xsipc::test_support

#endif  // XSIPC_TESTS_ENGINE_NAIVE_SET_HPP
