// ModelWorker: one model against the broker: draws operations from a seed, and stops at the first
// one whose answer differs. Several workers, each with topics and groups of its own, share a
// broker. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_WORKER_H_
#define WEIR_TESTS_FAULT_MODEL_WORKER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "tests/fault/model_context.h"
#include "tests/fault/model_fetch_operations.h"
#include "tests/fault/model_group_operations.h"
#include "tests/fault/model_member_operations.h"
#include "tests/fault/model_offset_operations.h"
#include "tests/fault/model_produce_operations.h"
#include "tests/fault/model_producers.h"
#include "tests/fault/model_read_operations.h"
#include "tests/fault/model_topic_operations.h"

namespace weir {

class ModelWorker {
 public:
  ModelWorker(uint64_t seed, const std::string& prefix, const std::string& address);

  // Does so many operations, unless one differs.
  void Run(int64_t operations);
  // The broker has started anew.
  void OnRestart(const std::string& address, int32_t leader_epoch);
  // Compares everything there is.
  void CompareAll();

  const BrokerModel& model() const { return context_.model; }
  // OK, or what differs, with the last operations.
  const absl::Status& status() const { return status_; }
  int64_t operations() const { return operations_; }

 private:
  using Operation = absl::Status (ModelWorker::*)();
  struct Choice {
    int weight;
    Operation run;
  };
  static const std::vector<Choice>& Choices();
  template <auto kMember, auto kOperation>
  absl::Status Do();
  // Keeps the records that are there few enough to be compared often.
  absl::Status Shrink();
  void Note(const absl::Status& difference);

  ModelContext context_;
  ModelTopicOperations topics_{&context_};
  ModelFetchOperations fetch_{&context_};
  ModelProduceOperations produce_{&context_, &fetch_};
  ModelProducers producers_{&context_, &fetch_};
  ModelReadOperations read_{&context_};
  ModelGroupOperations groups_{&context_};
  ModelOffsetOperations offsets_{&context_};
  ModelMemberOperations members_{&context_, &groups_, &offsets_};
  absl::Status status_;
  int64_t operations_ = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_WORKER_H_
