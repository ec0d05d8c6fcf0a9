// Plain records out of stored batches, for callers who do not speak the batch format. Pure
// function, any thread.
#ifndef WEIR_BROKER_RPC_RECORD_ENCODING_H_
#define WEIR_BROKER_RPC_RECORD_ENCODING_H_

#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/base/types.h"
#include "storage/record/record_view.h"
#include "weir/v1/common.pb.h"

namespace weir {

// Of text that protobuf can carry only as UTF-8: '?' for every byte that is none, so that it is no
// longer than what was stored.
std::string ToUtf8(absl::string_view text);

// A time of delivery is a field, as it was when it was sent.
void EncodeRecord(const RecordView& from, v1::Record* to);
void EncodeHeaders(absl::Span<const HeaderView> headers, v1::Record* to);

struct PlainRecords {
  v1::RecordList records;
  int64_t bytes = 0;   // of the encoded records
  Offset next_offset;  // where to go on
  // Why decoding ended early: PARTITION_DAMAGED for a batch that does not verify or cannot be
  // decoded. `records` is what comes before it; when there is nothing, next_offset is behind the
  // batch, for who wants to skip it.
  absl::Status status;
};

// The records at or above `from` in `batches` (whole batches, one after another), as many as fit
// `max_bytes`; the first one may be larger, up to `max_first`. `next` is where to go on behind the
// batches. Checks each batch's CRC.
PlainRecords DecodePlainRecords(absl::string_view batches, Offset from, Offset next,
                                int64_t max_bytes,
                                int64_t max_first = std::numeric_limits<int64_t>::max());

}  // namespace weir

#endif  // WEIR_BROKER_RPC_RECORD_ENCODING_H_
