// PartitionQueue: the batches of one partition from their first record to their outcome, and the
// rules by which each of them is sent, sent again, renumbered or given up, so that the partition's
// records keep their order and land once. It knows no clock, no connection and no threads: its
// Producer calls it and acts on what it says. Guarded by the Producer's mutex.
//
// How a refusal is handled. The broker takes batches of one producer only in the order of their
// sequences, so behind a batch that was not written everything in flight is answered
// OUT_OF_ORDER_SEQUENCE (UNKNOWN_PRODUCER when it knows none of the producer's). Nothing more is
// sent until all of that is answered; then:
// - refused for a while (or outcome unknown): all go out again with the same sequences, and what
// had been written is recognised;
// - refused for good: its records have failed; the others go out again numbered from 0 in a new
// epoch, since their old numbers
//   leave a gap.
#ifndef WEIR_CLIENT_SRC_PARTITION_QUEUE_H_
#define WEIR_CLIENT_SRC_PARTITION_QUEUE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/src/batch.h"
#include "storage/base/types.h"

namespace weir::client {

struct Topic;

class PartitionQueue {
 public:
  struct Rules {
    bool idempotent = true;
    size_t max_in_flight = 5;
    bool linger = false;  // open batches wait until they are ripe
  };
  // Batches whose outcome has become known, with status and base_offset set, in order.
  using Outcomes = std::vector<std::shared_ptr<Batch>>;

  PartitionQueue(Topic* topic, PartitionIndex index, const Rules* rules)
      : topic_(topic), index_(index), rules_(*rules) {}

  Topic* topic() const { return topic_; }
  PartitionIndex index() const { return index_; }

  // The batch that gathers records, if any.
  Batch* open() const { return open_.get(); }
  const std::shared_ptr<Batch>& shared_open() const { return open_; }
  void Open(std::shared_ptr<Batch> batch) { open_ = std::move(batch); }
  // It is full: the next record begins another one. There is an open batch.
  void CloseOpen();
  // As many batches are closed and not done as may be in flight at once: the open one may as well
  // grow on.
  bool Congested() const { return waiting_.size() + in_flight_.size() >= rules_.max_in_flight; }

  enum class Next {
    kNothing,     // nothing to send, or not now
    kBatch,       // Take gives it
    kNeedsEpoch,  // there is one, but it wants a newer epoch than `current`
  };
  Next WhatNext(const ProducerIdentity& current) const;
  // The next batch to send, numbered and counted as in flight. After WhatNext said kBatch.
  std::shared_ptr<Batch> Take(const ProducerIdentity& current);

  // The broker's answer to a batch in flight: its base offset, or why not. `current`: the newest
  // epoch this producer has.
  void OnAnswer(const std::shared_ptr<Batch>& batch, absl::StatusOr<Offset> answer,
                const ProducerIdentity& current, Outcomes* outcomes);
  // The connection is gone, and with it all answers still to come.
  void OnDisconnect(const absl::Status& why, Outcomes* outcomes);
  // Gives up a batch that is not done: with `unsent` when it was certainly not written, otherwise
  // with COMMIT_UNCERTAIN.
  void GiveUp(const std::shared_ptr<Batch>& batch, const absl::Status& unsent, Outcomes* outcomes);

  // Says once, after refusals have left this queue with nothing in flight, that it rests until
  // Resume, and how long the broker asked it to (0: did not say).
  std::optional<absl::Duration> TakePause();
  // How often the batch at the front was tried.
  int tries() const { return waiting_.empty() ? 0 : waiting_.front()->tries; }
  void Resume() { paused_ = false; }

  bool listed = false;  // for the Producer: among the queues that may have something to send

 private:
  bool OpenMayGo() const;
  void Refuse(Batch& batch, const absl::Status& why);
  void Finish(std::shared_ptr<Batch> batch, absl::Status status, Outcomes* outcomes);
  void Remove(std::shared_ptr<Batch> batch);
  void Settle();
  void ReturnToWaiting();

  Topic* const topic_;
  const PartitionIndex index_;
  const Rules& rules_;

  std::shared_ptr<Batch> open_;
  std::deque<std::shared_ptr<Batch>> waiting_;    // oldest first
  std::deque<std::shared_ptr<Batch>> in_flight_;  // oldest first: kInFlight, kRefused, kExpired
  bool refused_ =
      false;  // something in in_flight_ is kRefused: nothing is sent until all of it is answered
  bool paused_ = false;  // after that, until Resume
  bool pause_untold_ = false;
  absl::Duration retry_after_;

  ProducerIdentity identity_;  // under which next_sequence_ counts
  int32_t next_sequence_ = 0;
  bool needs_new_epoch_ = false;  // the numbers of identity_ have a gap
  bool renumber_ = false;         // and so has what was refused
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_PARTITION_QUEUE_H_
