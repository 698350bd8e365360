// Words that tell without a system call that a process lives.
//
// Each image has a robust mutex which one of its threads holds for ever; the kernel marks it when that thread ends, or
// with exec. So a held one without the mark tells that the process lives; everything else tells nothing.
//
// A robust mutex keeps pointers which the C library follows: it lies where only its own user may write. In a private
// namespace that is the object; in a shared one a file for each user, which the others map for reading.
// Threads: all functions at once.
#ifndef XSIPC_POSIX_LIVENESS_HPP
#define XSIPC_POSIX_LIVENESS_HPP

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <mutex>

#include "namespace_object.hpp"

namespace xsipc::posix {

class liveness {
 public:
  explicit liveness(namespace_object& in) : in_(in) {}
  liveness(const liveness&) = delete;
  liveness& operator=(const liveness&) = delete;

  // The calling thread stands for the image of row `number` from now on. Null: others have to ask otherwise.
  [[nodiscard]] pthread_mutex_t* begin(std::uint32_t number);
  // The thread that stood for it has ended; the calling one does from now on, unless another is faster.
  static void stand_in(pthread_mutex_t& mutex);

  [[nodiscard]] static bool is_marked(const pthread_mutex_t& mutex);
  // True if the image of that row, a process of that user, certainly lives.
  [[nodiscard]] bool is_held(std::uint32_t number, std::uint32_t uid);

 private:
  static constexpr int most_users = 64;  // in one namespace; of further ones nothing is known here
  struct mapped_file {
    std::atomic<std::uint32_t> uid{0};
    std::atomic<const liveness_row*> rows{nullptr};  // stored last
  };

  [[nodiscard]] const liveness_row* rows_of(std::uint32_t uid);
  [[nodiscard]] liveness_row* map_own() const;
  [[nodiscard]] const liveness_row* map_of(std::uint32_t uid) const;

  namespace_object& in_;
  std::mutex mutex_;  // taken to add to `files_`
  mapped_file files_[most_users];
};

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_LIVENESS_HPP
