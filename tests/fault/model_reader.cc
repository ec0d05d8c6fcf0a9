#include "tests/fault/model_reader.h"

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_reader.h"

namespace weir {

absl::Status ModelReader::CheckSize(int64_t max_bytes) const {
  if (bytes_ <= max_bytes || pieces_ <= 1) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the answer has ", bytes_, " bytes in ", pieces_,
                                          " pieces, at most ", max_bytes, " were asked for"));
}

absl::Status ModelReader::TakeRecord(const SeenRecord& record) {
  if (record.offset != next_) {
    return absl::InternalError(absl::StrCat("the record at offset ", record.offset, " came where ",
                                            next_, " was expected"));
  }
  WEIR_RETURN_IF_ERROR(partition_.See(record));
  ++next_;
  return absl::OkStatus();
}

absl::Status ModelReader::TakeRecords(const v1::RecordList& records, int64_t max_bytes) {
  bytes_ = 0;
  pieces_ = records.records_size();
  for (const v1::Record& record : records.records()) {
    if (!record.has_timestamp_ms()) return absl::InternalError("a record came without a time");
    WEIR_RETURN_IF_ERROR(TakeRecord(SeenRecord(record)));
    bytes_ += static_cast<int64_t>(record.ByteSizeLong());
  }
  return CheckSize(max_bytes);
}

absl::Status ModelReader::TakeBatches(absl::string_view batches, int64_t max_bytes) {
  bytes_ = static_cast<int64_t>(batches.size());
  pieces_ = 0;
  const int64_t from = next_;
  while (!batches.empty()) {
    if (batches.size() < kBatchHeaderBytes) return absl::InternalError("a batch came cut off");
    const auto size = static_cast<size_t>(DecodeBatchHeader(batches.data()).size_bytes());
    const absl::string_view batch = batches.substr(0, size);
    WEIR_ASSIGN_OR_RETURN(const RecordBatchHeader header,
                          ValidateBatch(batch, limits::kMaxMessageBytesLargest));
    batches.remove_prefix(size);
    WEIR_RETURN_IF_ERROR(partition_.SeeBatch(header));
    // The first one may begin below the asked offset, but not end there.
    const bool begins =
        pieces_++ == 0 ? header.base_offset.value() <= from : header.base_offset.value() == next_;
    if (!begins || header.next_offset().value() <= next_) {
      return absl::InternalError(absl::StrCat("the batch at offset ", header.base_offset.value(),
                                              " came where ", next_, " was expected"));
    }
    RecordReader reader(batch);
    RecordView record;
    while (reader.Next(&record)) {
      if (record.offset.value() >= from) WEIR_RETURN_IF_ERROR(TakeRecord(SeenRecord(record)));
    }
    WEIR_RETURN_IF_ERROR(reader.status());
    if (next_ != header.next_offset().value())
      return absl::InternalError(absl::StrCat("the batch has no record at offset ", next_));
  }
  return CheckSize(max_bytes);
}

}  // namespace weir
