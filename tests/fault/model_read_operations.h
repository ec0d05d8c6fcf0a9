// ModelReadOperations: random streams, consumers of the client library, offset look-ups and
// deletions of records, each compared with the model. A Status that is not OK says what differs.
// One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_READ_OPERATIONS_H_
#define WEIR_TESTS_FAULT_MODEL_READ_OPERATIONS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "tests/fault/model_context.h"
#include "tests/fault/model_reader.h"
#include "weir/consumer.h"

namespace weir {

class ModelReadOperations {
 public:
  explicit ModelReadOperations(ModelContext* context) : context_(*context) {}

  absl::Status Stream();
  absl::Status Consume();
  absl::Status ListOffsets();
  absl::Status DeleteRecords();

  // Reads the whole partition with FetchStream and compares.
  absl::Status CompareAll(ModelTopic* topic, int32_t partition);

 private:
  absl::Status StreamFrom(const std::string& topic, int32_t partition, int64_t offset);
  // Where a consumer must begin; nothing when it must fail.
  std::optional<int64_t> Begin(const ModelPartition& partition, const Position& position,
                               WhenOutOfRange when);
  Position AnyPosition(const ModelPartition& partition, std::string* text);
  absl::Status Poll(Consumer* consumer, std::map<int32_t, ModelReader>* readers, int failures);
  int64_t AnyTime(const ModelPartition* partition);
  absl::Status TakeDeletion(ModelTopic* topic, const Admin::RecordDeletion& deletion,
                            const absl::StatusOr<Offset>& answer);

  ModelContext& context_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_READ_OPERATIONS_H_
