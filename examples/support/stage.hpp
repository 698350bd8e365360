// Where the processes of a story or test meet without meeting anybody else's, and how they are started: as real child
// processes on backends like sysv and posix, as simulated ones, a thread each, on the fake.
//
// System V objects belong to the whole machine, and a key like 75 may well be taken. For programs with one thread; a
// program has one stage at a time, before it starts any child, and children go before their stage.
#ifndef XSIPC_EXAMPLES_SUPPORT_STAGE_HPP
#define XSIPC_EXAMPLES_SUPPORT_STAGE_HPP

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "child.hpp"
#include "player.hpp"
#include "xsipc/key.hpp"
#include "xsipc/spi/backend.hpp"

namespace examples {

class stage {
 public:
  virtual ~stage() = default;
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  // The process that has opened it: the backend it calls, and its process id.
  [[nodiscard]] virtual xsipc::spi::backend& backend() = 0;
  [[nodiscard]] virtual pid_t pid() const = 0;

  // Returns true if nobody else's objects can be seen.
  [[nodiscard]] virtual bool own_namespace() const = 0;
  // Returns the key to meet by.
  [[nodiscard]] virtual xsipc::key key() const = 0;
  // Returns the arguments for programs that shall meet by it: none, or --key=N.
  [[nodiscard]] virtual std::vector<std::string> key_arguments() const = 0;

  // Starts a child that has what this process has, and plays `part`. It ends with that. What `part` refers to must
  // outlive the child, and not change while it runs.
  [[nodiscard]] virtual std::unique_ptr<child> fork(const role& part) = 0;
  // Starts a child that runs another program; without its file, if it is real, it says so and ends with exit status
  // 127.
  [[nodiscard]] virtual std::unique_ptr<child> run(const program& which, std::vector<std::string> arguments = {}) = 0;

  // Returns true if there is a child with that process id, running or not waited for.
  [[nodiscard]] virtual bool has_child(pid_t pid) const = 0;

 protected:
  stage() = default;
};

// Opens a stage on the backend of that name, in a namespace of its own, where `usual` is the key to meet by; where that
// isn't allowed, that is a key that no queue has. With `wanted` the namespace is that of the caller, and that is the
// key. Throws if there is no such backend, or it doesn't work.
[[nodiscard]] std::unique_ptr<stage> open_stage(std::string_view backend, xsipc::key usual,
                                                std::optional<xsipc::key> wanted = std::nullopt);

}  // namespace examples

#endif  // XSIPC_EXAMPLES_SUPPORT_STAGE_HPP
