// What tests say of a call and of its result<T>.
#ifndef XSIPC_TESTS_SUPPORT_MATCHERS_HPP
#define XSIPC_TESTS_SUPPORT_MATCHERS_HPP

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>

#include "xsipc/deadline.hpp"
#include "xsipc/result.hpp"

namespace xsipc {

// Found by GoogleTest, which would print bytes otherwise.
inline void PrintTo(const ipc_error& error, std::ostream* out) { *out << error.message(); }

template <typename T>
void PrintTo(const result<T>& outcome, std::ostream* out) {
  *out << (outcome ? std::string("success") : outcome.error().message());
}

namespace test_support {

inline constexpr deadline at_once = deadline::immediate();

inline ipc_error error_on_id(int code, xsi_call call, int id) {
  return {.code = code, .call = call, .subject_is = subject_kind::id, .subject = id};
}
inline ipc_error error_on_key(int code, xsi_call call, std::int32_t key) {
  return {.code = code, .call = call, .subject_is = subject_kind::key, .subject = key};
}

MATCHER(Succeeds, "succeeds") {
  static_cast<void>(result_listener);
  return arg.has_value();
}

MATCHER_P(FailsWith, code, "fails with " + xsipc::errno_name(code)) {
  static_cast<void>(result_listener);
  return !arg.has_value() && arg.error().code == code;
}

// The whole error, limit and figures included.
MATCHER_P(FailsAs, error, "fails as " + error.message()) {
  static_cast<void>(result_listener);
  return !arg.has_value() && arg.error() == error;
}

MATCHER_P(FailsSaying, message, "fails saying " + std::string(message)) {
  static_cast<void>(result_listener);
  return !arg.has_value() && arg.error().message() == message;
}

MATCHER_P(Holds, value, "holds " + ::testing::PrintToString(value)) {
  static_cast<void>(result_listener);
  return arg.has_value() && *arg == value;
}

}  // namespace test_support
}  // namespace xsipc

#endif  // XSIPC_TESTS_SUPPORT_MATCHERS_HPP
