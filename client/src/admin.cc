#include "weir/admin.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/channel.h"
#include "client/src/config_wire.h"
#include "client/src/offset_lookup.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "weir/v1/admin.pb.h"

namespace weir {
namespace {

std::string Method(absl::string_view name) { return absl::StrCat("/weir.v1.AdminService/", name); }

Admin::PartitionDescription PartitionOf(const v1::PartitionDescription& partition) {
  return {.partition = PartitionIndex(partition.partition()),
          .log_start_offset = Offset(partition.log_start_offset()),
          .high_watermark = Offset(partition.high_watermark()),
          .size_bytes = partition.size_bytes(),
          .segments = partition.segments(),
          .leader_epoch = LeaderEpoch(partition.leader_epoch()),
          .damage = partition.damage()};
}

}  // namespace

absl::StatusOr<Admin::TopicSummary> Admin::CreateTopic(const TopicSpec& spec, bool validate_only) {
  v1::CreateTopicRequest request;
  request.set_name(spec.name);
  request.set_partitions(spec.partitions);
  request.mutable_config()->insert(spec.config.begin(), spec.config.end());
  request.set_validate_only(validate_only);
  v1::CreateTopicResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("CreateTopic"), request, &response));
  return TopicSummary{
      .name = spec.name, .topic_id = response.topic_id(), .partitions = response.partitions()};
}

absl::StatusOr<std::vector<Admin::TopicSummary>> Admin::ListTopics(absl::string_view prefix,
                                                                   bool include_internal) {
  std::vector<TopicSummary> topics;
  v1::ListTopicsRequest request;
  request.set_prefix(std::string(prefix));
  request.set_include_internal(include_internal);
  do {
    v1::ListTopicsResponse response;
    WEIR_RETURN_IF_ERROR(channel_->Call(Method("ListTopics"), request, &response));
    for (const v1::TopicSummary& topic : response.topics()) {
      topics.push_back(
          {.name = topic.name(), .topic_id = topic.topic_id(), .partitions = topic.partitions()});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return topics;
}

absl::StatusOr<Admin::TopicDescription> Admin::DescribeTopic(absl::string_view topic,
                                                             bool with_partitions) {
  TopicDescription description;
  v1::DescribeTopicRequest request;
  request.set_name(std::string(topic));
  request.set_page_size(with_partitions ? 0 : 1);
  do {
    v1::DescribeTopicResponse response;
    WEIR_RETURN_IF_ERROR(channel_->Call(Method("DescribeTopic"), request, &response));
    if (request.page_token().empty()) {
      description.name = response.name();
      description.topic_id = response.topic_id();
      description.partition_count = response.partition_count();
      description.config = client::ConfigOf(response.config());
      if (!with_partitions) return description;
    }
    for (const v1::PartitionDescription& partition : response.partitions()) {
      description.partitions.push_back(PartitionOf(partition));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return description;
}

absl::StatusOr<std::vector<Admin::ConfigEntry>> Admin::AlterTopicConfig(
    absl::string_view topic, const std::map<std::string, std::string>& set,
    const std::vector<std::string>& remove) {
  v1::AlterTopicConfigRequest request;
  request.set_name(std::string(topic));
  request.mutable_set()->insert(set.begin(), set.end());
  request.mutable_remove()->Add(remove.begin(), remove.end());
  v1::AlterTopicConfigResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("AlterTopicConfig"), request, &response));
  return client::ConfigOf(response.config());
}

absl::StatusOr<int32_t> Admin::AddPartitions(absl::string_view topic, int32_t total) {
  v1::AddPartitionsRequest request;
  request.set_name(std::string(topic));
  request.set_partitions(total);
  v1::AddPartitionsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("AddPartitions"), request, &response));
  return response.partitions();
}

absl::Status Admin::DeleteTopic(absl::string_view topic) {
  v1::DeleteTopicRequest request;
  request.set_name(std::string(topic));
  v1::DeleteTopicResponse response;
  return channel_->Call(Method("DeleteTopic"), request, &response);
}

absl::StatusOr<std::vector<absl::StatusOr<Offset>>> Admin::DeleteRecords(
    absl::string_view topic, absl::Span<const RecordDeletion> deletions) {
  v1::DeleteRecordsRequest request;
  request.set_topic(std::string(topic));
  for (const RecordDeletion& deletion : deletions) {
    v1::DeleteRecordsRequest::Target& target = *request.add_targets();
    target.set_partition(deletion.partition.value());
    target.set_before_offset(deletion.before.has_value() ? deletion.before->value() : -1);
  }
  v1::DeleteRecordsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("DeleteRecords"), request, &response));
  std::vector<absl::StatusOr<Offset>> results;
  for (const v1::DeleteRecordsResponse::Result& result : response.results()) {
    if (result.has_error()) {
      results.push_back(client::StatusOf(result.error()));
    } else {
      results.push_back(Offset(result.log_start_offset()));
    }
  }
  if (results.size() != deletions.size()) {
    return MakeError(Reason::kInternal, absl::StrCat("DeleteRecords answered ", results.size(),
                                                     " of ", deletions.size()));
  }
  return results;
}

absl::StatusOr<std::vector<absl::StatusOr<Admin::FoundOffset>>> Admin::ListOffsets(
    absl::Span<const OffsetQuery> queries) {
  v1::ListOffsetsRequest request;
  std::vector<absl::StatusOr<FoundOffset>> results;
  for (const OffsetQuery& query : queries) {
    if (const Offset* offset = std::get_if<Offset>(&query.at)) {
      results.push_back(FoundOffset{.offset = *offset});
    } else {
      results.push_back(absl::UnknownError("not asked yet"));
      client::AddQuery(query.topic, query.partition, query.at, &request);
    }
  }
  if (request.queries().empty()) return results;
  v1::ListOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(client::kListOffsets, request, &response));
  if (response.results_size() != request.queries_size()) {
    return MakeError(Reason::kInternal,
                     absl::StrCat("ListOffsets answered ", response.results_size(), " of ",
                                  request.queries_size()));
  }
  int next = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    if (std::holds_alternative<Offset>(queries[i].at)) continue;
    const v1::ListOffsetsResponse::Result& result = response.results(next++);
    if (result.has_error()) {
      results[i] = client::StatusOf(result.error());
    } else {
      results[i] = FoundOffset{.offset = Offset(result.offset())};
      if (result.timestamp_ms() >= 0) results[i]->timestamp_ms = result.timestamp_ms();
    }
  }
  return results;
}

absl::StatusOr<Admin::BrokerDescription> Admin::DescribeBroker() {
  v1::DescribeBrokerResponse response;
  WEIR_RETURN_IF_ERROR(
      channel_->Call(Method("DescribeBroker"), v1::DescribeBrokerRequest(), &response));
  return BrokerDescription{.version = response.version(),
                           .features = {response.features().begin(), response.features().end()},
                           .broker_id = response.broker_id(),
                           .leader_epoch = LeaderEpoch(response.leader_epoch()),
                           .start_time = absl::FromUnixMillis(response.start_time_ms()),
                           .data_dir = response.data_dir(),
                           .disk_free_bytes = response.disk_free_bytes(),
                           .disk_total_bytes = response.disk_total_bytes(),
                           .disk_low = response.disk_low(),
                           .memory_budget_bytes = response.memory_budget_bytes(),
                           .memory_used_bytes = response.memory_used_bytes(),
                           .limits = {response.limits().begin(), response.limits().end()},
                           .topics = response.topics(),
                           .partitions = response.partitions(),
                           .log_level = response.log_level(),
                           .read_only = response.read_only()};
}

absl::StatusOr<std::string> Admin::SetLogLevel(absl::string_view level) {
  v1::SetLogLevelRequest request;
  request.set_level(std::string(level));
  v1::SetLogLevelResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("SetLogLevel"), request, &response));
  return response.previous();
}

}  // namespace weir
