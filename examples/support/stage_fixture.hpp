// What tests of the examples have in common: a stage on the backend that the environment chooses.
#ifndef XSIPC_EXAMPLES_SUPPORT_STAGE_FIXTURE_HPP
#define XSIPC_EXAMPLES_SUPPORT_STAGE_FIXTURE_HPP

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stage.hpp"
#include "xsipc/message_queue.hpp"
#include "xsipc/open.hpp"

namespace examples {

// Tests whose names don't begin with Real hold for simulated processes, too.
class stage_fixture : public ::testing::Test {
 protected:
  explicit stage_fixture(xsipc::key usual) : at_(open_stage(xsipc::default_backend_name(), usual)) {}

  [[nodiscard]] stage& at() const { return *at_; }

  [[nodiscard]] xsipc::result<xsipc::message_queue> find() const {
    return xsipc::message_queue::get(at().key(), xsipc::creation::find(), at().backend());
  }

  // Starts a program that meets the others by the key.
  [[nodiscard]] std::unique_ptr<child> run(const program& which, std::vector<std::string> arguments = {}) const {
    for (std::string& argument : at().key_arguments()) arguments.push_back(std::move(argument));
    return at().run(which, std::move(arguments));
  }

  static bool blocks(child& process) {
    return eventually([&] { return process.is_blocked(); });
  }

  template <typename T>
  static int code_of(const xsipc::result<T>& outcome) {
    return outcome ? 0 : outcome.error().code;
  }

  // For programs, with each of `arguments` as the only one.
  void expect_refused(const program& which, const std::vector<std::string>& arguments) const {
    for (const std::string& argument : arguments) {
      const auto refusing = at().run(which, {argument});
      EXPECT_EQ(refusing->wait_for_end(), "exit status 1") << argument;
      const std::string file(which.file);
      EXPECT_EQ(refusing->take_output(),
                file + ": usage: " + file + " [--backend=NAME] " + std::string(which.synopsis) + "\n");
    }
  }

 private:
  std::unique_ptr<stage> at_;
};

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_STAGE_FIXTURE_HPP
