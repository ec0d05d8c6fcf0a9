// ModelGroupOperations: random operations on consumer groups as a whole, each compared with the
// model. A Status that is not OK says what differs. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_GROUP_OPERATIONS_H_
#define WEIR_TESTS_FAULT_MODEL_GROUP_OPERATIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/fault/model_context.h"
#include "weir/group_admin.h"

namespace weir {

class ModelGroupOperations {
 public:
  explicit ModelGroupOperations(ModelContext* context)
      : context_(*context), admin_(context->client) {}

  absl::Status Create();
  absl::Status CreateWrong();
  absl::Status Alter();
  absl::Status AlterWrong();
  absl::Status Pause();
  absl::Status Delete();
  absl::Status List();
  absl::Status Describe();

  // Every group of the model is there as it should be, and no other.
  absl::Status CompareAll();
  absl::Status DescribeOne(const std::string& id, int32_t page_size);

 private:
  absl::Status SameMembers(const v1::DescribeGroupResponse& response, const ModelGroup& group);
  absl::Status SamePartition(const v1::GroupPartition& seen, const ModelGroup& group,
                             ModelTopic* topic, int32_t partition, int64_t asked_ms);
  // The topics that a description must show, by name.
  std::vector<ModelTopic*> TopicsOf(const ModelGroup& group);

  ModelContext& context_;
  GroupAdmin admin_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_GROUP_OPERATIONS_H_
