// Producer::Core: what goes out over the connection, what comes back, and who is told.
#include "client/src/producer_connection.h"

#include <utility>

#include "client/src/produce_wire.h"
#include "client/src/producer_core.h"
#include "client/src/random.h"
#include "client/src/wire_status.h"
#include "storage/base/error.h"

namespace weir {

using client::PartitionQueue;

void Producer::Core::List(PartitionQueue& queue) {
  if (queue.listed || queue.WhatNext(identity_) == PartitionQueue::Next::kNothing) return;
  queue.listed = true;
  listed_.push_back(&queue);
}

std::shared_ptr<client::Batch> Producer::Core::TakeBatch() {
  while (!listed_.empty()) {
    PartitionQueue& queue = *listed_.front();
    listed_.pop_front();
    queue.listed = false;
    switch (queue.WhatNext(identity_)) {
      case PartitionQueue::Next::kNothing:
        break;
      case PartitionQueue::Next::kNeedsEpoch:
        queue.listed = true;  // stays off the list until the epoch is there
        epochless_.push_back(&queue);
        WakeControl(absl::ZeroDuration());
        break;
      case PartitionQueue::Next::kBatch: {
        std::shared_ptr<Batch> batch = queue.Take(identity_);
        if (in_flight_.empty()) {
          progress_at_ = clock_.Monotonic();
          WakeControl(progress_at_ + options_.request_timeout);
        }
        in_flight_.emplace(batch->ordinal, batch);
        if (batch->tries > 1) ++counters_.retried_batches;
        List(queue);
        return batch;
      }
    }
  }
  return nullptr;
}

void Producer::Core::Pump() {
  for (;;) {
    std::shared_ptr<Batch> batch;
    std::shared_ptr<Connection> connection;
    {
      absl::MutexLock lock(&mu_);
      if (!MayPump()) return;
      batch = TakeBatch();
      if (batch == nullptr) return;
      pumping_ = writing_ = true;
      connection = connection_;
    }
    batch->Seal(options_.compression, options_.compression_level);
    const std::string head = client::EncodeProduceHead({.topic = batch->queue->topic()->name,
                                                        .partition = batch->queue->index(),
                                                        .durability = options_.durability,
                                                        .client_tag = batch->ordinal,
                                                        .batch_bytes = batch->bytes().size()});
    connection->Write(head, batch->bytes(),
                      batch->bytes_owner() != nullptr ? batch->bytes_owner() : batch);
    absl::MutexLock lock(&mu_);
    pumping_ = false;
    if (!connected_) {  // somebody may have waited for this
      WakeControl(absl::ZeroDuration());
      progress_.SignalAll();
    }
  }
}

void Producer::Core::OnWritten() {
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
  }
  Pump();
}

void Producer::Core::OnAnswer(Connection& connection, const SharedBytes& message) {
  absl::StatusOr<client::ProduceAnswer> answer = client::DecodeProduceAnswer(message);
  if (!answer.ok()) return connection.Cancel();
  {
    absl::MutexLock lock(&mu_);
    const auto found = in_flight_.find(answer->client_tag);
    if (connection_.get() != &connection || found == in_flight_.end()) return connection.Cancel();
    const std::shared_ptr<Batch> batch = std::move(found->second);
    in_flight_.erase(found);
    progress_at_ = clock_.Monotonic();
    connect_failures_ = 0;
    if (answer->base_offset.ok()) {
      ++counters_.acknowledged_batches;
      if (answer->duplicate) ++counters_.duplicate_batches;
    }
    const bool fenced = ReasonOf(answer->base_offset.status()) == Reason::kProducerFenced &&
                        batch->identity == identity_;
    const absl::Status status = answer->base_offset.status();
    PartitionQueue::Outcomes outcomes;
    batch->queue->OnAnswer(batch, std::move(answer->base_offset), identity_, &outcomes);
    Settle(*batch->queue, std::move(outcomes));
    if (fenced) {
      fatal_ = status;
      FailAll(status);
    }
  }
  // What has gathered goes out before those who waited are woken: they will gather behind it.
  Pump();
  Tell();
  connection.Read();
}

void Producer::Core::OnClosed(const absl::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    const absl::Status why =
        status.ok() ? absl::UnavailableError("the broker ended the stream") : status;
    connection_ = nullptr;
    connected_ = writing_ = false;
    in_flight_.clear();
    last_trouble_ = why;
    connect_at_ =
        clock_.Monotonic() + client::BackoffDelay(channel_->options().backoff, ++connect_failures_);
    for (const auto& [name, topic] : topics_) {
      for (const std::unique_ptr<PartitionQueue>& queue : topic->queues) {
        if (queue == nullptr) continue;
        PartitionQueue::Outcomes outcomes;
        queue->OnDisconnect(why, &outcomes);
        Settle(*queue, std::move(outcomes));
      }
    }
    if (client::IsPermanent(why)) FailAll(client::Certain(why));
    WakeControl(connect_at_);
    progress_.SignalAll();
  }
  Tell();
}

void Producer::Core::Disconnect() {
  std::shared_ptr<Connection> connection;
  {
    absl::MutexLock lock(&mu_);
    connection = connection_;
  }
  if (connection != nullptr) connection->Cancel();
}

void Producer::Core::Settle(PartitionQueue& queue, PartitionQueue::Outcomes outcomes) {
  for (std::shared_ptr<Batch>& batch : outcomes) {
    Conclude(*batch);
    outcomes_.push_back(std::move(batch));
  }
  if (const std::optional<absl::Duration> pause = queue.TakePause()) {
    const absl::Duration at =
        clock_.Monotonic() +
        std::max(*pause, client::BackoffDelay(channel_->options().backoff, queue.tries()));
    resting_.emplace(at, &queue);
    WakeControl(at);
  }
  List(queue);
  const Topic& topic = *queue.topic();
  if (PartitionQueue* const sticky = topic.sticky_queue();
      sticky != nullptr && topic.sticky_unanswered == 0) {
    List(*sticky);
  }
}

void Producer::Core::Conclude(const Batch& batch) {
  const int32_t records = batch.record_count();
  counters_.pending -= records;
  counters_.buffered_bytes -= batch.charged_bytes;
  // A sender that waits is woken for more than a few records.
  if (waiting_for_room_ > 0 && counters_.buffered_bytes <= options_.buffer_bytes / 8 * 7)
    room_.SignalAll();
  if (batch.status.ok()) {
    counters_.acknowledged += records;
    return;
  }
  (EffectOf(batch.status) == Effect::kNone ? counters_.failed : counters_.uncertain) += records;
  if (batch.silent_records() > 0 && first_error_.ok()) first_error_ = batch.status;
  // The description was wrong, or has become so.
  Topic& topic = *batch.queue->topic();
  const std::optional<Reason> reason = ReasonOf(batch.status);
  if (reason == Reason::kUnknownTopic) topic.partition_count = 0;
  if (reason == Reason::kUnknownPartition || reason == Reason::kMessageTooLarge) Want(topic);
}

void Producer::Core::Tell() {
  absl::MutexLock lock(&mu_);
  if (telling_) return;
  telling_ = true;
  while (!outcomes_.empty()) {
    const auto outcomes = std::exchange(outcomes_, {});
    mu_.Unlock();
    for (const std::shared_ptr<Batch>& batch : outcomes) batch->TellOutcome();
    mu_.Lock();
    for (const std::shared_ptr<Batch>& batch : outcomes) batch->told = true;
    while (!unfinished_.empty() && unfinished_.front()->told) unfinished_.pop_front();
    progress_.SignalAll();
  }
  telling_ = false;
  progress_.SignalAll();
}

}  // namespace weir
