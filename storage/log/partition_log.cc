#include "storage/log/partition_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/log/batch_scanner.h"
#include "storage/log/damaged_partitions.h"
#include "storage/log/file_names.h"
#include "storage/log/log_writer.h"
#include "storage/log/partition_state.h"
#include "storage/log/segment.h"
#include "storage/record/record_reader.h"

namespace weir {

PartitionLog::PartitionLog(SegmentFiles* files, std::string directory, TopicPartition id,
                           std::unique_ptr<PartitionState> state, DamagedPartitions* damaged)
    : files_(files),
      directory_(std::move(directory)),
      id_(id),
      damaged_(damaged),
      writer_(new LogWriter(this, std::move(*state))) {}

PartitionLog::~PartitionLog() = default;

absl::StatusOr<std::shared_ptr<PartitionLog>> PartitionLog::Open(
    SegmentFiles* files, std::string directory, TopicPartition id,
    std::unique_ptr<PartitionState> state, DamagedPartitions* damaged, Leftovers leftovers) {
  FileSystem& fs = files->file_system();
  std::shared_ptr<PartitionLog> log(
      new PartitionLog(files, std::move(directory), id, std::move(state), damaged));
  const PartitionState& at = log->writer_->state();
  absl::StatusOr<std::vector<std::string>> names = fs.List(log->directory_);
  if (absl::IsNotFound(names.status())) names = std::vector<std::string>();
  if (!names.ok()) return names.status();
  std::vector<Offset> bases;
  for (const std::string& name : *names) {
    if (const auto base = ParseSegmentName(name)) bases.push_back(*base);
  }
  std::sort(bases.begin(), bases.end());
  for (const std::string& name : *names) {  // indexes whose segments are gone
    const auto base = ParseIndexName(name);
    if (base && leftovers == Leftovers::kRemove &&
        !std::binary_search(bases.begin(), bases.end(), *base))
      fs.Remove(JoinPath(log->directory_, name)).IgnoreError();
  }
  absl::MutexLock lock(&log->mu_);
  for (size_t i = 0; i < bases.size(); ++i) {
    const bool active = bases[i] == at.segment_base;
    // A segment ends where the next begins; the last one at the log's end.
    const Offset end = active || i + 1 == bases.size() ? at.log_end : bases[i + 1];
    const std::string path = JoinPath(log->directory_, SegmentName(bases[i]));
    WEIR_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(path));
    const FilePosition size{active ? std::min(at.position.value(), info.size) : info.size};
    auto segment =
        std::make_shared<Segment>(files, log->directory_, bases[i], size, /*exists=*/true);
    const bool leftover =
        bases[i] > at.segment_base || (end <= at.log_start && !(active && at.position.value() > 0));
    if (leftover) {
      if (leftovers == Leftovers::kKeep) continue;
      WEIR_RETURN_IF_ERROR(segment->Remove());
      continue;
    }
    if (active) {
      WEIR_ASSIGN_OR_RETURN(const auto broken, segment->OpenForAppend(at.log_end));
      if (broken) {
        damaged->Add(id, path,
                     absl::StrCat(path, ": no valid batch at byte ", broken->position.value(),
                                  ", where offset ", broken->offset.value(), " of ",
                                  at.log_end.value(), " was expected"));
      }
    }
    log->segments_.push_back(std::move(segment));
  }
  const bool has_active =
      !log->segments_.empty() && log->segments_.back()->base() == at.segment_base;
  if (at.position.value() > 0 && !has_active) {
    damaged->Add(
        id, "",
        absl::StrCat(JoinPath(log->directory_, SegmentName(at.segment_base)), " is missing"));
  }
  log->log_start_ = at.log_start;
  log->log_end_ = at.log_end;
  log->high_watermark_ = {at.log_end, at.segment_base, at.position};
  log->epochs_ = std::make_shared<const EpochHistory>(at.epochs);
  log->damage_ = damaged->Find(id);
  return log;
}

Offset PartitionLog::log_start() const {
  absl::ReaderMutexLock lock(&mu_);
  AwaitChange();
  return log_start_;
}

Offset PartitionLog::high_watermark() const {
  absl::ReaderMutexLock lock(&mu_);
  AwaitChange();
  return high_watermark_.offset;
}

LogConfig PartitionLog::config() const {
  absl::ReaderMutexLock lock(&mu_);
  return config_;
}

void PartitionLog::SetConfig(const LogConfig& config) {
  {
    absl::ReaderMutexLock lock(&mu_);
    if (config_ == config) return;
  }
  absl::MutexLock lock(&mu_);
  config_ = config;
}

LogDescription PartitionLog::Describe() const {
  absl::ReaderMutexLock lock(&mu_);
  AwaitChange();
  LogDescription description{.log_start = log_start_,
                             .high_watermark = high_watermark_.offset,
                             .log_end = log_end_,
                             .segments = static_cast<int32_t>(segments_.size()),
                             .leader_epoch = epochs_->latest(),
                             .damage = damage_};
  for (const auto& segment : segments_) description.size_bytes += segment->end().value();
  return description;
}

std::vector<std::shared_ptr<Segment>> PartitionLog::Segments() const {
  absl::ReaderMutexLock lock(&mu_);
  return segments_;
}

absl::Status PartitionLog::CheckRange(Offset from) const {
  if (from >= log_start_ && from <= log_end_) return absl::OkStatus();
  return MakeError(
      Reason::kOffsetOutOfRange,
      absl::StrCat("offset ", from.value(), " is outside ", log_start_.value(), " (log start) to ",
                   high_watermark_.offset.value(), " (high watermark)"));
}

absl::Status PartitionLog::CheckChangeable() const {
  if (deleted_) return MakeError(Reason::kUnknownTopic, "the topic has been deleted");
  if (damage_.empty()) return absl::OkStatus();
  return Damaged(absl::StrCat("read-only after damage: ", damage_));
}

absl::Status PartitionLog::CheckLogStart(Offset start) const {
  absl::ReaderMutexLock lock(&mu_);
  AwaitChange();
  WEIR_RETURN_IF_ERROR(CheckChangeable());
  const Offset end = high_watermark_.offset;
  if (start >= Offset{0} && start <= end) return absl::OkStatus();
  return MakeError(Reason::kOffsetOutOfRange,
                   absl::StrCat("cannot delete records before offset ", start.value(),
                                ": the log ends at ", end.value(), " (high watermark)"));
}

absl::Status PartitionLog::CheckAppendable() const {
  absl::ReaderMutexLock lock(&mu_);
  WEIR_RETURN_IF_ERROR(CheckChangeable());
  if (!waits_for_space_) return absl::OkStatus();
  return MakeError(Reason::kDiskLow,
                   "the disk is full; earlier records of this partition wait for space",
                   absl::Seconds(1));
}

absl::Status PartitionLog::Damaged(absl::string_view what) const {
  return MakeError(Reason::kPartitionDamaged, absl::StrCat("partition ", id_.topic.ToString(), "/",
                                                           id_.partition.value(), ": ", what));
}

absl::Status PartitionLog::FoundDamage(ReadMode mode, const std::string& file,
                                       absl::string_view what) {
  if (mode == ReadMode::kCachedOnly) return absl::UnavailableError("damage has to be looked at");
  damaged_->Add(id_, file, what);
  absl::MutexLock lock(&mu_);
  if (damage_.empty()) damage_ = std::string(what);
  return Damaged(what);
}

struct PartitionLog::Place {
  std::shared_ptr<Segment> segment;  // null: nothing to read
  FilePosition position;             // where a batch begins
  FilePosition limit;                // readers stop here
  Offset next_base;                  // the batches up to `limit` lead up to this offset,
  Offset high_watermark;
  Offset log_start;
  std::shared_ptr<const EpochHistory> epochs;
  bool far_behind = false;  // not the segment that is written
};

absl::StatusOr<PartitionLog::Place> PartitionLog::FindPlace(Offset from, ReadMode mode,
                                                            const ReadCursor* cursor) {
  Place place;
  bool missing = false;
  {
    absl::ReaderMutexLock lock(&mu_);
    AwaitChange();
    WEIR_RETURN_IF_ERROR(CheckRange(from));
    place.high_watermark = high_watermark_.offset;
    place.log_start = log_start_;
    place.epochs = epochs_;
    if (from >= high_watermark_.offset) return place;
    const auto after =
        std::upper_bound(segments_.begin(), segments_.end(), from,
                         [](Offset at, const auto& segment) { return at < segment->base(); });
    missing = after == segments_.begin();
    if (!missing) {
      place.segment = *(after - 1);
      const bool last = place.segment->base() == high_watermark_.segment_base;
      place.limit = last ? high_watermark_.position : place.segment->end();
      place.next_base =
          last || after == segments_.end() ? high_watermark_.offset : (*after)->base();
      place.far_behind = !last;
    }
  }
  if (missing) return FoundDamage(mode, "", absl::StrCat("no segment holds offset ", from.value()));
  if (cursor != nullptr && cursor->segment_base == place.segment->base() &&
      cursor->offset == from) {
    place.position = cursor->position;
    return place;
  }
  for (const bool retry : {true, false}) {
    WEIR_ASSIGN_OR_RETURN(const SparseIndex::Place floor, place.segment->Floor(from, mode));
    WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, place.segment->OpenFile());
    BatchScanner scanner(file.get(), floor.position, floor.offset, place.limit, mode);
    bool found = false;
    while (!found && scanner.Next()) found = scanner.next_offset() > from;
    WEIR_RETURN_IF_ERROR(scanner.status());
    place.position = scanner.position();
    if (found) return place;
    // An index is never trusted over its segment: build it again and look once more.
    if (retry && mode == ReadMode::kMayBlock) WEIR_RETURN_IF_ERROR(place.segment->RebuildIndex());
    if (mode == ReadMode::kCachedOnly)
      return absl::UnavailableError("the index has to be looked at again");
  }
  return FoundDamage(
      mode, place.segment->path(),
      absl::StrCat(place.segment->path(), " has no valid batch with offset ", from.value()));
}

namespace {

// How much of `bytes`, read from where the batch with `from` begins, is whole valid batches that
// continue one another.
struct Walk {
  size_t size = 0;  // of whole batches
  Offset next_offset;
  int64_t first_batch = 0;  // the size that the first one claims, when it is not whole
  bool broken = false;      // something there is no batch, or does not continue the one before
};

Walk WalkBatches(absl::string_view bytes, Offset from, const EpochHistory& epochs) {
  Walk walk{.next_offset = from};
  bool first = true;
  while (bytes.size() - walk.size >= kBatchHeaderBytes) {
    const RecordBatchHeader header = DecodeBatchHeader(bytes.data() + walk.size);
    const bool continues = first ? header.base_offset <= from && from < header.next_offset()
                                 : header.base_offset == walk.next_offset;
    if (!continues || !ValidateBatchHeader(header, limits::kRequestBytes).ok() ||
        epochs.EpochAt(header.base_offset) > header.leader_epoch) {
      walk.broken = true;
      return walk;
    }
    if (first) walk.first_batch = header.size_bytes();
    if (header.size_bytes() > static_cast<int64_t>(bytes.size() - walk.size)) return walk;
    first = false;
    walk.size += static_cast<size_t>(header.size_bytes());
    walk.next_offset = header.next_offset();
  }
  return walk;
}

}  // namespace

absl::StatusOr<LogRead> PartitionLog::Read(Offset from, int64_t max_bytes, ReadMode mode,
                                           ReadCursor* cursor, int64_t room) {
  WEIR_ASSIGN_OR_RETURN(const Place place, FindPlace(from, mode, cursor));
  LogRead read{
      .next_offset = from, .high_watermark = place.high_watermark, .log_start = place.log_start};
  if (place.segment == nullptr) return read;
  const absl::StatusOr<std::shared_ptr<File>> opened = place.segment->OpenFile();
  if (!opened.ok()) {
    // Retention may have taken it meanwhile: then the offset is out of range.
    if (absl::IsNotFound(opened.status()))
      WEIR_RETURN_IF_ERROR(FindPlace(from, mode, /*cursor=*/nullptr).status());
    return opened.status();
  }
  const std::shared_ptr<File>& file = *opened;
  const auto ends_early = [&](Offset at) {
    return FoundDamage(mode, place.segment->path(),
                       absl::StrCat(place.segment->path(), " ends at offset ", at.value(),
                                    " instead of ", place.next_base.value()));
  };
  if (place.position == place.limit) return ends_early(from);
  int64_t want = std::max<int64_t>(max_bytes, kBatchHeaderBytes);
  bool waited = false;  // for the disk
  for (;;) {
    const size_t n = static_cast<size_t>(std::min(want, place.limit - place.position));
    if (read.batches.size < n || read.batches.data == nullptr) {
      read.batches.data = std::make_unique_for_overwrite<char[]>(n);
    }
    const absl::Span<char> to(read.batches.data.get(), n);
    absl::StatusOr<size_t> cached = file->ReadCachedAt(place.position, to);
    if (absl::IsUnavailable(cached.status()) && mode == ReadMode::kMayBlock) {
      waited = true;
      cached = file->ReadAt(place.position, to);
    }
    WEIR_ASSIGN_OR_RETURN(const size_t got, std::move(cached));
    const Walk walk =
        WalkBatches(absl::string_view(read.batches.data.get(), got), from, *place.epochs);
    read.batches.size = walk.size;
    read.next_offset = walk.next_offset;
    if (walk.size > 0) break;
    if (walk.broken || got < n || walk.first_batch <= static_cast<int64_t>(n) ||
        walk.first_batch > place.limit - place.position) {
      return FoundDamage(mode, place.segment->path(),
                         absl::StrCat(place.segment->path(), " has no valid batch at byte ",
                                      place.position.value(), " for offset ", from.value()));
    }
    if (walk.first_batch > room) {
      read.batches = {};
      read.needed = walk.first_batch;
      return read;
    }
    want = walk.first_batch;  // one batch larger than max_bytes is still returned
  }
  const FilePosition end = place.position + static_cast<int64_t>(read.batches.size);
  if (end == place.limit && read.next_offset != place.next_base) {
    // What was read is good; who reads on finds nothing.
    const absl::Status damaged = ends_early(read.next_offset);
    if (absl::IsUnavailable(damaged)) return damaged;
  }
  if (cursor != nullptr) {
    // What a scan itself brought into memory goes again, so that it does not push the hot end of
    // other logs out: what it waited for, and what the kernel read ahead for the next read.
    if (place.far_behind && (waited || cursor->cold)) {
      file->DropCached(place.position, static_cast<int64_t>(read.batches.size));
    }
    cursor->cold = waited;
    cursor->segment_base = place.segment->base();
    cursor->offset = read.next_offset;
    cursor->position = end;
  }
  return read;
}

absl::StatusOr<TimestampOffset> PartitionLog::FindByTime(int64_t timestamp_ms) {
  const Offset start = log_start();
  for (const std::shared_ptr<Segment>& segment : Segments()) {
    WEIR_ASSIGN_OR_RETURN(const int64_t newest, segment->MaxTimestamp());
    if (newest < timestamp_ms) continue;
    WEIR_ASSIGN_OR_RETURN(const SparseIndex::Place floor, segment->FloorByTime(timestamp_ms));
    WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, segment->OpenFile());
    BatchScanner scanner(file.get(), floor.position, floor.offset, segment->end(),
                         ReadMode::kMayBlock);
    while (scanner.Next()) {
      const RecordBatchHeader& header = scanner.header();
      if (header.base_offset >= high_watermark()) break;
      if (header.max_timestamp_ms < timestamp_ms || header.last_offset() < start) continue;
      std::string bytes(static_cast<size_t>(header.size_bytes()), '\0');
      WEIR_ASSIGN_OR_RETURN(const size_t got,
                            file->ReadAt(scanner.position(), absl::MakeSpan(bytes)));
      if (got < bytes.size())
        return Damaged(absl::StrCat(segment->path(), " was cut while it was read"));
      RecordReader reader(bytes);
      RecordView record;
      while (reader.Next(&record)) {
        if (record.timestamp_ms >= timestamp_ms && record.offset >= start) {
          return TimestampOffset{record.offset, record.timestamp_ms};
        }
      }
      if (reader.status().ok()) continue;
      // What a producer sent cannot be decoded: its header's word is all there is. Whose first
      // record is said to be older is passed over, since it is not known where the newer ones
      // begin.
      if (header.base_timestamp_ms >= timestamp_ms &&
          header.base_timestamp_ms <= header.max_timestamp_ms) {
        return TimestampOffset{std::max(header.base_offset, start), header.base_timestamp_ms};
      }
    }
    WEIR_RETURN_IF_ERROR(scanner.status());
  }
  return TimestampOffset{high_watermark(), -1};
}

absl::StatusOr<Offset> PartitionLog::RetentionStart(const LogConfig& config, int64_t now_ms) {
  const std::vector<std::shared_ptr<Segment>> segments = Segments();
  Offset start;
  Offset end;
  {
    absl::ReaderMutexLock lock(&mu_);
    AwaitChange();
    start = log_start_;
    end = high_watermark_.offset;
  }
  int64_t bytes = 0;
  for (const auto& segment : segments) bytes += segment->end().value();
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool active = i + 1 == segments.size();
    const int64_t size = segments[i]->end().value();
    if (size == 0) break;
    bool expired = !active && config.retention_bytes >= 0 && bytes - size >= config.retention_bytes;
    if (!expired && config.retention_age != absl::InfiniteDuration()) {
      WEIR_ASSIGN_OR_RETURN(const int64_t appended_ms, segments[i]->AppendTime());
      expired = absl::Milliseconds(now_ms - appended_ms) > config.retention_age;
    }
    if (!expired) break;
    bytes -= size;
    start = std::max(start, active ? end : segments[i + 1]->base());
  }
  return start;
}

void PartitionLog::LetGoOfFiles() {
  for (const auto& segment : Segments()) segment->LetGo();
}

}  // namespace weir
