// ModelPartition: one partition as the reference model keeps it: its records from the log start to
// the high watermark, and what it remembers of producers. It says what a reader must be given and
// takes note of the little that only the broker can know. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_PARTITION_H_
#define WEIR_TESTS_FAULT_MODEL_PARTITION_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "storage/record/record_batch.h"
#include "tests/fault/model_record.h"
#include "tests/fault/model_sequences.h"

namespace weir {

class ModelPartition {
 public:
  struct AtTime {
    int64_t offset = 0;
    int64_t timestamp_ms = -1;  // -1: no record is that new
  };

  int64_t start() const { return start_; }
  int64_t end() const { return start_ + static_cast<int64_t>(records_.size()); }
  int64_t size_bytes() const { return size_bytes_; }      // of keys and values, about
  int32_t leader_epoch() const { return leader_epoch_; }  // of the last append; 0: there was none
  const ModelSequences& sequences() const { return sequences_; }
  // The first record whose time only the broker knows; end() when there is none.
  int64_t FirstUntimed();
  // True when records came since the last call: a broker that answers WRITTEN shows them a little
  // later.
  bool TakeGrown() { return std::exchange(grown_to_, end()) < end(); }
  // Of the record at `offset`; nothing while only the broker knows it.
  std::optional<int64_t> time_ms(int64_t offset) const {
    return records_[static_cast<size_t>(offset - start_)].record.timestamp_ms;
  }

  // One batch, as a producer made it; gives its base offset.
  int64_t AppendBatch(std::vector<ModelRecord> records, const ModelNumbering& numbering,
                      int32_t leader_epoch);
  // The same of one record that somebody else put into some batch.
  int64_t AppendRecord(ModelRecord record, int32_t leader_epoch);
  void MoveStart(int64_t to);

  // The first record at or after the time. Every time must be known.
  AtTime FindByTime(int64_t timestamp_ms) const;

  // The broker has shown what must be the record at seen.offset, or the header of the batch that
  // holds it; or where the log begins and ends. A Status that is not OK says what differs.
  absl::Status See(const SeenRecord& seen);
  absl::Status SeeBatch(const RecordBatchHeader& header) const;
  // `may_expire`: the start may have moved up by itself, to where a batch begins.
  absl::Status SeeBounds(int64_t start, int64_t end, bool may_expire);

 private:
  struct Entry {
    ModelRecord record;
    bool may_begin_batch = true;
  };
  struct Batch {
    ModelNumbering numbering;
    int32_t count = 0;
  };

  void Push(ModelRecord record, bool may_begin_batch);
  Entry& At(int64_t offset) { return records_[static_cast<size_t>(offset - start_)]; }

  int64_t start_ = 0;
  std::deque<Entry> records_;
  std::map<int64_t, Batch> batches_;  // those that a producer made, by base offset
  ModelSequences sequences_;
  int64_t size_bytes_ = 0;
  int32_t leader_epoch_ = 0;
  int64_t grown_to_ = 0;
  int64_t timed_below_ = 0;  // all records below it have times
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_PARTITION_H_
