#include "worker.hpp"

#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace xsipc::posix_test {

worker::worker(const std::function<int()>& work) : pid_(::fork()) {
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::_exit(work());
}

worker::~worker() { kill(); }

void worker::signal(int number) const { ::kill(pid_, number); }

int worker::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  return status;
}

void worker::kill() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  wait();
}

void worker::stop() const {
  signal(SIGSTOP);
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);
}
void worker::resume() const { signal(SIGCONT); }

bool is_parked(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/syscall");
  long number = 0;
  unsigned long address = 0;
  unsigned long operation = 0;
  unsigned long expected = 0;
  constexpr unsigned long asleep = 2;
  return file >> number >> std::hex >> address >> operation >> expected && number == SYS_futex &&
         operation == FUTEX_WAIT_BITSET && expected == asleep;
}

}  // namespace xsipc::posix_test
