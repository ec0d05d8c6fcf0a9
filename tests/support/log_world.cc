#include "tests/support/log_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"

namespace weir {
namespace {
constexpr char kData[] = "/data";
}  // namespace

LogWorld::LogWorld(std::unique_ptr<SimFileSystem> disk, Ledger ledger, LogWorldOptions options)
    : disk_(std::move(disk)), ledger_(std::move(ledger)), options_(options) {
  config_.segment_bytes = options_.segment_bytes;
}

LogWorld::~LogWorld() { log_.reset(); }

TopicId LogWorld::Topic(int number) {
  TopicId id;
  id.bytes[15] = static_cast<uint8_t>(number);
  return id;
}

std::string LogWorld::Value(const TopicPartition& id, int64_t record, int bytes) {
  std::string value = absl::StrCat(id.topic.bytes[15], "/", id.partition.value(), "#", record, "#");
  while (value.size() < static_cast<size_t>(bytes))
    value.push_back(static_cast<char>('a' + (record + value.size()) % 26));
  return value;
}

absl::Status LogWorld::Open() {
  WEIR_RETURN_IF_ERROR(CreateDirectories(*disk_, kData));
  absl::StatusOr<std::unique_ptr<LogManager>> log =
      LogManager::Open({.file_system = disk_.get(),
                        .clock = &clock_,
                        .directory = kData,
                        .listener = this,
                        .completions = &completions_,
                        .background = &background_,
                        .leader_epoch = options_.epoch,
                        .live_topics = ledger_.live_topics,
                        .deleted_topics = ledger_.deleted_topics,
                        .journal_file_bytes = options_.journal_file_bytes,
                        .journal_files = options_.journal_files,
                        .dirty_segments = options_.dirty_logs,
                        .threads = false},
                       &report_);
  WEIR_RETURN_IF_ERROR(log.status());
  log_ = *std::move(log);
  return absl::OkStatus();
}

absl::Status LogWorld::Close() {
  const absl::Status closed = log_->Close();
  log_.reset();
  background_.RunAll();
  return closed;
}

std::unique_ptr<LogWorld> LogWorld::Restart(std::unique_ptr<SimFileSystem> disk,
                                            const LogWorld& before) {
  LogWorldOptions options = before.options_;
  options.epoch = options.epoch + 1;
  return std::make_unique<LogWorld>(std::move(disk), before.ledger_, options);
}

void LogWorld::CreateTopic(TopicId topic) { ledger_.live_topics.push_back(topic); }

absl::Status LogWorld::DeleteTopic(TopicId topic) {
  std::erase(ledger_.live_topics, topic);
  ledger_.deleted_topics.push_back(topic);
  std::erase_if(ledger_.partitions, [&](const auto& entry) { return entry.first.topic == topic; });
  std::erase_if(ledger_.together, [&](const Ledger::Together& request) {
    return std::any_of(request.begin(), request.end(),
                       [&](const auto& batch) { return batch.first.topic == topic; });
  });
  return log_->DeleteTopic(topic, [this, topic] { std::erase(ledger_.deleted_topics, topic); });
}

absl::StatusOr<std::shared_ptr<PartitionLog>> LogWorld::GetLog(const TopicPartition& id) {
  return log_->GetLog(id, config_);
}

BatchAppend LogWorld::MakeBatch(const TopicPartition& id, const Ledger::Batch& batch) {
  RecordBatchBuilder builder;
  for (int64_t i = batch.first; i < batch.first + batch.count; ++i) {
    builder.Append(1'000'000 + i, absl::StrCat("k", i % 7), Value(id, i, options_.value_bytes));
  }
  SharedBytes bytes =
      SharedBytes::FromString(builder.Finish({.producer_id = ProducerId{7},
                                              .producer_epoch = ProducerEpoch{0},
                                              .base_sequence = static_cast<int32_t>(batch.first)}));
  const absl::StatusOr<RecordBatchHeader> header =
      ValidateBatch(bytes, limits::kMaxMessageBytesDefault);
  WEIR_CHECK(header.ok());
  absl::StatusOr<std::shared_ptr<PartitionLog>> log = GetLog(id);
  if (!log.ok()) return BatchAppend{};  // the disk failed
  return {.log = *std::move(log), .header = *header, .bytes = std::move(bytes)};
}

void LogWorld::Submit(const std::vector<std::pair<TopicPartition, Ledger::Batch>>& batches,
                      Durability durability) {
  AppendRequest request{.batches = {}, .durability = durability};
  for (const auto& [id, batch] : batches) {
    request.batches.push_back(MakeBatch(id, batch));
    if (request.batches.back().log == nullptr) return;
  }
  request.done = [this, batches, durability](absl::StatusOr<std::vector<AppendResult>> results) {
    ++answers_;
    for (size_t i = 0; results.ok() && i < batches.size(); ++i) {
      WEIR_CHECK((*results)[i].base_offset == Offset{batches[i].second.first});
      Ledger::Partition& partition = ledger_.partitions[batches[i].first];
      const int64_t end = batches[i].second.first + batches[i].second.count;
      partition.written = std::max(partition.written, end);
      if (durability == Durability::kDurable) partition.durable = std::max(partition.durable, end);
    }
    last_answer_ = std::move(results);
  };
  log_->Append(std::move(request));
}

void LogWorld::Send(const TopicPartition& id, int32_t count, Durability durability) {
  Ledger::Partition& partition = ledger_.partitions[id];
  const Ledger::Batch batch{partition.sent, count};
  partition.sent += count;
  partition.batches.push_back(batch);
  Submit({{id, batch}}, durability);
}

void LogWorld::SendTogether(const std::vector<TopicPartition>& ids, int32_t count) {
  Ledger::Together request;
  for (const TopicPartition& id : ids) {
    Ledger::Partition& partition = ledger_.partitions[id];
    request.emplace_back(id, Ledger::Batch{partition.sent, count});
    partition.sent += count;
    partition.batches.push_back(request.back().second);
  }
  ledger_.together.push_back(request);
  Submit(request, Durability::kDurable);
}

void LogWorld::SendAgain(const TopicPartition& id, const Ledger::Batch& batch) {
  Submit({{id, batch}}, Durability::kDurable);
}

void LogWorld::DeleteRecords(const TopicPartition& id, Offset before) {
  const auto log = GetLog(id);
  if (!log.ok()) return;
  Ledger::Partition& partition = ledger_.partitions[id];
  partition.start_asked = std::max(partition.start_asked, before.value());
  log_->DeleteRecords(*log, before, [this, id](absl::StatusOr<Offset> start) {
    Ledger::Partition& mine = ledger_.partitions[id];
    if (start.ok()) mine.start_acked = std::max(mine.start_acked, start->value());
  });
}

void LogWorld::Pump() {
  bool worked = true;
  while (worked) {
    worked = log_->RunCommitter();
    worked = background_.RunAll() > 0 || worked;
  }
}

void LogWorld::Checkpoint() {
  in_checkpoint_ = true;
  log_->RunCheckpoint().IgnoreError();
  in_checkpoint_ = false;
}

void LogWorld::Look(const TopicPartition& id) {
  const auto log = GetLog(id);
  if (log.ok())
    ledger_.partitions[id].seen =
        std::max(ledger_.partitions[id].seen, (*log)->high_watermark().value());
}

std::string LogWorld::CheckContent(const TopicPartition& id) {
  const auto log = GetLog(id);
  if (!log.ok()) return absl::StrCat("cannot open: ", log.status().ToString());
  if (const std::string damage = (*log)->Describe().damage; !damage.empty())
    return absl::StrCat("damaged: ", damage);
  ReadCursor cursor;
  Offset at = (*log)->log_start();
  const Offset end = (*log)->high_watermark();
  int64_t record_number = at.value();
  while (at < end) {
    const auto read = (*log)->Read(at, 1500, ReadMode::kMayBlock, &cursor);
    if (!read.ok()) return absl::StrCat("read at ", at.value(), ": ", read.status().ToString());
    absl::string_view rest = read->batches.view();
    while (!rest.empty()) {
      const RecordBatchHeader header = DecodeBatchHeader(rest.data());
      const absl::string_view batch = rest.substr(0, static_cast<size_t>(header.size_bytes()));
      rest.remove_prefix(batch.size());
      if (BatchCrc(batch) != header.crc)
        return absl::StrCat("bad CRC in the batch at offset ", header.base_offset.value());
      RecordReader reader(batch);
      RecordView record;
      while (reader.Next(&record)) {
        if (record.offset.value() < record_number)
          continue;  // below the log start, in the same batch
        if (record.offset.value() != record_number ||
            record.value != Value(id, record_number, options_.value_bytes)) {
          return absl::StrCat("offset ", record.offset.value(), " holds '",
                              record.value.value_or("null"), "', expected record ", record_number);
        }
        ++record_number;
      }
      if (!reader.status().ok()) return reader.status().ToString();
    }
    if (read->next_offset <= at) return absl::StrCat("a read at ", at.value(), " does not move on");
    at = read->next_offset;
  }
  return record_number == end.value()
             ? ""
             : absl::StrCat("ends at ", record_number, " instead of ", end.value());
}

std::string LogWorld::CheckPromises(bool power_lost) {
  // Every topic is live or marked deleted: nothing may be left of those that were forgotten.
  if (!report_.unknown_directories.empty())
    return absl::StrCat(report_.unknown_directories.front(), " has come back");
  for (const auto& [id, partition] : ledger_.partitions) {
    const auto fail = [&id = id](absl::string_view what) {
      return absl::StrCat("partition ", int{id.topic.bytes[15]}, "/", id.partition.value(), ": ",
                          what);
    };
    if (std::string wrong = CheckContent(id); !wrong.empty()) return fail(wrong);
    const auto log = GetLog(id);
    const int64_t end = (*log)->high_watermark().value();
    const int64_t start = (*log)->log_start().value();
    const int64_t promised =
        std::max(partition.seen, power_lost ? partition.durable : partition.written);
    if (end < promised)
      return fail(absl::StrCat("ends at ", end, ", ", promised, " records were promised"));
    if (end > partition.sent)
      return fail(absl::StrCat("ends at ", end, ", only ", partition.sent, " were sent"));
    if (start < partition.start_acked)
      return fail(absl::StrCat("the log start went back to ", start));
    if (start > partition.start_asked)
      return fail(absl::StrCat("starts at ", start, ", nobody deleted that far"));
  }
  for (const Ledger::Together& request : ledger_.together) {
    size_t present = 0;
    for (const auto& [id, batch] : request) {
      present += (*GetLog(id))->high_watermark().value() >= batch.first + batch.count;
    }
    if (present != 0 && present != request.size())
      return "a request for several partitions is there only in part";
  }
  return "";
}

std::string LogWorld::CheckResend() {
  for (const auto& [id, partition] : std::map(ledger_.partitions)) {
    const int64_t end = (*GetLog(id))->high_watermark().value();
    for (const Ledger::Batch& batch : partition.batches) {
      // The last one that is there is sent again too: it must be recognised.
      const bool last_present = batch.first + batch.count == end;
      if (batch.first < end && !last_present) continue;
      SendAgain(id, batch);
      Pump();
      if (!last_answer_.ok())
        return absl::StrCat("sending ", batch.first, " again: ", last_answer_.status().ToString());
      if ((*last_answer_)[0].duplicate != last_present)
        return absl::StrCat("batch ", batch.first, " was not recognised");
    }
    if (std::string wrong = CheckContent(id); !wrong.empty())
      return absl::StrCat("after sending again: ", wrong);
    if ((*GetLog(id))->high_watermark().value() != partition.sent)
      return "not everything is there after sending again";
  }
  return "";
}

}  // namespace weir
