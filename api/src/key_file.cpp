#include "xsipc/key_file.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "no_cancellation.hpp"

namespace xsipc {
namespace {

constexpr std::string_view prefix = "xsipc key 0x";
constexpr std::size_t digits = 8;
constexpr std::size_t text_bytes = 64;  // more than any content that counts
constexpr int most_tries = 100;

class file {
 public:
  explicit file(int descriptor) : descriptor_(descriptor) {}
  ~file() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// The content must be "xsipc key 0x", eight digits and the end of the line: a file is never seen half written.
std::optional<key> parsed(std::string_view text) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + digits + 1) return std::nullopt;
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data() + prefix.size(), end, number, 16);
  if (problem != std::errc() || number == 0 || std::string_view(stopped, end) != "\n") return std::nullopt;
  return static_cast<key>(number);
}

result<key> read_key(const std::string& path) {
  const file opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO must not hold the caller
  if (opened.descriptor() < 0) return ipc_error{.code = errno};
  char text[text_bytes];
  const ssize_t size = ::read(opened.descriptor(), text, sizeof text);
  if (size < 0) return ipc_error{.code = errno};
  const auto found = parsed({text, static_cast<std::size_t>(size)});
  if (!found) return ipc_error{.code = EINVAL};
  return *found;
}

// What a look-up says of a key: whether it has no object, or why that can't be told.
template <typename Id>
result<bool> is_absent(const result<Id>& found) {
  if (found || found.error().code == EACCES) return false;
  if (found.error().code == ENOENT) return true;
  return found.error();
}

result<bool> names_nothing(key which, spi::backend& on) {
  auto absent = is_absent(on.get_queue(which, creation::find()));
  if (absent && *absent) absent = is_absent(on.get_set(which, 0, creation::find()));
  if (absent && *absent) absent = is_absent(on.get_segment(which, 0, creation::find(), {}));
  return absent;
}

result<key> choose_key(spi::backend& on) {
  for (int i = 0; i < most_tries; ++i) {
    std::uint32_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) return ipc_error{.code = errno};
    const auto candidate = static_cast<key>(number);
    if (candidate == key::ipc_private) continue;
    const auto free = names_nothing(candidate, on);
    if (!free) return free.error();
    if (*free) return candidate;
  }
  return ipc_error{.code = EAGAIN};
}

// Writes a whole file beside `path` and links it there, which fails if somebody was faster: so all read the same key,
// and none a part of it.
result<void> write_key(const std::string& path, key chosen) {
  std::string beside = path + ".XXXXXX";
  const file made(::mkostemp(beside.data(), O_CLOEXEC));
  if (made.descriptor() < 0) return ipc_error{.code = errno};
  char text[text_bytes];
  const int size = std::snprintf(text, sizeof text, "%s%08x\n", prefix.data(), static_cast<std::uint32_t>(chosen));
  result<void> outcome;
  if (::write(made.descriptor(), text, static_cast<std::size_t>(size)) != size ||
      ::fchmod(made.descriptor(), 0644) != 0 || ::link(beside.c_str(), path.c_str()) != 0) {
    outcome = ipc_error{.code = errno};
  }
  ::unlink(beside.c_str());
  return outcome;
}

}  // namespace

result<key> key_from_file(const std::string& path, spi::backend& on) {
  const detail::no_cancellation guard;
  const auto there = read_key(path);
  if (there || there.error().code != ENOENT) return there;
  const auto chosen = choose_key(on);
  if (!chosen) return chosen;
  const auto written = write_key(path, *chosen);
  if (!written && written.error().code != EEXIST) return written.error();
  return read_key(path);
}

}  // namespace xsipc
