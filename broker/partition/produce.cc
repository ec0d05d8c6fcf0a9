#include "broker/partition/produce.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/topics/topic_name.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/reencode.h"

namespace weir {
namespace {

// Puts the log of partitions[i] into prepared.batches[i], one after another from `i` on, then calls
// `ready`.
void OpenLogs(ProduceEngine::Prepared prepared, std::vector<std::shared_ptr<Partition>> partitions,
              size_t i, ProduceEngine::OnPrepared ready) {
  for (; i < partitions.size(); ++i) {
    prepared.batches[i].log = partitions[i]->log();
    if (prepared.batches[i].log != nullptr) continue;
    Partition* const closed = partitions[i].get();
    closed->WithLog(
        [prepared = std::move(prepared), partitions = std::move(partitions), i,
         ready = std::move(ready)](absl::StatusOr<std::shared_ptr<PartitionLog>> log) mutable {
          if (!log.ok()) return ready(log.status());
          prepared.batches[i].log = *std::move(log);
          OpenLogs(std::move(prepared), std::move(partitions), i + 1, std::move(ready));
        });
    return;
  }
  ready(std::move(prepared));
}

}  // namespace

const absl::Status& ProduceOutcome::FirstError() const {
  for (const RecordOutcome& record : records) {
    if (!record.status.ok()) return record.status;
  }
  return status;
}

ProduceEngine::ProduceEngine(PartitionManager* partitions, TopicCatalog* catalog, LogManager* logs,
                             Clock* clock, Metrics* metrics)
    : partitions_(partitions), catalog_(catalog), logs_(logs), clock_(clock), metrics_(metrics) {}

void ProduceEngine::Prepare(ProduceRequest request, OnPrepared ready) {
  std::vector<std::shared_ptr<Partition>> partitions;
  absl::StatusOr<Prepared> prepared = request.batch.has_value()
                                          ? PrepareBatch(std::move(request), &partitions)
                                          : PrepareRecords(request, &partitions);
  if (!prepared.ok()) return ready(prepared.status());
  OpenLogs(*std::move(prepared), std::move(partitions), 0, std::move(ready));
}

absl::StatusOr<ProduceEngine::Prepared> ProduceEngine::PrepareBatch(
    ProduceRequest request, std::vector<std::shared_ptr<Partition>>* partitions) {
  WEIR_RETURN_IF_ERROR(CheckMayChange(request.topic));
  if (!request.partition.has_value()) {
    return MakeError(
        Reason::kInvalidRequest,
        "a record_batch needs a partition: the broker does not open it to look for keys");
  }
  WEIR_ASSIGN_OR_RETURN(PartitionManager::Found found,
                        partitions_->Find(request.topic, *request.partition));
  Prepared prepared;
  prepared.topic = std::move(found.topic);
  prepared.outcome.partition = *request.partition;
  prepared.outcome.durability = request.durability.value_or(prepared.topic->config.durability);
  prepared.outcome.status = FormBatch(*std::move(request.batch), prepared.topic->config, &prepared);
  if (prepared.outcome.status.ok()) partitions->push_back(std::move(found.partition));
  return prepared;
}

absl::Status ProduceEngine::FormBatch(SharedBytes bytes, const TopicConfig& config,
                                      Prepared* prepared) const {
  BatchAppend append;
  WEIR_ASSIGN_OR_RETURN(append.header, ValidateBatch(bytes, config.max_message_bytes));
  // A batch that stays as it is, is not opened for this.
  ReencodeOptions reencode{
      .check = [rules = RecordRules::Of(config, clock_->NowMs())](const RecordView& record) {
        return rules.CheckInBatch(record);
      }};
  if (config.compression.has_value() && *config.compression != append.header.compression()) {
    reencode.compression = config.compression;
  }
  if (config.timestamp_type == TimestampType::kLogAppendTime) {
    reencode.log_append_time_ms = clock_->NowMs();
    prepared->outcome.log_append_time_ms = *reencode.log_append_time_ms;
  }
  append.bytes = std::move(bytes);
  if (reencode.compression.has_value() || reencode.log_append_time_ms.has_value()) {
    WEIR_ASSIGN_OR_RETURN(std::string changed, Reencode(append.bytes.ToString(), reencode));
    append.header = DecodeBatchHeader(changed.data());
    if (append.header.size_bytes() > config.max_message_bytes) {
      return MakeError(Reason::kMessageTooLarge,
                       absl::StrCat("the batch takes ", append.header.size_bytes(),
                                    " bytes in the topic's compression.type; max.message.bytes is ",
                                    config.max_message_bytes));
    }
    append.bytes = SharedBytes::FromString(std::move(changed));
  }
  prepared->batches.push_back(std::move(append));
  return absl::OkStatus();
}

absl::StatusOr<ProduceEngine::Prepared> ProduceEngine::PrepareRecords(
    const ProduceRequest& request, std::vector<std::shared_ptr<Partition>>* partitions) {
  WEIR_RETURN_IF_ERROR(CheckMayChange(request.topic));
  if (request.records.empty() || request.records.size() > limits::kRecordsPerPlainProduce) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the request has ", request.records.size(),
                                  " records; it must have 1 to ", limits::kRecordsPerPlainProduce));
  }
  Prepared prepared;
  WEIR_ASSIGN_OR_RETURN(prepared.topic, catalog_->Require(request.topic));
  const Topic& topic = *prepared.topic;
  if (request.partition.has_value())
    WEIR_RETURN_IF_ERROR(partitions_->Find(prepared.topic, *request.partition).status());
  ProduceOutcome& outcome = prepared.outcome;
  outcome.durability = request.durability.value_or(topic.config.durability);
  const uint32_t turn = next_without_key_.fetch_add(1, std::memory_order_relaxed);
  PartitionRecordsOptions options{
      .partitions = topic.partitions,
      .partition = request.partition,
      .without_key =
          PartitionIndex{static_cast<int32_t>(turn % static_cast<uint32_t>(topic.partitions))},
      .max_batch_bytes = topic.config.max_message_bytes,
      .now_ms = clock_->NowMs()};
  options.rules = RecordRules::Of(topic.config, options.now_ms);
  options.batch.compression = topic.config.compression.value_or(Compression::kNone);
  if (topic.config.timestamp_type == TimestampType::kLogAppendTime) {
    outcome.log_append_time_ms = options.now_ms;
    options.batch.log_append_time_ms = options.now_ms;
  }
  PartitionedRecords formed = PartitionRecords(request.records, options);

  outcome.records.resize(request.records.size());
  for (PartitionedRecords::Refused& refused : formed.refused)
    outcome.records[refused.record].status = std::move(refused.reason);
  for (PartitionedRecords::Batch& batch : formed.batches) {
    WEIR_ASSIGN_OR_RETURN(PartitionManager::Found found,
                          partitions_->Find(prepared.topic, batch.partition));
    partitions->push_back(std::move(found.partition));
    for (const size_t record : batch.records) outcome.records[record].partition = batch.partition;
    const RecordBatchHeader header = DecodeBatchHeader(batch.bytes.data());
    prepared.batches.push_back(
        {.header = header, .bytes = SharedBytes::FromString(std::move(batch.bytes))});
    prepared.records.push_back(std::move(batch.records));
  }
  return prepared;
}

void ProduceEngine::Append(Prepared prepared, absl::AnyInvocable<bool() const> abandoned,
                           OnDone done) {
  if (prepared.batches.empty()) return done(std::move(prepared.outcome));
  Appended appended{.outcome = std::move(prepared.outcome), .records = std::move(prepared.records)};
  for (const BatchAppend& batch : prepared.batches)
    appended.sizes.push_back(batch.header.size_bytes());
  if (appended.records.empty()) appended.log = prepared.batches.front().log;
  AppendRequest request{.batches = std::move(prepared.batches),
                        .durability = appended.outcome.durability,
                        .abandoned = std::move(abandoned)};
  request.done = [this, appended = std::move(appended), done = std::move(done)](
                     absl::StatusOr<std::vector<AppendResult>> results) mutable {
    if (results.ok()) {
      Succeed(*results, &appended);
    } else {
      Fail(results.status(), &appended);
    }
    done(std::move(appended.outcome));
  };
  logs_->Append(std::move(request));
}

void ProduceEngine::Succeed(absl::Span<const AppendResult> results, Appended* appended) {
  ProduceOutcome& outcome = appended->outcome;
  for (size_t i = 0; i < results.size(); ++i) {
    metrics_->CountProduced(outcome.durability, results[i].record_count, appended->sizes[i]);
  }
  if (appended->log != nullptr) {
    outcome.base_offset = results[0].base_offset;
    outcome.record_count = results[0].record_count;
    outcome.duplicate = results[0].duplicate;
    if (outcome.duplicate) outcome.log_append_time_ms = 0;  // the original's is not known here
    outcome.log_start = appended->log->log_start();
    return;
  }
  for (size_t i = 0; i < results.size(); ++i) {
    Offset next = results[i].base_offset;
    for (const size_t record : appended->records[i]) {
      outcome.records[record].offset = next;
      ++next;
    }
  }
}

void ProduceEngine::Fail(const absl::Status& status, Appended* appended) {
  if (appended->log != nullptr) appended->outcome.status = status;
  for (const std::vector<size_t>& records : appended->records) {
    for (const size_t record : records) appended->outcome.records[record].status = status;
  }
}

}  // namespace weir
