// Who a process is, which image it runs, and whether others live.
//
// A process is its pid and the time it was started, which survives exec and no fork. An image is a row in the
// namespace: exec ends it as the process's end does. That it lives is known by a token, a lock on the row's byte of the
// object's file which hangs on a mapping that neither fork nor exec inherits; anybody may ask for it (F_OFD_GETLK). And
// quickly, as a hint, by a word (liveness.hpp); where that tells nothing, /proc is asked.
//
// Threads: all functions at once. Fork: begin() in the child, before anything else.
#ifndef XSIPC_POSIX_PROCESS_TABLE_HPP
#define XSIPC_POSIX_PROCESS_TABLE_HPP

#include <algorithm>
#include <cstdint>

#include "../engine/arena.hpp"
#include "liveness.hpp"
#include "namespace_object.hpp"

namespace xsipc::posix {

class process_table {
 public:
  explicit process_table(namespace_object& in) : in_(in), lives_(in) {}

  // Finds out who this process is and takes a row for its image: at the beginning, and after fork. With no row to be
  // had everything works, but others find out about its end more slowly, and images can't attach.
  void begin();

  [[nodiscard]] const engine::identity& self() const { return self_; }
  // start 0: it has no row.
  [[nodiscard]] const engine::identity& image() const { return image_; }

  // True unless the process, or the image, is known to have ended.
  [[nodiscard]] bool alive(const engine::identity& who);

  // Should the thread that stands for this image have ended: the calling one does from now on. A load if it hasn't.
  void stand_in() {
    if (liveness_ != nullptr && liveness::is_marked(*liveness_)) [[unlikely]]
      liveness::stand_in(*liveness_);
  }

 private:
  [[nodiscard]] image_row& row(std::uint32_t number) const { return in_.at<image_row>(in_.layout().images, number); }
  [[nodiscard]] bool hinted_alive(const engine::identity& who);
  [[nodiscard]] bool image_lives(const engine::identity& who) const;
  [[nodiscard]] std::uint32_t images_end() const {
    return std::min(engine::load(in_.prefix().images_end), most_images);
  }
  [[nodiscard]] static bool has_token(const file& object, std::uint32_t number);
  [[nodiscard]] std::uint32_t find_row(const file& object);
  void fill(std::uint32_t number);
  [[nodiscard]] static bool take_token(const file& object, std::uint32_t number);

  namespace_object& in_;
  liveness lives_;
  engine::identity self_;
  engine::identity image_;
  pthread_mutex_t* liveness_ = nullptr;
};

// When the process began, in clock ticks since the system did; 0 if that can't be known. `ended`: a zombie, or gone.
struct process_facts {
  bool ended = false;
  std::uint64_t start = 0;
};
[[nodiscard]] process_facts facts_of(std::int32_t pid);

}  // namespace xsipc::posix

#endif  // XSIPC_POSIX_PROCESS_TABLE_HPP
