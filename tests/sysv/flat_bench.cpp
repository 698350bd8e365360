// Measures that the sysv backend is flat: that a call through the interface costs what the C library's call costs.
//
// The two are run in turn in slices of 0.3 ms, in changing order, and compared slice by slice, so that whatever else
// the machine does hits both. A third slice runs the C library's call again: the ratio of the two equal ones (A/A) says
// how far a measurement can be believed. Where code and memory happen to lie moves a ratio by some percent, so several
// processes measure and the median of those that can be believed counts. Ends with 0 if every ratio is small enough,
// with 1 if one is not or could not be found out.
#include <sched.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "xsipc/open.hpp"

namespace {

using steady = std::chrono::steady_clock;

constexpr int rounds = 120;
constexpr int processes = 5;
constexpr int retries = 3;         // processes more, while too few can be believed
constexpr std::size_t enough = 3;  // processes to be believed
constexpr double slice_ns = 300'000;
constexpr double tolerance = 0.02;  // how far two equal loops may be apart in a run to be believed
constexpr double flat_limit = 1.02;
constexpr double no_limit = 1e9;
constexpr std::size_t page = 4096;

// Performs a call `times` times, with its memory `shift` bytes further on than the last time: how fast bytes are copied
// depends on where they lie, and one place for a whole run would make the ratio a matter of luck.
using loop = std::function<void(int times, std::size_t shift)>;

struct measured_call {
  std::string name;
  double limit;  // of the ratio
  loop backend;
  loop libc;
};

struct ratios {
  double backend = 0;  // backend to libc
  double control = 0;  // libc to libc
  double libc_ns = 0;  // one call
};

double time_of(const loop& body, int times, std::size_t shift = 0) {
  const auto start = steady::now();
  body(times, shift);
  return std::chrono::duration<double, std::nano>(steady::now() - start).count();
}

double median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

// How many calls fill a slice; also warms everything up.
int calls_in_a_slice(const loop& body) {
  int times = 16;
  while (time_of(body, times) < slice_ns) times *= 2;
  const double one = time_of(body, times) / times;
  return std::max(1, static_cast<int>(slice_ns / one));
}

ratios measure(const measured_call& call) {
  const std::array<const loop*, 3> bodies{&call.backend, &call.libc, &call.libc};
  const int times = calls_in_a_slice(call.libc);
  time_of(call.backend, times);
  std::vector<double> backend, control, libc;
  std::array<std::size_t, 3> order{0, 1, 2};
  for (int round = 0; round < rounds; ++round) {
    const std::size_t shift = static_cast<std::size_t>(round) * 16 % page;
    std::array<double, 3> ns{};
    for (const std::size_t which : order) ns[which] = time_of(*bodies[which], times, shift);
    backend.push_back(ns[0] / ns[1]);
    control.push_back(ns[2] / ns[1]);
    libc.push_back(ns[1] / times);
    std::next_permutation(order.begin(), order.end());
  }
  return {median(backend), median(control), median(libc)};
}

void must(bool held) {
  if (!held) {
    std::perror("a call that was to be measured failed");
    std::abort();
  }
}

// A frame with a text of `size` bytes, and room to shift it.
class message_memory {
 public:
  explicit message_memory(std::size_t size) : bytes_(sizeof(long) + size + page) {}
  [[nodiscard]] std::byte* frame(std::size_t shift) {
    const long type = 1;
    std::memcpy(bytes_.data() + shift, &type, sizeof type);
    return bytes_.data() + shift;
  }

 private:
  std::vector<std::byte> bytes_;
};

measured_call framed_pair(xsipc::spi::backend& on, xsipc::msqid id, std::size_t size, const std::string& name) {
  const auto memory = std::make_shared<message_memory>(size);
  const int raw = static_cast<int>(id);
  const auto never = xsipc::deadline::never();
  return {name, flat_limit,
          [=, &on](int times, std::size_t shift) {
            void* const frame = memory->frame(shift);
            for (int i = 0; i < times; ++i) {
              must(on.send(id, xsipc::message_view::framed(frame, size), never).has_value());
              must(on.receive(id, {}, xsipc::message_buffer::framed(frame, size), {}, never).has_value());
            }
          },
          [=](int times, std::size_t shift) {
            void* const frame = memory->frame(shift);
            for (int i = 0; i < times; ++i) {
              must(::msgsnd(raw, frame, size, 0) == 0);
              must(::msgrcv(raw, frame, size, 0, 0) == static_cast<ssize_t>(size));
            }
          }};
}

measured_call apart_pair(xsipc::spi::backend& on, xsipc::msqid id, std::size_t size, const std::string& name) {
  measured_call call = framed_pair(on, id, size, name);
  const auto memory = std::make_shared<message_memory>(size);
  const auto never = xsipc::deadline::never();
  call.limit = size <= 64 ? flat_limit : no_limit;  // a longer text takes its time to be copied
  call.backend = [=, &on](int times, std::size_t shift) {
    const std::span<std::byte> text(memory->frame(shift), size);
    for (int i = 0; i < times; ++i) {
      must(on.send(id, {1, text}, never).has_value());
      must(on.receive(id, {}, text, {}, never).has_value());
    }
  };
  return call;
}

measured_call semop_pair(xsipc::spi::backend& on, xsipc::semid id) {
  const int raw = static_cast<int>(id);
  return {"semop, up and down", flat_limit,
          [=, &on](int times, std::size_t) {
            const xsipc::sem_operation up{0, 1, xsipc::sem_flags::none}, down{0, -1, xsipc::sem_flags::none};
            for (int i = 0; i < times; ++i) {
              must(on.operate(id, {&up, 1}, xsipc::deadline::never()).has_value());
              must(on.operate(id, {&down, 1}, xsipc::deadline::never()).has_value());
            }
          },
          [=](int times, std::size_t) {
            sembuf up{0, 1, 0}, down{0, -1, 0};
            for (int i = 0; i < times; ++i) {
              must(::semop(raw, &up, 1) == 0);
              must(::semop(raw, &down, 1) == 0);
            }
          }};
}

measured_call getval(xsipc::spi::backend& on, xsipc::semid id) {
  const int raw = static_cast<int>(id);
  return {"semctl GETVAL", flat_limit,
          [=, &on](int times, std::size_t) {
            for (int i = 0; i < times; ++i) must(on.query_semaphore(id, 0, xsipc::sem_query::value).has_value());
          },
          [=](int times, std::size_t) {
            for (int i = 0; i < times; ++i) must(::semctl(raw, 0, GETVAL) == 0);
          }};
}

measured_call get_existing(xsipc::spi::backend& on, xsipc::key which) {
  const int raw = static_cast<int>(which);
  return {"msgget of an existing key", flat_limit,
          [=, &on](int times, std::size_t) {
            for (int i = 0; i < times; ++i) must(on.get_queue(which, xsipc::creation::find()).has_value());
          },
          [=](int times, std::size_t) {
            for (int i = 0; i < times; ++i) must(::msgget(raw, 0) >= 0);
          }};
}

// What is measured, on a queue and a set of its own.
class objects {
 public:
  objects()
      : on_(xsipc::make_sysv_backend()),
        queue_(on_->get_queue(name, xsipc::creation::create_only(0600)).value()),
        set_(on_->get_set(xsipc::key::ipc_private, 1, xsipc::creation::create_only(0600)).value()) {}
  objects(const objects&) = delete;
  objects& operator=(const objects&) = delete;
  ~objects() {
    static_cast<void>(on_->remove_queue(queue_));
    static_cast<void>(on_->remove_set(set_));
  }

  [[nodiscard]] std::vector<measured_call> messages() const {
    return {framed_pair(*on_, queue_, 64, "msgsnd + msgrcv, 64 B framed"),
            apart_pair(*on_, queue_, 64, "msgsnd + msgrcv, 64 B apart"),
            framed_pair(*on_, queue_, 8192, "msgsnd + msgrcv, 8 KiB framed"),
            apart_pair(*on_, queue_, 8192, "msgsnd + msgrcv, 8 KiB apart")};
  }
  [[nodiscard]] std::vector<measured_call> others() const {
    return {semop_pair(*on_, set_), getval(*on_, set_), get_existing(*on_, name)};
  }

 private:
  static constexpr auto name = static_cast<xsipc::key>(0x58ffffff);

  std::unique_ptr<xsipc::spi::backend> on_;
  xsipc::msqid queue_;
  xsipc::semid set_;
};

// One line for the collecting process to read: the limit, the figures, and what was measured.
void report(const measured_call& call, double limit, const char* remark) {
  const ratios seen = measure(call);
  std::printf("%g %.1f %.5f %.5f %s%s\n", limit, seen.libc_ns, seen.backend, seen.control, call.name.c_str(), remark);
}

// The measuring process.
int measure_all() {
  static_cast<void>(::unshare(CLONE_NEWIPC));
  const objects measured;
  for (const auto& call : measured.messages()) report(call, call.limit, "");
  for (const auto& call : measured.others()) report(call, call.limit, "");
  // With a second thread both have to prepare for cancellation, and the backend takes two calls more for that.
  std::promise<void> done;
  std::thread second([&] { done.get_future().wait(); });
  for (const auto& call : measured.messages()) report(call, no_limit, ", 2 threads");
  done.set_value();
  second.join();
  return 0;
}

// What all processes said of one call.
struct collected {
  double limit = no_limit;
  std::vector<double> backend, libc_ns;  // of the processes that can be believed
  std::vector<double> control;           // of all
};
using table = std::map<std::string, collected>;

// Runs one measuring process and adds what it says.
bool add_a_process(const std::string& program, table& rows) {
  std::FILE* const said = ::popen(("'" + program + "' measure").c_str(), "r");
  if (said == nullptr) return false;
  double limit = 0;
  ratios seen;
  std::array<char, 100> name{};
  while (std::fscanf(said, "%lf %lf %lf %lf %99[^\n]", &limit, &seen.libc_ns, &seen.backend, &seen.control,
                     name.data()) == 5) {
    collected& row = rows[name.data()];
    row.limit = limit;
    row.control.push_back(seen.control);
    if (seen.control < 1 - tolerance || seen.control > 1 + tolerance) continue;
    row.backend.push_back(seen.backend);
    row.libc_ns.push_back(seen.libc_ns);
  }
  return ::pclose(said) == 0;
}

bool believable(const table& rows) {
  return std::ranges::all_of(rows, [](const auto& row) { return row.second.backend.size() >= enough; });
}

// Prints the row; true if the call is as flat as it must be.
bool is_flat(const std::string& name, const collected& row) {
  if (row.backend.size() < enough) {
    std::printf("%-40s %9s %8s %8.4f  inconclusive\n", name.c_str(), "", "", median(row.control));
    return row.limit == no_limit;
  }
  const double ratio = median(row.backend);
  const bool within = ratio <= row.limit;
  const char* const verdict = !within ? "NOT FLAT" : ratio <= flat_limit ? "flat" : "not flat, nor need it be";
  std::printf("%-40s %9.1f %8.4f %8.4f  %s\n", name.c_str(), median(row.libc_ns), ratio, median(row.control), verdict);
  return within;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return measure_all();
  table rows;
  for (int i = 0; i < processes + retries && (i < processes || !believable(rows)); ++i) {
    if (!add_a_process(argv[0], rows)) return std::puts("a measuring process failed"), 1;
  }
  std::printf("%-40s %9s %8s %8s\n", "call", "libc ns", "ratio", "A/A");
  bool flat = !rows.empty();
  for (const auto& [name, row] : rows) flat = is_flat(name, row) && flat;
  return flat ? 0 : 1;
}
