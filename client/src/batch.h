// Batch: records of one partition on their way to the broker, with what happens to them, and
// BuilderPool, which keeps the memory of batches that are done for the next ones. A Batch's fields
// are guarded by its Producer's mutex, except where they say otherwise; BuilderPool: any thread,
// guarded by mu_.
#ifndef WEIR_CLIENT_SRC_BATCH_H_
#define WEIR_CLIENT_SRC_BATCH_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/base/types.h"
#include "storage/record/record_batch_builder.h"
#include "weir/producer.h"

namespace weir::client {

class PartitionQueue;

class BuilderPool {
 public:
  RecordBatchBuilder Take() ABSL_LOCKS_EXCLUDED(mu_);
  void Give(RecordBatchBuilder builder) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Mutex mu_;
  std::vector<RecordBatchBuilder> builders_ ABSL_GUARDED_BY(mu_);
};

inline constexpr int32_t kNoSequence = -1;
inline constexpr Offset kUnknownOffset{-1};  // written, but the broker no longer knows where

// Under which name the records of a batch are numbered.
struct ProducerIdentity {
  ProducerId id = kNoProducer;
  ProducerEpoch epoch{-1};

  bool operator==(const ProducerIdentity&) const = default;
};

class Batch {
 public:
  enum class State {
    kOpen,      // gathers records
    kWaiting,   // closed, to be sent
    kInFlight,  // sent, not answered
    kRefused,   // answered, to be sent again once what was sent behind it is answered too
    kExpired,   // reported as uncertain, its answer still to come
    kDone,
  };

  Batch(PartitionQueue* queue, uint64_t ordinal, absl::Duration opened_at, int64_t opened_ms,
        std::shared_ptr<BuilderPool> pool)
      : queue(queue),
        ordinal(ordinal),
        opened_at(opened_at),
        opened_ms(opened_ms),
        builder(pool->Take()),
        pool_(std::move(pool)) {}
  ~Batch() { pool_->Give(std::move(builder)); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Makes the bytes to send, once; later calls only change the numbering when that has changed. Not
  // under the mutex: by the one thread that sends, between taking the batch from its queue and
  // writing it.
  void Seal(Compression compression, std::optional<int> level);
  absl::string_view bytes() const { return bytes_; }
  const std::shared_ptr<const void>& bytes_owner() const {
    return bytes_owner_;
  }  // none: the batch itself

  // Waits until the outcome is known, at which `status` and `base_offset` stand still. Not under
  // the mutex.
  void AwaitOutcome() const {
    while (known_.load(std::memory_order_acquire) == 0) known_.wait(0, std::memory_order_acquire);
  }
  // After AwaitOutcome: where the record of this index is, or why it is not.
  absl::StatusOr<RecordPosition> PositionOf(int32_t index) const;
  // Wakes those who wait and calls back, in order. Not under the mutex; once.
  void TellOutcome();

  PartitionQueue* const queue;
  const uint64_t ordinal;  // rises over all batches of the Producer; the client tag of its requests
  const absl::Duration opened_at;  // monotonic
  const int64_t opened_ms;         // time of day

  State state = State::kOpen;
  RecordBatchBuilder builder;
  int64_t charged_bytes = 0;  // of the Producer's buffer
  bool sticky = false;        // holds records that were free to go to any partition
  bool ripe = false;          // has lingered enough

  // Numbering, given when the batch is first sent; not before, and not without idempotence.
  ProducerIdentity identity;
  int32_t base_sequence = kNoSequence;

  int tries = 0;               // how often it was sent
  bool maybe_written = false;  // some try may have had its effect
  absl::Status last_error;     // why it is not written yet

  // The outcome; who is told of it.
  absl::Status status;
  Offset base_offset;
  struct Callback {
    int32_t index;  // of its record in the batch
    DeliveryCallback call;
  };
  std::vector<Callback> callbacks;
  bool told = false;
  int32_t waiters = 0;  // records whose senders are in AwaitOutcome
  int32_t record_count() const { return builder.record_count(); }
  // Records whose outcome goes to nobody in particular.
  int32_t silent_records() const {
    return record_count() - waiters - static_cast<int32_t>(callbacks.size());
  }

 private:
  const std::shared_ptr<BuilderPool> pool_;
  absl::string_view bytes_;
  std::shared_ptr<const void> bytes_owner_;
  ProducerIdentity sealed_identity_;
  int32_t sealed_sequence_ = kNoSequence;
  std::atomic<int> known_ = 0;
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_BATCH_H_
