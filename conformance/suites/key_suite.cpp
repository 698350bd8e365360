// Keys: which object a get call finds under one, and how an object is shared without one.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <stdexcept>

#include "xsipc/conformance/kinds.hpp"

namespace xsipc::conformance {

XSI_SUITE(key)

namespace {

using testing::Ge;
using testing::Ne;
using testing::Not;

class Key : public each_kind {
 protected:
  result<int> get(actor_thread& by, key which, creation how) const { return kind().get(by.xsi(), which, how); }
};

XSI_FOR_EACH_KIND(Key);

TEST_P(Key, PrivateMakesANewObjectWhateverTheFlags) {
  XSI_ASSERTION("KEY-01");
  actor& client = process();
  std::set<int> ids;
  for (const ipc_mode mode : {0U, 0600U}) {
    for (const bool create : {false, true}) {
      for (const bool exclusive : {false, true}) {
        for (int time = 0; time < 2; ++time) {
          const auto id = get(client, key::ipc_private, {create, exclusive, mode});
          ASSERT_THAT(id, SucceedsWith(Ge(0)));
          EXPECT_TRUE(ids.insert(*id).second) << *id << " was there already";
        }
      }
    }
  }
}

TEST_P(Key, PrivateWithCreatAndExclNeverExists) {
  XSI_ASSERTION("KEY-02");
  actor& first = process();
  actor& second = process();
  const auto one = get(first, key::ipc_private, creation::create_only(0600));
  ASSERT_THAT(one, Succeeds());
  EXPECT_THAT(get(first, key::ipc_private, creation::create_only(0600)), SucceedsWith(Ne(*one)));
  EXPECT_THAT(get(second, key::ipc_private, creation::create_only(0600)), SucceedsWith(Ne(*one)));
}

TEST_P(Key, AnObjectWithoutAKeyIsReachedByItsIdOnly) {
  XSI_ASSERTION("KEY-10");
  actor& creator = process();
  actor& other = process();
  const int id = new_object(creator);
  ASSERT_THAT(put_number(creator, id, 77), Succeeds());
  for (actor* const by : {&creator, &other}) {
    for (const creation how : {creation::find(0600), creation::open_or_create(0600)}) {
      const auto got = get(*by, key::ipc_private, how);
      ASSERT_THAT(got, SucceedsWith(Ne(id)));
      EXPECT_THAT(take_number(*by, *got), Not(SucceedsWith(77)));
    }
  }
  EXPECT_THAT(take_number(other, id), SucceedsWith(77));
}

TEST_P(Key, FindsTheCreatorsIdInEveryProcess) {
  XSI_ASSERTION("KEY-03");
  actor& creator = process();
  actor& other = process();
  const key first = fresh_key();
  const key second = fresh_key();
  const auto one = get(creator, first, creation::create_only(0600));
  const auto two = get(creator, second, creation::create_only(0600));
  ASSERT_THAT(one, Succeeds());
  ASSERT_THAT(two, SucceedsWith(Ne(*one)));
  actor& child = creator.fork();
  for (actor* const by : {&creator, &other, &child}) {
    EXPECT_THAT(get(*by, first, creation::find()), SucceedsWith(*one));
    EXPECT_THAT(get(*by, second, creation::find()), SucceedsWith(*two));
  }
}

// A backend that cuts or hashes keys without comparing them meets itself here.
TEST_P(Key, AllItsBitsCount) {
  XSI_ASSERTION("KEY-03", "KEY-05");
  actor& creator = process();
  actor& other = process();
  std::vector<key> names = {fresh_key()};
  for (unsigned bit = 0; bit < 32; ++bit) {
    names.push_back(static_cast<key>(static_cast<std::uint32_t>(names.front()) ^ (1U << bit)));
  }
  std::vector<int> ids;
  for (const key name : names) {
    EXPECT_THAT(get(other, name, creation::find()), FailsWith(ENOENT));
    const auto id = get(creator, name, creation::create_only(0600));
    ASSERT_THAT(id, Succeeds()) << "key " << static_cast<std::int32_t>(name);
    ids.push_back(*id);
  }
  EXPECT_EQ(std::set<int>(ids.begin(), ids.end()).size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_THAT(get(other, names[i], creation::find()), SucceedsWith(ids[i]));
  }
}

TEST_P(Key, MayBeAnyNumberButZero) {
  XSI_ASSERTION("KEY-05");
  XSI_NEEDS(need::private_namespace);
  actor& creator = process();
  actor& other = process();
  using number = std::numeric_limits<std::int32_t>;
  for (const std::int32_t value : {-1, number::min(), number::min() + 1, number::max(), 1, 75, -75, 0x4000, 0x10000}) {
    const auto name = static_cast<key>(value);
    EXPECT_THAT(get(other, name, creation::find()), FailsWith(ENOENT)) << value;
    const auto id = get(creator, name, creation::create_only(0600));
    ASSERT_THAT(id, Succeeds()) << value;
    EXPECT_THAT(get(other, name, creation::find()), SucceedsWith(*id)) << value;
    EXPECT_THAT(get(other, name, creation::create_only(0600)), FailsWith(EEXIST)) << value;
    EXPECT_EQ(status(other, *id).perm.object_key, name);
  }
}

TEST_P(Key, OfOneKindFindsNoOtherKind) {
  XSI_ASSERTION("KEY-04");
  actor& client = process();
  const key name = fresh_key();
  std::vector<std::pair<kind_calls, int>> others;
  for (const auto which : {object_kind::queue, object_kind::set, object_kind::segment}) {
    if (which == kind().which()) continue;
    const auto id = kind_calls(which).get(client.xsi(), name, creation::create_only(0600));
    ASSERT_THAT(id, Succeeds());
    others.emplace_back(kind_calls(which), *id);
  }
  EXPECT_THAT(get(client, name, creation::find()), FailsWith(ENOENT));
  const auto id = get(client, name, creation::create_only(0600));
  ASSERT_THAT(id, Succeeds());
  EXPECT_THAT(get(client, name, creation::find()), SucceedsWith(*id));
  for (const auto& [calls, other] : others) {
    EXPECT_THAT(calls.get(client.xsi(), name, creation::find()), SucceedsWith(other));
  }
  ASSERT_THAT(kind().remove(client.xsi(), *id), Succeeds());
  EXPECT_THAT(get(client, name, creation::find()), FailsWith(ENOENT));
  for (const auto& [calls, other] : others) {
    EXPECT_THAT(calls.get(client.xsi(), name, creation::find()), SucceedsWith(other));
  }
}

TEST_P(Key, IsToldByTheStatus) {
  XSI_ASSERTION("KEY-06");
  actor& client = process();
  const key positive = static_cast<key>(static_cast<std::uint32_t>(fresh_key()) & 0x7fffffffU);
  const key negative = static_cast<key>(static_cast<std::uint32_t>(fresh_key()) | 0x80000000U);
  for (const key name : {positive, negative}) {
    const auto id = get(client, name, creation::create_only(0600));
    ASSERT_THAT(id, Succeeds());
    EXPECT_EQ(status(client, *id).perm.object_key, name);
  }
  EXPECT_EQ(status(client, new_object(client)).perm.object_key, key::ipc_private);
}

TEST_P(Key, IsNotNeededByAChildOrAProgramThatIsToldTheId) {
  XSI_ASSERTION("KEY-07");
  actor& parent = process();
  const int id = new_object(parent);
  ASSERT_THAT(put_number(parent, id, 301), Succeeds());
  actor& child = parent.fork();
  EXPECT_THAT(take_number(child, id), SucceedsWith(301));
  ASSERT_THAT(put_number(parent, id, 302), Succeeds());
  child.exec();
  EXPECT_THAT(take_number(child, id), SucceedsWith(302));
  ASSERT_THAT(put_number(child, id, 303), Succeeds());
  EXPECT_THAT(take_number(parent, id), SucceedsWith(303));
}

XSI_ROUTINE(key_write_id_to_file) {
  std::ofstream(context.input.bytes) << context.input.numbers.at(0) << '\n';
  return {};
}

// Uses the object as its first and only calls; returns the id and whether writing and reading succeeded.
XSI_ROUTINE(key_use_id_from_file) {
  const kind_calls kind(static_cast<object_kind>(context.input.numbers.at(0)));
  int id = -1;
  std::ifstream(context.input.bytes) >> id;
  const bool wrote = kind.use_writing(context.xsi, id).has_value();
  const bool read = kind.use_reading(context.xsi, id).has_value();
  return {{id, wrote, read}, {}};
}

class temporary_file {
 public:
  temporary_file() {
    const int descriptor = ::mkstemp(path_.data());
    if (descriptor < 0) throw std::runtime_error("no temporary file");
    ::close(descriptor);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { ::unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = testing::TempDir() + "xsipc_id_XXXXXX";
};

TEST_P(Key, IsNotNeededByAStrangerWhoReadsTheIdFromAFile) {
  XSI_ASSERTION("KEY-08");
  const temporary_file file;
  actor& creator = process();
  actor& stranger = process();
  const int id = new_object(creator);
  static_cast<void>(creator.run("key_write_id_to_file", {{id}, file.path()}));
  const auto used = stranger.run("key_use_id_from_file", {{static_cast<std::int64_t>(GetParam())}, file.path()});
  EXPECT_THAT(used.numbers, testing::ElementsAre(id, 1, 1));
  ASSERT_THAT(put_number(stranger, id, 5), Succeeds());
  EXPECT_THAT(take_number(creator, id), SucceedsWith(5));
}

TEST_P(Key, IsFreeAsSoonAsItsObjectIsRemoved) {
  XSI_ASSERTION("KEY-09");
  actor& creator = process();
  actor& other = process();
  const key name = fresh_key();
  const auto old = get(creator, name, creation::create_only(0600));
  ASSERT_THAT(old, Succeeds());
  ASSERT_THAT(put_number(creator, *old, 9), Succeeds());
  EXPECT_THAT(get(other, name, creation::create_only(0600)), FailsWith(EEXIST));
  ASSERT_THAT(kind().remove(creator.xsi(), *old), Succeeds());
  EXPECT_THAT(get(other, name, creation::find()), FailsWith(ENOENT));
  const auto created = get(other, name, creation::create_only(0600));
  ASSERT_THAT(created, SucceedsWith(Ne(*old)));
  EXPECT_THAT(get(creator, name, creation::find()), SucceedsWith(*created));
  EXPECT_THAT(take_number(creator, *created), Not(SucceedsWith(9)));
}

class KeyOfSegment : public conformance_test {};

TEST_F(KeyOfSegment, IsFreeThoughTheRemovedSegmentIsStillAttached) {
  XSI_ASSERTION("KEY-09");
  actor& user = process();
  actor& other = process();
  const key name = fresh_key();
  const auto old = user.xsi().get_segment(name, 4096, creation::create_only(0600), {});
  ASSERT_THAT(old, Succeeds());
  const auto address = user.xsi().attach(*old, {});
  ASSERT_THAT(address, Succeeds());
  ASSERT_TRUE(user.poke(*address, "old"));
  ASSERT_THAT(user.xsi().remove_segment(*old), Succeeds());
  EXPECT_THAT(other.xsi().get_segment(name, 0, creation::find(), {}), FailsWith(ENOENT));
  const auto created = other.xsi().get_segment(name, 8192, creation::create_only(0600), {});
  ASSERT_THAT(created, SucceedsWith(Ne(*old)));
  EXPECT_THAT(user.xsi().get_segment(name, 0, creation::find(), {}), SucceedsWith(*created));
  const auto new_address = other.xsi().attach(*created, {});
  ASSERT_THAT(new_address, Succeeds());
  EXPECT_EQ(other.peek(*new_address, 3), std::string(3, '\0'));
  EXPECT_EQ(user.peek(*address, 3), "old");
  ASSERT_THAT(user.xsi().detach(*address), Succeeds());
  EXPECT_THAT(user.xsi().get_segment(name, 0, creation::find(), {}), SucceedsWith(*created));
}

}  // namespace
}  // namespace xsipc::conformance
