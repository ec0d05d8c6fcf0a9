#include "broker/rpc/admin_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/partition/delete_records.h"
#include "broker/rpc/error_encoding.h"
#include "broker/rpc/page_token.h"
#include "broker/rpc/unary_call.h"
#include "broker/runtime/logging.h"
#include "broker/topics/topic_name.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

void AddConfig(const Topic& topic, google::protobuf::RepeatedPtrField<v1::ConfigEntry>* to) {
  for (const TopicConfigEntry& entry : DescribeTopicConfig(topic.config, topic.overrides)) {
    v1::ConfigEntry* added = to->Add();
    added->set_name(entry.name);
    added->set_value(entry.value);
    added->set_is_default(entry.is_default);
  }
}

absl::Status Create(const Services& services, const v1::CreateTopicRequest& request,
                    v1::CreateTopicResponse* response) {
  WEIR_ASSIGN_OR_RETURN(const TopicPtr topic,
                        services.catalog->Create({.name = request.name(),
                                                  .partitions = request.partitions(),
                                                  .config = TopicConfigMap(request.config().begin(),
                                                                           request.config().end()),
                                                  .validate_only = request.validate_only()}));
  response->set_topic_id(topic->id.ToString());
  response->set_partitions(topic->partitions);
  return absl::OkStatus();
}

absl::Status List(const Services& services, const v1::ListTopicsRequest& request,
                  v1::ListTopicsResponse* response) {
  const bool internal = request.include_internal();
  const std::string listing = absl::StrCat(internal ? "all topics:" : "topics:", request.prefix());
  WEIR_ASSIGN_OR_RETURN(const std::string after, DecodePageToken(listing, request.page_token()));
  WEIR_ASSIGN_OR_RETURN(const int32_t size, PageSize(request.page_size()));
  // One more than fits tells whether there is another page.
  std::vector<TopicPtr> topics =
      services.catalog->List(request.prefix(), after, static_cast<size_t>(size) + 1, internal);
  if (topics.size() > static_cast<size_t>(size)) {
    topics.pop_back();
    response->set_next_page_token(EncodePageToken(listing, topics.back()->name));
  }
  for (const TopicPtr& topic : topics) {
    v1::TopicSummary* summary = response->add_topics();
    summary->set_name(topic->name);
    summary->set_topic_id(topic->id.ToString());
    summary->set_partitions(topic->partitions);
  }
  return absl::OkStatus();
}

absl::Status DescribePartition(PartitionManager* partitions, const TopicPtr& topic,
                               PartitionIndex index, v1::PartitionDescription* to) {
  WEIR_ASSIGN_OR_RETURN(const PartitionManager::Found found, partitions->Find(topic, index));
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<PartitionLog> log, found.partition->OpenLog());
  const LogDescription description = log->Describe();
  to->set_partition(index.value());
  to->set_log_start_offset(description.log_start.value());
  to->set_high_watermark(description.high_watermark.value());
  to->set_size_bytes(description.size_bytes);
  to->set_segments(description.segments);
  to->set_leader_epoch(description.leader_epoch.value());
  to->set_damage(description.damage);
  return absl::OkStatus();
}

absl::Status Describe(const Services& services, const v1::DescribeTopicRequest& request,
                      v1::DescribeTopicResponse* response) {
  WEIR_ASSIGN_OR_RETURN(const TopicPtr topic, services.catalog->Require(request.name()));
  const std::string listing = absl::StrCat("partitions:", topic->id.ToString());
  WEIR_ASSIGN_OR_RETURN(const std::string position, DecodePageToken(listing, request.page_token()));
  WEIR_ASSIGN_OR_RETURN(const int32_t size, PageSize(request.page_size()));
  int32_t begin = 0;
  if (!position.empty() && (!absl::SimpleAtoi(position, &begin) || begin < 0)) {
    return MakeError(Reason::kInvalidPageToken, "the page token does not name a partition");
  }
  begin = std::min(begin, topic->partitions);
  const int32_t end = begin + std::min(size, topic->partitions - begin);
  response->set_name(topic->name);
  response->set_topic_id(topic->id.ToString());
  response->set_partition_count(topic->partitions);
  AddConfig(*topic, response->mutable_config());
  for (int32_t i = begin; i < end; ++i) {
    WEIR_RETURN_IF_ERROR(DescribePartition(services.partitions, topic, PartitionIndex{i},
                                           response->add_partitions()));
  }
  if (end < topic->partitions)
    response->set_next_page_token(EncodePageToken(listing, absl::StrCat(end)));
  return absl::OkStatus();
}

absl::Status Alter(const Services& services, const v1::AlterTopicConfigRequest& request,
                   v1::AlterTopicConfigResponse* response) {
  WEIR_ASSIGN_OR_RETURN(
      const TopicPtr topic,
      services.catalog->AlterConfig(
          request.name(), TopicConfigMap(request.set().begin(), request.set().end()),
          std::vector<std::string>(request.remove().begin(), request.remove().end())));
  AddConfig(*topic, response->mutable_config());
  return absl::OkStatus();
}

DeleteRecordsTarget ToTarget(PartitionManager* partitions, const std::string& topic,
                             const v1::DeleteRecordsRequest::Target& asked) {
  DeleteRecordsTarget target;
  if (asked.before_offset() != -1) target.before = Offset{asked.before_offset()};
  auto found = partitions->Find(topic, PartitionIndex{asked.partition()});
  target.status = found.status();
  if (found.ok()) target.partition = std::move(found->partition);
  return target;
}

void FillResults(const v1::DeleteRecordsRequest& request,
                 const std::vector<absl::StatusOr<Offset>>& answers,
                 v1::DeleteRecordsResponse* response) {
  for (size_t i = 0; i < answers.size(); ++i) {
    v1::DeleteRecordsResponse::Result* result = response->add_results();
    result->set_partition(request.targets(static_cast<int>(i)).partition());
    result->set_log_start_offset(answers[i].ok() ? answers[i]->value() : -1);
    if (!answers[i].ok()) *result->mutable_error() = EncodeError(answers[i].status());
  }
}

absl::Status Extend(const Services& services, const v1::AddPartitionsRequest& request,
                    v1::AddPartitionsResponse* response) {
  WEIR_ASSIGN_OR_RETURN(const TopicPtr topic,
                        services.catalog->AddPartitions(request.name(), request.partitions()));
  response->set_partitions(topic->partitions);
  return absl::OkStatus();
}

absl::Status Delete(const Services& services, const v1::DeleteTopicRequest& request,
                    v1::DeleteTopicResponse*) {
  return services.partitions->DeleteTopic(request.name());
}

absl::Status MoveStarts(const Services& services, const v1::DeleteRecordsRequest& request,
                        v1::DeleteRecordsResponse* response, UnaryCall* call) {
  WEIR_RETURN_IF_ERROR(CheckMayChange(request.topic()));
  WEIR_RETURN_IF_ERROR(services.catalog->Require(request.topic()).status());
  if (request.targets_size() > limits::kFetchPartitions) {
    return MakeError(
        Reason::kInvalidRequest,
        absl::StrCat("the request names ", request.targets_size(), " partitions; at most ",
                     limits::kFetchPartitions, " are allowed"));
  }
  std::vector<DeleteRecordsTarget> targets;
  for (const auto& target : request.targets())
    targets.push_back(ToTarget(services.partitions, request.topic(), target));
  weir::DeleteRecords(std::move(targets), services.log_starts, services.logs,
                      [&request, response, call](std::vector<absl::StatusOr<Offset>> answers) {
                        FillResults(request, answers, response);
                        call->End(absl::OkStatus());
                      });
  return absl::OkStatus();
}

absl::Status SetLevel(const Services&, const v1::SetLogLevelRequest& request,
                      v1::SetLogLevelResponse* response) {
  const std::string previous = LogLevel();
  WEIR_RETURN_IF_ERROR(SetLogLevel(request.level()));
  response->set_previous(previous);
  return absl::OkStatus();
}

void FillLimits(google::protobuf::Map<std::string, int64_t>* to) {
  (*to)["request_bytes"] = limits::kRequestBytes;
  (*to)["max_message_bytes"] = limits::kMaxMessageBytesLargest;
  (*to)["records_per_produce"] = limits::kRecordsPerPlainProduce;
  (*to)["requests_per_produce_stream"] = limits::kStreamRequests;
  (*to)["partitions_per_fetch"] = limits::kFetchPartitions;
  (*to)["fetch_bytes"] = limits::kFetchBytesLargest;
  (*to)["fetch_bytes_records"] = limits::kPlainFetchBytes;
  (*to)["fetch_wait_ms"] = limits::kFetchWaitLargestMs;
  (*to)["page_size"] = limits::kPageSizeLargest;
  (*to)["partitions_per_topic"] = limits::kPartitionsPerTopic;
  (*to)["partitions"] = limits::kPartitionsPerBroker;
  (*to)["topics"] = static_cast<int64_t>(limits::kTopicsPerBroker);
}

absl::Status DescribeSelf(const Services& services, const v1::DescribeBrokerRequest&,
                          v1::DescribeBrokerResponse* response) {
  const BrokerFacts& facts = services.facts;
  response->set_version(facts.version);
  for (const char* feature :
       {"idempotent-producer", "plain-records", "record-batch", "produce-stream", "fetch-stream"}) {
    response->add_features(feature);
  }
  response->set_broker_id(facts.broker_id);
  response->set_leader_epoch(facts.leader_epoch.value());
  response->set_start_time_ms(facts.start_time_ms);
  response->set_data_dir(facts.data_dir);
  response->set_read_only(facts.read_only);
  const DiskSpace space = services.watermark->space();
  response->set_disk_free_bytes(space.free_bytes);
  response->set_disk_total_bytes(space.total_bytes);
  response->set_disk_low(!services.watermark->status().ok());
  response->set_memory_budget_bytes(services.memory->limit());
  response->set_memory_used_bytes(services.memory->used());
  const TopicCatalog::Totals totals = services.catalog->totals();
  response->set_topics(static_cast<int32_t>(totals.topics));
  response->set_partitions(static_cast<int32_t>(totals.partitions));
  response->set_log_level(LogLevel());
  FillLimits(response->mutable_limits());
  return absl::OkStatus();
}

constexpr UnaryCall::Kind kAdmin = {.counted_as = Call::kAdmin,
                                    .most_bytes = limits::kSmallRequestBytes};

}  // namespace

grpc::ServerUnaryReactor* AdminService::CreateTopic(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, Create);
}

grpc::ServerUnaryReactor* AdminService::ListTopics(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, List);
}

grpc::ServerUnaryReactor* AdminService::DescribeTopic(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, Describe);
}

grpc::ServerUnaryReactor* AdminService::AlterTopicConfig(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, Alter);
}

grpc::ServerUnaryReactor* AdminService::AddPartitions(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, Extend);
}

grpc::ServerUnaryReactor* AdminService::DeleteTopic(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, Delete);
}

grpc::ServerUnaryReactor* AdminService::DeleteRecords(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return UnaryCall::Run(services_, {context, request, response}, kAdmin, MoveStarts);
}

grpc::ServerUnaryReactor* AdminService::DescribeBroker(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, DescribeSelf);
}

grpc::ServerUnaryReactor* AdminService::SetLogLevel(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, SetLevel);
}

}  // namespace weir
