// Linux's default limits hold for one process, and what an object costs: time, memory, no mapping, no descriptor.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "private_namespace.hpp"

namespace xsipc::posix_test {
namespace {

std::uint64_t bytes_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512 : 0;
}

// Of files of the namespace: others may come from anywhere.
std::size_t count_mappings(const std::string& path) {
  std::ifstream file("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line);) lines += line.find(path) != line.npos ? 1U : 0U;
  return lines;
}
std::size_t count_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

struct cost {
  double ns = 0;
  double bytes = 0;
  std::size_t mappings = 0;
  std::size_t descriptors = 0;
};

// Creates `count` objects, and one more, which must be refused.
cost create(const private_namespace& place, int count, const std::function<result<int>(key)>& make) {
  const std::uint64_t bytes_before = bytes_of(place.path());
  const std::size_t mappings_before = count_mappings(place.path());
  const std::size_t descriptors_before = count_descriptors();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 1; i <= count; ++i) {
    const auto made = make(key{i});
    EXPECT_TRUE(made) << i << ": " << made.error().message();
    if (!made) break;
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  const auto refused = make(key{count + 1});
  EXPECT_EQ(refused ? 0 : refused.error().code, ENOSPC);
  return {took.count() / count, static_cast<double>(bytes_of(place.path()) - bytes_before) / count,
          count_mappings(place.path()) - mappings_before, count_descriptors() - descriptors_before};
}

void report(const char* what, int count, const cost& each) {
  std::printf("%d %s: %.0f ns and %.0f bytes each, %zu mappings, %zu descriptors\n", count, what, each.ns, each.bytes,
              each.mappings, each.descriptors);
  EXPECT_EQ(each.mappings, 0U);
  EXPECT_EQ(each.descriptors, 0U);
}

TEST(ManyObjects, QueuesByOneProcess) {
  const private_namespace place;
  const cost each = create(place, 32000, [&](key which) -> result<int> {
    const auto made = place.xsi().get_queue(which, creation::create_only(0600));
    if (!made) return made.error();
    return static_cast<int>(*made);
  });
  report("queues", 32000, each);
  EXPECT_LE(each.bytes, 1024);
}

TEST(ManyObjects, SetsByOneProcess) {
  const private_namespace place;
  const cost each = create(place, 32000, [&](key which) -> result<int> {
    const auto made = place.xsi().get_set(which, 4, creation::create_only(0600));
    if (!made) return made.error();
    return static_cast<int>(*made);
  });
  report("sets", 32000, each);
  EXPECT_LE(each.bytes, 1024);
}

TEST(ManyObjects, SegmentsByOneProcess) {
  const private_namespace place;
  const cost each = create(place, 4096, [&](key which) -> result<int> {
    const auto made = place.xsi().get_segment(which, 4096, creation::create_only(0600), {});
    if (!made) return made.error();
    return static_cast<int>(*made);
  });
  report("segments", 4096, each);
}

TEST(ManyObjects, ASetOfAsManySemaphoresAsLinuxAllows) {
  const private_namespace place;
  const auto set = place.xsi().get_set(key::ipc_private, 32000, creation::create_only(0600));
  ASSERT_TRUE(set);
  ASSERT_TRUE(place.xsi().set_value(*set, 31999, 7));
  EXPECT_EQ(place.xsi().query_semaphore(*set, 31999, sem_query::value).value(), 7);
}

}  // namespace
}  // namespace xsipc::posix_test
