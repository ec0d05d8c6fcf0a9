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

// All of the machine's that `store` (a StateStore or StateReader) has.
template <typename Store>
std::string ContentOf(const Store& store, PartitionIndex partition) {
  std::string text;
  const ShareKeyRange keys = ShareKeysOf(partition);
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
    : MachineDiskWorld(std::move(disk), starts, {LettersTopic(), RedrivenTopic()},
                       std::move(records)),
      epoch_(LeaderEpoch{1 + starts}),
      jobs_(std::move(jobs)),
      random_(static_cast<uint64_t>(starts)) {}

std::unique_ptr<ShareMachine> ShareDiskWorld::MakeMachine(size_t partition) {
  return std::make_unique<ShareMachine>(
      ShareMachineOptions{.shard = IndexOf(partition),
                          .epoch = epoch_,
                          .settings = &settings_,
                          .listener = this,
                          .random = [this] { return random_.Next(); }});
}

TopicPartition ShareDiskWorld::Letters(size_t partition) {
  return {LettersTopic(), IndexOf(partition)};
}

TopicPartition ShareDiskWorld::Redriven(size_t partition) {
  return {RedrivenTopic(), IndexOf(partition)};
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
  return Text(machine(partition).table()) + ContentOf(shard(partition), IndexOf(partition));
}

std::string ShareDiskWorld::Stored(size_t partition) {
  ShareTable table(IndexOf(partition));
  const absl::Status loaded = table.Load(keeper().store());
  return loaded.ok() ? Text(table) + ContentOf(keeper().store(), IndexOf(partition))
                     : loaded.ToString();
}

std::string ShareDiskWorld::Replayed(size_t partition, int64_t count) const {
  ShareTable table(IndexOf(partition));
  FakeStateStore store;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<StateChange> changes;
    const InternalRecord& record = ledger().records()[partition][static_cast<size_t>(i)];
    WEIR_CHECK(table.Replay(record, &changes).ok());
    WEIR_CHECK(store.Write(changes).ok());
  }
  return Text(table) + ContentOf(store, IndexOf(partition));
}

bool ShareDiskWorld::AllDone(size_t partition) const {
  for (const auto& [number, entry] : machine(partition).table().entries()) {
    const auto log = jobs_.find(entry->partition.id().partition);
    if (log == jobs_.end()) continue;  // of letters
    if (entry->partition.start() < log->second.end() || entry->partition.parked() > 0) return false;
  }
  return true;
}

}  // namespace weir
