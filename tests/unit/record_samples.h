// Records that own their bytes, for tests: the fixed samples that the golden files hold, and what a
// batch decodes to.
#ifndef WEIR_TESTS_UNIT_RECORD_SAMPLES_H_
#define WEIR_TESTS_UNIT_RECORD_SAMPLES_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_view.h"

namespace weir {

struct OwnedRecord {
  Offset offset;
  int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  bool operator==(const OwnedRecord&) const = default;
};
std::ostream& operator<<(std::ostream& out, const OwnedRecord& record);

inline constexpr Compression kAllCodecs[] = {Compression::kNone, Compression::kGzip,
                                             Compression::kSnappy, Compression::kLz4,
                                             Compression::kZstd};

// Null, empty, short, binary and repetitive keys and values; headers; timestamps that go back and
// forth. Every codec makes the batch smaller. Never changed: golden files depend on it. Offsets
// count up from `base_offset`.
std::vector<OwnedRecord> SampleRecords(Offset base_offset = Offset(0));
// The header fields that the golden files have.
BatchOptions SampleOptions(Compression codec);

void AppendTo(RecordBatchBuilder* builder, const OwnedRecord& record);
// One batch; the records' offsets are not looked at.
std::string BuildBatch(const std::vector<OwnedRecord>& records, const BatchOptions& options);

OwnedRecord Own(const RecordView& record);
// All records of one batch, or the reader's error.
absl::StatusOr<std::vector<OwnedRecord>> ReadBatch(absl::string_view batch);

// A batch with this record section as it stands, a right length and a right CRC.
std::string RawBatch(absl::string_view section, RecordBatchHeader header);

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_RECORD_SAMPLES_H_
