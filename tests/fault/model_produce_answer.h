// ModelProduceAnswer: holds the broker's answer to one produce against the model, and then lets the
// model have what was written. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_PRODUCE_ANSWER_H_
#define WEIR_TESTS_FAULT_MODEL_PRODUCE_ANSWER_H_

#include "absl/status/status.h"
#include "tests/fault/model_context.h"
#include "tests/fault/model_produce.h"

namespace weir {

class ModelProduceAnswer {
 public:
  // `streamed`: over ProduceStream, where the errors of whole requests are in the answers.
  ModelProduceAnswer(ModelContext* context, bool streamed)
      : context_(*context), streamed_(streamed) {}

  // `call`: how the call ended. Answers are taken in the order of the requests.
  absl::Status Take(const ModelProduce& produce, const ModelEnd& call,
                    const v1::ProduceResponse& response);

 private:
  absl::Status TakeRecords(const ModelProduce& produce, const v1::ProduceResponse& response,
                           ModelTopic* topic);
  absl::Status TakeBatch(const ModelProduce& produce, const v1::ProduceResponse& response,
                         ModelTopic* topic);
  absl::Status SameTimeAndDurability(const ModelProduce& produce,
                                     const v1::ProduceResponse& response, const ModelTopic& topic,
                                     bool duplicate);

  ModelContext& context_;
  const bool streamed_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_PRODUCE_ANSWER_H_
