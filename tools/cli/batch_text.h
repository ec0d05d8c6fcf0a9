// How `weir log dump` shows a record batch and its records, as text and as JSON. Pure functions.
#ifndef WEIR_TOOLS_CLI_BATCH_TEXT_H_
#define WEIR_TOOLS_CLI_BATCH_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/record/record_batch.h"
#include "tools/cli/json.h"

namespace weir {

// One line without its end: offsets, sizes, codec, epoch, producer, time.
std::string BatchText(const RecordBatchHeader& header);
// The members of an object that is open: base_offset, last_offset, record_count, size_bytes,
// compression, leader_epoch, producer_id, ...
void WriteBatchMembers(const RecordBatchHeader& header, JsonWriter* json);

// Appends a line for each record of the batch, each behind `indent`. What cannot be decoded is the
// error.
absl::Status AppendRecordLines(absl::string_view batch, absl::string_view indent, std::string* out);
// An array with an object for each record.
absl::Status WriteRecordArray(absl::string_view batch, JsonWriter* json);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_BATCH_TEXT_H_
