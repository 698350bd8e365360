// A namespace of the test's own, which goes with it.
#ifndef XSIPC_TESTS_POSIX_PRIVATE_NAMESPACE_HPP
#define XSIPC_TESTS_POSIX_PRIVATE_NAMESPACE_HPP

#include <memory>
#include <string>

#include "xsipc/posix.hpp"

namespace xsipc::posix_test {

class private_namespace {
 public:
  private_namespace();
  ~private_namespace();
  private_namespace(const private_namespace&) = delete;
  private_namespace& operator=(const private_namespace&) = delete;

  [[nodiscard]] const posix_options& options() const { return options_; }
  // The backend of this process; children go on with it.
  [[nodiscard]] spi::backend& xsi() const { return *backend_; }
  [[nodiscard]] std::string path() const;

 private:
  posix_options options_;
  std::unique_ptr<spi::backend> backend_;
};

}  // namespace xsipc::posix_test

#endif  // XSIPC_TESTS_POSIX_PRIVATE_NAMESPACE_HPP
