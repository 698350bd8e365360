// A program of somebody else: sends itself an order.
#include <iostream>
#include <xsipc/xsipc.hpp>

struct order {
  int item, amount;
};

int main() {
  using namespace xsipc;
  auto queue = message_queue::get(key::ipc_private, creation::create_only(0600)).value();
  queue.send_value(7, order{42, 3}).value();
  const auto got = queue.receive_value<order>(msgtyp_selector::type(7)).value();
  queue.remove().value();
  std::cout << got.value.amount << " of item " << got.value.item << " over " << default_backend().name() << "\n";
  return got.value.item == 42 && got.value.amount == 3 ? 0 : 1;
}
