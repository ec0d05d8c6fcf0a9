#include "broker/rpc/group_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/group/group_shards.h"
#include "broker/rpc/consume_stream.h"
#include "broker/rpc/error_encoding.h"
#include "broker/rpc/group_admin_calls.h"
#include "broker/rpc/group_encoding.h"
#include "broker/rpc/join_stream.h"
#include "broker/rpc/page_token.h"
#include "broker/rpc/unary_call.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// A position in the listing of a group's offsets.
std::string EncodePosition(const TopicPartition& partition) {
  return absl::StrCat(partition.topic.ToString(), "/", partition.partition.value());
}

absl::StatusOr<TopicPartition> DecodePosition(const std::string& position) {
  TopicPartition partition;
  if (position.empty()) return partition;
  constexpr size_t kIdLength = 36;
  int32_t number = 0;
  const auto topic = TopicId::Parse(position.substr(0, kIdLength));
  if (!topic.has_value() || position.size() < kIdLength + 2 ||
      !absl::SimpleAtoi(position.substr(kIdLength + 1), &number)) {
    return MakeError(Reason::kInvalidPageToken, "the page token does not name a partition");
  }
  return TopicPartition{.topic = *topic, .partition = PartitionIndex{number}};
}

int64_t ReadFromOf(LogManager* logs, const FetchedOffset& fetched) {
  if (fetched.committed.has_value()) return fetched.committed->offset.value();
  if (fetched.read_from == ReadFrom::kNowhere) return -1;
  const absl::StatusOr<LogBounds> bounds = logs->Bounds(fetched.partition);
  return bounds.ok() ? bounds->log_start.value() : 0;
}

void FillOffset(const Services& services, const FetchedOffset& fetched,
                v1::FetchOffsetsResponse* response) {
  const TopicPtr topic = services.catalog->Find(fetched.partition.topic);
  if (topic == nullptr) return;  // deleted a moment ago
  v1::FetchOffsetsResponse::Result* const result = response->add_results();
  result->set_read_from(ReadFromOf(services.logs, fetched));
  v1::GroupOffset* const offset = result->mutable_offset();
  offset->set_topic(topic->name);
  offset->set_partition(fetched.partition.partition.value());
  offset->set_offset(fetched.committed.has_value() ? fetched.committed->offset.value() : -1);
  if (!fetched.committed.has_value()) return;
  if (fetched.committed->leader_epoch >= LeaderEpoch{0})
    offset->set_leader_epoch(fetched.committed->leader_epoch.value());
  offset->set_metadata(fetched.committed->metadata);
  offset->set_commit_time_ms(fetched.committed->commit_ms);
}

absl::Status CommitOffsets(const Services& services, const v1::CommitOffsetsRequest& request,
                           v1::CommitOffsetsResponse* response, UnaryCall* call) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  if (static_cast<size_t>(request.offsets_size()) > limits::kOffsetsPerRequest) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the request has ", request.offsets_size(), " offsets; at most ",
                                  limits::kOffsetsPerRequest, " are allowed"));
  }
  CommitRequest commit{.group = request.group(),
                       .member_id = request.member_id(),
                       .epoch = MemberEpoch{request.member_epoch()}};
  WEIR_ASSIGN_OR_RETURN(commit.start, DecodeGroupStart(request.start()));
  CommitItems items(*services.catalog, request.offsets());
  commit.offsets = items.TakeOffsets();
  if (commit.offsets.empty() && request.offsets_size() > 0) {  // nothing of it exists
    items.Answer(std::vector<absl::Status>(), response->mutable_results());
    call->End(absl::OkStatus());
    return absl::OkStatus();
  }
  const PartitionIndex shard = services.groups->PartitionOf(commit.group);
  services.groups->Ask<std::vector<absl::Status>>(
      shard,
      [commit = std::move(commit)](GroupMachine& machine, const MachineTime& now,
                                   Reply<std::vector<absl::Status>> reply) mutable {
        return machine.offsets().Commit(now, std::move(commit), std::move(reply));
      },
      [=, items = std::move(items)](const absl::StatusOr<std::vector<absl::Status>>& answers) {
        if (answers.ok()) items.Answer(answers, response->mutable_results());
        call->End(answers.status());
      });
  return absl::OkStatus();
}

absl::Status FetchOffsets(const Services& services, const v1::FetchOffsetsRequest& request,
                          v1::FetchOffsetsResponse* response, UnaryCall* call) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  FetchOffsetsRequest fetch{.group = request.group()};
  const std::string listing = absl::StrCat("offsets:", request.group());
  if (request.partitions_size() > 0) {
    for (const v1::PartitionId& asked : request.partitions()) {
      WEIR_ASSIGN_OR_RETURN(fetch.partitions.emplace_back(),
                            DecodePartition(*services.catalog, asked.topic(), asked.partition()));
    }
  } else {
    WEIR_ASSIGN_OR_RETURN(const std::string position,
                          DecodePageToken(listing, request.page_token()));
    WEIR_ASSIGN_OR_RETURN(fetch.from, DecodePosition(position));
    WEIR_ASSIGN_OR_RETURN(const int32_t size, PageSize(request.page_size()));
    fetch.limit = static_cast<size_t>(size);
  }
  services.groups->Ask<FetchedOffsets>(
      services.groups->PartitionOf(fetch.group),
      [fetch](GroupMachine& machine, const MachineTime&, Reply<FetchedOffsets> reply) {
        return machine.offsets().Fetch(fetch, std::move(reply));
      },
      [=, &services](const absl::StatusOr<FetchedOffsets>& fetched) {
        if (!fetched.ok()) return call->End(fetched.status());
        for (const FetchedOffset& offset : fetched->offsets) FillOffset(services, offset, response);
        if (fetched->next.has_value())
          response->set_next_page_token(EncodePageToken(listing, EncodePosition(*fetched->next)));
        call->End(absl::OkStatus());
      });
  return absl::OkStatus();
}

constexpr UnaryCall::Kind kAdmin = {.counted_as = Call::kGroupAdmin,
                                    .most_bytes = limits::kSmallRequestBytes};

}  // namespace

grpc::ServerUnaryReactor* GroupService::CreateGroup(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::CreateGroup);
}

grpc::ServerUnaryReactor* GroupService::AlterGroup(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::AlterGroup);
}

grpc::ServerUnaryReactor* GroupService::ListGroups(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::ListGroups);
}

grpc::ServerUnaryReactor* GroupService::DescribeGroup(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin,
                               weir::DescribeGroup);
}

grpc::ServerUnaryReactor* GroupService::DeleteGroup(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::DeleteGroup);
}

grpc::ServerUnaryReactor* GroupService::PauseGroup(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::PauseGroup);
}

grpc::ServerUnaryReactor* GroupService::ResumeGroup(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::ResumeGroup);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* GroupService::Consume(
    grpc::CallbackServerContext* context) {
  return new ConsumeStream(services_, context);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* GroupService::Join(
    grpc::CallbackServerContext* context) {
  return new JoinStream(services_, context);
}

grpc::ServerUnaryReactor* GroupService::CommitOffsets(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return UnaryCall::Run(
      services_, {context, request, response},
      {.counted_as = Call::kCommitOffsets, .most_bytes = limits::kCommitRequestBytes},
      weir::CommitOffsets);
}

grpc::ServerUnaryReactor* GroupService::FetchOffsets(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return UnaryCall::Run(
      services_, {context, request, response},
      {.counted_as = Call::kFetchOffsets, .most_bytes = limits::kListRequestBytes},
      weir::FetchOffsets);
}

grpc::ServerUnaryReactor* GroupService::ResetOffsets(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::ResetOffsets);
}

}  // namespace weir
