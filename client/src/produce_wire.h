// The messages of ProduceStream: the head of a request, whose record batch follows it on the wire
// uncopied, and its answer. Pure functions, any thread.
#ifndef WEIR_CLIENT_SRC_PRODUCE_WIRE_H_
#define WEIR_CLIENT_SRC_PRODUCE_WIRE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/base/bytes.h"
#include "storage/base/types.h"

namespace weir::client {

inline constexpr char kProduceStream[] = "/weir.v1.LogService/ProduceStream";

struct ProduceHead {
  absl::string_view topic;
  PartitionIndex partition;
  std::optional<Durability> durability;
  uint64_t client_tag = 0;
  size_t batch_bytes = 0;
};
// A weir.v1.ProduceRequest up to the first of the batch_bytes of record_batch, its last field.
std::string EncodeProduceHead(const ProduceHead& head);

struct ProduceAnswer {
  uint64_t client_tag = 0;
  absl::StatusOr<Offset> base_offset;
  bool duplicate = false;
};
// INTERNAL when the message is no ProduceResponse.
absl::StatusOr<ProduceAnswer> DecodeProduceAnswer(const SharedBytes& message);

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_PRODUCE_WIRE_H_
