// The arguments of the examples: --name, --name=TEXT and --name=N, each at most once, in any order.
//
// Ask for each option that there is, then call end(). Whatever is wrong throws std::runtime_error with one line that
// says how to use the program.
#ifndef XSIPC_EXAMPLES_SUPPORT_OPTIONS_HPP
#define XSIPC_EXAMPLES_SUPPORT_OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xsipc/key.hpp"

namespace examples {

class options {
 public:
  // `synopsis` is what follows the program's name and --backend in the line that says how to use it.
  options(std::string_view program, std::string_view synopsis, std::vector<std::string> given)
      : program_(program), synopsis_(synopsis), left_(std::move(given)) {}

  // Returns true if --`name` is there.
  [[nodiscard]] bool flag(std::string_view name);
  // Returns what follows --`name`=, which must not be empty; nothing if the option isn't there.
  [[nodiscard]] std::optional<std::string> text(std::string_view name);
  // Likewise for a 32-bit number.
  [[nodiscard]] std::optional<std::int32_t> number(std::string_view name);
  // Returns the key of --key=N, any number but 0: that is IPC_PRIVATE, by which nobody ever meets.
  [[nodiscard]] std::optional<xsipc::key> key();
  // Returns the name of the backend: that of --backend=NAME, or of the default one.
  [[nodiscard]] std::string backend();

  // Refuses what nobody has asked for.
  void end() const;

  // Throws the line that says how to use the program.
  [[noreturn]] void refuse() const;

 private:
  std::string program_;
  std::string synopsis_;
  std::vector<std::string> left_;
};

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_OPTIONS_HPP
