#include "private_namespace.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace xsipc::posix_test {

private_namespace::private_namespace() {
  static int number = 0;
  options_.name_space = "test-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  options_.directory = "/dev/shm";
  std::string problem;
  backend_ = make_posix_backend(options_, &problem);
  EXPECT_EQ(problem, "");
}

private_namespace::~private_namespace() { static_cast<void>(remove_posix_namespace(options_)); }

std::string private_namespace::path() const {
  return options_.directory + "/xsipc.u" + std::to_string(::geteuid()) + "." + options_.name_space;
}

}  // namespace xsipc::posix_test
