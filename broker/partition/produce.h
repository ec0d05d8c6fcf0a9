// ProduceEngine: what a produce means, whatever door it came through: which partitions, are the
// bytes acceptable, what does the topic's configuration change about them; then the append, and
// what to tell the producer. It decides no offsets and knows no wire format but the record batch.
// Any thread.
#ifndef WEIR_BROKER_PARTITION_PRODUCE_H_
#define WEIR_BROKER_PARTITION_PRODUCE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/metrics/metrics.h"
#include "broker/partition/partition_manager.h"
#include "broker/partition/partitioner.h"
#include "storage/base/bytes.h"
#include "storage/base/clock.h"
#include "storage/base/types.h"
#include "storage/log/log_manager.h"

namespace weir {

// One produce, borrowed from the caller only while Prepare runs (the batch's bytes are shared).
struct ProduceRequest {
  absl::string_view topic;
  std::optional<PartitionIndex> partition;  // needed with a batch
  std::optional<Durability> durability;     // absent: the topic's
  std::optional<SharedBytes> batch;         // exactly one record batch; or
  std::vector<PlainRecord> records;         // plain records
};

// Where one plain record went.
struct RecordOutcome {
  PartitionIndex partition{-1};
  Offset offset{-1};
  absl::Status status;
};

struct ProduceOutcome {
  absl::Status status;  // of the batch; OK for plain records, which have their own
  PartitionIndex partition;
  Offset base_offset{-1};
  int32_t record_count = 0;
  bool duplicate = false;          // written before, base_offset is that of the original
  int64_t log_append_time_ms = 0;  // 0: the producer's timestamps hold, or a duplicate
  Durability durability = Durability::kDurable;
  Offset log_start;
  std::vector<RecordOutcome> records;  // for plain records, in the order sent

  // Of the batch, or of the first record that has one; OK when all went well.
  const absl::Status& FirstError() const;
};

class ProduceEngine {
 public:
  // A produce that only has to be appended.
  struct Prepared {
    TopicPtr topic;
    std::vector<BatchAppend> batches;
    std::vector<std::vector<size_t>>
        records;             // of plain records: for each batch, their places in the request
    ProduceOutcome outcome;  // what is known before the append; an error stands
  };
  using OnPrepared = absl::AnyInvocable<void(absl::StatusOr<Prepared>)>;
  using OnDone = absl::AnyInvocable<void(ProduceOutcome)>;

  // All outlive the engine.
  ProduceEngine(PartitionManager* partitions, TopicCatalog* catalog, LogManager* logs, Clock* clock,
                Metrics* metrics);

  // Checks the request and opens the logs. `ready` is called once: before this returns when all
  // logs are open, otherwise on the disk executor. Its error concerns the request as a whole
  // (UNKNOWN_TOPIC, INVALID_REQUEST ...); what is wrong with the batch or single records is told by
  // Append. Nothing has happened yet.
  void Prepare(ProduceRequest request, OnPrepared ready);

  // Appends. `abandoned`, asked once just before offsets are given out, may call it off: the
  // outcome is CANCELLED then. `done` is called once, at once when there is nothing to append,
  // otherwise on the log's completion executor. Appends of one caller happen in the order of these
  // calls.
  void Append(Prepared prepared, absl::AnyInvocable<bool() const> abandoned, OnDone done);

 private:
  absl::StatusOr<Prepared> PrepareBatch(ProduceRequest request,
                                        std::vector<std::shared_ptr<Partition>>* partitions);
  absl::StatusOr<Prepared> PrepareRecords(const ProduceRequest& request,
                                          std::vector<std::shared_ptr<Partition>>* partitions);
  // Brings the batch into the form that the topic's configuration asks for, and checks it.
  absl::Status FormBatch(SharedBytes bytes, const TopicConfig& config, Prepared* prepared) const;
  // What is kept while the log works.
  struct Appended {
    ProduceOutcome outcome;
    std::shared_ptr<PartitionLog> log;         // of a batch that a producer made; otherwise
    std::vector<std::vector<size_t>> records;  // of plain records, as in Prepared
    std::vector<int64_t> sizes;                // of the batches
  };
  void Succeed(absl::Span<const AppendResult> results, Appended* appended);
  static void Fail(const absl::Status& status, Appended* appended);

  PartitionManager* const partitions_;
  TopicCatalog* const catalog_;
  LogManager* const logs_;
  Clock* const clock_;
  Metrics* const metrics_;
  std::atomic<uint32_t> next_without_key_{0};  // spreads requests without keys over the partitions
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_PRODUCE_H_
