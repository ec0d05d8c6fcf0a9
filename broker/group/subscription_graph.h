// SubscriptionGraph: who can take what. Members and partitions of an AssignorInput get numbers, and
// topics with the same subscribers are put together into classes, since an assignor need not tell
// them apart: where all members subscribe to the same there is one class, however many topics.
// Immutable. Refers to the input, which must outlive it.
#ifndef WEIR_BROKER_GROUP_SUBSCRIPTION_GRAPH_H_
#define WEIR_BROKER_GROUP_SUBSCRIPTION_GRAPH_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/group/assignor.h"

namespace weir {

using MemberNumber = int32_t;     // from 0, in order of id
using ClassNumber = int32_t;      // from 0, in order of the number of subscribers, fewest first
using PartitionNumber = int32_t;  // from 0, class by class

class SubscriptionGraph {
 public:
  // Has at least one subscriber and one partition.
  struct TopicClass {
    std::vector<MemberNumber> subscribers;  // ascending
    PartitionNumber first_partition = 0;
    PartitionNumber partition_end = 0;
  };
  struct Place {
    PartitionNumber partition;
    ClassNumber topic_class;
  };

  explicit SubscriptionGraph(const AssignorInput& input);

  const std::vector<const AssignorInput::Member*>& members() const { return members_; }
  const std::vector<TopicClass>& classes() const { return classes_; }
  // What somebody subscribes to, by number.
  const std::vector<TopicPartition>& partitions() const { return partitions_; }

  // What a member subscribes to; ascending.
  const std::vector<ClassNumber>& ClassesOf(MemberNumber member) const {
    return classes_of_[subscription_of_[member]];
  }
  // Nothing when the partition does not exist or nobody subscribes to it.
  std::optional<Place> Find(const TopicPartition& partition) const;

 private:
  struct Topic {
    TopicId id;
    int32_t partitions;
  };
  struct NumberedTopic {
    int32_t partitions;
    PartitionNumber first_partition;
    ClassNumber topic_class;
  };
  // A class before it has its number: the topics of the same subscriptions.
  struct Draft {
    std::vector<int32_t> subscriptions;
    std::vector<Topic> topics;
    std::vector<MemberNumber> subscribers;
  };

  std::vector<Draft> DraftClasses(const AssignorInput& input);
  void Number(Draft draft);

  std::vector<const AssignorInput::Member*> members_;
  // Members that subscribe to the same share a subscription.
  std::vector<int32_t> subscription_of_;              // by member
  std::vector<std::vector<ClassNumber>> classes_of_;  // by subscription
  std::vector<TopicClass> classes_;
  std::vector<TopicPartition> partitions_;
  absl::flat_hash_map<TopicId, NumberedTopic> topics_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_SUBSCRIPTION_GRAPH_H_
