// Where the two sides may differ, or where one side may do as it likes: each place by the rule that leaves it open.
//
// What is open in time - who of several wins a race in the kernel - is not compared but avoided: the action is left
// out. The stopping of processes (SEMOP-29) is no action at all.
#ifndef XSIPC_CONFORMANCE_DIFFERENTIAL_FREEDOM_HPP
#define XSIPC_CONFORMANCE_DIFFERENTIAL_FREEDOM_HPP

#include <array>
#include <cstdint>
#include <string_view>

namespace xsipc::conformance::differential {

enum class freedom : std::uint8_t {
  order_of_senders,
  order_of_receivers,
  order_of_zero_waits,
  thread_as_process,
  execute_bits_asked,
  stale_zcnt,
  stale_zero_wait,
  otime_of_empty_undo,
  undo_in_exit,
};

struct freedom_rule {
  freedom which;
  std::string_view rule;  // of the catalogue
  std::string_view what;
};

inline constexpr std::array<freedom_rule, 9> freedom_rules = {{
    {freedom::order_of_senders, "MSGSND-23",
     "a second sender may not wait for the same queue: the kernel lets them race"},
    {freedom::order_of_receivers, "MSGRCV-36",
     "IPC_SET of a queue with several blocked receivers, or a receiver and a sender, is left out: the kernel wakes "
     "them all, and they race"},
    {freedom::order_of_zero_waits, "SEMOP-36",
     "a wait for zero is not let wait beside an array of them, nor that beside it: of those that are released together "
     "the kernel performs arrays last, which sempid shows"},
    {freedom::thread_as_process, "MSGRCV-39",
     "msg_lrpid is the thread's id if a further thread was handed the message"},
    {freedom::execute_bits_asked, "GET-13", "execute bits asked of an existing object are EACCES in the kernel only"},
    {freedom::stale_zcnt, "SEMOP-38",
     "the kernel's semzcnt of arrays of zero-waits does not move on to the next that blocks"},
    {freedom::stale_zero_wait, "SEMOP-38",
     "an array of zero-waits, one with no_wait, is not let wait: the kernel sees too late that this one blocks now"},
    {freedom::otime_of_empty_undo, "SEMUNDO-19",
     "a process that ends sets sem_otime in the kernel also if its operations with SEM_UNDO all failed"},
    {freedom::undo_in_exit, "SEMUNDO-01",
     "a process with a thread that waits for a set is killed instead of exiting: posix gives its adjustments back in "
     "exit(), which may let that thread go on for as long as there is one"},
}};
inline constexpr std::size_t freedom_count = freedom_rules.size();

// What is open of one object.
struct open_fields {
  bool zcnt = false;
  bool otime = false;
};

}  // namespace xsipc::conformance::differential

#endif  // XSIPC_CONFORMANCE_DIFFERENTIAL_FREEDOM_HPP
