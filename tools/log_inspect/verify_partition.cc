#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"
#include "storage/log/sparse_index.h"
#include "tools/log_inspect/data_directory.h"
#include "tools/log_inspect/segment_walker.h"
#include "tools/log_inspect/verify.h"

namespace weir {
namespace {

// A place in a partition: everything in front of `journal_from` must be in the segments.
struct Place {
  Offset offset;
  Offset base;
  FilePosition position;
};

// Both lead to the same place for `offset`, as far as `saved` goes.
bool Agree(const SparseIndex& saved, const SparseIndex& rebuilt, Offset offset) {
  const SparseIndex::Place a = saved.Floor(offset);
  const SparseIndex::Place b = rebuilt.Floor(offset);
  return a.position == b.position
             ? a.offset == b.offset
             : a.position == saved.last_place().position && a.position < b.position;
}

class PartitionCheck {
 public:
  PartitionCheck(FileSystem& fs, std::string directory, const std::string& name,
                 const PartitionView& view, VerifyReport* report)
      : fs_(fs), directory_(std::move(directory)), name_(name), view_(view), report_(*report) {
    settled_ = view.journal.empty()
                   ? Place{view.flushed_offset, view.flushed_base, view.flushed_position}
                   : Place{view.journal.front().base_offset, view.journal.front().segment_base,
                           view.journal.front().position};
  }

  absl::Status Segments(const std::vector<SegmentFile>& segments);
  absl::Status Journal();

 private:
  void Problem(std::string where, std::string what) {
    report_.problems.push_back({std::move(where), std::move(what)});
  }
  void Note(std::string where, std::string what) {
    report_.notes.push_back({std::move(where), std::move(what)});
  }
  absl::Status Segment(const SegmentFile& segment, Offset next_base);
  void Batch(const SegmentFile& segment, const SegmentWalker& walker);
  absl::StatusOr<std::optional<SparseIndex>> SavedIndex(const SegmentFile& segment,
                                                        FilePosition end);
  absl::StatusOr<bool> InSegment(const JournaledBatch& batch, File* file);

  FileSystem& fs_;
  const std::string directory_;
  const std::string& name_;
  const PartitionView& view_;
  VerifyReport& report_;
  Place settled_;             // what lies in front of it is in the segments alone
  std::optional<Offset> at_;  // where the walk has come to
  LeaderEpoch epoch_{-1};
};

void PartitionCheck::Batch(const SegmentFile& segment, const SegmentWalker& walker) {
  const RecordBatchHeader& header = walker.header();
  const std::string where = absl::StrCat(segment.path, " at byte ", walker.position().value());
  if (!walker.crc_ok())
    Problem(where,
            absl::StrCat("the CRC of the batch at offset ", at_->value(), " does not match"));
  if (header.base_offset != *at_) {
    Problem(where, absl::StrCat("a batch at offset ", header.base_offset.value(), " where ",
                                at_->value(), " was expected"));
  }
  const LeaderEpoch known = view_.state.epochs.EpochAt(header.base_offset);
  if (header.leader_epoch < epoch_ || (known.value() >= 0 && known != header.leader_epoch)) {
    Problem(where,
            absl::StrCat("a batch of epoch ", header.leader_epoch.value(), " where ",
                         known.value() >= 0 ? known.value() : epoch_.value(), " was expected"));
  }
  epoch_ = header.leader_epoch;
  at_ = header.next_offset();
  ++report_.batches;
  report_.records += header.record_count;
}

// An index is a cache: what is wrong with it costs a rebuild and is only noted.
absl::StatusOr<std::optional<SparseIndex>> PartitionCheck::SavedIndex(const SegmentFile& segment,
                                                                      FilePosition end) {
  if (!segment.has_index) return std::nullopt;
  const absl::StatusOr<std::string> bytes = ReadFile(fs_, segment.index_path);
  if (absl::IsNotFound(bytes.status())) return std::nullopt;
  WEIR_RETURN_IF_ERROR(bytes.status());
  return SparseIndex::Decode(segment.base, *bytes, end);
}

absl::Status PartitionCheck::Segment(const SegmentFile& segment, Offset next_base) {
  // Sealed segments in front of the settled place must be whole; in the one that holds it, what
  // lies in front of it.
  const bool last = segment.base == settled_.base;
  const FilePosition end{last ? settled_.position.value() : segment.size};
  if (segment.size < end.value()) {
    Problem(segment.path,
            absl::StrCat("has ", segment.size, " bytes, ", end.value(), " were flushed"));
    return absl::OkStatus();
  }
  if (!at_) at_ = segment.base;
  if (segment.base != *at_) {
    Problem(segment.path, absl::StrCat("offsets ", at_->value(), " to ", segment.base.value() - 1,
                                       " are missing before it"));
    at_ = segment.base;
  }
  absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(segment.path, OpenMode::kRead);
  if (absl::IsNotFound(file.status())) {
    Problem(segment.path, "is missing");
    return absl::OkStatus();
  }
  WEIR_RETURN_IF_ERROR(file.status());
  ++report_.segments;
  report_.bytes += end.value();
  WEIR_ASSIGN_OR_RETURN(const std::optional<SparseIndex> saved, SavedIndex(segment, end));
  SparseIndex index(segment.base);
  bool index_agrees = true;
  SegmentWalker walker(file->get(), FilePosition{0}, end);
  while (walker.Next()) {
    index.Add(walker.header(), walker.position());
    if (saved && !Agree(*saved, index, walker.header().base_offset)) index_agrees = false;
    Batch(segment, walker);
  }
  WEIR_RETURN_IF_ERROR(walker.status());
  if (!walker.at_end()) {
    Problem(absl::StrCat(segment.path, " at byte ", walker.position().value()),
            absl::StrCat("no batch where offset ", at_->value(),
                         " was expected: ", walker.stopped_because()));
  }
  const Offset wanted = last ? settled_.offset : next_base;
  if (walker.at_end() && *at_ != wanted) {
    Problem(segment.path,
            absl::StrCat("ends at offset ", at_->value(), ", ", wanted.value(), " was expected"));
  }
  if (!index_agrees)
    Note(segment.index_path, "does not agree with its segment; the broker will rebuild it");
  at_ = wanted;
  return absl::OkStatus();
}

absl::Status PartitionCheck::Segments(const std::vector<SegmentFile>& segments) {
  const Offset log_start = view_.state.log_start;
  if (settled_.offset <= log_start)
    return absl::OkStatus();  // the journal alone holds all there is
  for (size_t i = 0; i < segments.size(); ++i) {
    const SegmentFile& segment = segments[i];
    if (segment.base > settled_.base) break;
    const bool last = segment.base == settled_.base;
    const Offset next_base =
        i + 1 < segments.size() ? std::min(segments[i + 1].base, settled_.base) : settled_.base;
    if (!last && next_base <= log_start) continue;  // about to be removed
    if (!at_ && segment.base > log_start) {
      Problem(directory_, absl::StrCat("offsets ", log_start.value(), " to ",
                                       segment.base.value() - 1, " are missing"));
    }
    WEIR_RETURN_IF_ERROR(Segment(segment, next_base));
  }
  if (!at_ || *at_ < settled_.offset) {
    Problem(name_, absl::StrCat("offsets ", at_.value_or(log_start).value(), " to ",
                                settled_.offset.value() - 1, " are in no segment of ", directory_));
  }
  return absl::OkStatus();
}

// Whether the segment holds this batch already.
absl::StatusOr<bool> PartitionCheck::InSegment(const JournaledBatch& batch, File* file) {
  if (file == nullptr) return false;
  SegmentWalker walker(file, batch.position, batch.position + int64_t{batch.size});
  const bool whole = walker.Next();
  WEIR_RETURN_IF_ERROR(walker.status());
  return whole && walker.crc_ok() && walker.header().crc == batch.crc &&
         walker.header().base_offset == batch.base_offset;
}

absl::Status PartitionCheck::Journal() {
  Offset open_base{-1};
  std::unique_ptr<File> open_file;
  for (const JournaledBatch& batch : view_.journal) {
    ++report_.journal_batches;
    report_.journal_records += batch.next_offset - batch.base_offset;
    if (batch.next_offset <= view_.state.log_start) continue;
    if (batch.segment_base != open_base) {
      absl::StatusOr<std::unique_ptr<File>> file =
          fs_.Open(JoinPath(directory_, SegmentName(batch.segment_base)), OpenMode::kRead);
      if (!file.ok() && !absl::IsNotFound(file.status())) return file.status();
      open_file = file.ok() ? *std::move(file) : nullptr;
      open_base = batch.segment_base;
    }
    WEIR_ASSIGN_OR_RETURN(const bool there, InSegment(batch, open_file.get()));
    if (!there) ++report_.redo_batches;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status VerifyPartition(FileSystem& fs, const std::string& data_directory,
                             const TopicPartition& id, const std::string& name,
                             const PartitionView& view, VerifyReport* report) {
  WEIR_ASSIGN_OR_RETURN(const PartitionFiles files, ListSegments(fs, data_directory, id));
  for (const std::string& path : files.unknown)
    report->notes.push_back({path, "is neither segment nor index"});
  PartitionCheck check(fs, PartitionDirectory(data_directory, id), name, view, report);
  WEIR_RETURN_IF_ERROR(check.Segments(files.segments));
  return check.Journal();
}

}  // namespace weir
