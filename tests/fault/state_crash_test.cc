// Power loss at every file operation of a short life of the state store, on the real RocksDB: what
// is found is the state after some write, in every family the same, not older than the last flush;
// and a snapshot that was made is there, whole.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fault/state_workload.h"

namespace weir {
namespace {

// The disk at one moment, and what was known by then.
struct Image {
  std::unique_ptr<SimFileSystem> disk;
  StateWorkload::Ledger ledger;
  std::string what;
};

constexpr uint64_t kRandomSeeds = 2;

// Adds every way in which a crash at this moment may end.
void AddImages(const SimFileSystem& fs, const StateWorkload& workload, const std::string& what,
               std::vector<Image>* images) {
  const StateWorkload::Ledger ledger = workload.ledger();
  images->push_back({fs.CrashImage(0, CrashMode::kDropUnsynced), ledger, what + " drop unsynced"});
  images->push_back({fs.CrashImage(0, CrashMode::kKeepAll), ledger, what + " keep all"});
  for (uint64_t seed = 1; seed <= kRandomSeeds; ++seed) {
    images->push_back(
        {fs.CrashImage(seed, CrashMode::kRandom), ledger, absl::StrCat(what, " random ", seed)});
  }
}

// One that was made holds what it held. Another has its name only when it is whole.
void VerifySnapshots(const Image& image) {
  const auto names = image.disk->List("/snapshots");
  if (!image.ledger.snapshots.empty()) {
    const auto& [path, writes] = *image.ledger.snapshots.rbegin();
    const auto snapshot = StateNode::Open(image.disk.get(), path, /*must_exist=*/true);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    const auto content = ContentOf((*snapshot)->store());
    ASSERT_TRUE(content.ok()) << content.status();
    EXPECT_EQ(StateWorkload::WritesIn(*content, image.ledger.begun), writes) << path;
  }
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string path = "/snapshots/" + name;
    if (absl::EndsWith(name, ".tmp") || image.ledger.snapshots.contains(path)) continue;
    EXPECT_TRUE(StateNode::Open(image.disk.get(), path, /*must_exist=*/true).ok()) << path;
  }
}

void Verify(const Image& image) {
  const StateWorkload::Ledger& ledger = image.ledger;
  SCOPED_TRACE(absl::StrCat("crash before operation ", image.what, " after ", ledger.begun,
                            " writes, ", ledger.flushed, " of them flushed"));
  VerifySnapshots(image);
  const auto node = StateNode::Open(image.disk.get(), StateWorkload::kPath);
  ASSERT_TRUE(node.ok()) << node.status() << "\n" << image.disk->RecentOperations();
  const auto content = ContentOf((*node)->store());
  ASSERT_TRUE(content.ok()) << content.status();
  const int writes = StateWorkload::WritesIn(*content, ledger.begun);
  EXPECT_GE(writes, ledger.flushed) << "-1: the state after no write at all";
  // And life goes on.
  const StateChange change{StateFamily::kGroups, "after", "x"};
  ASSERT_TRUE((*node)->store().Write(absl::MakeConstSpan(&change, 1)).ok());
  ASSERT_TRUE((*node)->store().Flush().ok());
}

void RunAndCollect(std::vector<Image>* images) {
  SimFileSystem fs;
  absl::Mutex mu;  // RocksDB's threads write too
  StateWorkload workload(&fs);
  fs.SetObserver([&](const Operation& operation) {
    absl::MutexLock lock(&mu);
    AddImages(fs, workload, operation.ToString(), images);
  });
  for (int step = 1; step <= StateWorkload::kSteps; ++step) {
    const absl::Status status = workload.Step(step);
    EXPECT_TRUE(status.ok()) << "step " << step << ": " << status;
  }
  fs.SetObserver(nullptr);
  AddImages(fs, workload, "none", images);
}

TEST(StateCrashTest, EveryCrashPointLeavesTheStateAfterSomeWriteNotOlderThanTheLastFlush) {
  std::vector<Image> images;
  RunAndCollect(&images);
  for (const Image& image : images) {
    Verify(image);
    if (HasFailure()) break;
  }
  RecordProperty("states", static_cast<int>(images.size()));
  EXPECT_GT(images.size(), 1000u);
}

TEST(StateCrashTest, CrashesDuringTheOpenChangeNothing) {
  std::vector<Image> images;
  RunAndCollect(&images);
  size_t verified = 0;
  for (size_t i = 0; i < images.size() && !HasFailure(); i += 97) {
    const Image& image = images[i];
    std::vector<Image> again;
    absl::Mutex mu;
    image.disk->SetObserver([&](const Operation& operation) {
      absl::MutexLock lock(&mu);
      again.push_back(
          {image.disk->CrashImage(i, CrashMode::kRandom), image.ledger,
           absl::StrCat(image.what, ", then in the open before ", operation.ToString())});
    });
    ASSERT_TRUE(StateNode::Open(image.disk.get(), StateWorkload::kPath).ok());
    image.disk->SetObserver(nullptr);
    for (const Image& nested : again) {
      Verify(nested);
      if (HasFailure()) break;
    }
    verified += again.size();
  }
  EXPECT_GT(verified, 200u);
}

}  // namespace
}  // namespace weir
