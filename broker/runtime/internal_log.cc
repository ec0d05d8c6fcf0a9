#include "broker/runtime/internal_log.h"

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_reader.h"

namespace weir {
namespace {

absl::Status VisitBatch(absl::string_view batch, Offset from,
                        absl::FunctionRef<absl::Status(Offset, const InternalRecord&)> visit) {
  RecordReader reader(batch);
  RecordView view;
  while (reader.Next(&view)) {
    if (view.offset < from) continue;
    WEIR_ASSIGN_OR_RETURN(const InternalRecord record, DecodeInternalRecord(view));
    WEIR_RETURN_IF_ERROR(visit(view.offset, record));
  }
  return reader.status();
}

}  // namespace

absl::StatusOr<Offset> ReadInternalLog(
    PartitionLog& log, Offset from,
    absl::FunctionRef<absl::Status(Offset, const InternalRecord&)> visit) {
  ReadCursor cursor;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const LogRead read,
                          log.Read(from, limits::kFetchBytesDefault, ReadMode::kMayBlock, &cursor));
    if (read.batches.size == 0) return from;
    for (absl::string_view rest = read.batches.view(); !rest.empty();) {
      const RecordBatchHeader header = DecodeBatchHeader(rest.data());
      const absl::string_view batch = rest.substr(0, static_cast<size_t>(header.size_bytes()));
      rest.remove_prefix(batch.size());
      if (BatchCrc(batch) != header.crc) {
        return absl::DataLossError(absl::StrCat("the batch of offsets ", header.base_offset.value(),
                                                " to ", header.last_offset().value(),
                                                " does not verify"));
      }
      WEIR_RETURN_IF_ERROR(VisitBatch(batch, from, visit));
    }
    from = read.next_offset;
  }
}

}  // namespace weir
