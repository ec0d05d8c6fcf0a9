#include "broker/runtime/internal_record.h"

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/record/record_batch_builder.h"

namespace weir {
namespace {
constexpr size_t kKeyBytes = 4;
}  // namespace

std::string EncodeInternalBatch(absl::Span<const InternalRecord> records, int64_t now_ms) {
  WEIR_CHECK(!records.empty());
  RecordBatchBuilder builder;
  for (const InternalRecord& record : records) {
    char key[kKeyBytes];
    StoreBig(key, record.kind);
    StoreBig(key + 2, record.version);
    builder.Append(now_ms, absl::string_view(key, kKeyBytes), record.payload);
  }
  return builder.Finish({});
}

absl::StatusOr<InternalRecord> DecodeInternalRecord(const RecordView& record) {
  if (!record.key.has_value() || record.key->size() != kKeyBytes || !record.value.has_value()) {
    return absl::DataLossError(
        absl::StrCat("the record at offset ", record.offset.value(), " is no internal record"));
  }
  return InternalRecord{.kind = LoadBig<uint16_t>(record.key->data()),
                        .version = LoadBig<uint16_t>(record.key->data() + 2),
                        .payload = std::string(*record.value)};
}

}  // namespace weir
