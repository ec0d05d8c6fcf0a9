#include "broker/rpc/produce_call.h"

#include <optional>
#include <utility>

#include "broker/rpc/call_context.h"
#include "broker/rpc/produce_decoder.h"
#include "broker/rpc/produce_encoding.h"
#include "storage/base/check.h"

namespace weir {

ProduceCall::ProduceCall(const Services* services, grpc::CallbackServerContext* context,
                         const grpc::ByteBuffer* request, grpc::ByteBuffer* response)
    : services_(services),
      context_(context),
      response_(response),
      start_(services->clock->Monotonic()) {
  if (const absl::Status status = Start(*request); !status.ok()) End(status, status);
}

absl::Status ProduceCall::Start(const grpc::ByteBuffer& request) {
  WEIR_RETURN_IF_ERROR(services_->calls->Enter());
  MemoryShare& share = services_->memory->produce();
  ProduceDecoder decoder(&request);
  WEIR_RETURN_IF_ERROR(decoder.Look());
  std::optional<Reservation> memory = share.TryReserve(decoder.memory_bytes());
  if (!memory.has_value()) return OverMemoryBudget(share, decoder.memory_bytes());
  memory_ = *std::move(memory);
  WEIR_ASSIGN_OR_RETURN(const DecodedProduce decoded, decoder.Decode());
  WEIR_ASSIGN_OR_RETURN(ProduceRequest produce, ToProduceRequest(decoded));
  services_->produce->Prepare(
      std::move(produce),
      [this, tag = decoder.client_tag(), received = static_cast<int64_t>(request.Length())](
          absl::StatusOr<ProduceEngine::Prepared> prepared) {
        if (!prepared.ok()) return End(prepared.status(), prepared.status());
        ShrinkTo(received + HeldBytes(*prepared), &memory_);
        services_->produce->Append(
            *std::move(prepared), [this] { return cancelled_.load(std::memory_order_relaxed); },
            [this, tag](ProduceOutcome outcome) {
              const absl::Status& error = outcome.FirstError();
              if (absl::IsCancelled(error)) return End(error, error);
              *response_ = ToByteBuffer(ToResponse(tag, outcome));
              End(absl::OkStatus(), error);
            });
      });
  return absl::OkStatus();
}

void ProduceCall::End(const absl::Status& status, const absl::Status& counted) {
  services_->metrics->CountCall(Call::kProduce, services_->clock->Monotonic() - start_, counted);
  ShrinkTo(static_cast<int64_t>(response_->Length()), &memory_);
  Finish(EndStatus(context_, status));
}

void ProduceCall::OnDone() {
  memory_.Release();
  services_->calls->Leave();
  delete this;
}

}  // namespace weir
