// InternalLog: reads an internal partition back, record by record. Appending is the shard's.
// Waits for the disk; any thread.
#ifndef WEIR_BROKER_RUNTIME_INTERNAL_LOG_H_
#define WEIR_BROKER_RUNTIME_INTERNAL_LOG_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/runtime/internal_record.h"
#include "storage/base/types.h"
#include "storage/log/partition_log.h"

namespace weir {

// Visits every record from offset `from` up to the high watermark as it is when it gets there, and
// returns that. Each batch's CRC is checked. DATA_LOSS when what is there cannot be read, the log's
// error (OFFSET_OUT_OF_RANGE when `from` is below its start), or the first error of `visit`.
absl::StatusOr<Offset> ReadInternalLog(
    PartitionLog& log, Offset from,
    absl::FunctionRef<absl::Status(Offset, const InternalRecord&)> visit);

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_INTERNAL_LOG_H_
