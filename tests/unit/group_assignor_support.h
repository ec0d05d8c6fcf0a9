// What the tests of the assignors share: topics that are letters, partitions like "A0", and whole
// groups in one line.
#ifndef WEIR_TESTS_UNIT_GROUP_ASSIGNOR_SUPPORT_H_
#define WEIR_TESTS_UNIT_GROUP_ASSIGNOR_SUPPORT_H_

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "broker/group/assignor.h"

namespace weir {

inline TopicId TopicNamed(char letter) {
  TopicId id;
  id.bytes[0] = static_cast<uint8_t>(letter);
  return id;
}

inline absl::btree_set<TopicId> TopicsNamed(absl::string_view letters) {
  absl::btree_set<TopicId> topics;
  for (const char letter : letters) topics.insert(TopicNamed(letter));
  return topics;
}

inline TopicSet Shared(absl::btree_set<TopicId> topics) {
  return std::make_shared<const absl::btree_set<TopicId>>(std::move(topics));
}

// "A0 A1 B0", the other way about in Text().
inline PartitionSet Partitions(absl::string_view text) {
  PartitionSet partitions;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    partitions.insert(
        {TopicNamed(word[0]), PartitionIndex{std::atoi(std::string(word.substr(1)).c_str())}});
  }
  return partitions;
}

inline std::string Text(const PartitionSet& partitions) {
  return absl::StrJoin(partitions, " ", [](std::string* out, const TopicPartition& p) {
    absl::StrAppend(out, std::string(1, static_cast<char>(p.topic.bytes[0])), p.partition.value());
  });
}

struct MemberText {
  std::string id;
  std::string topics;      // "AB"
  std::string owned = "";  // "A0 B1"
  std::string instance_id = "";
};

inline AssignorInput Group(const std::vector<MemberText>& members,
                           const std::map<char, int32_t>& topics) {
  AssignorInput input;
  for (const MemberText& member : members) {
    input.members.push_back({member.id, member.instance_id, Shared(TopicsNamed(member.topics)),
                             Partitions(member.owned)});
  }
  for (const auto& [letter, partitions] : topics) input.topics[TopicNamed(letter)] = partitions;
  return input;
}

// The group as it is once every member has what was assigned to it.
inline AssignorInput Settled(AssignorInput input, const Assignment& assignment) {
  for (AssignorInput::Member& member : input.members) member.owned = assignment.at(member.id);
  return input;
}

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_GROUP_ASSIGNOR_SUPPORT_H_
