#include "xsipc/open.hpp"

#if XSIPC_HAS_FAKE
#include "xsipc/fake.hpp"
#endif
#if XSIPC_HAS_POSIX
#include "xsipc/posix.hpp"
#endif

namespace xsipc {
namespace {

std::unique_ptr<spi::backend> make_default() {
#if XSIPC_DEFAULT_IS_SYSV
  return make_sysv_backend();
#elif XSIPC_DEFAULT_IS_POSIX || (XSIPC_DEFAULT_IS_AUTO && !XSIPC_HAS_SYSV && XSIPC_HAS_POSIX)
  return make_posix_backend();
#elif XSIPC_DEFAULT_IS_AUTO && XSIPC_HAS_SYSV && XSIPC_HAS_POSIX
  return probe_sysv().works ? make_sysv_backend() : make_posix_backend();
#elif XSIPC_DEFAULT_IS_FAKE || (XSIPC_DEFAULT_IS_AUTO && !XSIPC_HAS_SYSV && XSIPC_HAS_FAKE)
  return make_fake_backend();
#elif XSIPC_DEFAULT_IS_AUTO && XSIPC_HAS_SYSV
  // No other backend is compiled in that could take over if the platform's System V IPC does not work - the fake is for
  // whoever asks for it -, so there is nothing to choose and nothing to probe for: the first call says what is wrong.
  return make_sysv_backend();
#else
#error "no backend that XSIPC_DEFAULT_BACKEND could mean is compiled in"
#endif
}

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
