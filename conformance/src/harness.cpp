#include "xsipc/conformance/harness.hpp"

#include <chrono>
#include <ctime>
#include <thread>

namespace xsipc::conformance {

ipc_time harness::system_now() {
  timespec time{};
  // The coarse clock is the one that the kernel's whole seconds come from; the exact one may be ahead of it.
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  return time.tv_sec;
}

ipc_time harness::now() const { return system_now(); }

void harness::wait_out_this_second() const {
  for (const ipc_time begin = now(); now() == begin;) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

std::string_view need_name(need what) {
  switch (what) {
    case need::other_users: return "other_users";
    case need::private_namespace: return "private_namespace";
    case need::c_calls: return "c_calls";
    case need::cap_sys_resource: return "cap_sys_resource";
    case need::cap_ipc_owner: return "cap_ipc_owner";
    case need::cap_sys_admin: return "cap_sys_admin";
    case need::kernel_objects: return "kernel_objects";
    case need::real_processes: return "real_processes";
  }
  return "?";
}

}  // namespace xsipc::conformance
