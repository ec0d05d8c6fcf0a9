// ModelProduceOperations: random produces through the generated stub, alone and pipelined, and the
// identities of producers, each compared with the model. A Status that is not OK says what differs.
// One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_PRODUCE_OPERATIONS_H_
#define WEIR_TESTS_FAULT_MODEL_PRODUCE_OPERATIONS_H_

#include <string>

#include "absl/status/status.h"
#include "tests/fault/model_context.h"
#include "tests/fault/model_fetch_operations.h"
#include "tests/fault/model_produce.h"

namespace weir {

class ModelProduceOperations {
 public:
  ModelProduceOperations(ModelContext* context, ModelFetchOperations* fetch)
      : context_(*context), fetch_(*fetch), draw_(context) {}

  absl::Status Produce();
  absl::Status ProduceStream();
  absl::Status InitProducer();

 private:
  ModelProduce Any();
  // Of one partition, in a row, each numbered behind the one before it.
  std::vector<ModelProduce> NumberedRow();

  ModelContext& context_;
  ModelFetchOperations& fetch_;
  ModelProduceDraw draw_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_PRODUCE_OPERATIONS_H_
