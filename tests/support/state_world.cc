#include "tests/support/state_world.h"

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr int64_t kWords = 5;
constexpr size_t kValueBytes = 120;

TopicId InternalTopic() { return LogWorld::Topic(1); }

Ledger LogLedger() {
  Ledger ledger;
  ledger.live_topics = {InternalTopic()};
  return ledger;
}

LogWorldOptions LogOptions(int starts) {
  LogWorldOptions options;
  options.epoch = LeaderEpoch{1 + starts};
  return options;
}

std::string WordOf(int64_t record) { return absl::StrCat("word ", record % kWords); }
std::string ValueOf(int64_t record) {
  std::string value = absl::StrCat(record, " ");
  value.resize(kValueBytes, 'v');
  return value;
}

}  // namespace

StateWorld::StateWorld(std::unique_ptr<SimFileSystem> disk, int starts)
    : logs_(std::make_unique<LogWorld>(std::move(disk), LogLedger(), LogOptions(starts))),
      timers_(std::make_unique<TimerQueue>(&logs_->clock(), TimerQueue::Drive::kManual)),
      rocks_(std::make_unique<RocksDbOnSim>(&logs_->disk())) {}

StateWorld::~StateWorld() { StopParts(); }

TopicPartition StateWorld::Id(size_t partition) {
  return {InternalTopic(), PartitionIndex{static_cast<int32_t>(partition)}};
}

StateWorld::Words StateWorld::WordsAfter(int64_t records) {
  Words words;
  for (int64_t record = 0; record < records; ++record) words[WordOf(record)] = ValueOf(record);
  return words;
}

StateWorld::Ledger StateWorld::ledger() const {
  Ledger ledger;
  for (size_t i = 0; i < kPartitions; ++i) {
    ledger.sent[i] = sent_[i];
    ledger.acknowledged[i] = acknowledged_[i];
  }
  return ledger;
}

absl::Status StateWorld::Open() {
  WEIR_RETURN_IF_ERROR(logs_->Open());
  for (size_t i = 0; i < kPartitions; ++i) {
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<PartitionLog> log, logs_->GetLog(Id(i)));
    partitions_.push_back(std::move(log));
  }
  WEIR_ASSIGN_OR_RETURN(
      keeper_,
      StateKeeper::Open({.files = files(),
                         .partitions = partitions_,
                         .logs = &logs_->log(),
                         .executor = &executor_,
                         .timers = timers_.get(),
                         .flush_pause = kFlushPause,
                         .snapshot_pause = kSnapshotPause,
                         .disk_is_low = [this] { return disk_is_low_; },
                         .on_failure = [this](const absl::Status& why) { failure_ = why; }},
                        &notes_));
  std::vector<Shard*> shards;
  for (size_t i = 0; i < kPartitions; ++i) {
    machines_.push_back(std::make_unique<WordMachine>(absl::StrCat(i, "/")));
    shards_.push_back(std::make_unique<Shard>(ShardOptions{.log = partitions_[i],
                                                           .logs = &logs_->log(),
                                                           .store = &keeper_->store(),
                                                           .executor = &executor_,
                                                           .timers = timers_.get(),
                                                           .clock = &logs_->clock()},
                                              machines_[i].get()));
    WEIR_RETURN_IF_ERROR(shards_[i]->Load());
    sent_[i] = acknowledged_[i] = partitions_[i]->high_watermark().value();
    shards.push_back(shards_[i].get());
  }
  keeper_->Start(std::move(shards));
  Pump();
  return absl::OkStatus();
}

void StateWorld::StopParts() {
  if (keeper_ != nullptr) {
    bool stopped = false;
    keeper_->Stop([&] { stopped = true; });
    Pump();
    WEIR_CHECK(stopped);
  }
  for (std::unique_ptr<Shard>& shard : shards_) {
    bool stopped = false;
    shard->Stop([&] { stopped = true; });
    Pump();
    WEIR_CHECK(stopped);
  }
  shards_.clear();
}

absl::Status StateWorld::Stop() {
  StopParts();
  const absl::Status flushed = keeper_->FlushStore();
  keeper_ = nullptr;
  partitions_.clear();
  const absl::Status closed = logs_->Close();
  return flushed.ok() ? closed : flushed;
}

void StateWorld::Send(size_t partition, int records) {
  for (int i = 0; i < records; ++i) {
    const int64_t record = sent_[partition]++;
    shards_[partition]->Submit(
        [this, partition, record](const MachineTime&) {
          Decision decision;
          decision.records.push_back(
              {.kind = 1, .payload = absl::StrCat(WordOf(record), "=", ValueOf(record))});
          decision.answer = [this, partition, record](const absl::Status& status) {
            if (status.ok()) acknowledged_[partition] = record + 1;
          };
          return decision;
        },
        [](const absl::Status&) {});
  }
}

void StateWorld::Pump() {
  do {
    if (logs_->fenced().ok()) logs_->Pump();
  } while (executor_.RunAll() > 0);
}

void StateWorld::Advance(absl::Duration by) {
  logs_->clock().Advance(by);
  timers_->RunDue();
  Pump();
}

absl::Status StateWorld::Flush() {
  absl::Status result = absl::UnknownError("not answered");
  keeper_->Flush([&](const absl::Status& status) { result = status; });
  Pump();
  return result;
}

}  // namespace weir
