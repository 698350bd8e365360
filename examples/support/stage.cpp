#include "stage.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <random>

#include "backends.hpp"
#include "fake_stage.hpp"
#include "real_child.hpp"
#include "xsipc/message_queue.hpp"

namespace examples {
namespace {

xsipc::key find_unused_key(xsipc::spi::backend& on) {
  std::random_device random;
  for (;;) {
    const auto number = static_cast<std::int32_t>(random() & 0x7fffffffU);
    if (number == 0) continue;  // IPC_PRIVATE
    const auto found = xsipc::message_queue::get(xsipc::key{number}, xsipc::creation::find(), on);
    if (!found && found.error().code == ENOENT) return xsipc::key{number};
    if (!found && found.error().code != EACCES) static_cast<void>(found.value());  // nothing works here: throws
  }
}

class real_stage final : public stage {
 public:
  real_stage(std::string_view name, xsipc::key usual, std::optional<xsipc::key> wanted) : name_(name) {
    if (!wanted) namespace_.emplace(name);
    backend_ = open_backend(name);
    key_ = wanted ? *wanted : own_namespace() ? usual : find_unused_key(*backend_);
  }

  xsipc::spi::backend& backend() override { return *backend_; }
  [[nodiscard]] pid_t pid() const override { return getpid(); }
  [[nodiscard]] bool own_namespace() const override { return namespace_ && namespace_->entered(); }
  [[nodiscard]] xsipc::key key() const override { return key_; }
  [[nodiscard]] std::vector<std::string> key_arguments() const override {
    if (own_namespace()) return {};
    return {"--key=" + std::to_string(static_cast<std::int32_t>(key_))};
  }

  std::unique_ptr<child> fork(const role& part) override {
    return std::make_unique<real_child>([&] { return play(part, *backend_); }, name_);
  }
  std::unique_ptr<child> run(const program& which, std::vector<std::string> arguments) override {
    if (!which.part.empty()) arguments.push_back("--" + std::string(which.part));
    arguments.push_back("--backend=" + name_);
    return std::make_unique<real_child>(beside_this_program(which.file), arguments, name_);
  }

  [[nodiscard]] bool has_child(pid_t pid) const override {
    return waitpid(pid, nullptr, WNOHANG) != -1 || errno != ECHILD;
  }

 private:
  std::string name_;
  std::optional<examples::own_namespace> namespace_;
  std::unique_ptr<xsipc::spi::backend> backend_;  // goes before its namespace
  xsipc::key key_{};
};

}  // namespace

std::unique_ptr<stage> open_stage(std::string_view backend, xsipc::key usual, std::optional<xsipc::key> wanted) {
#if XSIPC_HAS_FAKE
  if (simulates_processes(backend)) return make_fake_stage(wanted.value_or(usual));
#endif
  return std::make_unique<real_stage>(backend, usual, wanted);
}

}  // namespace examples
