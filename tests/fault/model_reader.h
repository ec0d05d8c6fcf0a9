// ModelReader: a place in a partition of the model that moves on with what the broker sends, in
// either form, and says what differs: every record must be there, as it should be, in order, once.
// One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_READER_H_
#define WEIR_TESTS_FAULT_MODEL_READER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/fault/model_partition.h"
#include "weir/v1/common.pb.h"

namespace weir {

class ModelReader {
 public:
  // `from`: the offset that was asked for.
  ModelReader(ModelPartition* partition, int64_t from) : partition_(*partition), next_(from) {}

  // Of one answer. `max_bytes`: what may not be exceeded, except by a single record or batch.
  absl::Status TakeRecords(const v1::RecordList& records, int64_t max_bytes);
  absl::Status TakeBatches(absl::string_view batches, int64_t max_bytes);
  absl::Status TakeRecord(const SeenRecord& record);

  int64_t next() const { return next_; }  // the offset that must come
  // Of the last answer.
  int64_t bytes() const { return bytes_; }
  int64_t pieces() const { return pieces_; }  // records or batches

 private:
  absl::Status CheckSize(int64_t max_bytes) const;

  ModelPartition& partition_;
  int64_t next_;
  int64_t bytes_ = 0;
  int64_t pieces_ = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_READER_H_
