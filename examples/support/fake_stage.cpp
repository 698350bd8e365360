#include "fake_stage.hpp"

#include <signal.h>

#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <streambuf>
#include <thread>
#include <utility>

#include "xsipc/fake.hpp"

namespace examples {
namespace {

// Thrown in the thread of a process that was killed, where no call of the backend says so.
struct killed {};

// A simulated process as its own thread and whoever watches it see it.
class life {
 public:
  explicit life(xsipc::fake_process& process) : process_(process) {}

  [[nodiscard]] xsipc::fake_process& process() const noexcept { return process_; }

  // What a process writes after its death is what it never came to write.
  void write(const char* text, std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (end_.empty()) output_.append(text, size);
  }
  std::string take_output() {
    const std::lock_guard lock(mutex_);
    return std::exchange(output_, {});
  }

  // Whichever end comes first counts.
  void die(int signo) {
    if (!claim("signal " + std::to_string(signo))) return;
    process_.kill();
    changed_.notify_all();
  }
  void exit(int status) {
    if (claim("exit status " + std::to_string(status))) process_.exit();
  }

  void set_stopped(bool stopped) {
    const std::lock_guard lock(mutex_);
    if (!end_.empty()) return;
    stopped_ = stopped;
    if (stopped) {
      process_.stop();
    } else {
      process_.resume();
    }
    changed_.notify_all();
  }
  bool stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_ && end_.empty();
  }

  // For its thread: returns when it isn't stopped any more, or never. Throws `killed`.
  void rest(bool for_ever) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !end_.empty() || (!for_ever && !stopped_); });
    if (!end_.empty()) throw killed();
  }

  // The thread has come to its end.
  void close() {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  // How it has ended; empty before.
  std::string end() {
    const std::lock_guard lock(mutex_);
    return over_ ? end_ : "";
  }

 private:
  bool claim(const std::string& end) {
    const std::lock_guard lock(mutex_);
    if (!end_.empty()) return false;
    end_ = end;
    return true;
  }

  xsipc::fake_process& process_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  std::string end_;
  bool stopped_ = false;
  bool over_ = false;
};

// Not buffered: what is written is seen at once, as after std::endl.
class output_of : public std::streambuf {
 public:
  explicit output_of(life& of) : life_(of) {}

 private:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    life_.write(text, static_cast<std::size_t>(size));
    return size;
  }
  int_type overflow(int_type character) override {
    const char one = traits_type::to_char_type(character);
    life_.write(&one, 1);
    return character;
  }

  life& life_;
};

class fake_player final : public player {
 public:
  fake_player(life& of, std::ostream& out) : player(of.process(), of.process().pid(), out, out), life_(of) {}

  void catch_signals(const std::function<void()>&) override {}
  void stop() override {
    life_.set_stopped(true);
    life_.rest(false);
  }
  [[noreturn]] void sleep() override {
    life_.rest(true);
    std::abort();  // it doesn't return
  }

 private:
  life& life_;
};

class fake_child final : public child {
 public:
  fake_child(xsipc::fake_process& process, role part)
      : life_(process), thread_([this, part = std::move(part)] { live(part); }) {}
  ~fake_child() override {
    life_.die(SIGKILL);
    thread_.join();
  }

  [[nodiscard]] pid_t pid() const noexcept override { return pid_; }
  void signal(int signo) override {
    if (signo == SIGSTOP || signo == SIGCONT) {
      life_.set_stopped(signo == SIGSTOP);
    } else {
      life_.die(signo);
    }
  }
  bool has_ended() override { return !life_.end().empty(); }
  std::string wait_for_end(std::chrono::seconds limit) override {
    return eventually([&] { return has_ended(); }, limit) ? life_.end() : "still running";
  }
  std::string take_output() override { return life_.take_output(); }
  bool is_blocked() override { return !has_ended() && life_.process().blocked_calls() > 0; }
  bool is_stopped() override { return life_.stopped(); }

 private:
  void live(const role& part) {
    output_of buffer(life_);
    std::ostream out(&buffer);
    fake_player me(life_, out);
    try {
      life_.exit(part(me));
    } catch (const killed&) {
      // somebody has claimed its end
    } catch (const std::exception& failure) {
      out << failure.what() << '\n';
      life_.exit(EXIT_FAILURE);
    }
    life_.close();
  }

  life life_;
  pid_t pid_ = life_.process().pid();
  std::thread thread_;  // the last member: it uses the others
};

class fake_stage final : public stage {
 public:
  explicit fake_stage(xsipc::key usual) : key_(usual) {}

  xsipc::spi::backend& backend() override { return teller_; }
  [[nodiscard]] pid_t pid() const override { return teller_.pid(); }
  [[nodiscard]] bool own_namespace() const override { return true; }
  [[nodiscard]] xsipc::key key() const override { return key_; }
  [[nodiscard]] std::vector<std::string> key_arguments() const override { return {}; }

  std::unique_ptr<child> fork(const role& part) override { return std::make_unique<fake_child>(teller_.fork(), part); }
  std::unique_ptr<child> run(const program& which, std::vector<std::string> arguments) override {
    xsipc::fake_process& process = teller_.fork();
    process.exec();
    return std::make_unique<fake_child>(process, [which, given = std::move(arguments)](player& me) {
      return examples::run(which, me, given);
    });
  }

 private:
  xsipc::fake_system system_;
  xsipc::fake_process& teller_ = system_.process({.uid = 1000});
  xsipc::key key_;
};

}  // namespace

std::unique_ptr<stage> make_fake_stage(xsipc::key usual) { return std::make_unique<fake_stage>(usual); }

}  // namespace examples
