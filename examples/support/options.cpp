#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "xsipc/open.hpp"

namespace examples {

bool options::flag(std::string_view name) {
  const auto found = std::find(left_.begin(), left_.end(), std::string("--").append(name));
  if (found == left_.end()) return false;
  left_.erase(found);
  return true;
}

std::optional<std::string> options::text(std::string_view name) {
  const std::string start = std::string("--").append(name).append("=");
  const auto found =
      std::find_if(left_.begin(), left_.end(), [&](const std::string& each) { return each.starts_with(start); });
  if (found == left_.end()) return std::nullopt;
  const std::string value = found->substr(start.size());
  if (value.empty()) refuse();
  left_.erase(found);
  return value;
}

std::optional<std::int32_t> options::number(std::string_view name) {
  const auto digits = text(name);
  if (!digits) return std::nullopt;
  std::int32_t value = 0;
  const char* const last = digits->data() + digits->size();
  const auto parsed = std::from_chars(digits->data(), last, value);
  if (parsed.ec != std::errc() || parsed.ptr != last) refuse();
  return value;
}

std::optional<xsipc::key> options::key() {
  const auto value = number("key");
  if (!value) return std::nullopt;
  if (*value == 0) refuse();
  return xsipc::key{*value};
}

std::string options::backend() {
  auto name = text("backend");
  return name ? *name : std::string(xsipc::default_backend_name());
}

void options::end() const {
  if (!left_.empty()) refuse();
}

void options::refuse() const { throw std::runtime_error("usage: " + program_ + " [--backend=NAME] " + synopsis_); }

}  // namespace examples
