#include "shrink.hpp"

#include <algorithm>
#include <cstdint>

namespace xsipc::conformance::differential {
namespace {

class shrinker {
 public:
  shrinker(std::vector<step> steps, const shows_difference& shows, std::size_t tries)
      : steps_(std::move(steps)), shows_(shows), tries_left_(tries) {}

  std::vector<step> run() {
    for (std::size_t size = std::max<std::size_t>(steps_.size() / 2, 1); size >= 1; size /= 2) leave_out(size);
    // What one step needed may have gone with another.
    while (leave_out(1) && tries_left_ > 0) {
    }
    shorten_arrays();
    return std::move(steps_);
  }

 private:
  // True if anything went. From the back: what comes last hardly ever needs what comes before it to make sense.
  bool leave_out(std::size_t size) {
    bool any = false;
    for (std::size_t end = steps_.size(); end > 0;) {
      const std::size_t begin = end > size ? end - size : 0;
      std::vector<step> fewer = steps_;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(begin), fewer.begin() + static_cast<std::ptrdiff_t>(end));
      any = adopt(std::move(fewer)) || any;
      end = begin;
    }
    return any;
  }

  void shorten_arrays() {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      for (std::size_t j = steps_[i].operations.size(); j-- > 0 && steps_[i].operations.size() > 1;) {
        std::vector<step> fewer = steps_;
        fewer[i].operations.erase(fewer[i].operations.begin() + static_cast<std::ptrdiff_t>(j));
        static_cast<void>(adopt(std::move(fewer)));
      }
    }
  }

  bool adopt(std::vector<step> fewer) {
    if (tries_left_ == 0) return false;
    --tries_left_;
    if (!shows_(fewer)) return false;
    steps_ = std::move(fewer);
    return true;
  }

  std::vector<step> steps_;
  const shows_difference& shows_;
  std::size_t tries_left_;
};

}  // namespace

std::vector<step> shrink(std::vector<step> steps, const shows_difference& shows, std::size_t tries) {
  return shrinker(std::move(steps), shows, tries).run();
}

}  // namespace xsipc::conformance::differential
