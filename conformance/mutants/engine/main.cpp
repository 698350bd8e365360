// The suite on the fake with a planted defect.
#include "../judge.hpp"
#include "fake.hpp"

int main(int argc, char** argv) {
  const auto on = xsipc::conformance::make_fake_harness();
  return xsipc::conformance::judge_mutant(*on, argc, argv);
}
