#include "client/src/partition_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/topic.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/record/record_batch.h"
#include "weir/client.h"

namespace weir::client {
namespace {

absl::Status Uncertain(const absl::Status& why) {
  return MakeError(Reason::kCommitUncertain,
                   absl::StrCat("the records may have been written: ", why.message()));
}

}  // namespace

void PartitionQueue::CloseOpen() {
  WEIR_CHECK(open_ != nullptr);
  open_->state = Batch::State::kWaiting;
  if (open_->sticky) {
    ++topic_->sticky_unanswered;
    if (topic_->sticky_partition == index_.value() && topic_->partition_count > 0) {
      topic_->sticky_partition = (topic_->sticky_partition + 1) % topic_->partition_count;
    }
  }
  waiting_.push_back(std::move(open_));
  open_ = nullptr;
}

bool PartitionQueue::OpenMayGo() const {
  if (open_ == nullptr || !in_flight_.empty()) return false;
  if (rules_.linger && !open_->ripe) return false;
  return !open_->sticky || topic_->sticky_unanswered == 0;
}

PartitionQueue::Next PartitionQueue::WhatNext(const ProducerIdentity& current) const {
  if (refused_ || paused_ || in_flight_.size() >= rules_.max_in_flight) return Next::kNothing;
  if (waiting_.empty() && !OpenMayGo()) return Next::kNothing;
  if (!rules_.idempotent) return Next::kBatch;
  if (!waiting_.empty() && waiting_.front()->base_sequence != kNoSequence) return Next::kBatch;
  if (!needs_new_epoch_) return Next::kBatch;
  // What is in flight has old numbers; were it refused, a batch of the new epoch would overtake it.
  if (!in_flight_.empty()) return Next::kNothing;
  return identity_ == current ? Next::kNeedsEpoch : Next::kBatch;
}

std::shared_ptr<Batch> PartitionQueue::Take(const ProducerIdentity& current) {
  if (waiting_.empty()) CloseOpen();
  std::shared_ptr<Batch> batch = std::move(waiting_.front());
  waiting_.pop_front();
  if (rules_.idempotent && batch->base_sequence == kNoSequence) {
    if (identity_ != current && in_flight_.empty()) {
      identity_ = current;
      next_sequence_ = 0;
      needs_new_epoch_ = false;
    }
    batch->identity = identity_;
    batch->base_sequence = next_sequence_;
    next_sequence_ = SequenceAfter(next_sequence_, batch->record_count());
  }
  batch->state = Batch::State::kInFlight;
  ++batch->tries;
  in_flight_.push_back(batch);
  return batch;
}

void PartitionQueue::OnAnswer(const std::shared_ptr<Batch>& batch, absl::StatusOr<Offset> answer,
                              const ProducerIdentity& current, Outcomes* outcomes) {
  const absl::Status status = answer.status();
  const std::optional<Reason> reason = ReasonOf(status);
  if (batch->state == Batch::State::kExpired) {  // its outcome was told
    if (!status.ok()) needs_new_epoch_ = true;
    Remove(batch);
  } else if (status.ok()) {
    batch->base_offset = *answer;
    Finish(batch, absl::OkStatus(), outcomes);
  } else if (reason == Reason::kDuplicateSequence) {
    batch->base_offset = kUnknownOffset;
    Finish(batch, absl::OkStatus(), outcomes);
  } else if (rules_.idempotent && reason == Reason::kUnknownProducer &&
             in_flight_.front() == batch && batch->maybe_written) {
    // The broker has forgotten this producer, and with it whether an earlier try was written.
    needs_new_epoch_ = true;
    Finish(batch, Uncertain(status), outcomes);
  } else if (rules_.idempotent &&
             (reason == Reason::kOutOfOrderSequence || reason == Reason::kUnknownProducer)) {
    // Either a batch before it is still to be sent again, or the numbers have a gap that nothing
    // will fill: the batch before it has failed, or the broker has forgotten this producer. Then
    // none of those behind the gap was written by an earlier try.
    if (in_flight_.front() == batch) renumber_ = needs_new_epoch_ = true;
    Refuse(*batch, status);
  } else if (rules_.idempotent && reason == Reason::kProducerFenced && batch->identity != current &&
             !batch->maybe_written) {
    // Fenced by the next epoch of this very producer, which another partition needed.
    needs_new_epoch_ = true;
    batch->base_sequence = kNoSequence;
    Refuse(*batch, status);
  } else if (MayBeTriedAgain(status) && (rules_.idempotent || EffectOf(status) == Effect::kNone)) {
    if (EffectOf(status) == Effect::kUnknown) batch->maybe_written = true;
    retry_after_ = std::max(retry_after_, RetryAfterOf(status));
    Refuse(*batch, status);
  } else {
    needs_new_epoch_ = true;
    Finish(batch, batch->maybe_written ? Uncertain(status) : status, outcomes);
  }
  Settle();
}

void PartitionQueue::OnDisconnect(const absl::Status& why, Outcomes* outcomes) {
  const auto in_flight = in_flight_;
  for (const std::shared_ptr<Batch>& batch : in_flight) {
    if (batch->state == Batch::State::kExpired) {
      Remove(batch);
    } else if (batch->state == Batch::State::kInFlight && !rules_.idempotent) {
      Finish(batch, Uncertain(why), outcomes);
    } else if (batch->state == Batch::State::kInFlight) {
      batch->maybe_written = true;
      batch->last_error = why;
    }
  }
  ReturnToWaiting();
}

void PartitionQueue::GiveUp(const std::shared_ptr<Batch>& batch, const absl::Status& unsent,
                            Outcomes* outcomes) {
  if (batch->state == Batch::State::kInFlight) {
    batch->state = Batch::State::kExpired;
    batch->status = Uncertain(unsent);
    outcomes->push_back(batch);
  } else if (batch->state != Batch::State::kExpired && batch->state != Batch::State::kDone) {
    Finish(batch, batch->maybe_written ? Uncertain(unsent) : unsent, outcomes);
    Settle();
  }
}

std::optional<absl::Duration> PartitionQueue::TakePause() {
  if (!pause_untold_) return std::nullopt;
  pause_untold_ = false;
  return std::exchange(retry_after_, absl::ZeroDuration());
}

void PartitionQueue::Refuse(Batch& batch, const absl::Status& why) {
  batch.state = Batch::State::kRefused;
  batch.last_error = why;
  refused_ = true;
}

void PartitionQueue::Finish(std::shared_ptr<Batch> batch, absl::Status status, Outcomes* outcomes) {
  Remove(batch);
  batch->status = std::move(status);
  outcomes->push_back(std::move(batch));
}

void PartitionQueue::Remove(std::shared_ptr<Batch> batch) {
  if (batch->state == Batch::State::kOpen) {
    open_ = nullptr;
  } else {
    std::erase(in_flight_, batch);
    std::erase(waiting_, batch);
    if (batch->sticky) --topic_->sticky_unanswered;
  }
  batch->state = Batch::State::kDone;
}

// When all that was sent is answered, what was refused is next to send.
void PartitionQueue::Settle() {
  if (!refused_) return;
  for (const std::shared_ptr<Batch>& batch : in_flight_) {
    if (batch->state != Batch::State::kRefused) return;
  }
  ReturnToWaiting();
  paused_ = pause_untold_ = !waiting_.empty();
}

void PartitionQueue::ReturnToWaiting() {
  for (const std::shared_ptr<Batch>& batch : in_flight_) batch->state = Batch::State::kWaiting;
  waiting_.insert(waiting_.begin(), in_flight_.begin(), in_flight_.end());
  in_flight_.clear();
  refused_ = false;
  if (!renumber_) return;
  renumber_ = false;
  for (const std::shared_ptr<Batch>& batch : waiting_) {
    if (batch->base_sequence == kNoSequence) break;
    batch->base_sequence = kNoSequence;
    batch->maybe_written = false;
  }
}

}  // namespace weir::client
