// The state store over the real RocksDB: snapshots, damage, what it writes. On the simulated disk.
#include "storage/meta/rocksdb_state_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/meta/manifest_mark.h"
#include "tests/fault/state_workload.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kPath[] = "/state";

class RocksDbStateStoreTest : public ::testing::Test {
 protected:
  void Open() {
    node_.reset();
    auto node = StateNode::Open(&disk_, kPath);
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
  }
  StateStore& store() { return node_->store(); }
  void Put(StateFamily family, const std::string& key, const std::string& value) {
    const StateChange change{family, key, value};
    ASSERT_TRUE(store().Write(absl::MakeConstSpan(&change, 1)).ok());
  }
  // A few tables in every family, a manifest with records behind its first ones; closed.
  void Fill() {
    Open();
    for (int i = 0; i < 3; ++i) {
      for (const StateFamily family : kStateFamilies)
        Put(family, absl::StrCat("key ", i), absl::StrCat("value ", i));
      ASSERT_TRUE(store().Flush().ok());
    }
    content_ = *ContentOf(store());
    node_.reset();
  }
  std::string FileLike(absl::string_view part) {
    for (const std::string& path : disk_.AllFiles()) {
      if (absl::StrContains(path, part)) return path;
    }
    ADD_FAILURE() << "no file like " << part;
    return "";
  }
  // Opens the store on a copy of the disk that `damage` has changed: it must be refused with a
  // message that names the file, or show everything all the same.
  bool FoundOrHarmless(const std::string& file, const std::function<void(SimFileSystem&)>& damage) {
    const std::unique_ptr<SimFileSystem> disk = disk_.Clone();
    damage(*disk);
    const auto node = StateNode::Open(disk.get(), kPath, /*must_exist=*/true);
    if (!node.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(node.status())) << node.status();
      std::string name = file.substr(file.rfind('/') + 1);
      // RocksDB looks for a missing table under an old name, too, and calls it by that.
      if (absl::EndsWith(name, ".sst") && !disk->Stat(file).ok()) name.resize(name.size() - 4);
      EXPECT_THAT(std::string(node.status().message()), HasSubstr(name));
      return true;
    }
    const auto content = ContentOf((*node)->store());
    if (!content.ok()) return absl::IsDataLoss(content.status());
    return *content == content_;
  }
  bool IsRefused(const std::function<void(SimFileSystem&)>& damage) {
    const std::unique_ptr<SimFileSystem> disk = disk_.Clone();
    damage(*disk);
    return absl::IsDataLoss(StateNode::Open(disk.get(), kPath, /*must_exist=*/true).status());
  }
  void FlipBits(const std::string& file, int64_t stride) {
    const int64_t bits = static_cast<int64_t>(disk_.ReadRaw(file).size()) * 8;
    for (int64_t bit = 0; bit < bits; bit += stride) {
      ASSERT_TRUE(FoundOrHarmless(file, [&](SimFileSystem& disk) { disk.FlipBit(file, bit); }))
          << file << " bit " << bit;
    }
  }
  void Truncate(const std::string& file, size_t stride) {
    const std::string whole = disk_.ReadRaw(file);
    for (size_t size = 0; size < whole.size(); size += stride) {
      ASSERT_TRUE(FoundOrHarmless(
          file, [&](SimFileSystem& disk) { disk.WriteRaw(file, whole.substr(0, size)); }))
          << file << " cut to " << size;
    }
  }

  SimFileSystem disk_;
  std::unique_ptr<StateNode> node_;
  StateContent content_;
};

TEST_F(RocksDbStateStoreTest, ASnapshotIsAStoreOfItsOwn) {
  Open();
  Put(StateFamily::kGroups, "a", "1");
  ASSERT_TRUE(disk_.CreateDirectory("/snapshots").ok());
  ASSERT_TRUE(store().Snapshot("/snapshots/1").ok());
  const StateContent then = *ContentOf(store());
  for (int i = 0; i < 20; ++i) {  // enough to compact the tables away
    Put(StateFamily::kGroups, "a", "2");
    ASSERT_TRUE(store().Flush().ok());
  }
  const auto snapshot = StateNode::Open(&disk_, "/snapshots/1", /*must_exist=*/true);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(*ContentOf((*snapshot)->store()), then);
}

TEST_F(RocksDbStateStoreTest, NothingIsEverWrittenToALog) {
  Open();
  for (int i = 0; i < 10; ++i) Put(StateFamily::kOffsets, absl::StrCat(i), std::string(1000, 'x'));
  ASSERT_TRUE(store().Flush().ok());
  Put(StateFamily::kOffsets, "not flushed", "x");
  ASSERT_TRUE(store().Snapshot("/snapshot").ok());
  Put(StateFamily::kOffsets, "not flushed either", "x");
  for (const std::string& path : disk_.AllFiles()) {
    if (absl::EndsWith(path, ".log")) EXPECT_THAT(disk_.ReadRaw(path), IsEmpty()) << path;
  }
}

TEST_F(RocksDbStateStoreTest, AFailureIsNamedInEveryLaterRefusal) {
  Open();
  Put(StateFamily::kGroups, "a", "1");
  disk_.FailNext(OperationKind::kLink, "", Fault::kIo, Repeat::kOnce);
  const absl::Status failed = store().Snapshot("/snapshot");
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(std::string(failed.message()), HasSubstr("until the broker is started again"));
  const StateChange change{StateFamily::kGroups, "b", "2"};
  const absl::Status refused = store().Write(absl::MakeConstSpan(&change, 1));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("making the snapshot /snapshot"));
  EXPECT_TRUE(absl::IsFailedPrecondition(store().Flush()));
}

TEST_F(RocksDbStateStoreTest, AMissingStoreIsDataLossWhenItMustExist) {
  EXPECT_TRUE(absl::IsDataLoss(StateNode::Open(&disk_, kPath, /*must_exist=*/true).status()));
  ASSERT_TRUE(disk_.CreateDirectory(kPath).ok());
  EXPECT_TRUE(absl::IsDataLoss(StateNode::Open(&disk_, kPath, /*must_exist=*/true).status()));
  EXPECT_TRUE(StateNode::Open(&disk_, kPath).ok());
}

TEST_F(RocksDbStateStoreTest, EveryMissingFileIsFoundOrNotNeeded) {
  Fill();
  for (const std::string& file : disk_.AllFiles()) {
    EXPECT_TRUE(FoundOrHarmless(file, [&](SimFileSystem& disk) {
      ASSERT_TRUE(disk.Remove(file).ok());
    })) << file;
  }
  for (const std::string part : {"CURRENT", "MANIFEST-", ".sst"}) {
    const std::string file = FileLike(part);
    EXPECT_TRUE(IsRefused([&](SimFileSystem& disk) { ASSERT_TRUE(disk.Remove(file).ok()); }))
        << file;
  }
}

TEST_F(RocksDbStateStoreTest, EveryTruncatedFileIsFoundOrNotNeeded) {
  Fill();
  for (const std::string& file : disk_.AllFiles())
    Truncate(file, absl::StrContains(file, ".sst") || absl::StrContains(file, "OPTIONS") ? 97 : 1);
}

TEST_F(RocksDbStateStoreTest, EveryFlippedBitIsFoundOrHarmless) {
  Fill();
  FlipBits(FileLike("CURRENT"), 1);
  FlipBits(FileLike("MANIFEST-"), 1);
  FlipBits(FileLike(kManifestMarkName), 1);
  FlipBits(FileLike(".sst"), 61);
  FlipBits(FileLike("IDENTITY"), 7);
}

TEST_F(RocksDbStateStoreTest, AManifestOfEarlierIsNotTakenForTheOneOfNow) {
  Fill();
  const std::string manifest = FileLike("MANIFEST-");
  const std::string before = disk_.ReadRaw(manifest);
  ASSERT_FALSE(before.empty());
  // Every record is good; the last ones are missing.
  EXPECT_TRUE(IsRefused(
      [&](SimFileSystem& disk) { disk.WriteRaw(manifest, before.substr(0, before.size() / 2)); }));
  EXPECT_TRUE(IsRefused([&](SimFileSystem& disk) {
    disk.WriteRaw(std::string(kPath) + "/CURRENT", "MANIFEST-000001\n");
  }));
}

TEST_F(RocksDbStateStoreTest, WhatIsBehindTheMarkIsCutOff) {
  Fill();
  const std::string manifest = FileLike("MANIFEST-");
  const std::string whole = disk_.ReadRaw(manifest);
  // A record that a crash has torn, and one behind it that it has not.
  disk_.WriteRaw(manifest, absl::StrCat(whole, std::string(512, '\0'), whole.substr(0, 200)));
  Open();
  ASSERT_NE(node_, nullptr);
  EXPECT_EQ(*ContentOf(store()), content_);
  node_.reset();
  // One whose head is there and whose end is not: RocksDB takes it for damage.
  const std::string now = FileLike("MANIFEST-");
  disk_.WriteRaw(
      now, absl::StrCat(disk_.ReadRaw(now), std::string("abcd\0\1\1", 7), std::string(256, '\0')));
  Open();
  ASSERT_NE(node_, nullptr);
  EXPECT_EQ(*ContentOf(store()), content_);
}

}  // namespace
}  // namespace weir
