#include "client/src/sound_batch.h"

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir::client {

absl::StatusOr<RecordBatchHeader> CheckBatch(absl::string_view batches) {
  if (batches.size() < kBatchHeaderBytes) {
    return MakeError(Reason::kCorruptBatch,
                     absl::StrCat(batches.size(), " bytes are no record batch"));
  }
  const RecordBatchHeader header = DecodeBatchHeader(batches.data());
  WEIR_RETURN_IF_ERROR(ValidateBatchHeader(header, limits::kRequestBytes, /*compacted=*/true));
  const auto size = static_cast<size_t>(header.size_bytes());
  if (size > batches.size()) {
    return MakeError(Reason::kCorruptBatch,
                     absl::StrCat("the batch at offset ", header.base_offset.value(), " has ",
                                  batches.size(), " of its ", size, " bytes"));
  }
  if (BatchCrc(batches.substr(0, size)) != header.crc) {
    return MakeError(Reason::kCorruptBatch,
                     absl::StrCat("the batch of offsets ", header.base_offset.value(), " to ",
                                  header.last_offset().value(), " does not match its CRC-32C"));
  }
  return header;
}

}  // namespace weir::client
