#include "tests/support/log_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"
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
  std::erase_if(ledger_.atomic, [&](const Ledger::Atomic& append) {
    return (append.start.has_value() && append.start->id.topic == topic) ||
           std::any_of(append.batches.begin(), append.batches.end(),
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

std::optional<AppendRequest> LogWorld::Request(const Ledger::Together& batches,
                                               Durability durability) {
  AppendRequest request{.batches = {}, .durability = durability};
  for (const auto& [id, batch] : batches) {
    request.batches.push_back(MakeBatch(id, batch));
    if (request.batches.back().log == nullptr) return std::nullopt;
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
  return request;
}

void LogWorld::Submit(const Ledger::Together& batches, Durability durability) {
  std::optional<AppendRequest> request = Request(batches, durability);
  if (request.has_value()) log_->Append(*std::move(request));
}

Ledger::Together LogWorld::Next(const std::vector<TopicPartition>& ids, int32_t count) {
  Ledger::Together batches;
  for (const TopicPartition& id : ids) {
    Ledger::Partition& partition = ledger_.partitions[id];
    batches.emplace_back(id, Ledger::Batch{partition.sent, count});
    partition.sent += count;
    partition.batches.push_back(batches.back().second);
  }
  return batches;
}

void LogWorld::Send(const TopicPartition& id, int32_t count, Durability durability) {
  Ledger::Partition& partition = ledger_.partitions[id];
  const Ledger::Batch batch{partition.sent, count};
  partition.sent += count;
  partition.batches.push_back(batch);
  Submit({{id, batch}}, durability);
}

void LogWorld::SendTogether(const std::vector<TopicPartition>& ids, int32_t count) {
  const Ledger::Together request = Next(ids, count);
  ledger_.together.push_back(request);
  Submit(request, Durability::kDurable);
}

void LogWorld::SendAtomic(const std::vector<TopicPartition>& ids, int32_t count,
                          const std::optional<std::pair<TopicPartition, Offset>>& start) {
  Ledger::Atomic append{.batches = Next(ids, count), .start = std::nullopt};
  std::optional<AppendRequest> request = Request(append.batches, Durability::kDurable);
  if (request.has_value() && start.has_value()) {
    const auto log = GetLog(start->first);
    if (log.ok()) {
      append.start = {
          .id = start->first, .from = (*log)->log_start().value(), .to = start->second.value()};
      Ledger::Partition& partition = ledger_.partitions[start->first];
      partition.start_asked = std::max(partition.start_asked, append.start->to);
      request->log_starts.push_back({.log = *log, .start = start->second});
    }
  }
  ledger_.atomic.push_back(append);
  if (!request.has_value()) return;
  request->atomic = true;
  log_->Append(*std::move(request));
}

void LogWorld::SendAgain(const TopicPartition& id, const Ledger::Batch& batch) {
  Submit({{id, batch}}, Durability::kDurable);
}

void LogWorld::DeleteRecords(const TopicPartition& id, Offset before) {
  const auto log = GetLog(id);
  if (!log.ok()) return;
  Ledger::Partition& partition = ledger_.partitions[id];
  partition.start_asked = std::max(partition.start_asked, before.value());
  partition.start_alone = std::max(partition.start_alone, before.value());
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
  return CheckAtomic();
}

std::string LogWorld::CheckAtomic() {
  for (const Ledger::Atomic& append : ledger_.atomic) {
    size_t present = 0;
    for (const auto& [id, batch] : append.batches) {
      const auto log = GetLog(id);
      if (!log.ok()) return "";  // the disk fails: nobody sees anything
      present += (*log)->high_watermark().value() >= batch.first + batch.count;
    }
    if (present != 0 && present != append.batches.size()) {
      return absl::StrCat("an atomic append shows in ", present, " of its ", append.batches.size(),
                          " partitions");
    }
    if (std::string wrong = CheckAtomicStart(append, present != 0); !wrong.empty()) return wrong;
  }
  return "";
}

bool LogWorld::RecordsAreGone(const TopicPartition& id, Offset at) {
  const std::string directory = PartitionDirectory(kData, id);
  const auto names = disk_->List(directory);
  if (!names.ok()) return true;
  std::optional<Offset> holds;
  for (const std::string& name : *names) {
    const std::optional<Offset> base = ParseSegmentName(name);
    if (base.has_value() && *base <= at) holds = std::max(holds, base);
  }
  if (!holds.has_value()) return true;
  // The file may have been made anew for what lay behind: then it begins with a hole, or is empty.
  const std::string bytes = disk_->ReadRaw(JoinPath(directory, SegmentName(*holds)));
  return bytes.size() < kBatchHeaderBytes || bytes.find_first_not_of('\0') >= kBatchHeaderBytes;
}

std::string LogWorld::CheckAtomicStart(const Ledger::Atomic& append, bool shows) {
  if (!append.start.has_value() || append.start->from >= append.start->to) return "";
  const TopicPartition& id = append.start->id;
  const int64_t from = append.start->from;
  const int64_t to = append.start->to;
  const auto log = GetLog(id);
  if (!log.ok()) return "";
  const bool moved = (*log)->log_start().value() >= to;
  const bool read_only = !report_.read_only.ok();
  // Another one moves it as far.
  const bool shared =
      std::any_of(ledger_.atomic.begin(), ledger_.atomic.end(), [&](const Ledger::Atomic& other) {
        return &other != &append && other.start.has_value() && other.start->id == id &&
               other.start->to >= to;
      });
  if (shows && !moved) {
    // Where a start without room shows less, it may be less that goes; and the other may not show.
    const bool empty = (*log)->log_start() == (*log)->high_watermark();
    if (read_only && (empty || shared)) return "";
    return absl::StrCat("an atomic append shows, but not its log start ", to);
  }
  if (shows || !moved || shared || ledger_.partitions[id].start_alone >= to) return "";
  // A start without room cannot show records that were removed.
  if (read_only && RecordsAreGone(id, Offset{from})) return "";
  return absl::StrCat("the log start ", to, " of an atomic append shows, but not its records");
}

std::string LogWorld::CheckResend() {
  // What was lost comes again batch by batch, without the log starts.
  for (Ledger::Atomic& append : ledger_.atomic) {
    const auto& [id, batch] = append.batches.front();
    if ((*GetLog(id))->high_watermark().value() < batch.first + batch.count) append.start.reset();
  }
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
