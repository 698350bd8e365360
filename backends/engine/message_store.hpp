// The messages of one queue: stored, found, handed over, and put right again after a death.
//
// A node (a cell) is a message or a waiter. Its state word, ticket << 2 | kind, is the truth: storing a message's state
// sends it, storing 0 takes it. First-in-first-out list, lists by type, the heap of types for negative msgtyp, the
// cursor for MSG_EXCEPT, counters and free lists are derived from the states, and recover() makes them anew.
//
// Every function wants the queue's lock, and none parks or takes another; text of callers that is copied under the lock
// has been touched before (substrate.hpp, readable and writable). Sizes are at most 2^31 - 1.
// Errors by which the queue stays as it was: nil from stage and park means that there is no memory.
#ifndef XSIPC_ENGINE_MESSAGE_STORE_HPP
#define XSIPC_ENGINE_MESSAGE_STORE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "arena.hpp"
#include "block_heap.hpp"
#include "message_index.hpp"
#include "message_memory.hpp"
#include "wait_queue.hpp"
#include "xsipc/message.hpp"

namespace xsipc::engine {

// Who acts, and when: for lspid, stime and the like.
struct deed {
  std::int32_t pid = 0;
  std::int64_t now = 0;  // seconds since the epoch
};

struct message_head {
  std::int64_t type = 0;
  std::uint32_t size = 0;
};

struct queue_counts {
  std::uint64_t cbytes = 0;
  std::uint64_t qnum = 0;
  std::int64_t stime = 0;
  std::int64_t rtime = 0;
  std::int32_t lspid = 0;
  std::int32_t lrpid = 0;
};

class message_store {
 public:
  message_store(const arena& space, const object_ref& queue, std::uint32_t& page_chain)
      : memory_(space, queue, page_chain) {}

  // Makes the body of a new queue, whatever was there.
  void make(std::uint64_t qbytes);

  // -- Sending: stage, write, then post or drop.
  [[nodiscard]] bool fits(std::uint32_t size) const;
  // Returns a node with room for `size` bytes that is not yet a message.
  [[nodiscard]] std::uint32_t stage(std::int64_t type, std::uint32_t size);
  void write_text(std::uint32_t staged, const std::byte* text);
  // Sends it: to the first parked receiver that it suits (one whose buffer is too small is failed with E2BIG and the
  // next is asked), else to the end of the queue. Commits.
  void post(std::uint32_t staged, const deed& by, wake_list& wakes);
  void drop(std::uint32_t staged);

  // -- Receiving: find, read, then take.
  // Returns the message that `selector` admits (for a copy: the one at that place), or nil.
  [[nodiscard]] std::uint32_t find(const msgtyp_selector& selector);
  [[nodiscard]] message_head head_of(std::uint32_t message) const;
  // Copies the first `size` bytes of the text.
  void read_text(std::uint32_t message, std::byte* to, std::uint32_t size) const;
  // Removes it and lets parked senders in that now fit. Commits.
  void take(std::uint32_t message, const deed& by, wake_list& wakes);

  // -- Waiting. The cell's `who`, `thread` and `death` are the caller's to set before the lock is given back.
  [[nodiscard]] std::uint32_t park_receiver(const msgtyp_selector& selector, std::uint64_t room,
                                            truncation when_too_long, const identity& who);
  // The message is sent on the caller's behalf once it fits; `who.pid` becomes lspid.
  [[nodiscard]] std::uint32_t park_sender(std::uint32_t staged, const identity& who);
  [[nodiscard]] wait_cell& cell_of(std::uint32_t waiter) const;
  // A parked sender that must look for itself whether it still may send: room nudges it, nothing is sent on its behalf.
  [[nodiscard]] bool must_look(std::uint32_t waiter) const;
  [[nodiscard]] std::uint32_t staged_of(std::uint32_t waiter) const;  // of a sender
  // A parked waiter goes away, a sender's message with it.
  void leave(std::uint32_t waiter);
  // A parked sender sends after all. Commits; the waiter is gone.
  void post_parked(std::uint32_t waiter, const deed& by, wake_list& wakes);
  // A completed waiter goes away. A receiver that is done has read its message (detail of the cell), which is gone with
  // it. Commits.
  void collect(std::uint32_t waiter);
  // A receiver that is done doesn't want its message any more: it returns to its place, or to a receiver that waits.
  void give_back(std::uint32_t waiter, wake_list& wakes);

  // -- Copying without the lock. Both return the waiter that stands for the caller meanwhile, or nil.
  // The message is the caller's: as if it had been handed over; cell done, detail the message. Then collect().
  [[nodiscard]] std::uint32_t claim(std::uint32_t message, const identity& who, const deed& by, wake_list& wakes);
  // A staged message into which the caller writes; cell busy. Then end_writing(), which gives only the waiter back, and
  // post or park_sender as for any staged message, or drop if the queue was removed meanwhile.
  [[nodiscard]] std::uint32_t begin_writing(std::uint32_t staged, const identity& who);
  void end_writing(std::uint32_t waiter);

  // -- Changing.
  // A new msg_qbytes: lets senders in that now fit.
  void set_qbytes(std::uint64_t qbytes, wake_list& wakes);
  // Permissions may have changed: parked receivers are nudged, parked senders must look for themselves.
  void recheck(wake_list& wakes);
  // The queue was removed (its slot says so): everybody who is parked fails with EIDRM, all messages are gone but those
  // handed over.
  void remove(wake_list& wakes);
  // True if nobody is parked, in flight or writing: the pages can be given back.
  [[nodiscard]] bool deserted() const;

  // -- Death.
  // True if somebody to whom a message was handed over, or who was writing one, has died; his message is then back in
  // its place, or gone. Cheap if nobody is in flight; without `confirm` it looks only at death words.
  bool sweep(bool confirm, wake_list& wakes) { return body().flight != nil && sweep_flight(confirm, wakes); }
  // Puts everything derived right and completes what can be completed. `removed`: as remove(). Idempotent; may be cut
  // short at any instruction and begun again.
  void recover(std::uint64_t qbytes, bool removed, wake_list& wakes);

  [[nodiscard]] queue_counts counts() const;
  [[nodiscard]] std::uint32_t waiting_receivers() const;
  [[nodiscard]] std::uint32_t waiting_senders() const;
  // Every invariant of the queue. Empty, or what is wrong. For tests; slow.
  [[nodiscard]] std::string check(bool removed) const;

 private:
  [[nodiscard]] message_index index() const { return message_index(memory_); }
  [[nodiscard]] block_heap blocks() const { return block_heap(memory_); }
  [[nodiscard]] queue_body& body() const { return memory_.body(); }

  void write_long_text(std::uint32_t staged, message_node& message, const std::byte* text);
  void read_long_text(std::uint32_t message, const message_node& node, std::byte* to, std::uint32_t size) const;
  void publish(message_node& message);
  void sent(std::int32_t pid, std::int64_t now);
  void received(std::int32_t pid, std::int64_t now);
  void release(std::uint32_t number, message_node& message);
  void place(std::uint32_t number, message_node& message, bool newest, std::int64_t now, wake_list& wakes);
  [[nodiscard]] bool hand_over(std::uint32_t number, const message_node& message, std::int64_t now, wake_list& wakes);
  void admit(std::int64_t now, wake_list& wakes);

  // Lists of waiters, all ordered by tickets but for the one of those in flight.
  struct waiting_list {
    std::uint32_t& head;
    std::uint32_t& tail;
  };
  [[nodiscard]] waiting_list receivers() const { return {body().receivers, body().receivers_tail}; }
  [[nodiscard]] waiting_list senders() const { return {body().senders, body().senders_tail}; }
  [[nodiscard]] waiting_list flight() const { return {body().flight, body().flight_tail}; }
  void enter(const waiting_list& list, std::uint32_t number, wait_node& waiter);
  void unhook(const waiting_list& list, wait_node& waiter);
  // Visits each waiter, and may unhook it: visit(number, waiter); ends when it returns false.
  template <typename Visitor>
  void each(const waiting_list& list, Visitor visit) const {
    std::uint32_t number = read(list.head);
    for (std::uint32_t left = memory_.most_nodes(); left != 0; --left) {
      wait_node* waiter = memory_.waiter(number);
      if (waiter == nullptr) return;
      const std::uint32_t next = read(waiter->links.next);
      if (!visit(number, *waiter)) return;
      number = next;
    }
  }
  [[nodiscard]] std::uint32_t count(const waiting_list& list) const;

  [[nodiscard]] std::uint32_t new_waiter(wait_status status, std::uint32_t detail, const identity& who);
  void commit_waiter(wait_node& waiter, node_kind kind);
  [[nodiscard]] static msgtyp_selector selector_of(const wait_node& waiter);
  void forget(std::uint32_t number, wait_node& waiter);
  void reap(const waiting_list& list, std::uint32_t number, wait_node& waiter);
  void complete(const waiting_list& list, std::uint32_t number, wait_node& waiter, wait_status with,
                std::uint32_t detail, wake_list& wakes);
  void drop_staged(wait_node& waiter);
  bool sweep_flight(bool confirm, wake_list& wakes);

  // Recovery; message_recovery.cpp.
  struct found_nodes;
  void scan(found_nodes& messages, found_nodes& waiters);
  void sort(found_nodes& nodes);
  void settle(std::uint32_t number, wait_node& waiter, bool removed, wake_list& wakes);
  void settle_receiver(std::uint32_t number, wait_node& waiter, bool removed, wake_list& wakes);
  void settle_sender(std::uint32_t number, wait_node& waiter, bool removed, wake_list& wakes);
  void free_unused();
  void serve_receivers(wake_list& wakes);

  message_memory memory_;
};

}  // namespace xsipc::engine

#include "message_store.ipp"

#endif  // XSIPC_ENGINE_MESSAGE_STORE_HPP
