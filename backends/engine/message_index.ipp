// The functions of message_index that every message passes. Included by message_index.hpp; inline, so that they become
// part of the calls.
namespace xsipc::engine {

inline std::uint32_t& message_index::bucket(std::uint32_t slot) const {
  queue_body& body = memory_.body();
  const std::uint32_t place = slot & read(body.bucket_mask);
  const std::uint32_t first = read(body.buckets);
  const std::uint64_t page = std::uint64_t{first} + place / buckets_per_page;
  if (first == nil || page >= memory_.space().committed_pages()) return body.inline_bucket[place % inline_buckets];
  return reinterpret_cast<std::uint32_t*>(
      memory_.space().page(static_cast<std::uint32_t>(page)))[place % buckets_per_page];
}

inline std::uint32_t message_index::record_of(std::int64_t type) const {
  const std::uint32_t number = read(bucket(slot_of(type)));
  const type_record* first = memory_.record(number);
  if (first == nullptr) return nil;
  return first->type == type ? number : further_record(type, *first);
}

inline void message_index::append(std::uint32_t number, message_node& message) {
  queue_body& body = memory_.body();
  const std::uint32_t last = read(body.fifo.tail);
  store_both(message.links, {last, nil});
  if (message_node* before = memory_.node(last); before != nullptr) {
    before->links.next = number;
    body.fifo.tail = number;
  } else {
    store_both(body.fifo, {number, number});
  }
  // Nil: all messages so far have the head's type, so that this is the first to be looked at.
  if (body.cursor == nil) [[unlikely]]
    body.cursor = number;
  type_record* record = join_type(message);
  if (record != nullptr) {
    if (record->head == nil) {
      begin_type(number, message, *record);
    } else {
      if (message_node* before = memory_.node(read(record->tail)); before != nullptr) before->type_next = number;
      record->tail = number;
    }
  }
  body.volume += one_message(message.size);
}

// Finds or makes the record of the message's type.
inline type_record* message_index::join_type(message_node& message) {
  std::uint32_t found = record_of(message.type);
  if (found == nil) [[unlikely]]
    found = add_record(message.type);
  message.type_next = nil;
  message.record = found;
  return memory_.record(found);
}

// The first message of a type that had none.
inline void message_index::begin_type(std::uint32_t number, const message_node& message, type_record& record) {
  record.head = number;
  record.tail = number;
  if (memory_.body().heap_entries == heap_off || record.heap_place != nil) [[likely]]
    return;
  enter_heap(message, record);
}

inline void message_index::remove(std::uint32_t number, message_node& message) {
  queue_body& body = memory_.body();
  const std::uint32_t prev = read(message.links.prev);
  const std::uint32_t next = read(message.links.next);
  message_node* before = memory_.node(prev);
  message_node* after = memory_.node(next);
  if (before == nullptr && after == nullptr) {
    store_both(body.fifo, {nil, nil});
  } else {
    (before == nullptr ? body.fifo.head : before->links.next) = next;
    (after == nullptr ? body.fifo.tail : after->links.prev) = prev;
  }
  if (body.cursor == number) [[unlikely]]
    body.cursor = next;
  body.volume -= one_message(message.size);
  type_record* record = memory_.record(read(message.record));
  if (record == nullptr) [[unlikely]]
    return;
  if (record->head == number) [[likely]] {
    record->head = message.type_next;
    return;
  }
  leave_type(number, message, *record);
}

inline std::uint32_t message_index::find(const msgtyp_selector& selector) {
  std::uint32_t found = nil;
  if (selector.copy) [[unlikely]] {
    found = at_place(selector.msgtyp);
  } else if (selector.msgtyp == 0) {
    found = read(memory_.body().fifo.head);
  } else if (selector.msgtyp < 0) {
    found = lowest_for(selector.msgtyp);
  } else if (selector.except) {
    found = first_but(selector.msgtyp);
  } else if (const type_record* record = memory_.record(record_of(selector.msgtyp)); record != nullptr) {
    found = read(record->head);
  }
  return memory_.node(found) != nullptr ? found : nil;
}

}  // namespace xsipc::engine
