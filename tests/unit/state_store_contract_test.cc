// What every StateStore must do, asked of the real one on the simulated disk and of the fake that
// stands in for it, so that the two agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/meta/rocksdb_state_store.h"
#include "tests/support/fake_state_store.h"
#include "tests/support/rocksdb_on_sim.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// A store that can lose its power.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual StateStore& store() = 0;
  // The power goes, and everything starts again.
  virtual void Crash() = 0;
  // From now on nothing can be written.
  virtual void BreakWrites() = 0;
};

class FakeSubject : public Subject {
 public:
  StateStore& store() override { return store_; }
  void Crash() override { store_.Crash(); }
  void BreakWrites() override { store_.FailWrites(absl::InternalError("broken")); }

 private:
  FakeStateStore store_;
};

class RocksDbSubject : public Subject {
 public:
  RocksDbSubject() { Open(std::make_unique<SimFileSystem>()); }
  ~RocksDbSubject() override { store_.reset(); }
  StateStore& store() override { return *store_; }
  void Crash() override {
    auto left = disk_->CrashImage(0, CrashMode::kDropUnsynced);
    store_.reset();
    rocks_.reset();
    Open(std::move(left));
  }
  void BreakWrites() override {
    disk_->FailNext(OperationKind::kCreate, "", Fault::kIo, Repeat::kForever);
    EXPECT_FALSE(store_->Flush().ok());
    disk_->ClearFaults();
  }

 private:
  void Open(std::unique_ptr<SimFileSystem> disk) {
    disk_ = std::move(disk);
    rocks_ = std::make_unique<RocksDbOnSim>(disk_.get());
    auto store = OpenRocksDbStateStore({.path = "/state", .env = rocks_->env()});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  std::unique_ptr<SimFileSystem> disk_;
  std::unique_ptr<RocksDbOnSim> rocks_;
  std::unique_ptr<StateStore> store_;
};

using MakeSubject = std::function<std::unique_ptr<Subject>()>;

class StateStoreContractTest
    : public ::testing::TestWithParam<std::pair<std::string, MakeSubject>> {
 protected:
  using Entries = std::vector<std::pair<std::string, std::string>>;

  StateStore& store() { return subject_->store(); }
  void Write(const std::vector<StateChange>& changes) {
    const absl::Status status = store().Write(changes);
    ASSERT_TRUE(status.ok()) << status;
  }
  Entries Scan(StateFamily family, absl::string_view start = "", absl::string_view end = "",
               size_t limit = 1000) {
    Entries entries;
    const absl::Status status =
        store().Scan(family, start, end, [&](absl::string_view key, absl::string_view value) {
          entries.emplace_back(key, value);
          return entries.size() < limit;
        });
    EXPECT_TRUE(status.ok()) << status;
    return entries;
  }

  const std::unique_ptr<Subject> subject_ = GetParam().second();
};

TEST_P(StateStoreContractTest, FamiliesAreApart) {
  Write({{StateFamily::kApplied, "k", "1"}, {StateFamily::kGroups, "k", "2"}});
  EXPECT_EQ(*store().Get(StateFamily::kApplied, "k"), "1");
  EXPECT_EQ(*store().Get(StateFamily::kGroups, "k"), "2");
  EXPECT_TRUE(absl::IsNotFound(store().Get(StateFamily::kOffsets, "k").status()));
  EXPECT_THAT(Scan(StateFamily::kOffsets), IsEmpty());
}

TEST_P(StateStoreContractTest, ChangesOfAWriteHappenInOrder) {
  Write({{StateFamily::kGroups, "gone", "x"}});
  Write({{StateFamily::kGroups, "a", "1"},
         {StateFamily::kGroups, "gone", std::nullopt},
         {StateFamily::kGroups, "a", "2"},
         {StateFamily::kGroups, "b", "3"},
         {StateFamily::kGroups, "b", std::nullopt},
         {StateFamily::kGroups, "never", std::nullopt}});
  EXPECT_THAT(Scan(StateFamily::kGroups), ElementsAre(Pair("a", "2")));
}

TEST_P(StateStoreContractTest, ARangeIsRemovedAsAWholeAndOnlyInItsFamily) {
  for (const std::string key : {"a", "b", "ba", "c"}) {
    Write({{StateFamily::kParked, key, "1"}, {StateFamily::kShares, key, "1"}});
  }
  Write({{StateFamily::kParked, "bb", "1"},
         {StateFamily::kParked, "b", std::nullopt, "c"},
         {StateFamily::kParked, "bc", "2"}});
  EXPECT_THAT(Scan(StateFamily::kParked),
              ElementsAre(Pair("a", "1"), Pair("bc", "2"), Pair("c", "1")));
  EXPECT_TRUE(absl::IsNotFound(store().Get(StateFamily::kParked, "ba").status()));
  EXPECT_EQ(Scan(StateFamily::kShares).size(), 4u);
}

TEST_P(StateStoreContractTest, ScanIsOrderedByBytesBoundedAndCanBeStopped) {
  for (const std::string key : {"b", "a", "c", "\xff", "ab"})
    Write({{StateFamily::kOffsets, key, key}});
  EXPECT_THAT(Scan(StateFamily::kOffsets, "a", "c"),
              ElementsAre(Pair("a", "a"), Pair("ab", "ab"), Pair("b", "b")));
  EXPECT_THAT(Scan(StateFamily::kOffsets, "aa", "", 2),
              ElementsAre(Pair("ab", "ab"), Pair("b", "b")));
  EXPECT_THAT(Scan(StateFamily::kOffsets, "d"), ElementsAre(Pair("\xff", "\xff")));
  EXPECT_THAT(Scan(StateFamily::kOffsets, "c", "a"), IsEmpty());
}

TEST_P(StateStoreContractTest, KeysAndValuesAreAnyBytes) {
  const std::string bytes("\0\n\xfe", 3);
  Write({{StateFamily::kGroups, bytes, bytes}, {StateFamily::kGroups, "", ""}});
  EXPECT_THAT(Scan(StateFamily::kGroups), ElementsAre(Pair("", ""), Pair(bytes, bytes)));
  EXPECT_EQ(*store().Get(StateFamily::kGroups, ""), "");
}

TEST_P(StateStoreContractTest, ACrashTakesWhatCameAfterTheLastFlushInEveryFamily) {
  Write({{StateFamily::kApplied, "a", "1"}, {StateFamily::kOffsets, "a", "1"}});
  ASSERT_TRUE(store().Flush().ok());
  Write({{StateFamily::kApplied, "a", "2"}, {StateFamily::kOffsets, "a", std::nullopt}});
  EXPECT_EQ(*store().Get(StateFamily::kApplied, "a"), "2");
  subject_->Crash();
  EXPECT_THAT(Scan(StateFamily::kApplied), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(Scan(StateFamily::kOffsets), ElementsAre(Pair("a", "1")));
}

TEST_P(StateStoreContractTest, ASnapshotFlushes) {
  Write({{StateFamily::kGroups, "a", "1"}});
  ASSERT_TRUE(store().Snapshot("/snapshot").ok());
  subject_->Crash();
  EXPECT_THAT(Scan(StateFamily::kGroups), ElementsAre(Pair("a", "1")));
}

TEST_P(StateStoreContractTest, EmptyWritesAndFlushesAreFine) {
  Write({});
  EXPECT_TRUE(store().Flush().ok());
  EXPECT_TRUE(store().Flush().ok());
}

TEST_P(StateStoreContractTest, AfterAFailureItIsReadButTakesNoMoreWrites) {
  Write({{StateFamily::kGroups, "a", "1"}});
  ASSERT_TRUE(store().Flush().ok());
  Write({{StateFamily::kGroups, "b", "2"}});
  subject_->BreakWrites();
  const StateChange change{StateFamily::kGroups, "c", "3"};
  EXPECT_FALSE(store().Write(absl::MakeConstSpan(&change, 1)).ok());
  EXPECT_THAT(Scan(StateFamily::kGroups), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_FALSE(store().Flush().ok());
  subject_->Crash();
  EXPECT_THAT(Scan(StateFamily::kGroups), ElementsAre(Pair("a", "1")));
}

INSTANTIATE_TEST_SUITE_P(
    Stores, StateStoreContractTest,
    ::testing::Values(
        std::pair<std::string, MakeSubject>("Fake", [] { return std::make_unique<FakeSubject>(); }),
        std::pair<std::string, MakeSubject>("RocksDb",
                                            [] { return std::make_unique<RocksDbSubject>(); })),
    [](const auto& info) { return info.param.first; });

}  // namespace
}  // namespace weir
