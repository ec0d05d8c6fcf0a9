// Hostile data directories: recovery point, journal files, segments and indexes of any bytes.
// The start refuses with DATA_LOSS, or it gives logs that can be read, written, cleaned up and
// found again by the next start. Most damage only fails a CRC, so inputs may ask for right ones.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"
#include "storage/log/log_manager.h"
#include "storage/log/recovery_point.h"
#include "storage/record/record_batch_builder.h"
#include "tests/fault/fuzz_directory.h"
#include "tests/support/inline_executor.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

constexpr char kData[] = "/data";
constexpr LeaderEpoch kEpoch{9};
constexpr size_t kLogs = 8;  // of one directory that are looked at
constexpr Offset kFull{int64_t{1} << 62};

class Directory : public LogListener {
 public:
  explicit Directory(absl::string_view input) : files_(ParseFuzzDirectory(input, kData)) {
    WEIR_CHECK(CreateDirectories(disk_, kData).ok());
    for (const FuzzDirectoryFile& file : files_) {
      WEIR_CHECK(CreateDirectories(disk_, ParentPath(file.path)).ok());
      disk_.WriteRaw(file.path, file.content);
    }
  }
  ~Directory() override { log_.reset(); }

  bool Open(LeaderEpoch epoch) {
    RecoveryReport report;
    auto opened = LogManager::Open({.file_system = &disk_,
                                    .clock = &clock_,
                                    .directory = kData,
                                    .listener = this,
                                    .completions = &completions_,
                                    .background = &background_,
                                    .leader_epoch = epoch,
                                    .live_topics = {LogWorld::Topic(1), LogWorld::Topic(2)},
                                    .deleted_topics = {LogWorld::Topic(3)},
                                    .journal_file_bytes = 64 * limits::kKiB,
                                    .journal_files = 4,
                                    .threads = false},
                                   &report);
    if (opened.ok()) {
      log_ = *std::move(opened);
      return true;
    }
    WEIR_CHECK(absl::IsDataLoss(opened.status()) && !opened.status().message().empty());
    // What the next start needs is still there.
    for (const FuzzDirectoryFile& file : files_) {
      const bool log = absl::StrContains(file.path, "/logs/");  // what was redone may stand
      WEIR_CHECK(log || disk_.ReadRaw(file.path) == file.content);
    }
    return false;
  }

  // Of every partition that holds data, and of one that does not.
  std::vector<TopicPartition> Partitions() {
    std::vector<TopicPartition> ids;
    const auto point = RecoveryPoint::Load(disk_, RecoveryPointPath(kData));
    WEIR_CHECK(point.ok());
    for (const auto& [id, state] : point->states()) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    if (ids.size() > kLogs) ids.resize(kLogs);
    ids.push_back({LogWorld::Topic(1), PartitionIndex{77}});
    return ids;
  }

  std::shared_ptr<PartitionLog> Get(const TopicPartition& id) {
    auto log = log_->GetLog(id, {.segment_bytes = 4000, .retention_bytes = 6000});
    WEIR_CHECK(log.ok());
    return *std::move(log);
  }

  void Read(PartitionLog& log) {
    const LogDescription description = log.Describe();
    WEIR_CHECK(description.log_start <= description.high_watermark);
    WEIR_CHECK(description.high_watermark <= description.log_end);
    ReadCursor cursor;
    Offset at = description.log_start;
    while (at < description.high_watermark) {
      const auto read = log.Read(at, 2000, ReadMode::kMayBlock, &cursor);
      if (!read.ok()) break;
      WEIR_CHECK(read->next_offset > at && read->batches.size >= kBatchHeaderBytes);
      at = read->next_offset;
    }
    for (const int64_t back : {1, 7, 1000}) {
      const Offset from = std::max(description.log_start, description.high_watermark - back);
      log.Read(from, 1, ReadMode::kMayBlock, nullptr).IgnoreError();
    }
    for (const int64_t time : {int64_t{0}, int64_t{1'000'005}, INT64_MAX})
      log.FindByTime(time).IgnoreError();
    log.RetentionStart({.retention_age = absl::Hours(1), .retention_bytes = 0}, clock_.NowMs())
        .IgnoreError();
  }

  // Appends a batch; a log that is not damaged takes it.
  void Append(const std::shared_ptr<PartitionLog>& log) {
    if (log->Describe().log_end > kFull) return;
    RecordBatchBuilder builder;
    builder.Append(2'000'000, "key", "value");
    SharedBytes bytes = SharedBytes::FromString(builder.Finish({}));
    const RecordBatchHeader header = *ValidateBatch(bytes, limits::kMaxMessageBytesDefault);
    const bool healthy = log->Describe().damage.empty();
    const Offset end = log->Describe().log_end;
    AppendRequest request;
    request.batches.push_back({.log = log, .header = header, .bytes = std::move(bytes)});
    bool answered = false;
    request.done = [&](absl::StatusOr<std::vector<AppendResult>> results) {
      answered = true;
      WEIR_CHECK(results.ok() == healthy);
      if (healthy) WEIR_CHECK((*results)[0].base_offset == end);
    };
    log_->Append(std::move(request));
    Run();
    WEIR_CHECK(answered);
    WEIR_CHECK(!healthy || log->high_watermark() == end + 1);
  }

  void Delete(const std::shared_ptr<PartitionLog>& log) {
    const LogDescription description = log->Describe();
    const Offset middle =
        description.log_start + (description.high_watermark - description.log_start) / 2;
    log_->DeleteRecords(log, middle, [](absl::StatusOr<Offset>) {});
    Run();
    if (const auto start = log_->RetentionStart(log->id(), log->config()); start.ok())
      log_->DeleteRecords(log, *start, [](absl::StatusOr<Offset>) {});
    Run();
  }

  void Run() {
    while (log_->RunCommitter() || background_.RunAll() > 0) {
    }
  }
  void Checkpoint() { WEIR_CHECK(log_->RunCheckpoint().ok()); }
  void Close() {
    WEIR_CHECK(log_->Close().ok());
    log_.reset();
    background_.RunAll();
  }
  // The process is killed; what it wrote stands.
  void Kill() {
    log_.reset();
    background_.RunAll();
  }

  // LogListener. The disk never fails here, so nothing else may fence it.
  void OnHighWatermark(const PartitionLog&) override {}
  void OnRound(const RoundStats&) override {}
  void OnCheckpoint(const CheckpointStats&) override {}
  void OnFenced(const absl::Status& reason) override { WEIR_CHECK(reason.ok()); }

 private:
  class NowExecutor : public Executor {
   public:
    void Post(absl::AnyInvocable<void()> task) override { task(); }
  };

  const std::vector<FuzzDirectoryFile> files_;
  SimFileSystem disk_;
  SimClock clock_;
  NowExecutor completions_;
  InlineExecutor background_;
  std::unique_ptr<LogManager> log_;
};

struct End {
  Offset log_start;
  Offset log_end;
  bool operator==(const End&) const = default;
};

std::vector<End> Ends(Directory* directory, const std::vector<TopicPartition>& ids) {
  std::vector<End> ends;
  for (const TopicPartition& id : ids) {
    const LogDescription description = directory->Get(id)->Describe();
    ends.push_back({description.log_start, description.log_end});
  }
  return ends;
}

void RunOne(absl::string_view bytes) {
  Directory directory(bytes);
  if (!directory.Open(kEpoch)) return;
  const std::vector<TopicPartition> ids = directory.Partitions();
  for (const TopicPartition& id : ids) {
    directory.Read(*directory.Get(id));
    directory.Append(directory.Get(id));
  }
  const std::vector<End> appended = Ends(&directory, ids);
  directory.Kill();
  WEIR_CHECK(directory.Open(kEpoch + 1));
  WEIR_CHECK(Ends(&directory, ids) == appended);
  for (const TopicPartition& id : ids) {
    directory.Delete(directory.Get(id));
    directory.Append(directory.Get(id));
  }
  directory.Checkpoint();
  const std::vector<End> deleted = Ends(&directory, ids);
  directory.Close();
  WEIR_CHECK(directory.Open(kEpoch + 2));
  WEIR_CHECK(Ends(&directory, ids) == deleted);
  for (const TopicPartition& id : ids) directory.Read(*directory.Get(id));
  directory.Kill();
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
