// Group: one group as records say it: its head, its members, who has which partition, and its
// committed offsets. It changes only as records are applied, and checks that they make sense. What
// a crash takes away is not here (sessions.h). Not thread-safe.
#ifndef WEIR_BROKER_GROUP_GROUP_H_
#define WEIR_BROKER_GROUP_GROUP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/group/committed_offsets.h"
#include "broker/group/group_config.h"
#include "broker/group/group_type.h"
#include "broker/group/member.h"
#include "storage/base/types.h"

namespace weir {

// A topic that belongs to a share group. Who deletes it takes it away from the group, also when
// there is another one of the name later.
struct OwnedTopic {
  TopicId id;
  std::string name;

  bool operator==(const OwnedTopic&) const = default;
};

// What a share group reads, and the topics that belong to it.
struct ShareTopics {
  Subscription subscription;
  OwnedTopic dead_letter;
  // By the name of the topic whose dead letters are driven to it.
  absl::btree_map<std::string, OwnedTopic> redrive;

  bool operator==(const ShareTopics&) const = default;
};

// What a group is, without its members and offsets.
struct GroupHead {
  std::string id;
  GroupType type = GroupType::kConsumer;
  GroupStart start = GroupStart::kEarliest;
  GroupConfig config;
  ShareTopics share;  // of a share group; otherwise empty
  bool paused = false;
  bool paused_by_breaker = false;  // a share group, and then it is paused
  MemberEpoch epoch{1};            // rises with every change of an assignment
  int64_t created_ms = 0;
  int64_t empty_since_ms = 0;  // 0: it has members

  bool operator==(const GroupHead&) const = default;
};

// The value of every setting that groups of its type have, by name.
std::vector<GroupConfigEntry> DescribeConfig(const GroupHead& head);

// From where a group reads a partition.
enum class ReadFrom : uint8_t {
  kCommitted,  // the committed offset
  kLogStart,   // the partition's first record
  kNowhere,    // nothing is committed, and the group's start does not say where to begin
};

class Group {
 public:
  // A group without members is fine also when the head says that it has some: they follow.
  explicit Group(GroupHead head) : head_(std::move(head)) {}

  const GroupHead& head() const { return head_; }
  const std::string& id() const { return head_.id; }
  // By id.
  const absl::btree_map<std::string, std::unique_ptr<Member>>& members() const { return members_; }
  const CommittedOffsets& offsets() const { return offsets_; }
  CommittedOffsets& offsets() { return offsets_; }

  // Null when there is none.
  const Member* Find(absl::string_view member) const;
  const Member* FindInstance(absl::string_view instance_id) const;
  // Who has the partition, also while it is asked to give it up.
  const Member* OwnerOf(const TopicPartition& partition) const;
  ReadFrom StartIn(const TopicPartition& partition) const;
  // Some member was asked to give something up and has not confirmed.
  bool IsRevoking() const { return revoked_ > 0; }

  // The head's id stays.
  void Replace(GroupHead head) { head_ = std::move(head); }
  // A new member, or one in place of what it was. DATA_LOSS when somebody else has one of its
  // partitions or its instance id; then nothing changes.
  absl::Status Put(Member member);
  // False when there is none.
  bool Remove(absl::string_view member);

 private:
  void List(const Member& member);
  void Unlist(const Member& member);

  GroupHead head_;
  absl::btree_map<std::string, std::unique_ptr<Member>> members_;
  absl::flat_hash_map<std::string, const Member*> instances_;
  absl::flat_hash_map<TopicPartition, const Member*> owners_;
  size_t revoked_ = 0;  // of what members have
  CommittedOffsets offsets_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_H_
