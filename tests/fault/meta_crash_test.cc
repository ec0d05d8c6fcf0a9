// Power loss at every file operation of a short life of the metadata store, on the real RocksDB:
// what was acknowledged is there, what was under way is there whole or not at all, the revision
// never goes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/fault/meta_workload.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// The disk at one moment, and what had been acknowledged by then.
struct Image {
  std::unique_ptr<SimFileSystem> disk;
  int acknowledged;
  std::string what;
};

constexpr uint64_t kRandomSeeds = 4;

// Adds every way in which a crash at this moment may end.
void AddImages(const SimFileSystem& fs, int acknowledged, const std::string& what,
               std::vector<Image>* images) {
  images->push_back(
      {fs.CrashImage(0, CrashMode::kDropUnsynced), acknowledged, what + " drop unsynced"});
  images->push_back({fs.CrashImage(0, CrashMode::kKeepAll), acknowledged, what + " keep all"});
  for (uint64_t seed = 1; seed <= kRandomSeeds; ++seed) {
    images->push_back({fs.CrashImage(seed, CrashMode::kRandom), acknowledged,
                       absl::StrCat(what, " random ", seed)});
  }
}

// Opens the image and compares it with what the workload knew. True when the state is one that may
// be.
void Verify(const Image& image, const std::vector<MetaState>& states) {
  SCOPED_TRACE(absl::StrCat("crash before operation ", image.what, " with ", image.acknowledged,
                            " steps acknowledged"));
  int topic_ids = 100;
  const auto node = MetaNode::Start(image.disk.get(), &topic_ids);
  ASSERT_TRUE(node.ok()) << node.status() << "\n" << image.disk->RecentOperations();
  const auto state = (*node)->State();
  ASSERT_TRUE(state.ok()) << state.status();
  const auto index = static_cast<size_t>(image.acknowledged);
  const bool is_acknowledged = *state == states[index];
  const bool is_next = index + 1 < states.size() && *state == states[index + 1];
  EXPECT_TRUE(is_acknowledged || is_next)
      << "revision " << state->revision << " with " << state->entries.size()
      << " entries; acknowledged was " << states[index].revision;
  // And life goes on, one revision further.
  const auto next = (*node)->store().Txn({.puts = {{"after", "x"}}});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->revision, state->revision + 1);
}

// Runs the whole workload; `images` gets the disks that a crash before each operation leaves.
std::vector<MetaState> RunAndCollect(std::vector<Image>* images) {
  SimFileSystem fs;
  MetaWorkload workload(&fs);
  fs.SetObserver([&](const Operation& operation) {
    AddImages(fs, workload.acknowledged(), operation.ToString(), images);
  });
  for (int step = 1; step <= MetaWorkload::kSteps; ++step) {
    const absl::Status status = workload.Step();
    EXPECT_TRUE(status.ok()) << "step " << step << ": " << status;
  }
  fs.SetObserver(nullptr);
  AddImages(fs, workload.acknowledged(), "none", images);
  return workload.states();
}

TEST(MetaCrashTest, EveryCrashPointKeepsWhatWasAcknowledged) {
  std::vector<Image> images;
  const std::vector<MetaState> states = RunAndCollect(&images);
  ASSERT_EQ(states.size(), MetaWorkload::kSteps + 1u);
  for (const Image& image : images) {
    Verify(image, states);
    if (HasFailure()) break;
  }
  RecordProperty("states", static_cast<int>(images.size()));
  EXPECT_GT(images.size(), 500u);
}

TEST(MetaCrashTest, CrashesDuringRecoveryChangeNothing) {
  std::vector<Image> images;
  const std::vector<MetaState> states = RunAndCollect(&images);
  size_t verified = 0;
  for (size_t i = 0; i < images.size() && !HasFailure(); i += 23) {
    const Image& image = images[i];
    std::vector<Image> again;
    image.disk->SetObserver([&](const Operation& operation) {
      again.push_back(
          {image.disk->CrashImage(i, CrashMode::kRandom), image.acknowledged,
           absl::StrCat(image.what, ", then in recovery before ", operation.ToString())});
    });
    int topic_ids = 100;
    ASSERT_TRUE(MetaNode::Start(image.disk.get(), &topic_ids).ok());
    image.disk->SetObserver(nullptr);
    for (const Image& nested : again) {
      Verify(nested, states);
      if (HasFailure()) break;
    }
    verified += again.size();
  }
  EXPECT_GT(verified, 200u);
}

// RocksDB writes its tables, changes its manifest and begins a new log while writes go on: a crash
// in the middle of that loses nothing, and stops no open.
TEST(MetaCrashTest, CrashesWhileTablesAreWrittenLoseNothing) {
  constexpr int kWrites = 12;
  constexpr size_t kValueBytes = 900'000;
  SimFileSystem fs;
  absl::Mutex mu;  // RocksDB's threads write too
  std::vector<Image> images;
  std::atomic<int> acknowledged = 0;
  fs.SetObserver([&](const Operation& operation) {
    if (!absl::StrContains(operation.path, "MANIFEST") &&
        !absl::StrContains(operation.path, ".sst") && operation.kind == OperationKind::kWrite)
      return;
    absl::MutexLock lock(&mu);
    AddImages(fs, acknowledged, operation.ToString(), &images);
  });
  {
    RocksDbOnSim rocks(&fs);
    const auto store = OpenRocksDbKvStore({.path = "/meta", .env = rocks.env()});
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 1; i <= kWrites; ++i) {
      const KvChange change{absl::StrCat(i), std::string(kValueBytes, 'v')};
      ASSERT_TRUE((*store)->Write(absl::MakeConstSpan(&change, 1), WriteSync::kSync).ok());
      acknowledged = i;
    }
  }
  fs.SetObserver(nullptr);
  ASSERT_THAT(fs.AllFiles(), Contains(HasSubstr(".sst"))) << "tables were written";
  for (const Image& image : images) {
    SCOPED_TRACE(absl::StrCat("crash before operation ", image.what, " with ", image.acknowledged,
                              " writes acknowledged"));
    RocksDbOnSim rocks(image.disk.get());
    const auto store = OpenRocksDbKvStore({.path = "/meta", .env = rocks.env()});
    ASSERT_TRUE(store.ok()) << store.status() << "\n" << image.disk->RecentOperations();
    for (int i = 1; i <= image.acknowledged; ++i) {
      const auto value = (*store)->Get(absl::StrCat(i));
      ASSERT_TRUE(value.ok()) << i << ": " << value.status();
      EXPECT_EQ(value->size(), kValueBytes);
    }
  }
  EXPECT_GT(images.size(), 50u);
}

}  // namespace
}  // namespace weir
