// SparseIndex: where in a segment an offset or a time can be found, one entry per
// limits::kIndexInterval of log. A cache: it is rebuilt from the segment whenever it is missing or
// does not verify, and is never trusted over it. Not thread-safe while it grows; immutable once
// sealed. File format: storage/FORMAT.md, "Index".
#ifndef WEIR_STORAGE_LOG_SPARSE_INDEX_H_
#define WEIR_STORAGE_LOG_SPARSE_INDEX_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"

namespace weir {

class SparseIndex {
 public:
  // Known once the segment is complete.
  struct Seal {
    FilePosition end;
    Offset next_offset;
    int64_t max_timestamp_ms = 0;
    int64_t append_time_ms = 0;  // the broker's clock at the last append; retention goes by it
    bool operator==(const Seal&) const = default;
  };

  // Where a batch begins, and its base offset. The segment at that place must agree, or the index
  // is wrong.
  struct Place {
    FilePosition position;
    Offset offset;
    bool operator==(const Place&) const = default;
  };

  explicit SparseIndex(Offset segment_base) : base_(segment_base) {}

  // The next batch of the segment, at `position`. Batches come in order.
  void Add(const RecordBatchHeader& header, FilePosition position);
  void SetSeal(const Seal& seal) { seal_ = seal; }
  // Forgets what lies at or above `end`; true when anything did. A seal is forgotten. Add() must be
  // told again of the batches between last_place() and `end`.
  bool TruncateTo(FilePosition end);

  // Where to begin looking for the batch that holds `offset`: the last indexed batch that starts at
  // or below it; the segment's start when none does.
  Place Floor(Offset offset) const;
  // The same for the first batch with a timestamp at or after `timestamp_ms`.
  Place FloorByTime(int64_t timestamp_ms) const;

  int64_t max_timestamp_ms() const { return seal_ ? seal_->max_timestamp_ms : max_timestamp_ms_; }
  const std::optional<Seal>& seal() const { return seal_; }
  size_t entry_count() const { return entries_.size(); }
  size_t memory_bytes() const { return sizeof(*this) + entries_.capacity() * sizeof(Entry); }

  // Where the batches behind the last entry begin; Add() must be told of them again after Decode()
  // and TruncateTo().
  Place last_place() const;

  // Appends to `out` one chunk with entries from number `first` on, and one with the seal if there
  // is one.
  void EncodeTo(size_t first, std::string* out) const;
  // Reads chunks until the bytes end or do not verify; keeps what verified. `end`: the segment's
  // size, nothing at or above it is taken.
  static SparseIndex Decode(Offset segment_base, absl::string_view bytes, FilePosition end);

 private:
  struct Entry;
  Place PlaceBefore(size_t entry) const;

  struct Entry {
    uint32_t relative_offset = 0;
    uint32_t position = 0;
    int64_t max_timestamp_before_ms = 0;  // over all batches before this one
  };
  bool DecodeChunk(absl::string_view* bytes, FilePosition end);

  Offset base_;
  std::vector<Entry> entries_;  // strictly ascending
  int64_t max_timestamp_ms_ = INT64_MIN;
  std::optional<Seal> seal_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_SPARSE_INDEX_H_
