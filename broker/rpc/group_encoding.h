// Messages of GroupService to what the machine is asked, and back. Pure functions over the
// catalogue, any thread.
#ifndef WEIR_BROKER_RPC_GROUP_ENCODING_H_
#define WEIR_BROKER_RPC_GROUP_ENCODING_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/group/group_requests.h"
#include "broker/topics/topic_catalog.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/group.pb.h"

namespace weir {

// UNSUPPORTED_FIELD for a value that this broker does not know; nothing for "unspecified".
absl::StatusOr<std::optional<GroupStart>> DecodeGroupStart(v1::GroupStart start);
// INVALID_REQUEST for "unspecified", UNSUPPORTED_FIELD for a value that this broker does not know.
absl::StatusOr<GroupType> DecodeGroupType(v1::GroupType type);
v1::GroupStart EncodeGroupStart(GroupStart start);
v1::GroupType EncodeGroupType(GroupType type);
v1::GroupState EncodeGroupState(GroupState state);
// Of a share group with so many workers.
v1::GroupState EncodeShareGroupState(size_t workers);

void EncodeGroupConfig(const GroupHead& head,
                       google::protobuf::RepeatedPtrField<v1::ConfigEntry>* to);

Subscription DecodeSubscription(const v1::Subscription& subscription);
void EncodeSubscription(const Subscription& subscription, v1::Subscription* to);

// The first message of a member's stream joins, no other does. INVALID_REQUEST.
absl::Status CheckJoins(bool joins, bool first);

// `peer`: of the connection, as gRPC names it. INVALID_CONFIG for an assignor that does not exist.
absl::StatusOr<JoinRequest> DecodeMembership(const v1::Membership& membership,
                                             absl::string_view peer);

// The partition that is named. UNKNOWN_TOPIC, UNKNOWN_PARTITION.
absl::StatusOr<TopicPartition> DecodePartition(const TopicCatalog& catalog,
                                               const std::string& topic, int32_t partition);

// Those of topics that have been deleted meanwhile are left out.
void EncodePartitions(const TopicCatalog& catalog, const std::vector<TopicPartition>& partitions,
                      google::protobuf::RepeatedPtrField<v1::PartitionId>* to);
void EncodeAssignment(const TopicCatalog& catalog, const Joined& joined, const Notice& notice,
                      v1::MemberAssignment* to);

// Positions on their way to the machine. Those that name nothing that exists are answered here.
class CommitItems {
 public:
  CommitItems(const TopicCatalog& catalog,
              const google::protobuf::RepeatedPtrField<v1::GroupOffset>& offsets);

  // Of those that exist, in order; once.
  std::vector<OffsetCommit> TakeOffsets() { return std::move(offsets_); }
  // Whether any is left for the machine.
  bool empty() const { return offsets_.empty(); }

  // One result for each position, in the order of the request. `answers`: for each that was taken;
  // an error is the answer to all of them.
  void Answer(const absl::StatusOr<std::vector<absl::Status>>& answers,
              google::protobuf::RepeatedPtrField<v1::CommitOffsetsResponse::Result>* to) const;

 private:
  struct Item {
    std::string topic;
    int32_t partition;
    absl::Status status;  // not OK: names nothing that exists
  };
  std::vector<Item> items_;
  std::vector<OffsetCommit> offsets_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_GROUP_ENCODING_H_
