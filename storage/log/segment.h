// Segment: one .log file of a partition and the index beside it. Batches are only ever added at its
// end, by the committer's thread; reads come from any thread and stay below the end that they are
// given. It does not know which of its bytes are durable or visible: checkpoint and PartitionLog
// do. Threads: functions marked "writer" belong to the committer's thread; the rest may be called
// from any thread (mu_).
#ifndef WEIR_STORAGE_LOG_SEGMENT_H_
#define WEIR_STORAGE_LOG_SEGMENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/file_system.h"
#include "storage/base/lru_cache.h"
#include "storage/base/types.h"
#include "storage/log/partition_log.h"
#include "storage/log/sparse_index.h"

namespace weir {

// What all segments of a data directory share: the bounded sets of open files and loaded indexes.
// Any thread.
class SegmentFiles {
 public:
  SegmentFiles(FileSystem* file_system, size_t open_files);

  FileSystem& file_system() { return *file_system_; }
  LruCache<uint64_t, File>& files() { return files_; }
  LruCache<uint64_t, SparseIndex>& indexes() {
    return indexes_;
  }  // of sealed segments; never changed once here
  uint64_t NextId() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

 private:
  FileSystem* const file_system_;
  LruCache<uint64_t, File> files_;
  LruCache<uint64_t, SparseIndex> indexes_;
  std::atomic<uint64_t> next_id_{1};
};

class Segment {
 public:
  // Where the batches stop making sense, below the end they should reach.
  struct Damage {
    FilePosition position;
    Offset offset;  // the first that cannot be read
  };

  // `end`: the file's bytes that are taken to be batches. `exists`: the file is there already.
  Segment(SegmentFiles* files, std::string directory, Offset base, FilePosition end, bool exists);

  Offset base() const { return base_; }
  FilePosition end() const { return FilePosition{end_.load(std::memory_order_acquire)}; }
  const std::string& path() const { return path_; }

  // Reads the index of the segment that will be appended to and walks what it does not cover.
  // `next_offset`: what the last batch must lead up to. Damage when it does not, nothing when all
  // is well.
  absl::StatusOr<std::optional<Damage>> OpenForAppend(Offset next_offset) ABSL_LOCKS_EXCLUDED(mu_) {
    return OpenForAppend(next_offset, /*with_index=*/true);
  }

  // Writer: writes at `position` == end(). Creates the file if need be and pins it until TakeDirty.
  // After an error the end has not moved and the same write may be tried again.
  absl::Status Append(FilePosition position, absl::Span<const absl::string_view> parts,
                      int64_t size);
  // Writer: a batch of what was appended, for the index.
  void NoteBatch(const RecordBatchHeader& header, FilePosition position, int64_t append_time_ms)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Writer: nothing more will be appended; the next segment begins at `next_offset`.
  void SealAt(Offset next_offset) ABSL_LOCKS_EXCLUDED(mu_);
  // Writer: cuts the file.
  absl::Status TruncateTo(FilePosition end) ABSL_LOCKS_EXCLUDED(mu_);
  // Writer: the pinned file, which holds unflushed bytes; the caller flushes it before letting go.
  // Null when clean.
  struct Dirty {
    std::shared_ptr<File> file;
    bool created = false;  // its directory entry is not yet synced either
  };
  Dirty TakeDirty();
  bool dirty() const { return dirty_.file != nullptr; }
  // Writer: a part of the pinned file whose bytes will not change any more; each is given once.
  // Nothing as long as it is less than `at_least` bytes.
  struct Writeback {
    std::shared_ptr<File> file;
    FilePosition position;
    int64_t length = 0;
  };
  std::optional<Writeback> TakeWriteback(int64_t at_least);

  // Appends what is new of the index to its file. Best effort: a failure costs a scan at the next
  // start.
  void SaveIndex() ABSL_LOCKS_EXCLUDED(mu_);

  // The last indexed batch at or below the offset (time); loads the index if need be, rebuilding it
  // where it does not verify.
  absl::StatusOr<SparseIndex::Place> Floor(Offset offset, ReadMode mode) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<SparseIndex::Place> FloorByTime(int64_t timestamp_ms) ABSL_LOCKS_EXCLUDED(mu_);
  // Largest record timestamp, and when the broker last appended.
  absl::StatusOr<int64_t> MaxTimestamp() ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<int64_t> AppendTime() ABSL_LOCKS_EXCLUDED(mu_);
  // Throws the index away and builds it again from the batches.
  absl::Status RebuildIndex() ABSL_LOCKS_EXCLUDED(mu_);

  absl::StatusOr<std::shared_ptr<File>> OpenFile();

  // Removes both files from the disk. Readers that have the file open finish.
  absl::Status Remove();
  // What Remove() does beside the disk: keeps neither the file open nor the index.
  void LetGo();

 private:
  std::string index_path() const;
  absl::StatusOr<std::optional<Damage>> OpenForAppend(Offset next_offset, bool with_index)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::shared_ptr<SparseIndex>> LoadIndex(bool from_file);
  absl::StatusOr<std::shared_ptr<SparseIndex>> Index(ReadMode mode) ABSL_LOCKS_EXCLUDED(mu_);

  SegmentFiles* const files_;
  const uint64_t id_;
  const std::string directory_;
  const Offset base_;
  const std::string path_;
  std::atomic<int64_t> end_;

  // Writer's.
  bool exists_;
  Dirty dirty_;
  FilePosition written_back_;  // so far TakeWriteback() has given

  absl::Mutex mu_;
  std::shared_ptr<SparseIndex> active_index_
      ABSL_GUARDED_BY(mu_);  // null: sealed and saved, or not loaded
  size_t saved_entries_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t index_file_size_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t append_time_ms_ ABSL_GUARDED_BY(mu_) = -1;
  bool removed_ ABSL_GUARDED_BY(mu_) = false;  // its files are gone, or go now
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_SEGMENT_H_
