// InternalRecord: one record of an internal partition, by which a state machine changes. In the
// log its key is `kind u16 | version u16`, big-endian, and its value the machine's protobuf
// message. What the kinds mean is the machine's business. Pure functions, any thread.
#ifndef WEIR_BROKER_RUNTIME_INTERNAL_RECORD_H_
#define WEIR_BROKER_RUNTIME_INTERNAL_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/record/record_view.h"

namespace weir {

struct InternalRecord {
  uint16_t kind = 0;
  uint16_t version = 1;
  std::string payload;

  bool operator==(const InternalRecord&) const = default;
};

// One record batch with all of them; there is at least one.
std::string EncodeInternalBatch(absl::Span<const InternalRecord> records, int64_t now_ms);

// DATA_LOSS when `record` is none.
absl::StatusOr<InternalRecord> DecodeInternalRecord(const RecordView& record);

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_INTERNAL_RECORD_H_
