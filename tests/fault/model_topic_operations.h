// ModelTopicOperations: random operations on topics as a whole, each compared with the model. A
// Status that is not OK says what differs. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_TOPIC_OPERATIONS_H_
#define WEIR_TESTS_FAULT_MODEL_TOPIC_OPERATIONS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "tests/fault/model_context.h"

namespace weir {

class ModelTopicOperations {
 public:
  explicit ModelTopicOperations(ModelContext* context) : context_(*context) {}

  absl::Status Create();
  absl::Status CreateWrong();
  absl::Status Delete();
  absl::Status List();
  absl::Status Describe();
  absl::Status Alter();
  absl::Status AlterWrong();
  absl::Status AddPartitions();

  // Every topic of the model is there as it should be, and no other.
  absl::Status CompareAll();

 private:
  absl::Status DescribeOne(const std::string& name, int32_t page_size);

  ModelContext& context_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_TOPIC_OPERATIONS_H_
