// The table of permissions: each mode bit alone, for each class, asked for each access: 36 cells a kind.
#include <array>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(perm_cells)

namespace {

enum class user_class : std::uint8_t { owner, group, other };
enum class access : std::uint8_t { read, write };

constexpr std::array classes = {user_class::owner, user_class::group, user_class::other};
constexpr std::array class_names = {"owner", "group", "other"};
constexpr std::array accesses = {access::read, access::write};
constexpr std::array access_names = {"read", "write"};

struct cell {
  object_kind kind;
  user_class granted_to;  // with `granted` the one bit of the object's mode
  access granted;
  user_class who;
  access asked;

  [[nodiscard]] bool is_granted() const { return granted_to == who && granted == asked; }
};

// The bit of `what` for one class, 0400 to 0002.
constexpr ipc_mode bit_of(user_class whose, access what) {
  return (what == access::read ? 0400U : 0200U) >> (3 * static_cast<unsigned>(whose));
}

std::vector<cell> all_cells() {
  std::vector<cell> cells;
  for (const auto kind : {object_kind::queue, object_kind::set, object_kind::segment}) {
    for (const auto granted_to : classes) {
      for (const auto granted : accesses) {
        for (const auto who : classes) {
          for (const auto asked : accesses) cells.push_back({kind, granted_to, granted, who, asked});
        }
      }
    }
  }
  return cells;
}

// As in queue_0400_owner_read.
std::string cell_name(const testing::TestParamInfo<cell>& info) {
  const cell& c = info.param;
  const ipc_mode bit = bit_of(c.granted_to, c.granted);
  std::string mode = "_0";
  for (const unsigned shift : {6U, 3U, 0U}) mode += static_cast<char>('0' + (bit >> shift & 7U));
  return std::string(kind_name(c.kind)) + mode + '_' + class_names.at(static_cast<std::size_t>(c.who)) + '_' +
         access_names.at(static_cast<std::size_t>(c.asked));
}

class PermCell : public conformance_test, public testing::WithParamInterface<cell> {
 protected:
  // A process of the cell's class, for objects of `owner`.
  actor& asker(actor& owner) {
    switch (GetParam().who) {
      case user_class::owner: return owner;
      case user_class::group: return process({.uid = bob, .gid = alice});
      case user_class::other: break;
    }
    return process({.uid = carol, .gid = carol});
  }
};

template <typename T>
void expect_granted(const result<T>& outcome, bool granted) {
  if (granted) {
    EXPECT_THAT(outcome, Succeeds());
  } else {
    EXPECT_THAT(outcome, FailsWith(EACCES));
  }
}

TEST_P(PermCell, GrantsOneAccessToOneClass) {
  XSI_ASSERTION("PERM-06");
  if (GetParam().who != user_class::owner) XSI_NEEDS(need::other_users);
  const kind_calls kind(GetParam().kind);
  const access asked = GetParam().asked;
  actor& owner = process(unprivileged());
  const key name = fresh_key();
  const ipc_mode mode = bit_of(GetParam().granted_to, GetParam().granted);
  const int id = kind.get(owner.xsi(), name, creation::create_only(mode)).value();
  spi::backend& xsi = asker(owner).xsi();

  // Which class's bit asks for the access makes no difference, nor do several of them.
  for (const auto named : classes) {
    expect_granted(kind.get(xsi, name, creation::find(bit_of(named, asked))), GetParam().is_granted());
  }
  const ipc_mode in_all_classes = asked == access::read ? 0444 : 0222;
  expect_granted(kind.get(xsi, name, creation::find(in_all_classes)), GetParam().is_granted());
  EXPECT_THAT(kind.get(xsi, name, creation::find(0666)), FailsWith(EACCES));

  if (asked == access::read) {
    expect_granted(kind.read(xsi, id), GetParam().is_granted());
    expect_granted(kind.use_reading(xsi, id), GetParam().is_granted());
  } else if (GetParam().kind != object_kind::segment) {
    expect_granted(kind.use_writing(xsi, id), GetParam().is_granted());
  } else {
    // Attaching for writing needs both bits, and here is one.
    EXPECT_THAT(kind.use_writing(xsi, id), FailsWith(EACCES));
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, PermCell, testing::ValuesIn(all_cells()), cell_name);

}  // namespace
}  // namespace xsipc::conformance
