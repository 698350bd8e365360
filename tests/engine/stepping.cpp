#include "engine/stepping.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace xsipc::test_support {
namespace {

constexpr std::size_t block_bytes = 4096;
constexpr int refused = 77;

std::uint64_t hash_of(std::size_t number, const std::byte* line, std::size_t bytes) {
  std::uint64_t hash = (number + 1) * 0x9e3779b97f4a7c15;
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, line + at, sizeof word);
    hash = (hash ^ word) * 0xff51afd7ed558ccd;
    hash ^= hash >> 29;
  }
  return hash * 0xc4ceb9fe1a85ec53;
}

}  // namespace

image_set::image_set(std::span<std::byte> memory, std::unordered_set<std::uint64_t>* seen)
    : memory_(memory), first_(memory.begin(), memory.end()), last_(first_), seen_(seen != nullptr ? seen : &own_seen_) {
  for (std::size_t number = 0; number < last_.size() / line_bytes; ++number) {
    hash_ += hash_of(number, &last_[number * line_bytes], line_bytes);
  }
  keep();
}

// Follows the memory in one line. True if it had changed.
bool image_set::note(std::size_t number) {
  const std::byte* now = &memory_[number * line_bytes];
  std::byte* before = &last_[number * line_bytes];
  if (std::memcmp(before, now, line_bytes) == 0) return false;
  hash_ -= hash_of(number, before, line_bytes);
  std::memcpy(before, now, line_bytes);
  hash_ += hash_of(number, before, line_bytes);
  std::memcpy(changed_[static_cast<std::uint32_t>(number)].data(), before, line_bytes);
  return true;
}

void image_set::keep() {
  if (seen_->insert(hash_).second) kept_.emplace_back(changed_.begin(), changed_.end());
}

void image_set::add() {
  bool changed = false;
  for (std::size_t at = 0; at < memory_.size(); at += block_bytes) {
    const std::size_t bytes = std::min(block_bytes, memory_.size() - at);
    if (std::memcmp(&last_[at], &memory_[at], bytes) == 0) continue;
    for (std::size_t number = at / line_bytes; number < (at + bytes) / line_bytes; ++number) {
      changed = note(number) || changed;
    }
  }
  if (changed) keep();
}

void image_set::add_near(const void* where) {
  const auto at = static_cast<std::size_t>(static_cast<const std::byte*>(where) - memory_.data());
  const std::size_t number = at / line_bytes;
  bool changed = note(number);
  if (number + 1 < memory_.size() / line_bytes) changed = note(number + 1) || changed;
  if (changed) keep();
}

void image_set::restore(std::size_t which) const {
  std::memcpy(memory_.data(), first_.data(), first_.size());
  for (const auto& [number, content] : kept_[which]) {
    std::memcpy(&memory_[number * line_bytes], content.data(), line_bytes);
  }
}

stepped step_instructions(const std::function<void()>& operation, image_set& images) {
  const pid_t child = ::fork();
  if (child == -1) return {.problem = "fork failed"};
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == -1) ::_exit(refused);
    static_cast<void>(::raise(SIGSTOP));
    operation();
    static_cast<void>(::raise(SIGSTOP));
    ::_exit(0);
  }
  stepped outcome;
  int status = 0;
  long last = 0;
  int repeated = 0;
  if (::waitpid(child, &status, 0) == -1 || !WIFSTOPPED(status)) return {.problem = "ptrace is not permitted"};
  for (;;) {
    if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) == -1 || ::waitpid(child, &status, 0) == -1) {
      outcome.problem = "single-stepping is not permitted";
      break;
    }
    // A repeated string instruction stops after each of its steps; of those one in 64 is looked at.
    const long at = ::ptrace(PTRACE_PEEKUSER, child, offsetof(user_regs_struct, rip), nullptr);
    repeated = at == last ? repeated + 1 : 0;
    last = at;
    if (repeated == 0) ++outcome.instructions;
    if (repeated % 64 == 0) images.add();
    if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP) continue;
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP) outcome.problem = "the operation ended by a signal";
    break;
  }
  static_cast<void>(::kill(child, SIGKILL));
  static_cast<void>(::waitpid(child, &status, 0));
  return outcome;
}

namespace {

// What the handlers of step_stores know.
struct store_watch {
  std::span<std::byte> memory;
  image_set* images;
  const void* where;
  long stores;
};
store_watch* the_watch = nullptr;

constexpr greg_t trap_flag = 0x100;

void protect(int access) { static_cast<void>(::mprotect(the_watch->memory.data(), the_watch->memory.size(), access)); }

// A store into the memory: let it, and stop behind it.
void on_fault(int, siginfo_t* info, void* context) {
  const auto* where = static_cast<const std::byte*>(info->si_addr);
  const std::byte* begin = the_watch->memory.data();
  if (where < begin || where >= begin + the_watch->memory.size()) std::abort();
  the_watch->where = where;
  protect(PROT_READ | PROT_WRITE);
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] |= trap_flag;
}

void on_trap(int, siginfo_t*, void* context) {
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
  protect(PROT_READ);
  ++the_watch->stores;
  the_watch->images->add_near(the_watch->where);
}

}  // namespace

long step_stores(std::span<std::byte> memory, const std::function<void()>& operation, image_set& images) {
  store_watch watch{memory, &images, nullptr, 0};
  the_watch = &watch;
  struct sigaction fault {};
  struct sigaction trap {};
  fault.sa_sigaction = on_fault;
  trap.sa_sigaction = on_trap;
  fault.sa_flags = trap.sa_flags = SA_SIGINFO;
  struct sigaction old_fault {};
  struct sigaction old_trap {};
  ::sigaction(SIGSEGV, &fault, &old_fault);
  ::sigaction(SIGTRAP, &trap, &old_trap);
  protect(PROT_READ);
  operation();
  protect(PROT_READ | PROT_WRITE);
  ::sigaction(SIGSEGV, &old_fault, nullptr);
  ::sigaction(SIGTRAP, &old_trap, nullptr);
  the_watch = nullptr;
  return watch.stores;
}

bool all_double_crashes() {
  const char* const wish = std::getenv("XSIPC_DOUBLE_CRASHES");
  return wish != nullptr && std::string_view(wish) == "all";
}

std::string as_test_name(std::string name) {
  for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
  return name;
}

}  // namespace xsipc::test_support
