// GroupTable: every group of one internal partition as its records say. Replay is the only thing
// that changes it. Not thread-safe; one strand.
#ifndef WEIR_BROKER_GROUP_GROUP_TABLE_H_
#define WEIR_BROKER_GROUP_GROUP_TABLE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/group/group.h"
#include "broker/group/group_records.h"
#include "broker/runtime/internal_record.h"
#include "storage/base/types.h"
#include "storage/meta/state_store.h"

namespace weir {

class GroupTable {
 public:
  // `shard`: the number of the internal partition.
  explicit GroupTable(PartitionIndex shard) : shard_(shard) {}

  // As StateMachine::Load and StateMachine::Replay.
  absl::Status Load(const StateStore& store);
  absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes);

  // By id.
  const absl::btree_map<std::string, std::unique_ptr<Group>>& groups() const { return groups_; }
  // Null when there is none.
  const Group* Find(absl::string_view id) const { return FindToChange(id); }
  // Of all groups together.
  size_t members() const { return members_; }
  size_t offsets() const { return offsets_; }
  size_t offset_metadata_bytes() const { return offset_metadata_bytes_; }

 private:
  Group* FindToChange(absl::string_view id) const;
  // The same with DATA_LOSS: a record or stored value is of a group that does not exist.
  absl::StatusOr<Group*> Require(absl::string_view id) const;

  absl::Status LoadGroups(const StateStore& store);
  absl::Status LoadOffsets(const StateStore& store);
  void Put(GroupHead head);
  absl::Status Put(MemberUpdated updated);
  absl::Status Put(const TopicStarted& started);
  void Put(Group* group, const TopicPartition& partition, const CommittedOffset& committed);

  // One for each kind of record.
  absl::Status ReplayGroup(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayGroupRemoved(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayMember(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayMemberRemoved(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayOffsets(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayTopicStarted(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayTopicForgotten(absl::string_view payload, std::vector<StateChange>* changes);
  // Removes the group's offsets and start in a topic.
  void Forget(Group* group, TopicId topic, std::vector<StateChange>* changes);

  const PartitionIndex shard_;
  absl::btree_map<std::string, std::unique_ptr<Group>> groups_;
  size_t members_ = 0;
  size_t offsets_ = 0;
  size_t offset_metadata_bytes_ = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_TABLE_H_
