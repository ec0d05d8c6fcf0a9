// ModelProduce: one produce request with what was meant by it, and ModelProduceDraw, which makes
// such requests: plain records, batches with and without a producer's numbers, and wrong ones. They
// change nothing: what the broker must answer is model_produce_answer.h's business. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_PRODUCE_H_
#define WEIR_TESTS_FAULT_MODEL_PRODUCE_H_

#include <string>
#include <vector>

#include "tests/fault/model_context.h"
#include "weir/v1/log.pb.h"

namespace weir {

struct ModelProduce {
  v1::ProduceRequest request;
  std::vector<ModelRecord> records;
  std::string text;  // for the history
  // Of a batch.
  ModelNumbering numbering;
  Compression compression = Compression::kNone;  // as it was made; may be kept uncompressed
  std::string corrupt;  // not empty: its bytes are wrong, and the reason to be given
  // Not empty: the request as a whole is wrong, and the reason.
  std::string wrong;

  bool is_batch() const { return request.payload_case() == v1::ProduceRequest::kRecordBatch; }
};

class ModelProduceDraw {
 public:
  explicit ModelProduceDraw(ModelContext* context) : context_(*context) {}

  ModelProduce Plain(const std::string& topic);
  ModelProduce Batch(const std::string& topic, int32_t partition);
  // With a producer's numbers, right and wrong ones; `sequences`: of the partition when it comes to
  // this request. Without numbers when no producer is known.
  ModelProduce Numbered(const std::string& topic, int32_t partition,
                        const ModelSequences& sequences);
  ModelProduce Corrupt(const std::string& topic, int32_t partition);
  ModelProduce Wrong(const std::string& topic, int32_t partition);

 private:
  void Begin(const std::string& topic, ModelProduce* produce);
  void Number(const ModelSequences& sequences, ModelNumbering* numbering, int32_t* count);
  void Encode(ModelProduce* produce);
  void Spoil(ModelRecord* record, const std::string& topic);

  ModelContext& context_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_PRODUCE_H_
