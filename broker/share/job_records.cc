#include "broker/share/job_records.h"

#include "absl/time/time.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"

namespace weir {

absl::StatusOr<JobRecords::Found> JobRecords::Find(Offset offset) {
  WEIR_ASSIGN_OR_RETURN(const absl::string_view batch, FindBatch(offset));
  if (batch.empty()) return Found{};
  if (!reader_.has_value() && !Open(batch)) return Found{.batch = batch, .readable = false};
  while (record_.has_value() && record_->offset < offset) {
    RecordView next;
    const bool more = reader_->Next(&next);
    record_ = more ? std::optional(next) : std::nullopt;
  }
  Found found{.batch = batch};
  if (record_.has_value() && record_->offset == offset) found.record = record_;
  return found;
}

bool JobRecords::Open(absl::string_view batch) {
  if (BatchCrc(batch) != DecodeBatchHeader(batch.data()).crc) return false;
  // One that ends badly is not to be trusted at all.
  RecordReader whole(batch);
  RecordView record;
  while (whole.Next(&record)) {
  }
  if (!whole.status().ok()) return false;
  reader_.emplace(batch);
  const bool any = reader_->Next(&record);
  record_ = any ? std::optional(record) : std::nullopt;
  return true;
}

absl::StatusOr<absl::string_view> JobRecords::FindBatch(Offset offset) {
  if (const absl::string_view held = FindHeld(offset); !held.empty()) return held;
  WEIR_RETURN_IF_ERROR(Read(offset));
  return FindHeld(offset);
}

absl::string_view JobRecords::FindHeld(Offset offset) {
  while (!rest_.empty()) {
    const RecordBatchHeader header = DecodeBatchHeader(rest_.data());
    if (header.base_offset > offset) return {};
    const auto size = static_cast<size_t>(header.size_bytes());
    if (offset <= header.last_offset()) return rest_.substr(0, size);
    rest_.remove_prefix(size);
    reader_.reset();
  }
  return {};
}

absl::Status JobRecords::Read(Offset offset) {
  reader_.reset();
  rest_ = {};
  held_ = {};
  if (partition_->deleted()) return MakeError(Reason::kUnknownTopic, "the topic has been deleted");
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<PartitionLog> log, partition_->OpenLog());
  for (;;) {
    const LogBounds bounds = log->bounds();
    if (offset < bounds.log_start || offset >= bounds.high_watermark) return absl::OkStatus();
    absl::StatusOr<LogRead> read = log->Read(offset, limits::kLetterReadBytes, ReadMode::kMayBlock,
                                             &cursor_, memory_.bytes() / 2);
    if (ReasonOf(read.status()) == Reason::kOffsetOutOfRange) continue;  // the log start has moved
    WEIR_RETURN_IF_ERROR(read.status());
    if (read->needed == 0) {
      held_ = std::move(read->batches);
      rest_ = held_.view();
      return absl::OkStatus();
    }
    if (!memory_.TryGrow(2 * read->needed)) {
      return MakeError(Reason::kOverMemoryBudget, "there is no memory for the job's batch now",
                       absl::Milliseconds(limits::kOverBudgetRetryMs));
    }
  }
}

}  // namespace weir
