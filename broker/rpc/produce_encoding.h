// Between weir.v1.ProduceRequest and ProduceResponse and the produce engine's own terms. Pure
// functions, any thread.
#ifndef WEIR_BROKER_RPC_PRODUCE_ENCODING_H_
#define WEIR_BROKER_RPC_PRODUCE_ENCODING_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/limits/admission.h"
#include "broker/partition/produce.h"
#include "broker/rpc/produce_decoder.h"
#include "weir/v1/log.pb.h"

namespace weir {

// Borrows from `decoded`. INVALID_REQUEST when fields contradict each other.
absl::StatusOr<ProduceRequest> ToProduceRequest(const DecodedProduce& decoded);

// What is held of a request once it is prepared, beside the message it came in.
int64_t HeldBytes(const ProduceEngine::Prepared& prepared);

// Gives back what is reserved beyond `bytes`.
void ShrinkTo(int64_t bytes, Reservation* memory);

v1::ProduceResponse ToResponse(uint64_t client_tag, const ProduceOutcome& outcome);

// For a request of a stream that failed as a whole.
v1::ProduceResponse ToResponse(uint64_t client_tag, const absl::Status& error);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_PRODUCE_ENCODING_H_
