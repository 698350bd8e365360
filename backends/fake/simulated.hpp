// A simulated process: its substrate, the engine over it, and its life.
#ifndef XSIPC_FAKE_SIMULATED_HPP
#define XSIPC_FAKE_SIMULATED_HPP

#include <memory>
#include <thread>
#include <vector>

#include "../../api/src/decorators/interceptor.hpp"
#include "../engine/backend.hpp"
#include "heap_substrate.hpp"
#include "xsipc/fake.hpp"

namespace xsipc::detail {

class fake_world;

class simulated final : public interceptor<simulated, fake_process> {
 public:
  using engine_backend = engine::backend<heap_substrate>;

  simulated(fake_world& world, const engine::identity& who, const fake_user& user);

  template <auto Member, typename... Arguments>
  auto pass(xsi_call, const Arguments&... arguments)
      -> decltype((std::declval<spi::backend&>().*Member)(arguments...)) {
    return (inner().*Member)(arguments...);
  }

  [[nodiscard]] ipc_pid pid() const override { return who_.pid; }
  [[nodiscard]] bool ended() const override;
  fake_process& fork() override;
  void exec() override;
  void exit() override { end(); }
  void kill() override { end(); }
  void stop() override;
  void resume() override;
  void interrupt() override;
  void interrupt(std::thread::id thread) override;
  void become(const fake_user& who) override;
  [[nodiscard]] int blocked_calls() const override;
  [[nodiscard]] bool blocked(std::thread::id thread) const override;
  [[nodiscard]] bool attached(const void* address, std::size_t size_bytes, bool writable) const override;
  [[nodiscard]] bool is_segment_memory(const void* address, std::size_t size_bytes) const override;

  // For the substrate.
  [[nodiscard]] const engine::identity& who() const { return who_; }
  [[nodiscard]] engine::credentials credentials() const;
  [[nodiscard]] int enter();
  void leave();
  // Why a thread of this process that parks can't go on parking, or can't return. Want the world's mutex.
  [[nodiscard]] bool going() const { return ended_ || replaced_; }
  [[nodiscard]] bool gone() const { return ended_; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] engine_backend& engine() { return *engine_; }
  void detach_replaced(const std::vector<engine::object_ref>& segments);

 private:
  struct parts;
  simulated(parts made, fake_world& world, const engine::identity& who, const fake_user& user);

  void end();
  void sweep();
  void detach_all();
  void wait_until_no_call();

  fake_world& world_;
  engine::identity who_;
  std::unique_ptr<heap_substrate> substrate_;
  engine_backend* engine_;  // within inner()

  // Guarded by the world's mutex.
  std::vector<std::unique_ptr<const fake_user>> users_;  // the last is who it is; views of earlier ones may be in use
  int calls_ = 0;
  bool ended_ = false;
  bool replaced_ = false;  // by exec: calls that are under way end
  bool stopped_ = false;
};

}  // namespace xsipc::detail

#endif  // XSIPC_FAKE_SIMULATED_HPP
