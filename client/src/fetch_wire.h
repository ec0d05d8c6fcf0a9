// The messages of FetchStream: the request, and the answer, whose record batches are left where
// they came. Pure functions, any thread.
#ifndef WEIR_CLIENT_SRC_FETCH_WIRE_H_
#define WEIR_CLIENT_SRC_FETCH_WIRE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/base/bytes.h"
#include "storage/base/types.h"

namespace weir::client {

inline constexpr char kFetchStream[] = "/weir.v1.LogService/FetchStream";

// Whole batches from `offset` on.
std::string EncodeFetch(const std::string& topic, PartitionIndex partition, Offset offset,
                        int64_t max_bytes);

struct FetchAnswer {
  Offset high_watermark;
  Offset log_start_offset;
  Offset next_offset;
  absl::string_view batches;  // borrowed from owner
  std::shared_ptr<const void> owner;
};
// INTERNAL when the message is no FetchStreamResponse with batches. Says nothing about the batches.
absl::StatusOr<FetchAnswer> DecodeFetch(const SharedBytes& message);

// Walks the batches of `answer` and cuts off what follows the last sound one: whole, and with the
// CRC its header says. OK when nothing was cut off, otherwise CORRUPT_BATCH; next_offset is then
// that behind the last sound batch, -1 when there is none.
absl::Status KeepSoundBatches(FetchAnswer* answer);

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_FETCH_WIRE_H_
