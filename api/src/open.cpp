#include "xsipc/open.hpp"

#include <sys/auxv.h>

#include <cstdlib>
#include <string>

#include "decorators/unusable_backend.hpp"

#if XSIPC_HAS_FAKE
#include "xsipc/fake.hpp"
#endif
#if XSIPC_HAS_POSIX
#include "xsipc/posix.hpp"
#endif

namespace xsipc {
namespace {

#if XSIPC_DEFAULT_IS_AUTO
std::string choose_default() {
  const char* const wanted = ::getauxval(AT_SECURE) == 0 ? std::getenv("XSIPC_BACKEND") : nullptr;
  if (wanted != nullptr && *wanted != '\0') return wanted;
#if XSIPC_HAS_SYSV && XSIPC_HAS_POSIX
  return probe_sysv().works ? "sysv" : "posix";
#else
  // No other backend is compiled in that could take over if the platform's System V IPC does not work - the fake is for
  // whoever asks for it -, so there is nothing to choose and nothing to probe for: the first call says what is wrong.
  return std::string(built_backends().front());
#endif
}
#else
std::string choose_default() {
#if XSIPC_DEFAULT_IS_SYSV
  return "sysv";
#elif XSIPC_DEFAULT_IS_POSIX
  return "posix";
#else
  return "fake";
#endif
}
#endif

}  // namespace

std::string_view default_backend_name() {
  static const std::string* const chosen = new std::string(choose_default());  // never destroyed, as the backend
  return *chosen;
}

spi::backend& default_backend() {
  // Never destroyed: atexit handlers may still call.
  static spi::backend* const made = make_backend(default_backend_name()).release();
  return *made;
}

std::unique_ptr<spi::backend> make_backend(std::string_view name, std::string* problem) {
#if XSIPC_HAS_SYSV
  if (name == "sysv") return make_sysv_backend();
#endif
#if XSIPC_HAS_POSIX
  if (name == "posix") return make_posix_backend({}, problem);
#endif
#if XSIPC_HAS_FAKE
  if (name == "fake") return make_fake_backend();
#endif
  if (problem != nullptr) {
    *problem = "backend " + std::string(name) + " is not built; there are:";
    for (const std::string_view built : built_backends()) problem->append(" ").append(built);
  }
  return std::make_unique<detail::unusable_backend>("unknown", capability_set{});
}

std::vector<std::string_view> built_backends() {
  return {
#if XSIPC_HAS_SYSV
    "sysv",
#endif
#if XSIPC_HAS_POSIX
        "posix",
#endif
#if XSIPC_HAS_FAKE
        "fake",
#endif
  };
}

}  // namespace xsipc
