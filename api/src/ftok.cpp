#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "xsipc/key.hpp"

namespace xsipc {

result<key> ftok(const std::string& path, int id) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return ipc_error{.code = errno, .call = xsi_call::ftok};
  const std::uint32_t bits = (static_cast<std::uint32_t>(id) & 0xffU) << 24U |
                             (static_cast<std::uint32_t>(file.st_dev) & 0xffU) << 16U |
                             (static_cast<std::uint32_t>(file.st_ino) & 0xffffU);
  return static_cast<key>(bits);
}

}  // namespace xsipc
