// ModelMemberOperations: somebody joins a group, commits, and leaves it or is cut off; each answer
// compared with the model. A member that was cut off comes back, also after the broker was killed.
// A Status that is not OK says what differs. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_MEMBER_OPERATIONS_H_
#define WEIR_TESTS_FAULT_MODEL_MEMBER_OPERATIONS_H_

#include <set>
#include <string>

#include "absl/status/status.h"
#include "tests/fault/model_context.h"
#include "tests/fault/model_group_operations.h"
#include "tests/fault/model_offset_operations.h"

namespace weir {

class ModelMemberOperations {
 public:
  ModelMemberOperations(ModelContext* context, ModelGroupOperations* groups,
                        ModelOffsetOperations* offsets)
      : context_(*context), groups_(*groups), offsets_(*offsets) {}

  // The whole life of a member, or of its next connection.
  absl::Status Join();

 private:
  // The subscription of a new member; empty when there is nothing to subscribe to.
  std::set<std::string> DrawTopics();
  // Reads until the member owns all partitions of its topics.
  absl::Status AwaitAssignment(const std::string& id, ModelStream* stream);
  absl::Status Work(const std::string& id);
  absl::Status AwaitEmpty(const std::string& id);

  ModelContext& context_;
  ModelGroupOperations& groups_;
  ModelOffsetOperations& offsets_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_MEMBER_OPERATIONS_H_
