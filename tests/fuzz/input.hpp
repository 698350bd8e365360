// The bytes of one run, read as numbers; behind the end everything is 0.
#ifndef XSIPC_TESTS_FUZZ_INPUT_HPP
#define XSIPC_TESTS_FUZZ_INPUT_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace xsipc::fuzz {

class input {
 public:
  input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

  [[nodiscard]] bool empty() const { return at_ == end_; }
  [[nodiscard]] std::uint8_t byte() { return at_ == end_ ? std::uint8_t{0} : *at_++; }
  [[nodiscard]] bool flag() { return (byte() & 1U) != 0; }
  // Any number of the type.
  template <typename T>
  [[nodiscard]] T number() {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) all |= std::uint64_t{byte()} << 8 * i;
    return static_cast<T>(all);
  }
  // One byte, folded into 0 ... count - 1.
  [[nodiscard]] std::size_t below(std::size_t count) { return byte() % count; }
  template <typename T, std::size_t N>
  [[nodiscard]] T one_of(const T (&choice)[N]) {
    return choice[below(N)];
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

// What must hold, holds; else the run is a finding.
inline void demand(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what.c_str());
  std::abort();
}

}  // namespace xsipc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

#endif  // XSIPC_TESTS_FUZZ_INPUT_HPP
