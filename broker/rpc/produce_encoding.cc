#include "broker/rpc/produce_encoding.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/error_encoding.h"
#include "storage/base/error.h"

namespace weir {
namespace {

// A record as the engine takes it. What is wrong with it beyond its shape the engine says.
PlainRecord ToPlainRecord(const v1::Record& from) {
  PlainRecord record;
  if (from.has_key()) record.key = from.key();
  if (from.has_value()) record.value = from.value();
  if (from.has_timestamp_ms()) record.timestamp_ms = from.timestamp_ms();
  if (from.has_deliver_at_ms()) record.deliver_at_ms = from.deliver_at_ms();
  record.headers.reserve(static_cast<size_t>(from.headers_size()));
  for (const v1::Header& header : from.headers()) {
    record.headers.push_back({.key = header.key()});
    if (header.has_value()) record.headers.back().value = header.value();
  }
  return record;
}

v1::Durability ToV1(Durability durability) {
  return durability == Durability::kDurable ? v1::DURABLE : v1::WRITTEN;
}

}  // namespace

absl::StatusOr<ProduceRequest> ToProduceRequest(const DecodedProduce& decoded) {
  const v1::ProduceRequest& fields = decoded.fields;
  ProduceRequest request{.topic = fields.topic(), .batch = decoded.record_batch};
  if (fields.has_partition()) request.partition = PartitionIndex{fields.partition()};
  if (fields.durability() == v1::DURABLE) request.durability = Durability::kDurable;
  if (fields.durability() == v1::WRITTEN) request.durability = Durability::kWritten;
  request.records.reserve(static_cast<size_t>(fields.records().records_size()));
  for (const v1::Record& record : fields.records().records()) {
    if (record.offset() != 0) {
      return MakeError(Reason::kInvalidRequest,
                       absl::StrCat("record ", request.records.size(), " has offset ",
                                    record.offset(), "; the broker gives offsets, leave it 0"));
    }
    request.records.push_back(ToPlainRecord(record));
  }
  return request;
}

int64_t HeldBytes(const ProduceEngine::Prepared& prepared) {
  constexpr int64_t kRecordBytes = 128;  // of the outcome, and of the answer made of it
  int64_t bytes = static_cast<int64_t>(prepared.outcome.records.size()) * kRecordBytes;
  for (const BatchAppend& batch : prepared.batches) bytes += batch.header.size_bytes();
  return bytes;
}

void ShrinkTo(int64_t bytes, Reservation* memory) {
  memory->Shrink(std::min(bytes, memory->bytes()));
}

v1::ProduceResponse ToResponse(uint64_t client_tag, const ProduceOutcome& outcome) {
  v1::ProduceResponse response;
  response.set_client_tag(client_tag);
  response.set_durability(ToV1(outcome.durability));
  response.set_log_append_time_ms(outcome.log_append_time_ms);
  if (!outcome.records.empty()) {
    response.mutable_results()->Reserve(static_cast<int>(outcome.records.size()));
    for (const RecordOutcome& record : outcome.records) {
      v1::RecordResult* result = response.add_results();
      result->set_partition(record.partition.value());
      result->set_offset(record.offset.value());
      if (!record.status.ok()) *result->mutable_error() = EncodeError(record.status);
    }
    return response;
  }
  response.set_partition(outcome.partition.value());
  response.set_base_offset(outcome.base_offset.value());
  response.set_record_count(outcome.record_count);
  response.set_duplicate(outcome.duplicate);
  response.set_log_start_offset(outcome.log_start.value());
  if (!outcome.status.ok()) *response.mutable_error() = EncodeError(outcome.status);
  return response;
}

v1::ProduceResponse ToResponse(uint64_t client_tag, const absl::Status& error) {
  v1::ProduceResponse response;
  response.set_client_tag(client_tag);
  response.set_base_offset(-1);
  *response.mutable_error() = EncodeError(error);
  return response;
}

}  // namespace weir
