#include "broker/rpc/log_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/partition/list_offsets.h"
#include "broker/rpc/error_encoding.h"
#include "broker/rpc/fetch_call.h"
#include "broker/rpc/fetch_stream.h"
#include "broker/rpc/produce_call.h"
#include "broker/rpc/produce_stream.h"
#include "broker/rpc/unary_call.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

OffsetQuery ToQuery(PartitionManager* partitions, const v1::ListOffsetsRequest::Query& asked) {
  OffsetQuery query;
  switch (asked.at_case()) {
    case v1::ListOffsetsRequest::Query::kEarliest:
      query.at = OffsetQuery::At::kEarliest;
      break;
    case v1::ListOffsetsRequest::Query::kLatest:
      query.at = OffsetQuery::At::kLatest;
      break;
    case v1::ListOffsetsRequest::Query::kTimestampMs:
      query.at = OffsetQuery::At::kTime;
      query.timestamp_ms = asked.timestamp_ms();
      break;
    case v1::ListOffsetsRequest::Query::AT_NOT_SET:
      query.status =
          MakeError(Reason::kInvalidRequest, "a query must say earliest, latest or timestamp_ms");
      return query;
  }
  auto found = partitions->Find(asked.topic(), PartitionIndex{asked.partition()});
  query.status = found.status();
  if (found.ok()) query.partition = std::move(found->partition);
  return query;
}

void FillOffsets(const v1::ListOffsetsRequest& request,
                 const std::vector<absl::StatusOr<TimestampOffset>>& answers,
                 v1::ListOffsetsResponse* response) {
  for (size_t i = 0; i < answers.size(); ++i) {
    v1::ListOffsetsResponse::Result* result = response->add_results();
    result->set_topic(request.queries(static_cast<int>(i)).topic());
    result->set_partition(request.queries(static_cast<int>(i)).partition());
    result->set_offset(answers[i].ok() ? answers[i]->offset.value() : -1);
    result->set_timestamp_ms(answers[i].ok() ? answers[i]->timestamp_ms : -1);
    if (!answers[i].ok()) *result->mutable_error() = EncodeError(answers[i].status());
  }
}

absl::Status List(const Services& services, const v1::ListOffsetsRequest& request,
                  v1::ListOffsetsResponse* response, UnaryCall* call) {
  if (request.queries_size() > limits::kFetchPartitions) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the request has ", request.queries_size(), " queries; at most ",
                                  limits::kFetchPartitions, " are allowed"));
  }
  std::vector<OffsetQuery> queries;
  for (const auto& query : request.queries())
    queries.push_back(ToQuery(services.partitions, query));
  ListOffsets(
      std::move(queries), services.disk, [call] { return call->gone(); },
      [&request, response, call](std::vector<absl::StatusOr<TimestampOffset>> answers) {
        if (call->gone()) return call->End(absl::CancelledError("the caller has gone"));
        FillOffsets(request, answers, response);
        call->End(absl::OkStatus());
      });
  return absl::OkStatus();
}

absl::Status InitIdentity(const Services& services, const v1::InitProducerRequest& request,
                          v1::InitProducerResponse* response) {
  if (request.has_producer_id() != request.has_producer_epoch()) {
    return MakeError(Reason::kInvalidRequest,
                     "producer_id and producer_epoch are given both or not at all");
  }
  const int32_t epoch = request.producer_epoch();
  if (epoch < 0 || epoch > INT16_MAX) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("producer_epoch is ", epoch, "; it must be 0 to ", INT16_MAX));
  }
  WEIR_ASSIGN_OR_RETURN(
      const ProducerIdentity identity,
      request.has_producer_id()
          ? services.producers->Raise({.id = ProducerId{request.producer_id()},
                                       .epoch = ProducerEpoch{static_cast<int16_t>(epoch)}})
          : services.producers->New());
  response->set_producer_id(identity.id.value());
  response->set_producer_epoch(identity.epoch.value());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* LogService::Produce(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) {
  return new ProduceCall(services_, context, request, response);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* LogService::ProduceStream(
    grpc::CallbackServerContext* context) {
  return new weir::ProduceStream(services_, context);
}

grpc::ServerUnaryReactor* LogService::Fetch(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) {
  return new FetchCall(services_, context, request, response);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* LogService::FetchStream(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return new weir::FetchStream(services_, context, request);
}

grpc::ServerUnaryReactor* LogService::ListOffsets(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return UnaryCall::Run(services_, {context, request, response},
                        {.counted_as = Call::kListOffsets, .most_bytes = limits::kListRequestBytes},
                        List);
}

grpc::ServerUnaryReactor* LogService::InitProducer(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(
      services_, {context, request, response},
      {.counted_as = Call::kInitProducer, .most_bytes = limits::kSmallRequestBytes}, InitIdentity);
}

}  // namespace weir
