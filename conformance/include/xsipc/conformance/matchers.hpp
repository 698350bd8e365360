// Matchers for result<T>.
//
//   EXPECT_THAT(xsi.remove_queue(id), Succeeds());
//   EXPECT_THAT(xsi.get_queue(k, how), SucceedsWith(Ne(id)));
//   EXPECT_THAT(xsi.stat_queue(9, lookup::id), FailsWith(EINVAL));
#ifndef XSIPC_CONFORMANCE_MATCHERS_HPP
#define XSIPC_CONFORMANCE_MATCHERS_HPP

#include <gmock/gmock.h>

#include <ostream>
#include <type_traits>

#include "xsipc/result.hpp"

namespace xsipc {

// GoogleTest prints results through this.
template <typename T>
void PrintTo(const result<T>& outcome, std::ostream* out) {
  if (!outcome) {
    *out << outcome.error().message();
  } else if constexpr (std::is_void_v<T>) {
    *out << "success";
  } else {
    *out << "success with " << testing::PrintToString(*outcome);
  }
}

namespace conformance {

MATCHER(Succeeds, negation ? "fails" : "succeeds") {
  static_cast<void>(result_listener);
  return arg.has_value();
}

MATCHER_P(FailsWith, code, (negation ? "doesn't fail with " : "fails with ") + errno_name(code)) {
  if (arg.has_value()) {
    *result_listener << "which succeeds";
    return false;
  }
  return arg.error().code == code;
}

MATCHER_P(SucceedsWith, inner,
          "succeeds with a value that " +
              testing::DescribeMatcher<typename std::decay_t<arg_type>::value_type>(inner, negation)) {
  if (!arg.has_value()) return false;
  return testing::ExplainMatchResult(inner, *arg, result_listener);
}

}  // namespace conformance
}  // namespace xsipc

#endif  // XSIPC_CONFORMANCE_MATCHERS_HPP
