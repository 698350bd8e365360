#include "story.hpp"

#include <signal.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace examples {
namespace {

std::atomic<bool> interrupted = false;  // the handler may run in the thread of a simulated process

std::string play(std::string_view program, const std::vector<step>& steps, int& status) {
  const std::string name(program);
  int number = 0;
  status = EXIT_FAILURE;
  try {
    for (const step& next : steps) {
      std::cout << '\n' << ++number << ". " << next.title << '\n';
      next.run();
      std::cout << std::flush;
    }
    status = EXIT_SUCCESS;
    return name + ": all " + std::to_string(number) + " steps as expected";
  } catch (const std::exception& failure) {
    return name + ": FAILED at step " + std::to_string(number) + ": " + failure.what();
  }
}

}  // namespace

int run(const story& which, int argc, char** argv) {
  for (const int signo : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM}) signal(signo, [](int) { interrupted = true; });
  try {
    options given(which.file, "[--key=N]", {argv + 1, argv + argc});
    const std::string backend = given.backend();
    const auto wanted = given.key();
    given.end();
    return which.play(*open_stage(backend, which.usual, wanted));
  } catch (const std::exception& failure) {
    std::cerr << which.file << ": " << failure.what() << '\n';
    return EXIT_FAILURE;
  }
}

int tell(std::string_view program, std::string_view subject, const std::vector<step>& steps) {
  std::cout << subject << '\n';
  int status = EXIT_FAILURE;
  const std::string verdict = play(program, steps, status);
  std::cout << '\n' << verdict << std::endl;
  return status;
}

void say(const std::string& line) { std::cout << "   " << line << '\n'; }

void expect(bool as_expected, const std::string& what) {
  if (!as_expected) throw std::runtime_error(what);
}

void await(const std::string& what, const std::function<bool()>& holds) {
  const bool came = eventually([&] {
    expect(!interrupted, "interrupted by a signal");
    return holds();
  });
  expect(came, "waited in vain until " + what);
}

std::string await_end(child& process, const std::string& expected) {
  await("process " + std::to_string(process.pid()) + " ended", [&] { return process.has_ended(); });
  const std::string output = process.take_output();
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) say(line);
  const std::string end = process.wait_for_end();
  expect(end == expected, "a process was expected to end with " + expected + ", not " + end);
  return output;
}

std::string hexadecimal(xsipc::key which) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), static_cast<std::uint32_t>(which), 16).ptr;
  return std::string("0x").append(digits.data(), end);
}

}  // namespace examples
