#include "known_pages.hpp"

namespace xsipc::posix::known_pages {

thread_local constinit cache seen{};

}  // namespace xsipc::posix::known_pages
