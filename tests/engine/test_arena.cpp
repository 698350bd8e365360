#include "engine/test_arena.hpp"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace xsipc::test_support {
namespace {

constexpr std::uint32_t test_hash_seed = 12345;

std::byte* shared_zeros(std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

ipc_limits generous_limits() {
  ipc_limits limits;
  limits.msgmax = 1U << 20;
  limits.msgmnb = 16384;
  limits.msgmni = limits.semmni = limits.shmmni = 32768;
  limits.semmsl = 32000;
  limits.semmns = 1U << 30;
  limits.semopm = 500;
  limits.semvmx = 32767;
  limits.shmmax = limits.shmall = 1ULL << 40;
  limits.shmmin = 1;
  return limits;
}

}  // namespace

test_arena::test_arena(std::uint32_t slots, std::uint32_t pages)
    : layout_(engine::arena_layout::of(slots, pages)),
      size_(layout_.end),
      base_(shared_zeros(size_)),
      space_(base_, layout_, *this) {
  engine::make_namespace(space_, slots, pages, generous_limits(), test_hash_seed);
}

test_arena::~test_arena() { munmap(base_, size_); }

void test_arena::restore(std::span<const std::byte> image) { std::memcpy(base_, image.data(), size_); }

void test_arena::revive_all() {
  dead_processes_.clear();
  dead_threads_.clear();
}

bool test_arena::reserve(std::uint64_t offset, std::uint64_t bytes) { return !exhausted_ && offset + bytes <= size_; }

bool test_arena::alive(const engine::identity& who) { return !dead_processes_.contains(who.pid); }

bool test_arena::alive(const engine::wait_cell& waiter) {
  return alive(waiter.who) && !dead_threads_.contains(waiter.thread);
}

void test_arena::wake(engine::wait_cell& waiter) {
  ++wakes_;
  if (on_wake) on_wake(waiter);
}

}  // namespace xsipc::test_support
