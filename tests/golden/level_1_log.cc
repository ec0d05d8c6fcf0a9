#include "tests/golden/level_1_log.h"

#include <utility>

#include "storage/base/check.h"
#include "storage/record/record_batch.h"

namespace weir {

absl::StatusOr<RecoveryReport> Level1Log::Start(LeaderEpoch epoch, const Topics& topics) {
  RecoveryReport report;
  WEIR_ASSIGN_OR_RETURN(manager_,
                        LogManager::Open({.file_system = file_system_,
                                          .clock = clock_,
                                          .directory = data_,
                                          .listener = this,
                                          .completions = &posted_,
                                          .background = &posted_,
                                          .leader_epoch = epoch,
                                          .live_topics = topics.live,
                                          .deleted_topics = topics.deleted,
                                          .directory_uuid = level_1::kJournal,
                                          .journal_file_bytes = level_1::kJournalFileBytes,
                                          .threads = false},
                                         &report));
  return report;
}

absl::Status Level1Log::Stop() {
  const absl::Status closed = manager_->Close();
  posted_.RunAll();
  manager_.reset();
  return closed;
}

std::shared_ptr<PartitionLog> Level1Log::Log(const TopicPartition& id) {
  absl::StatusOr<std::shared_ptr<PartitionLog>> log =
      manager_->GetLog(id, {.segment_bytes = level_1::kSegmentBytes});
  WEIR_CHECK(log.ok());
  return *std::move(log);
}

absl::StatusOr<std::vector<AppendResult>> Level1Log::Append(
    const std::vector<level_1::Batch>& batches) {
  absl::StatusOr<std::vector<AppendResult>> outcome;
  AppendRequest request;
  for (const level_1::Batch& batch : batches) {
    const std::string bytes = batch.Sent();
    request.batches.push_back({.log = Log(batch.partition),
                               .header = DecodeBatchHeader(bytes.data()),
                               .bytes = SharedBytes::FromString(bytes)});
  }
  request.done = [&outcome](absl::StatusOr<std::vector<AppendResult>> results) {
    outcome = std::move(results);
  };
  manager_->Append(std::move(request));
  Run();
  return outcome;
}

absl::StatusOr<std::vector<OwnedRecord>> Level1Log::Records(const TopicPartition& id) {
  const std::shared_ptr<PartitionLog> log = Log(id);
  std::vector<OwnedRecord> records;
  for (Offset at = log->log_start(); at < log->high_watermark();) {
    WEIR_ASSIGN_OR_RETURN(const LogRead read,
                          log->Read(at, /*max_bytes=*/1, ReadMode::kMayBlock, nullptr));
    WEIR_ASSIGN_OR_RETURN(const std::vector<OwnedRecord> batch, ReadBatch(read.batches.view()));
    for (const OwnedRecord& record : batch) {
      if (record.offset >= at) records.push_back(record);
    }
    at = read.next_offset;
  }
  return records;
}

void Level1Log::Run() {
  while (manager_->RunCommitter()) {
  }
  posted_.RunAll();
}

}  // namespace weir
