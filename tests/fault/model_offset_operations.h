// ModelOffsetOperations: random commits, look-ups and resets of a group's offsets, each compared
// with the model. A Status that is not OK says what differs. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_OFFSET_OPERATIONS_H_
#define WEIR_TESTS_FAULT_MODEL_OFFSET_OPERATIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/fault/model_context.h"

namespace weir {

class ModelOffsetOperations {
 public:
  explicit ModelOffsetOperations(ModelContext* context) : context_(*context) {}

  // Of somebody outside.
  absl::Status Commit();
  absl::Status Fetch();
  absl::Status Reset();

  // By a member that is in the model, with an epoch that was given to it, or was not.
  absl::Status CommitAsMember(const std::string& id);

  // Every offset of the group.
  absl::Status CompareAll(const std::string& id);

 private:
  // Positions, most of them good.
  void DrawOffsets(const ModelGroup* group, v1::CommitOffsetsRequest* request);
  // What each position must be answered; the model is changed by those that are taken.
  std::vector<std::string> Take(const v1::CommitOffsetsRequest& request, bool as_member,
                                ModelGroup* group);
  absl::Status Send(const v1::CommitOffsetsRequest& request, const std::string& reason,
                    const std::vector<std::string>& items);
  absl::Status FetchPages(const std::string& id, int32_t page_size);
  absl::Status SameOffset(const v1::FetchOffsetsResponse::Result& seen, const ModelGroup& group,
                          ModelTopic* topic, int32_t partition);
  // Where a reset must lead; its reason when it must fail.
  std::string Target(const v1::ResetOffsetsRequest& request, const ModelGroup& group,
                     const ModelTopic& topic, int32_t partition, int64_t* target);

  ModelContext& context_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_OFFSET_OPERATIONS_H_
