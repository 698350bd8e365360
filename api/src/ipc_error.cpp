#include "xsipc/ipc_error.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "xsipc/capability.hpp"
#include "xsipc/result.hpp"

namespace xsipc {
namespace {

// What the reader of a message about `call` knows the object as.
std::string_view object_noun(xsi_call call) {
  switch (call) {
    case xsi_call::msgget:
    case xsi_call::msgsnd:
    case xsi_call::msgrcv:
    case xsi_call::msgctl: return "queue";
    case xsi_call::semget:
    case xsi_call::semop:
    case xsi_call::semctl: return "set";
    case xsi_call::shmget:
    case xsi_call::shmat:
    case xsi_call::shmdt:
    case xsi_call::shmctl: return "segment";
    default: return "object";
  }
}

std::string hexadecimal(std::uint64_t number) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), digits[number % 16]);
    number /= 16;
  } while (number != 0);
  return "0x" + text;
}

// "queue 65536", "queue with key 0x4b", or nothing.
std::string named_subject(const ipc_error& error) {
  const std::string noun(object_noun(error.call));
  switch (error.subject_is) {
    case subject_kind::id: return noun + " " + std::to_string(error.subject);
    case subject_kind::key:
      if (error.subject == 0) return "new " + noun;
      return noun + " with key " + hexadecimal(static_cast<std::uint32_t>(error.subject));
    case subject_kind::address: return "address " + hexadecimal(static_cast<std::uint64_t>(error.subject));
    case subject_kind::none: break;
  }
  return {};
}

// What was hit, with the figures: "16384 of 16384 bytes".
std::string named_limit(const ipc_error& error) {
  const std::string used = std::to_string(error.used);
  const std::string maximum = std::to_string(error.maximum);
  const auto full = [&](std::string_view what) { return used + " of " + maximum + " " + std::string(what); };
  const auto above = [&](std::string_view what, std::string_view name) {
    return used + " " + std::string(what) + ", " + std::string(name) + " is " + maximum;
  };
  switch (error.limit) {
    case ipc_limit::msg_qbytes: return "is full: " + full("bytes");
    case ipc_limit::msg_qnum: return "is full: " + full("messages");
    case ipc_limit::msgmni: return "MSGMNI is reached: " + full("queues");
    case ipc_limit::semmni: return "SEMMNI is reached: " + full("sets");
    case ipc_limit::semmns: return "SEMMNS is reached: " + full("semaphores");
    case ipc_limit::shmmni: return "SHMMNI is reached: " + full("segments");
    case ipc_limit::shmall: return "SHMALL is reached: " + full("pages");
    case ipc_limit::msgmax: return above("bytes", "MSGMAX");
    case ipc_limit::msgmnb: return above("bytes for msg_qbytes", "MSGMNB");
    case ipc_limit::semmsl: return above("semaphores", "SEMMSL");
    case ipc_limit::semopm: return above("operations", "SEMOPM");
    case ipc_limit::semvmx: return above("as a value", "SEMVMX");
    case ipc_limit::shmmax: return above("bytes", "SHMMAX");
    case ipc_limit::shmmin: return above("bytes", "SHMMIN");
    case ipc_limit::none: break;
  }
  return {};
}

// What an errno means where no limit says more. Texts, not translations: strerror() speaks of messages
// and devices that have nothing to do with the call.
std::string_view meaning(const ipc_error& error) {
  const bool ctl = error.call == xsi_call::msgctl || error.call == xsi_call::semctl || error.call == xsi_call::shmctl;
  switch (error.code) {
    case E2BIG: return error.call == xsi_call::msgrcv ? "the message is longer than the buffer" : "too many operations";
    case EACCES: return "permission denied";
    case EAGAIN: return error.call == xsi_call::msgsnd ? "is full" : "would block";
    case EBADMSG: return "the message is shorter than the type asked for";
    case EEXIST: return "exists already";
    case EFAULT: return "bad address";
    case EFBIG: return "no such semaphore in the set";
    case EIDRM: return "was removed while the call waited";
    case EINTR: return "interrupted by a signal";
    case EINVAL:
      return error.subject_is == subject_kind::id ? "no such object, or an argument is out of range"
                                                  : "an argument is out of range";
    case ENOENT: return error.call == xsi_call::ftok ? "no such file" : "does not exist";
    case ENOMEM: return "out of memory";
    case ENOMSG: return "no message that suits";
    case ENOSPC: return "a limit of the system is reached";
    case ENOSYS: return "the backend cannot do this";
    case EPERM: return ctl ? "only owner, creator or the privileged may do this" : "operation not permitted";
    case ERANGE: return "value out of range";
    case ESRCH: return "the process has ended";
    default: return {};
  }
}

}  // namespace

std::string errno_name(int code) {
  static constexpr std::array names = {
      std::pair{E2BIG, "E2BIG"},
      std::pair{EACCES, "EACCES"},
      std::pair{EAGAIN, "EAGAIN"},
      std::pair{EBADMSG, "EBADMSG"},
      std::pair{EDEADLK, "EDEADLK"},
      std::pair{EEXIST, "EEXIST"},
      std::pair{EFAULT, "EFAULT"},
      std::pair{EFBIG, "EFBIG"},
      std::pair{EIDRM, "EIDRM"},
      std::pair{EINTR, "EINTR"},
      std::pair{EINVAL, "EINVAL"},
      std::pair{ELOOP, "ELOOP"},
      std::pair{ENAMETOOLONG, "ENAMETOOLONG"},
      std::pair{ENOENT, "ENOENT"},
      std::pair{ENOMEM, "ENOMEM"},
      std::pair{ENOMSG, "ENOMSG"},
      std::pair{ENOSPC, "ENOSPC"},
      std::pair{ENOSYS, "ENOSYS"},
      std::pair{ENOTDIR, "ENOTDIR"},
      std::pair{EPERM, "EPERM"},
      std::pair{ERANGE, "ERANGE"},
      std::pair{EROFS, "EROFS"},
      std::pair{ESRCH, "ESRCH"},
  };
  for (const auto& [number, name] : names) {
    if (number == code) return name;
  }
  return "errno " + std::to_string(code);
}

std::string_view call_name(xsi_call call) {
  static constexpr std::array<std::string_view, 14> names = {"xsipc",  "ftok",   "msgget", "msgsnd", "msgrcv",
                                                             "msgctl", "semget", "semop",  "semctl", "shmget",
                                                             "shmat",  "shmdt",  "shmctl", "limits"};
  const auto index = static_cast<std::size_t>(call);
  return index < names.size() ? names[index] : std::string_view("readiness");
}

std::string_view capability_name(capability which) {
  static constexpr std::array<std::string_view, capability_count> names = {
      "except_selector", "copy_selector",   "lookup_by_index", "timed_semop",       "timed_messages", "segment_lock",
      "segment_remap",   "segment_execute", "huge_pages",      "changeable_limits", "bad_address",    "readiness"};
  return names[static_cast<std::size_t>(which)];
}

std::string ipc_error::message() const {
  std::string text = std::string(call_name(call)) + ": " + errno_name(code);
  const std::string subject_text = named_subject(*this);
  std::string reason = named_limit(*this);
  if (reason.empty()) reason = meaning(*this);
  if (subject_text.empty() && reason.empty()) return text;
  // "queue 7 is full: ..." reads as a sentence; everything else as a name and a remark.
  const bool sentence = reason.starts_with("is ") || reason.starts_with("was ") || reason.starts_with("exists") ||
                        reason.starts_with("does ");
  const std::string_view joint = subject_text.empty() || reason.empty() ? "" : sentence ? " " : ": ";
  return text + " (" + subject_text + std::string(joint) + reason + ")";
}

namespace detail {

void throw_system_error(const ipc_error& error) {
  throw std::system_error(error.code, std::generic_category(), error.message());
}

}  // namespace detail
}  // namespace xsipc
