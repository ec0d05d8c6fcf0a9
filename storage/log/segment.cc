#include "storage/log/segment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/log/batch_scanner.h"
#include "storage/log/file_names.h"

namespace weir {
namespace {

// Where the batches of a file stop that were told to an index.
struct Walk {
  FilePosition position;
  Offset next_offset;
  bool at_end = false;  // false: what begins at `position` is no batch that goes on there
};

// Tells `index` of the batches between its last place and `end`.
absl::StatusOr<Walk> CatchUp(File* file, FilePosition end, SparseIndex* index) {
  const SparseIndex::Place from = index->last_place();
  BatchScanner scanner(file, from.position, from.offset, end, ReadMode::kMayBlock);
  while (scanner.Next()) index->Add(scanner.header(), scanner.position());
  WEIR_RETURN_IF_ERROR(scanner.status());
  return Walk{scanner.position(), scanner.next_offset(), scanner.at_end()};
}

}  // namespace

SegmentFiles::SegmentFiles(FileSystem* file_system, size_t open_files)
    : file_system_(file_system), files_(open_files), indexes_(limits::kIndexCacheBytes) {}

Segment::Segment(SegmentFiles* files, std::string directory, Offset base, FilePosition end,
                 bool exists)
    : files_(files),
      id_(files->NextId()),
      directory_(std::move(directory)),
      base_(base),
      path_(JoinPath(directory_, SegmentName(base))),
      end_(end.value()),
      exists_(exists),
      written_back_(end) {}

std::string Segment::index_path() const { return JoinPath(directory_, IndexName(base_)); }

absl::StatusOr<std::shared_ptr<File>> Segment::OpenFile() {
  if (std::shared_ptr<File> file = files_->files().Find(id_)) return file;
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<File> opened,
                        files_->file_system().Open(path_, OpenMode::kReadWrite));
  std::shared_ptr<File> file = std::move(opened);
  files_->files().Insert(id_, file);
  return file;
}

absl::StatusOr<std::optional<Segment::Damage>> Segment::OpenForAppend(Offset next_offset,
                                                                      bool with_index) {
  auto index = std::make_shared<SparseIndex>(base_);
  std::optional<Damage> damage;
  int64_t index_file_size = 0;
  size_t saved = 0;
  if (end().value() > 0) {
    if (with_index) {
      const auto bytes = ReadFile(files_->file_system(), index_path());
      if (bytes.ok()) *index = SparseIndex::Decode(base_, *bytes, end());
    }
    // What was read is written anew as one chunk at the next save: chunks that did not verify must
    // not stay in the way.
    WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, OpenFile());
    const bool indexed = index->last_place().position.value() > 0;
    WEIR_ASSIGN_OR_RETURN(const Walk walk, CatchUp(file.get(), end(), index.get()));
    if (!walk.at_end || walk.next_offset != next_offset) {
      if (indexed) {  // perhaps only the index is wrong: once more without it
        files_->file_system().Remove(index_path()).IgnoreError();
        return OpenForAppend(next_offset, /*with_index=*/false);
      }
      damage = Damage{walk.position, walk.next_offset};
    }
  }
  absl::MutexLock lock(&mu_);
  active_index_ = std::move(index);
  saved_entries_ = saved;
  index_file_size_ = index_file_size;
  return damage;
}

absl::Status Segment::Append(FilePosition position, absl::Span<const absl::string_view> parts,
                             int64_t size) {
  WEIR_CHECK(position == end());
  if (dirty_.file == nullptr) {
    if (exists_) {
      WEIR_ASSIGN_OR_RETURN(dirty_.file, OpenFile());
    } else {
      FileSystem& fs = files_->file_system();
      absl::StatusOr<std::unique_ptr<File>> made = fs.Open(path_, OpenMode::kCreate);
      if (absl::IsNotFound(made.status())) {
        WEIR_RETURN_IF_ERROR(fs.CreateDirectory(ParentPath(directory_)));
        WEIR_RETURN_IF_ERROR(fs.CreateDirectory(directory_));
        made = fs.Open(path_, OpenMode::kCreate);
      }
      WEIR_RETURN_IF_ERROR(made.status());
      exists_ = true;
      dirty_ = {.file = std::shared_ptr<File>(*std::move(made)), .created = true};
      files_->files().Insert(id_, dirty_.file);
    }
  }
  WEIR_RETURN_IF_ERROR(dirty_.file->WriteAt(position, parts));
  end_.store(position.value() + size, std::memory_order_release);
  return absl::OkStatus();
}

void Segment::NoteBatch(const RecordBatchHeader& header, FilePosition position,
                        int64_t append_time_ms) {
  absl::MutexLock lock(&mu_);
  if (active_index_ == nullptr) active_index_ = std::make_shared<SparseIndex>(base_);
  active_index_->Add(header, position);
  append_time_ms_ = append_time_ms;
}

void Segment::SealAt(Offset next_offset) {
  absl::MutexLock lock(&mu_);
  if (active_index_ == nullptr) return;
  int64_t append_time_ms = append_time_ms_;
  if (append_time_ms < 0) {  // nothing was appended since the start
    const auto info = files_->file_system().Stat(path_);
    append_time_ms = info.ok() ? absl::ToUnixMillis(info->modified) : 0;
  }
  active_index_->SetSeal({.end = end(),
                          .next_offset = next_offset,
                          .max_timestamp_ms = active_index_->max_timestamp_ms(),
                          .append_time_ms = append_time_ms});
}

absl::Status Segment::TruncateTo(FilePosition end) {
  if (dirty_.file == nullptr) {
    WEIR_ASSIGN_OR_RETURN(dirty_.file, OpenFile());
  }
  WEIR_RETURN_IF_ERROR(dirty_.file->Truncate(end));
  end_.store(end.value(), std::memory_order_release);
  written_back_ = std::min(written_back_, end);
  files_->indexes().Erase(id_);
  files_->file_system().Remove(index_path()).IgnoreError();
  auto index = std::make_shared<SparseIndex>(base_);
  {
    absl::MutexLock lock(&mu_);
    if (active_index_ != nullptr) *index = *active_index_;
  }
  index->TruncateTo(end);
  WEIR_RETURN_IF_ERROR(CatchUp(dirty_.file.get(), end, index.get()).status());
  absl::MutexLock lock(&mu_);
  index_file_size_ = 0;
  saved_entries_ = 0;
  active_index_ = std::move(index);
  return absl::OkStatus();
}

std::optional<Segment::Writeback> Segment::TakeWriteback(int64_t at_least) {
  constexpr int64_t kPage = 4096;
  const FilePosition to{end().value() / kPage * kPage};  // the last page will be written again
  if (dirty_.file == nullptr || to - written_back_ < at_least) return std::nullopt;
  const FilePosition from = std::exchange(written_back_, to);
  return Writeback{.file = dirty_.file, .position = from, .length = to - from};
}

Segment::Dirty Segment::TakeDirty() { return std::exchange(dirty_, {}); }

void Segment::SaveIndex() {
  std::string chunk;
  int64_t at;
  bool sealed;
  {
    absl::MutexLock lock(&mu_);
    if (active_index_ == nullptr || removed_) return;
    sealed = active_index_->seal().has_value();
    const size_t entries = active_index_->entry_count();
    // A short tail is cheaper to walk at the next start than to write at every checkpoint.
    if (!sealed && entries - saved_entries_ < limits::kIndexChunkEntries) return;
    active_index_->EncodeTo(saved_entries_, &chunk);
    at = index_file_size_;
    index_file_size_ += static_cast<int64_t>(chunk.size());
    saved_entries_ = entries;
  }
  bool saved = false;
  if (auto file = files_->file_system().Open(index_path(), OpenMode::kCreate); file.ok()) {
    saved = (at > 0 || (*file)->Truncate(FilePosition{0}).ok()) &&
            (*file)->Write(FilePosition{at}, chunk).ok();
  }
  absl::MutexLock lock(&mu_);
  if (removed_) {  // meanwhile; whoever did that may not have met this file
    files_->file_system().Remove(index_path()).IgnoreError();
  } else if (!saved) {  // all of it again next time
    saved_entries_ = 0;
    index_file_size_ = 0;
  } else if (sealed) {
    files_->indexes().Insert(id_, active_index_, active_index_->memory_bytes());
    active_index_ = nullptr;
  }
}

absl::StatusOr<std::shared_ptr<SparseIndex>> Segment::LoadIndex(bool from_file) {
  auto index = std::make_shared<SparseIndex>(base_);
  if (from_file) {
    if (const auto bytes = ReadFile(files_->file_system(), index_path()); bytes.ok()) {
      *index = SparseIndex::Decode(base_, *bytes, end());
    }
    if (index->seal()) return index;
  }
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, OpenFile());
  WEIR_ASSIGN_OR_RETURN(const Walk walk, CatchUp(file.get(), end(), index.get()));
  if (walk.at_end) {
    WEIR_ASSIGN_OR_RETURN(const FileInfo info, files_->file_system().Stat(path_));
    index->SetSeal({.end = end(),
                    .next_offset = walk.next_offset,
                    .max_timestamp_ms = index->max_timestamp_ms(),
                    .append_time_ms = absl::ToUnixMillis(info.modified)});
    std::string bytes;
    index->EncodeTo(0, &bytes);
    if (auto out = files_->file_system().Open(index_path(), OpenMode::kCreate); out.ok()) {
      if ((*out)->Truncate(FilePosition{0}).ok())
        (*out)->Write(FilePosition{0}, bytes).IgnoreError();
    }
  }
  return index;
}

absl::StatusOr<std::shared_ptr<SparseIndex>> Segment::Index(ReadMode mode) {
  if (std::shared_ptr<SparseIndex> index = files_->indexes().Find(id_)) return index;
  if (mode == ReadMode::kCachedOnly)
    return absl::UnavailableError("the segment's index is not in memory");
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<SparseIndex> index, LoadIndex(/*from_file=*/true));
  files_->indexes().Insert(id_, index, index->memory_bytes());
  return index;
}

absl::StatusOr<SparseIndex::Place> Segment::Floor(Offset offset, ReadMode mode) {
  {
    absl::MutexLock lock(&mu_);
    if (active_index_ != nullptr) return active_index_->Floor(offset);
  }
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<SparseIndex> index, Index(mode));
  return index->Floor(offset);
}

absl::StatusOr<SparseIndex::Place> Segment::FloorByTime(int64_t timestamp_ms) {
  {
    absl::MutexLock lock(&mu_);
    if (active_index_ != nullptr) return active_index_->FloorByTime(timestamp_ms);
  }
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<SparseIndex> index, Index(ReadMode::kMayBlock));
  return index->FloorByTime(timestamp_ms);
}

absl::StatusOr<int64_t> Segment::MaxTimestamp() {
  {
    absl::MutexLock lock(&mu_);
    if (active_index_ != nullptr) return active_index_->max_timestamp_ms();
  }
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<SparseIndex> index, Index(ReadMode::kMayBlock));
  return index->max_timestamp_ms();
}

absl::StatusOr<int64_t> Segment::AppendTime() {
  {
    absl::MutexLock lock(&mu_);
    if (active_index_ != nullptr && append_time_ms_ >= 0) return append_time_ms_;
    if (active_index_ != nullptr) {
      WEIR_ASSIGN_OR_RETURN(const FileInfo info, files_->file_system().Stat(path_));
      return absl::ToUnixMillis(info.modified);
    }
  }
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<SparseIndex> index, Index(ReadMode::kMayBlock));
  if (index->seal()) return index->seal()->append_time_ms;
  WEIR_ASSIGN_OR_RETURN(const FileInfo info, files_->file_system().Stat(path_));
  return absl::ToUnixMillis(info.modified);
}

absl::Status Segment::RebuildIndex() {
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<SparseIndex> index, LoadIndex(/*from_file=*/false));
  absl::MutexLock lock(&mu_);
  if (active_index_ != nullptr)
    return absl::OkStatus();  // built from the batches as they were written
  files_->indexes().Insert(id_, index, index->memory_bytes());
  return absl::OkStatus();
}

void Segment::LetGo() {
  files_->files().Erase(id_);
  files_->indexes().Erase(id_);
}

absl::Status Segment::Remove() {
  LetGo();
  {
    absl::MutexLock lock(&mu_);
    removed_ = true;
  }
  const absl::Status removed = files_->file_system().Remove(path_);
  const absl::Status index_removed = files_->file_system().Remove(index_path());
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  if (!index_removed.ok() && !absl::IsNotFound(index_removed)) return index_removed;
  return absl::OkStatus();
}

}  // namespace weir
