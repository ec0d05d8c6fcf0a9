// ModelFetchOperations: random unary fetches, of one partition and of many, with every limit, each
// answer compared with the model. A Status that is not OK says what differs. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_FETCH_OPERATIONS_H_
#define WEIR_TESTS_FAULT_MODEL_FETCH_OPERATIONS_H_

#include <string>

#include "absl/status/status.h"
#include "tests/fault/model_context.h"
#include "weir/v1/log.pb.h"

namespace weir {

class ModelFetchOperations {
 public:
  explicit ModelFetchOperations(ModelContext* context) : context_(*context) {}

  absl::Status Fetch();      // one partition
  absl::Status FetchMany();  // some of them wrong
  absl::Status FetchWrong();
  // There is as much as min_bytes asks for: the answer must not wait for more.
  absl::Status FetchEnough();
  // After a produce: waits until all of it can be read, which with WRITTEN comes after the answer,
  // and reads the records that the broker has put its own time to, so that the model knows it.
  absl::Status CatchUp(const std::string& topic);

 private:
  void Ask(v1::FetchRequest* request);
  absl::Status Run(const v1::FetchRequest& request, v1::FetchResponse* response);
  absl::Status TakeAnswer(const v1::FetchRequest& request, const v1::FetchResponse& response);
  // Of one partition: what it gave, in `bytes` and `pieces`.
  absl::Status TakePartition(const v1::FetchRequest& request, const v1::FetchPartition& asked,
                             const v1::PartitionRecords& answer, int64_t* bytes, int64_t* pieces);

  ModelContext& context_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_FETCH_OPERATIONS_H_
