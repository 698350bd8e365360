#include "xsipc/open.hpp"

#include <sys/auxv.h>

#include <cstdlib>
#include <string_view>

#if XSIPC_HAS_FAKE
#include "xsipc/fake.hpp"
#endif
#if XSIPC_HAS_POSIX
#include "xsipc/posix.hpp"
#endif

namespace xsipc {
namespace {

#if XSIPC_DEFAULT_IS_AUTO
// The backend that the environment names; null if it names none that was built.
std::unique_ptr<spi::backend> make_wanted() {
  const char* const value = ::getauxval(AT_SECURE) == 0 ? std::getenv("XSIPC_BACKEND") : nullptr;
  const std::string_view wanted = value == nullptr ? "" : value;
#if XSIPC_HAS_SYSV
  if (wanted == "sysv") return make_sysv_backend();
#endif
#if XSIPC_HAS_POSIX
  if (wanted == "posix") return make_posix_backend();
#endif
#if XSIPC_HAS_FAKE
  if (wanted == "fake") return make_fake_backend();
#endif
  return nullptr;
}

std::unique_ptr<spi::backend> make_default() {
  if (auto wanted = make_wanted()) return wanted;
#if XSIPC_HAS_SYSV && XSIPC_HAS_POSIX
  return probe_sysv().works ? make_sysv_backend() : make_posix_backend();
#elif XSIPC_HAS_SYSV
  // No other backend is compiled in that could take over if the platform's System V IPC does not work - the fake is for
  // whoever asks for it -, so there is nothing to choose and nothing to probe for: the first call says what is wrong.
  return make_sysv_backend();
#elif XSIPC_HAS_POSIX
  return make_posix_backend();
#else
  return make_fake_backend();
#endif
}
#else
std::unique_ptr<spi::backend> make_default() {
#if XSIPC_DEFAULT_IS_SYSV
  return make_sysv_backend();
#elif XSIPC_DEFAULT_IS_POSIX
  return make_posix_backend();
#else
  return make_fake_backend();
#endif
}
#endif

}  // namespace

spi::backend& default_backend() {
  static spi::backend* const made = make_default().release();  // never destroyed: atexit handlers may still call
  return *made;
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
