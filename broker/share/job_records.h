// JobRecords: the records of given jobs, out of the log of their partition. Ascending offsets are
// cheap: what is read and decoded serves the next ones too. One thread at a time, which may wait
// for the disk.
#ifndef WEIR_BROKER_SHARE_JOB_RECORDS_H_
#define WEIR_BROKER_SHARE_JOB_RECORDS_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/limits/admission.h"
#include "broker/partition/partition.h"
#include "storage/base/types.h"
#include "storage/log/partition_log.h"
#include "storage/record/record_reader.h"
#include "storage/record/record_view.h"

namespace weir {

class JobRecords {
 public:
  // What the log has at a job's offset; good until the next one is asked for.
  struct Found {
    absl::string_view batch;  // the whole batch; empty: the log does not have it (any more)
    std::optional<RecordView> record;  // nothing: the batch has none there, or cannot be read
    bool readable = true;              // the batch verifies and can be decoded
  };

  // `memory` holds at least twice limits::kLetterReadBytes: a half is for what is read, the other
  // for what is made of it. It grows for a larger batch.
  JobRecords(std::shared_ptr<Partition> partition, Reservation memory)
      : partition_(std::move(partition)), memory_(std::move(memory)) {}

  // UNKNOWN_TOPIC (deleted), PARTITION_DAMAGED, OVER_MEMORY_BUDGET, or the file system's error.
  absl::StatusOr<Found> Find(Offset offset);

 private:
  // The batch that has the offset; empty: there is none.
  absl::StatusOr<absl::string_view> FindBatch(Offset offset);
  // The same among those that were read and not passed over.
  absl::string_view FindHeld(Offset offset);
  absl::Status Read(Offset offset);
  // Begins to read the batch. False: it does not verify, or cannot be decoded to its end.
  bool Open(absl::string_view batch);

  const std::shared_ptr<Partition> partition_;
  Reservation memory_;
  ReadCursor cursor_;
  BatchSpan held_;
  absl::string_view rest_;  // of held_, from the batch that was found last
  // Of that batch, when it can be read; at the last record asked for, or behind it.
  std::optional<RecordReader> reader_;
  std::optional<RecordView> record_;  // nothing: there are no more
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_JOB_RECORDS_H_
