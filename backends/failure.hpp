// How a backend names what failed.
#ifndef XSIPC_BACKENDS_FAILURE_HPP
#define XSIPC_BACKENDS_FAILURE_HPP

#include <cstdint>

#include "xsipc/ipc_error.hpp"
#include "xsipc/key.hpp"

namespace xsipc::detail {

// What a call was about, for its error.
struct subject {
  xsi_call call;
  subject_kind is = subject_kind::none;
  std::int64_t number = 0;

  static subject of(xsi_call call, int id) { return {call, subject_kind::id, id}; }
  static subject of(xsi_call call, key which) { return {call, subject_kind::key, static_cast<std::int32_t>(which)}; }
  static subject of(xsi_call call, const void* address) {
    return {call, subject_kind::address, reinterpret_cast<std::intptr_t>(address)};
  }
};

inline ipc_error failure(int code, const subject& about) {
  return {.code = code, .call = about.call, .subject_is = about.is, .subject = about.number};
}

// With the limit that was hit, and how full it is.
inline ipc_error failure(int code, const subject& about, ipc_limit limit, std::uint64_t used, std::uint64_t maximum) {
  ipc_error error = failure(code, about);
  error.limit = limit;
  error.used = used;
  error.maximum = maximum;
  return error;
}

}  // namespace xsipc::detail

#endif  // XSIPC_BACKENDS_FAILURE_HPP
