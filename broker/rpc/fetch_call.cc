#include "broker/rpc/fetch_call.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/error_encoding.h"
#include "broker/rpc/fetch_encoding.h"
#include "broker/rpc/record_encoding.h"
#include "broker/rpc/request_decoder.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr int64_t kDefaultWaitMs = 500;

// Which partition gets the room first: another one each time, so that none of many is starved by
// those before it.
size_t FirstOf(size_t queries) {
  static std::atomic<size_t> turn{0};
  return queries == 0 ? 0 : turn.fetch_add(1, std::memory_order_relaxed) % queries;
}

absl::Status CheckNotNegative(absl::string_view name, int64_t value) {
  if (value >= 0) return absl::OkStatus();
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat(name, " is ", value, "; it must be 0 or more"));
}

}  // namespace

FetchCall::FetchCall(const Services* services, grpc::CallbackServerContext* context,
                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response)
    : services_(services),
      context_(context),
      response_(response),
      start_(services->clock->Monotonic()) {
  if (const absl::Status status = Start(*request); !status.ok()) End(status);
}

absl::Status FetchCall::Start(const grpc::ByteBuffer& request) {
  WEIR_RETURN_IF_ERROR(services_->calls->Enter());
  WEIR_ASSIGN_OR_RETURN(memory_, DecodeRequest(request, limits::kListRequestBytes,
                                               services_->memory->calls(), &request_));
  WEIR_ASSIGN_OR_RETURN(const FetchLimits fetch_limits, Limits());
  max_bytes_ = fetch_limits.max_bytes;
  std::vector<FetchQuery> queries = Queries();
  first_ = FirstOf(queries.size());
  const auto fetch =
      std::make_shared<Fetch>(std::move(queries), first_, fetch_limits, services_->waiters,
                              services_->disk, &services_->memory->fetch());
  {
    absl::MutexLock lock(&mu_);
    fetch_ = fetch;
  }
  fetch->Start([this](absl::StatusOr<Fetch::Results> results) { OnFetched(std::move(results)); });
  return absl::OkStatus();
}

absl::StatusOr<FetchLimits> FetchCall::Limits() const {
  WEIR_RETURN_IF_ERROR(CheckNotNegative("max_bytes", request_.max_bytes()));
  WEIR_RETURN_IF_ERROR(CheckNotNegative("min_bytes", request_.min_bytes()));
  if (!v1::FetchFormat_IsValid(request_.format())) {
    return MakeError(Reason::kUnsupportedField,
                     absl::StrCat("this broker does not know format ", int{request_.format()}));
  }
  if (request_.partitions_size() > limits::kFetchPartitions) {
    return MakeError(
        Reason::kInvalidRequest,
        absl::StrCat("the request names ", request_.partitions_size(), " partitions; at most ",
                     limits::kFetchPartitions, " are allowed"));
  }
  const int64_t wait_ms = request_.has_max_wait_ms() ? request_.max_wait_ms() : kDefaultWaitMs;
  if (wait_ms < 0 || wait_ms > limits::kFetchWaitLargestMs) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("max_wait_ms is ", wait_ms, "; it must be 0 to ",
                                  limits::kFetchWaitLargestMs));
  }
  const int64_t most =
      request_.format() == v1::RECORDS ? limits::kPlainFetchBytes : limits::kFetchBytesLargest;
  const absl::Duration before_deadline =
      TimeLeft(*context_) - absl::Milliseconds(limits::kDeadlineMarginMs);
  FetchLimits fetch_limits;
  fetch_limits.max_bytes = request_.max_bytes() == 0 ? most : std::min(request_.max_bytes(), most);
  fetch_limits.min_bytes = std::max<int64_t>(request_.min_bytes(), 1);
  fetch_limits.deadline = start_ + std::min(absl::Milliseconds(wait_ms), before_deadline);
  return fetch_limits;
}

std::vector<FetchQuery> FetchCall::Queries() const {
  std::vector<FetchQuery> queries;
  queries.reserve(static_cast<size_t>(request_.partitions_size()));
  for (const v1::FetchPartition& asked : request_.partitions()) {
    FetchQuery query{
        .offset = Offset{asked.offset()},
        .max_bytes = asked.max_bytes() == 0 ? limits::kFetchBytesDefault : asked.max_bytes()};
    query.status = CheckNotNegative("max_bytes of a partition", asked.max_bytes());
    if (query.status.ok()) {
      auto found = services_->partitions->Find(asked.topic(), PartitionIndex{asked.partition()});
      query.status = found.status();
      if (found.ok()) query.partition = std::move(found->partition);
    }
    queries.push_back(std::move(query));
  }
  return queries;
}

void FetchCall::OnFetched(absl::StatusOr<Fetch::Results> results) {
  if (!results.ok()) return End(results.status());
  int64_t bytes = 0;
  for (const auto& result : *results) {
    if (result.ok()) bytes += static_cast<int64_t>(result->read.batches.size);
    if (!result.ok()) services_->metrics->CountError(result.status());
  }
  services_->metrics->CountFetched(bytes);
  if (request_.format() == v1::RECORD_BATCH) {
    EncodeBatches(*std::move(results));
    return End(absl::OkStatus());
  }
  End(EncodeRecords(*std::move(results)));
}

v1::PartitionRecords FetchCall::Head(int index, const absl::StatusOr<PartitionRead>& result) const {
  const v1::FetchPartition& asked = request_.partitions(index);
  v1::PartitionRecords head;
  head.set_topic(asked.topic());
  head.set_partition(asked.partition());
  head.set_next_offset(asked.offset());
  if (!result.ok()) {
    *head.mutable_error() = EncodeError(result.status());
    const auto found =
        services_->partitions->Find(asked.topic(), PartitionIndex{asked.partition()});
    const auto log = found.ok() ? found->partition->log() : nullptr;
    if (log != nullptr) {  // so that who asked out of range sees the range
      head.set_high_watermark(log->high_watermark().value());
      head.set_log_start_offset(log->log_start().value());
    }
    return head;
  }
  head.set_high_watermark(result->read.high_watermark.value());
  head.set_log_start_offset(result->read.log_start.value());
  head.set_next_offset(result->read.next_offset.value());
  return head;
}

void FetchCall::EncodeBatches(Fetch::Results results) {
  FetchResponseEncoder encoder;
  for (size_t i = 0; i < results.size(); ++i) {
    v1::PartitionRecords head = Head(static_cast<int>(i), results[i]);
    answer_memory_.Absorb(
        encoder.Add(head, results[i].ok() ? *std::move(results[i]) : PartitionRead{}));
  }
  *response_ = encoder.Finish();
}

absl::Status FetchCall::EncodeRecords(Fetch::Results results) {
  std::vector<v1::PartitionRecords> heads(results.size());
  int64_t room = max_bytes_;
  // In the order in which they were read: decoded, each takes more room than as stored.
  for (size_t i = 0; i < results.size(); ++i) {
    const size_t at = (first_ + i) % results.size();
    heads[at] = Head(static_cast<int>(at), results[at]);
    if (results[at].ok() && results[at]->read.batches.size > 0)
      room -= AddRecords(static_cast<int>(at), *results[at], room, &heads[at]);
  }
  FetchResponseEncoder encoder;
  for (const v1::PartitionRecords& head : heads) encoder.Add(head);
  *response_ = encoder.Finish();
  const int64_t bytes = max_bytes_ - room;
  if (bytes == 0) return absl::OkStatus();
  // Compressed batches become more; the answer is held until the caller has taken it.
  if (!answer_memory_.TryGrow(bytes)) {
    response_->Clear();
    return OverMemoryBudget(services_->memory->fetch(), bytes);
  }
  answer_memory_.Shrink(bytes);
  return absl::OkStatus();
}

int64_t FetchCall::AddRecords(int index, PartitionRead& result, int64_t room,
                              v1::PartitionRecords* head) {
  const v1::FetchPartition& asked = request_.partitions(index);
  const int64_t most = asked.max_bytes() == 0 ? limits::kFetchBytesDefault : asked.max_bytes();
  const int64_t most_first = room == max_bytes_ ? std::numeric_limits<int64_t>::max() : room;
  PlainRecords plain =
      DecodePlainRecords(result.read.batches.view(), Offset{asked.offset()},
                         result.read.next_offset, std::min(room, most), most_first);
  result.read.batches = {};
  answer_memory_.Absorb(std::move(result.memory));
  head->set_next_offset(plain.next_offset.value());
  if (plain.records.records_size() == 0 && !plain.status.ok())
    *head->mutable_error() = EncodeError(plain.status);
  *head->mutable_records() = std::move(plain.records);
  return plain.bytes;
}

void FetchCall::End(const absl::Status& status) {
  services_->metrics->CountCall(Call::kFetch, services_->clock->Monotonic() - start_, status);
  Finish(EndStatus(context_, status));
}

void FetchCall::OnCancel() {
  absl::MutexLock lock(&mu_);
  if (fetch_ != nullptr) fetch_->Cancel();
}

void FetchCall::OnDone() {
  answer_memory_.Release();
  memory_.Release();
  services_->calls->Leave();
  delete this;
}

}  // namespace weir
