// SoundBatch: is what came from the broker a record batch, whole and as it was written? Pure
// function, any thread.
#ifndef WEIR_CLIENT_SRC_SOUND_BATCH_H_
#define WEIR_CLIENT_SRC_SOUND_BATCH_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/record/record_batch.h"

namespace weir::client {

// The header of the batch at the front of `batches`: all of it is there, and its CRC is the one
// that the header says. CORRUPT_BATCH, MESSAGE_TOO_LARGE or UNSUPPORTED_COMPRESSION otherwise.
absl::StatusOr<RecordBatchHeader> CheckBatch(absl::string_view batches);

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_SOUND_BATCH_H_
