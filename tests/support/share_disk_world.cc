#include "tests/support/share_disk_world.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/meta/share_keys.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/fake_state_store.h"
#include "tests/support/share_text.h"

namespace weir {
namespace {

TopicId LettersTopic() { return LogWorld::Topic(2); }
TopicId RedrivenTopic() { return LogWorld::Topic(3); }

PartitionIndex ShardOf(size_t partition) { return PartitionIndex{static_cast<int32_t>(partition)}; }

// All of the machine's that `store` (a StateStore or StateReader) has.
template <typename Store>
std::string ContentOf(const Store& store, size_t partition) {
  std::string text;
  const ShareKeyRange keys = ShareKeysOf(ShardOf(partition));
  for (const StateFamily family : {StateFamily::kShares, StateFamily::kParked}) {
    const absl::Status scanned = store.Scan(
        family, keys.start, keys.end, [&text](absl::string_view key, absl::string_view value) {
          absl::StrAppend(&text, absl::BytesToHexString(key), "=", absl::BytesToHexString(value),
                          "\n");
          return true;
        });
    WEIR_CHECK(scanned.ok());
  }
  return text;
}

}  // namespace

ShareDiskWorld::ShareDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts, JobLogs jobs,
                               MachineLedger::Records records)
    : ShardWorld(std::move(disk), starts, {LettersTopic(), RedrivenTopic()}),
      epoch_(LeaderEpoch{1 + starts}),
      jobs_(std::move(jobs)),
      random_(static_cast<uint64_t>(starts)),
      ledger_(std::move(records)) {}

std::unique_ptr<StateMachine> ShareDiskWorld::NewMachine(size_t partition) {
  auto machine = std::make_unique<ShareMachine>(
      ShareMachineOptions{.shard = ShardOf(partition),
                          .epoch = epoch_,
                          .settings = &settings_,
                          .listener = this,
                          .random = [this] { return random_.Next(); }});
  machines_[partition] = machine.get();
  auto tracked = std::make_unique<TrackedMachine>(&ledger_, partition, std::move(machine));
  tracked_[partition] = tracked.get();
  return tracked;
}

void ShareDiskWorld::OnShard(size_t partition, Shard* shard) {
  tracked_[partition]->UseTimers(shard);
  machines_[partition]->UseShard(tracked_[partition], shard);
}

void ShareDiskWorld::Ask(size_t partition, Question question) {
  ShareMachine& machine = *machines_[partition];
  shard(partition).Submit(
      tracked_[partition]->Track([&machine, question = std::move(question)](
                                     const MachineTime& now) { return question(machine, now); }),
      [](const absl::Status&) {});
}

TopicPartition ShareDiskWorld::Letters(size_t partition) {
  return {LettersTopic(), ShardOf(partition)};
}

TopicPartition ShareDiskWorld::Redriven(size_t partition) {
  return {RedrivenTopic(), ShardOf(partition)};
}

BatchAppend ShareDiskWorld::BatchFor(const TopicPartition& id, size_t records) {
  RecordBatchBuilder builder;
  for (size_t i = 0; i < records; ++i) builder.Append(1'000'000, "k", "letter");
  SharedBytes bytes = SharedBytes::FromString(builder.Finish({}));
  const absl::StatusOr<RecordBatchHeader> header =
      ValidateBatch(bytes, limits::kMaxMessageBytesDefault);
  WEIR_CHECK(header.ok());
  absl::StatusOr<std::shared_ptr<PartitionLog>> log = logs().GetLog(id);
  WEIR_CHECK(log.ok());
  return {.log = *std::move(log), .header = *header, .bytes = std::move(bytes), .internal = true};
}

int64_t ShareDiskWorld::RecordsOf(const TopicPartition& id) {
  const absl::StatusOr<std::shared_ptr<PartitionLog>> log = logs().GetLog(id);
  WEIR_CHECK(log.ok());
  return (*log)->high_watermark().value();
}

std::string ShareDiskWorld::Loaded(size_t partition) const {
  // The shard reads what it has beside the store.
  return Text(machines_[partition]->table()) + ContentOf(shard(partition), partition);
}

std::string ShareDiskWorld::Stored(size_t partition) {
  ShareTable table(ShardOf(partition));
  const absl::Status loaded = table.Load(keeper().store());
  return loaded.ok() ? Text(table) + ContentOf(keeper().store(), partition) : loaded.ToString();
}

std::string ShareDiskWorld::Replayed(size_t partition, int64_t count) const {
  ShareTable table(ShardOf(partition));
  FakeStateStore store;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<StateChange> changes;
    const InternalRecord& record = ledger_.records()[partition][static_cast<size_t>(i)];
    WEIR_CHECK(table.Replay(record, &changes).ok());
    WEIR_CHECK(store.Write(changes).ok());
  }
  return Text(table) + ContentOf(store, partition);
}

bool ShareDiskWorld::AllDone(size_t partition) const {
  for (const auto& [number, entry] : machines_[partition]->table().entries()) {
    const auto log = jobs_.find(entry->partition.id().partition);
    if (log == jobs_.end()) continue;  // of letters
    if (entry->partition.start() < log->second.end() || entry->partition.parked() > 0) return false;
  }
  return true;
}

}  // namespace weir
