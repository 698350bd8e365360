#include "real_child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

namespace examples {
namespace {

[[noreturn]] void fail(int code, const std::string& what) {
  throw std::system_error(code, std::generic_category(), what);
}

// Becomes the program. Returns the shell's exit status for one that isn't there.
int become(const std::string& path, const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};  // execv writes to none of them
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(path.c_str(), argv.data());
  std::cout << path << ": " << std::generic_category().message(errno) << '\n';
  return 127;
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno, "pipe2");
  return ends;
}

[[noreturn]] void run_forked(const std::function<int()>& work, int output, pid_t parent) {
  for (const int signo : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM}) ::signal(signo, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_FAILURE);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const int status = work();
  std::cout.flush();
  _exit(status);
}

}  // namespace

std::string beside_this_program(std::string_view name) {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename(name);
}

real_child::real_child(const std::string& path, const std::vector<std::string>& arguments, std::string_view backend)
    : real_child([&] { return become(path, arguments); }, backend) {}

real_child::real_child(const std::function<int()>& work, std::string_view backend) : backend_(backend) {
  ::signal(SIGCHLD, SIG_DFL);
  const std::array<int, 2> ends = make_pipe();
  std::cout.flush();  // or the child would write it once more
  const pid_t parent = getpid();
  pid_ = fork();
  const int code = errno;
  if (pid_ == 0) run_forked(work, ends[1], parent);
  close(ends[1]);
  if (pid_ < 0) {
    close(ends[0]);
    fail(code, "fork");
  }
  read_from(ends[0]);
}

real_child::~real_child() {
  real_child::signal(SIGKILL);
  if (!wait_status_) waitpid(pid_, nullptr, 0);
  close(output_);
}

void real_child::signal(int signo) {
  if (!wait_status_) kill(pid_, signo);
}

bool real_child::has_ended() {
  int status = 0;
  if (!wait_status_ && waitpid(pid_, &status, WNOHANG) == pid_) wait_status_ = status;
  return wait_status_.has_value();
}

std::string real_child::wait_for_end(std::chrono::seconds limit) {
  if (!eventually([&] { return has_ended(); }, limit)) return "still running";
  if (WIFSIGNALED(*wait_status_)) return "signal " + std::to_string(WTERMSIG(*wait_status_));
  return "exit status " + std::to_string(WEXITSTATUS(*wait_status_));
}

std::string real_child::take_output() {
  std::string text;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t got = read(output_, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

bool real_child::is_blocked() {
  // "running" stands there while it isn't asleep.
  std::ifstream file("/proc/" + std::to_string(pid_) + "/syscall");
  std::string number;
  if (!(file >> number)) return false;
  if (backend_ == "posix") {
    std::string word;
    std::string operation;
    std::string expected;
    constexpr std::string_view asleep =
        "0x2";  // what a waiter's word says; who waits for a lock expects something else
    return number == std::to_string(SYS_futex) && file >> word >> operation >> expected && expected == asleep;
  }
  constexpr std::array calls = {SYS_msgsnd, SYS_msgrcv, SYS_semop, SYS_semtimedop};
  return std::any_of(calls.begin(), calls.end(), [&](long call) { return number == std::to_string(call); });
}

bool real_child::is_stopped() {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string number;
  std::string name;  // in brackets, without a blank in the names of the examples
  char state = 0;
  return file >> number >> name >> state && state == 'T';
}

void real_child::read_from(int output) {
  output_ = output;
  fcntl(output_, F_SETFL, O_NONBLOCK);
}

}  // namespace examples
