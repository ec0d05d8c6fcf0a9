// Power loss at every file operation while topics are created, written to and deleted, with their
// metadata (the real RocksDB) and the log on one disk: a start finds every topic whose creation was
// acknowledged, with every record that was, none whose deletion was, and no directory of nobody.
// log_crash_test knows the topics by itself instead: a start of RocksDB takes many times as long as
// one of the log, and forty thousand of them would be no quick run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/fault/meta_workload.h"
#include "tests/support/log_world.h"
#include "tests/support/sim_random.h"

namespace weir {
namespace {

constexpr int kSteps = 500;
constexpr int32_t kPartitions = 2;
constexpr uint64_t kMostTopics = 4;

using Topics = std::map<std::string, TopicId>;

Topics TopicsOf(const TopicCatalog& catalog) {
  Topics topics;
  for (const TopicPtr& topic : catalog.List("", "", SIZE_MAX)) topics[topic->name] = topic->id;
  return topics;
}

// The disk at one moment, and what was known by then.
struct Image {
  std::unique_ptr<SimFileSystem> disk;
  Ledger ledger;
  Topics topics;
  std::string under_way;  // the topic that is being created or deleted; empty: none
  std::string what;
};

class TopicLife {
 public:
  explicit TopicLife(uint64_t seed)
      : random_(seed), logs_(std::make_unique<SimFileSystem>(seed), Ledger{}) {}

  absl::Status Open() {
    absl::StatusOr<std::unique_ptr<MetaNode>> meta = MetaNode::Start(&logs_.disk(), &topic_ids_);
    if (!meta.ok()) return meta.status();
    meta_ = *std::move(meta);
    return logs_.Open();
  }

  absl::Status Step() {
    absl::Status status;
    const uint64_t what = random_.Below(12);
    if (what < 2 && topics_.size() < kMostTopics) {
      status = Create();
    } else if (what == 2 && topics_.size() > 1) {
      status = Delete(Any().first);
    } else if (what == 3) {
      logs_.Checkpoint();
    } else if (!topics_.empty()) {
      const PartitionIndex partition{static_cast<int32_t>(random_.Below(kPartitions))};
      logs_.Send({Any().second, partition}, 1 + static_cast<int32_t>(random_.Below(5)));
    }
    if (random_.Below(2) == 0) logs_.Pump();
    if (status.ok()) status = FinishDeletions();
    return status;
  }

  Image At(const Operation& operation, uint64_t number) {
    const CrashMode mode = number % 3 == 0   ? CrashMode::kDropUnsynced
                           : number % 3 == 1 ? CrashMode::kKeepAll
                                             : CrashMode::kRandom;
    return {.disk = logs_.disk().CrashImage(number, mode),
            .ledger = logs_.ledger(),
            .topics = topics_,
            .under_way = under_way_,
            .what = absl::StrCat("before operation ", number, " (", operation.ToString(),
                                 "), mode ", static_cast<int>(mode))};
  }

  SimFileSystem& disk() { return logs_.disk(); }
  int created() const { return topic_ids_; }
  int deleted() const { return deleted_; }

 private:
  std::pair<std::string, TopicId> Any() {
    return *std::next(topics_.begin(), static_cast<int>(random_.Below(topics_.size())));
  }
  absl::Status Create() {
    under_way_ = absl::StrCat("topic-", topic_ids_);
    const auto made = meta_->catalog().Create({.name = under_way_, .partitions = kPartitions});
    if (!made.ok()) return made.status();
    topics_[under_way_] = (*made)->id;
    under_way_.clear();
    logs_.CreateTopic((*made)->id);
    return absl::OkStatus();
  }
  absl::Status Delete(const std::string& name) {
    under_way_ = name;
    const auto marked = meta_->catalog().Delete(name);
    if (!marked.ok()) return marked.status();
    topics_.erase(name);
    under_way_.clear();
    ++deleted_;
    return logs_.DeleteTopic((*marked)->id);
  }
  // The marks of those that the log has forgotten go.
  absl::Status FinishDeletions() {
    const std::vector<TopicId>& kept = logs_.ledger().deleted_topics;
    for (const TopicId id : meta_->catalog().DeletedIds()) {
      if (std::find(kept.begin(), kept.end(), id) != kept.end()) continue;
      const absl::Status finished = meta_->catalog().FinishDeletion(id);
      if (!finished.ok()) return finished;
    }
    return absl::OkStatus();
  }

  SimRandom random_;
  LogWorld logs_;
  std::unique_ptr<MetaNode> meta_;
  int topic_ids_ = 0;
  int deleted_ = 0;
  Topics topics_;
  std::string under_way_;
};

void Verify(Image image) {
  SCOPED_TRACE(image.what);
  Ledger ledger = std::move(image.ledger);
  {
    int topic_ids = 100;
    const auto meta = MetaNode::Start(image.disk.get(), &topic_ids);
    ASSERT_TRUE(meta.ok()) << meta.status() << "\n" << image.disk->RecentOperations();
    Topics found = TopicsOf((*meta)->catalog());
    ledger.live_topics = (*meta)->catalog().LiveIds();
    ledger.deleted_topics = (*meta)->catalog().DeletedIds();
    found.erase(image.under_way);
    image.topics.erase(image.under_way);
    ASSERT_EQ(found, image.topics);
  }
  const auto is_live = [&](TopicId id) {
    return std::find(ledger.live_topics.begin(), ledger.live_topics.end(), id) !=
           ledger.live_topics.end();
  };
  std::erase_if(ledger.partitions, [&](const auto& entry) { return !is_live(entry.first.topic); });
  LogWorld after(std::move(image.disk), std::move(ledger), {.epoch = LeaderEpoch{2}});
  const absl::Status opened = after.Open();
  ASSERT_TRUE(opened.ok()) << opened;
  ASSERT_EQ(after.CheckPromises(/*power_lost=*/true), "") << after.disk().RecentOperations();
  ASSERT_EQ(after.CheckResend(), "");
}

TEST(TopicCrashTest, EveryCrashPointLeavesTopicsAndRecordsThatBelongTogether) {
  TopicLife life(1);
  ASSERT_TRUE(life.Open().ok());
  absl::Mutex mu;  // RocksDB's threads write too
  std::vector<Image> images;
  life.disk().SetObserver([&](const Operation& operation) {
    absl::MutexLock lock(&mu);
    images.push_back(life.At(operation, images.size()));
  });
  for (int step = 0; step < kSteps; ++step) {
    const absl::Status status = life.Step();
    ASSERT_TRUE(status.ok()) << status;
  }
  life.disk().SetObserver(nullptr);
  EXPECT_GT(life.deleted(), 3);
  std::cout << "crash points of topics: " << images.size() << " states, " << life.created()
            << " topics created, " << life.deleted() << " deleted\n";
  EXPECT_GT(images.size(), 1000u);
  for (Image& image : images) {
    Verify(std::move(image));
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace weir
