#include "tests/fault/model_fetch_operations.h"

#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "storage/base/limits.h"
#include "tests/fault/model_reader.h"

namespace weir {
namespace {

constexpr int32_t kLongWaitMs = 60'000;
// Only who has waited for nothing comes near this; no machine is that slow.
constexpr absl::Duration kWaited = absl::Milliseconds(kLongWaitMs - 5'000);

std::string Text(const v1::FetchRequest& request) {
  std::string text = absl::StrCat("fetch ", request.format() == v1::RECORDS ? "records" : "batches",
                                  " max ", request.max_bytes(), " min ", request.min_bytes(), ":");
  for (const v1::FetchPartition& asked : request.partitions()) {
    absl::StrAppend(&text, " ", asked.topic(), "/", asked.partition(), " at ", asked.offset(),
                    " max ", asked.max_bytes());
  }
  return text;
}

int64_t WholeLimit(const v1::FetchRequest& request) {
  const int64_t most =
      request.format() == v1::RECORDS ? limits::kPlainFetchBytes : limits::kFetchBytesLargest;
  return request.max_bytes() == 0 ? most : std::min(request.max_bytes(), most);
}

}  // namespace

void ModelFetchOperations::Ask(v1::FetchRequest* request) {
  ModelDraw& draw = context_.draw;
  v1::FetchPartition* const asked = request->add_partitions();
  asked->set_topic(context_.AnyTopicName());
  asked->set_partition(context_.AnyPartition(asked->topic()));
  ModelTopic* const topic = context_.model.Find(asked->topic());
  const ModelPartition* const partition =
      topic == nullptr ? nullptr : topic->Find(asked->partition());
  if (partition != nullptr) asked->set_offset(draw.Offset(*partition, draw.Chance(0.05)));
  asked->set_max_bytes(draw.OneOf<int64_t>({0, 0, 1, 200, 1000, 10'000, 100'000}));
  if (draw.Chance(0.01)) asked->set_max_bytes(-1);
}

absl::Status ModelFetchOperations::TakePartition(const v1::FetchRequest& request,
                                                 const v1::FetchPartition& asked,
                                                 const v1::PartitionRecords& answer, int64_t* bytes,
                                                 int64_t* pieces) {
  const std::string name = absl::StrCat(asked.topic(), "/", asked.partition());
  WEIR_RETURN_IF_ERROR(
      Same("partition", absl::StrCat(answer.topic(), "/", answer.partition()), name));
  std::string reason = context_.model.Missing(asked.topic(), asked.partition());
  const bool missing = !reason.empty();
  if (asked.max_bytes() < 0) reason = "INVALID_REQUEST";
  ModelTopic* const topic = context_.model.Find(asked.topic());
  if (!missing) {
    ModelPartition& partition = *topic->Find(asked.partition());
    // Where the log is not open yet, a refusal does not say where it begins and ends.
    if (reason.empty() || answer.high_watermark() > 0) {
      WEIR_RETURN_IF_ERROR(partition.SeeBounds(answer.log_start_offset(), answer.high_watermark(),
                                               topic->may_expire));
    }
    if (reason.empty() && (asked.offset() < partition.start() || asked.offset() > partition.end()))
      reason = "OFFSET_OUT_OF_RANGE";
  }
  WEIR_RETURN_IF_ERROR(SameEnd(name, EndOf(answer.has_error(), answer.error()), {reason}));
  const bool empty = answer.records().records_size() == 0 && answer.record_batches().empty();
  if (!reason.empty()) {
    WEIR_RETURN_IF_ERROR(Same(name + " is empty", empty, true));
    return Same(name + " next offset", answer.next_offset(), asked.offset());
  }
  ModelReader reader(topic->Find(asked.partition()), asked.offset());
  const int64_t limit = asked.max_bytes() == 0 ? limits::kFetchBytesDefault : asked.max_bytes();
  if (request.format() == v1::RECORDS) {
    WEIR_RETURN_IF_ERROR(reader.TakeRecords(answer.records(), limit));
  } else {
    WEIR_RETURN_IF_ERROR(reader.TakeBatches(answer.record_batches(), limit));
  }
  *bytes += reader.bytes();
  *pieces += reader.pieces();
  return Same(name + " next offset", answer.next_offset(), reader.next());
}

absl::Status ModelFetchOperations::TakeAnswer(const v1::FetchRequest& request,
                                              const v1::FetchResponse& response) {
  WEIR_RETURN_IF_ERROR(Same("partitions", response.partitions_size(), request.partitions_size()));
  int64_t bytes = 0;
  int64_t pieces = 0;
  bool something = false;
  for (int i = 0; i < request.partitions_size(); ++i) {
    const v1::FetchPartition& asked = request.partitions(i);
    const v1::PartitionRecords& answer = response.partitions(i);
    WEIR_RETURN_IF_ERROR(TakePartition(request, asked, answer, &bytes, &pieces));
    something |= !answer.has_error() && asked.offset() < answer.high_watermark();
  }
  // A reader can never get stuck.
  WEIR_RETURN_IF_ERROR(Same("has records", pieces > 0, something));
  if (bytes <= WholeLimit(request) || pieces == 1) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the answer has ", bytes, " bytes in ", pieces,
                                          " pieces, at most ", WholeLimit(request),
                                          " were asked for"));
}

absl::Status ModelFetchOperations::Run(const v1::FetchRequest& request,
                                       v1::FetchResponse* response) {
  context_.Say(Text(request));
  WEIR_RETURN_IF_ERROR(SameEnd("fetch", context_.calls->Fetch(request, response), {""}));
  return TakeAnswer(request, *response);
}

absl::Status ModelFetchOperations::Fetch() {
  ModelDraw& draw = context_.draw;
  v1::FetchRequest request;
  request.set_format(draw.Chance(0.5) ? v1::RECORDS : v1::RECORD_BATCH);
  request.set_max_wait_ms(draw.Between(0, 2));
  if (draw.Chance(0.2)) request.set_max_bytes(draw.OneOf<int64_t>({1, 300, 5000, INT64_MAX}));
  if (draw.Chance(0.2)) request.set_min_bytes(draw.Between(0, 5000));
  Ask(&request);
  v1::FetchResponse response;
  return Run(request, &response);
}

absl::Status ModelFetchOperations::FetchMany() {
  ModelDraw& draw = context_.draw;
  v1::FetchRequest request;
  request.set_format(draw.Chance(0.5) ? v1::RECORDS : v1::RECORD_BATCH);
  request.set_max_wait_ms(0);
  if (draw.Chance(0.5)) request.set_max_bytes(draw.OneOf<int64_t>({1, 300, 2000, 20'000}));
  for (int i = draw.Count(8); i >= 0; --i) Ask(&request);
  v1::FetchResponse response;
  return Run(request, &response);
}

absl::Status ModelFetchOperations::FetchWrong() {
  ModelDraw& draw = context_.draw;
  v1::FetchRequest request;
  std::string reason = "INVALID_REQUEST";
  Ask(&request);
  switch (draw.Between(0, 4)) {
    case 0:
      request.set_max_bytes(-1);
      break;
    case 1:
      request.set_min_bytes(-1);
      break;
    case 2:
      request.set_max_wait_ms(draw.OneOf<int64_t>({-1, 60'001, INT64_MAX}));
      break;
    case 3:
      for (int i = 0; i < limits::kFetchPartitions; ++i) request.add_partitions();
      break;
    default:
      request.set_format(static_cast<v1::FetchFormat>(draw.Between(2, 9)));
      reason = "UNSUPPORTED_FIELD";
  }
  context_.Say(absl::StrCat("fetch wrongly: ", request.ShortDebugString().substr(0, 200)));
  v1::FetchResponse response;
  return SameEnd("fetch", context_.calls->Fetch(request, &response), {reason});
}

absl::Status ModelFetchOperations::FetchEnough() {
  ModelDraw& draw = context_.draw;
  ModelTopic* const topic = context_.LastingTopic();
  if (topic == nullptr) return absl::OkStatus();
  const auto index = static_cast<int32_t>(draw.Between(0, topic->partition_count() - 1));
  const ModelPartition& partition = *topic->Find(index);
  v1::FetchRequest request;
  request.set_format(v1::RECORD_BATCH);
  v1::FetchPartition* const asked = request.add_partitions();
  asked->set_topic(topic->name);
  asked->set_partition(index);
  asked->set_max_bytes(limits::kFetchBytesLargest);
  // How much there is, as stored.
  const int64_t from = draw.Offset(partition, false);
  int64_t stored = 0;
  for (int64_t at = from; at < partition.end();) {
    asked->set_offset(at);
    v1::FetchResponse response;
    WEIR_RETURN_IF_ERROR(Run(request, &response));
    stored += static_cast<int64_t>(response.partitions(0).record_batches().size());
    at = response.partitions(0).next_offset();
  }
  if (stored == 0) return absl::OkStatus();
  asked->set_offset(from);
  request.set_min_bytes(draw.Between(1, stored));
  request.set_max_bytes(draw.Chance(0.5) ? request.min_bytes() : limits::kFetchBytesLargest);
  request.set_max_wait_ms(kLongWaitMs);
  if (draw.Chance(0.5)) request.set_format(v1::RECORDS);
  v1::FetchResponse response;
  const absl::Duration begin = Clock::Real().Monotonic();
  WEIR_RETURN_IF_ERROR(Run(request, &response));
  return Same(absl::StrCat("waits although ", stored, " bytes are there"),
              Clock::Real().Monotonic() - begin > kWaited, false);
}

absl::Status ModelFetchOperations::CatchUp(const std::string& name) {
  ModelTopic* const topic = context_.model.Find(name);
  if (topic == nullptr) return absl::OkStatus();
  v1::FetchRequest request;
  request.set_format(context_.draw.Chance(0.5) ? v1::RECORDS : v1::RECORD_BATCH);
  request.set_max_wait_ms(0);
  v1::FetchPartition* const asked = request.add_partitions();
  asked->set_topic(name);
  for (int32_t p = 0; p < topic->partition_count(); ++p) {
    ModelPartition& partition = *topic->Find(p);
    asked->set_partition(p);
    if (partition.TakeGrown()) {
      v1::FetchRequest last = request;
      last.mutable_partitions(0)->set_partition(p);
      last.mutable_partitions(0)->set_offset(partition.end() - 1);
      last.set_max_wait_ms(limits::kFetchWaitLargestMs);
      v1::FetchResponse response;
      WEIR_RETURN_IF_ERROR(SameEnd("fetch", context_.calls->Fetch(last, &response), {""}));
    }
    while (partition.FirstUntimed() < partition.end()) {
      asked->set_offset(partition.FirstUntimed());
      v1::FetchResponse response;
      WEIR_RETURN_IF_ERROR(Run(request, &response));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir
