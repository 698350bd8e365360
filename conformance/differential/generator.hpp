// The generator of steps: the same seed makes the same steps, on every machine.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_GENERATOR_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_GENERATOR_HPP

#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

#include "steps.hpp"

namespace xsipc::conformance::differential {

class generator {
 public:
  explicit generator(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] step next();
  [[nodiscard]] std::vector<step> next(std::size_t count);

 private:
  // Not std's distributions, which differ between libraries.
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  template <typename T>
  T one_of(std::initializer_list<T> all) {
    return all.begin()[below(all.size())];
  }

  void choose_object(step& made);
  ipc_mode some_mode();
  void make_get(step& made);
  void make_send(step& made);
  void make_receive(step& made);
  void make_operate(step& made);
  sem_operation some_operation();
  void make_change(step& made);
  void make_rest(step& made);

  std::mt19937_64 random_;
};

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_GENERATOR_HPP
