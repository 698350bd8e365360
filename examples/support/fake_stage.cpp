#include "fake_stage.hpp"

#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <set>
#include <streambuf>
#include <thread>
#include <utility>
#include <vector>

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

  // Sends it a signal. It comes at once, or when it is neither held back nor is the process stopped.
  void signal(int signo) {
    if (signo == SIGSTOP) return stop();
    {
      const std::lock_guard lock(mutex_);
      if (pending_ != SIGKILL) pending_ = signo;
      if (signo == SIGCONT && stopped_) {
        stopped_ = false;
        process_.resume();
        changed_.notify_all();
      }
    }
    deliver();
  }

  // What the process does with signals. Throws `killed` if one that has been waiting ends it.
  void hold_signals() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void catch_signals(const std::vector<int>& signals, std::function<void()> last) {
    {
      const std::lock_guard lock(mutex_);
      caught_ = signals;
      last_ = std::move(last);
      held_ = false;
      resting_ = true;
    }
    deliver();
    rest(false);
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    if (!end_.empty()) return;
    stopped_ = true;
    process_.stop();
  }
  bool stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_ && end_.empty();
  }

  // For its thread: returns when it isn't stopped any more, or never. Throws `killed`.
  void rest(bool for_ever) {
    std::unique_lock lock(mutex_);
    resting_ = true;
    changed_.wait(lock, [&] { return !end_.empty() || (!for_ever && !stopped_); });
    if (!end_.empty()) throw killed();
    resting_ = false;
  }

  // Whichever end comes first counts.
  void exit(int status) {
    {
      const std::lock_guard lock(mutex_);
      if (!end_.empty()) return;
      end_ = exit_status(status);
      dead_ = true;
    }
    process_.exit();
  }

  // The thread has come to its end.
  void close() {
    std::unique_lock lock(mutex_);
    resting_ = true;
    changed_.wait(lock, [&] { return dead_; });
    over_ = true;
  }
  // How it has ended; empty before.
  std::string end() {
    const std::lock_guard lock(mutex_);
    return over_ ? end_ : "";
  }

 private:
  static std::string exit_status(int status) { return "exit status " + std::to_string(status); }

  // A handler runs in the thread that calls this: the process's own thread writes nothing more, and ends with its call.
  void deliver() {
    std::function<void()> handler;
    {
      const std::lock_guard lock(mutex_);
      const bool waits = pending_ != SIGKILL && (held_ || stopped_);
      if (pending_ == 0 || waits || !end_.empty()) return;
      const int signo = std::exchange(pending_, 0);
      if (std::find(caught_.begin(), caught_.end(), signo) != caught_.end()) {
        handler = last_;
      } else if (signo == SIGCONT) {
        return;
      }
      end_ = handler ? exit_status(EXIT_SUCCESS) : "signal " + std::to_string(signo);
    }
    if (handler) handler();
    kill();
  }

  // No thread can be ended from outside, and what it is at work on, a segment with a lock, must not be taken from it.
  // So a process dies where it sleeps; one that runs is let run until then, or to its end.
  void kill() {
    static_cast<void>(eventually([&] {
      process_.stop();
      if (sleeps()) return true;
      process_.resume();
      return false;
    }));
    process_.kill();
    const std::lock_guard lock(mutex_);
    dead_ = true;
    changed_.notify_all();
  }
  bool sleeps() {
    const std::lock_guard lock(mutex_);
    return resting_ || process_.blocked_calls() > 0;
  }

  xsipc::fake_process& process_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  std::string end_;
  int pending_ = 0;  // the signal that waits
  bool held_ = false;
  std::vector<int> caught_;
  std::function<void()> last_;
  bool stopped_ = false;
  bool resting_ = false;  // its thread does nothing
  bool dead_ = false;
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

  void hold_signals() override { life_.hold_signals(); }
  void catch_signals(const std::vector<int>& signals, std::function<void()> last) override {
    life_.catch_signals(signals, std::move(last));
  }
  void stop() override {
    life_.stop();
    life_.rest(false);
  }
  int sleep() override {
    life_.rest(true);
    return EXIT_FAILURE;  // it never comes here
  }

 private:
  life& life_;
};

class fake_child final : public child {
 public:
  // Is in `children` as long as it exists.
  fake_child(xsipc::fake_process& process, std::set<pid_t>& children, role part)
      : life_(process), children_(children), thread_([this, part = std::move(part)] { live(part); }) {}
  ~fake_child() override {
    life_.signal(SIGKILL);
    thread_.join();
    children_.erase(pid_);
  }

  [[nodiscard]] pid_t pid() const noexcept override { return pid_; }
  void signal(int signo) override { life_.signal(signo); }
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
  std::set<pid_t>& children_;
  pid_t pid_ = *children_.insert(life_.process().pid()).first;
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

  std::unique_ptr<child> fork(const role& part) override { return start(teller_.fork(), part); }
  std::unique_ptr<child> run(const program& which, std::vector<std::string> arguments) override {
    xsipc::fake_process& process = teller_.fork();
    process.exec();
    return start(process,
                 [which, given = std::move(arguments)](player& me) { return examples::run(which, me, given); });
  }

  [[nodiscard]] bool has_child(pid_t pid) const override { return children_.contains(pid); }

 private:
  std::unique_ptr<child> start(xsipc::fake_process& process, const role& part) {
    return std::make_unique<fake_child>(process, children_, part);
  }

  xsipc::fake_system system_;
  xsipc::fake_process& teller_ = system_.process({.uid = 1000});
  xsipc::key key_;
  std::set<pid_t> children_;
};

}  // namespace

std::unique_ptr<stage> make_fake_stage(xsipc::key usual) { return std::make_unique<fake_stage>(usual); }

}  // namespace examples
