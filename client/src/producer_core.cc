#include "client/src/producer_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/random.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/key_partitioner.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/weir_headers.h"

namespace weir {
namespace {

// Keys may move when partitions are added, so a description is asked for again now and then.
constexpr absl::Duration kDescriptionAge = absl::Minutes(5);

absl::Status Closed() { return MakeError(Reason::kClientClosed, "the producer is closed"); }

// `headers` and `bytes`: the record's as it is stored.
absl::Status CheckRecord(const ProducerRecord& record, size_t headers, size_t bytes,
                         const ProducerOptions& options) {
  if (headers > static_cast<size_t>(limits::kHeadersPerRecord)) {
    return MakeError(
        Reason::kInvalidRequest,
        absl::StrCat("the record has ", headers, " headers, at most ", limits::kHeadersPerRecord));
  }
  if (record.partition.has_value() &&
      (record.partition->value() < 0 || record.partition->value() >= limits::kPartitionsPerTopic)) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("partition ", record.partition->value(), " is outside 0 to ",
                                  limits::kPartitionsPerTopic - 1));
  }
  const int64_t largest = std::min(options.buffer_bytes, limits::kMaxMessageBytesLargest);
  if (static_cast<int64_t>(bytes) > largest) {
    return MakeError(
        Reason::kMessageTooLarge,
        absl::StrCat("the record takes ", bytes, " bytes, the producer takes at most ", largest));
  }
  return absl::OkStatus();
}

}  // namespace

Producer::Core::Core(std::shared_ptr<client::Channel> channel, ProducerOptions options)
    : channel_(std::move(channel)),
      options_(std::move(options)),
      rules_{.idempotent = options_.idempotent,
             .max_in_flight = static_cast<size_t>(options_.max_in_flight),
             .linger = options_.linger > absl::ZeroDuration()} {}

std::shared_ptr<Producer::Core> Producer::Core::Start(std::shared_ptr<client::Channel> channel,
                                                      ProducerOptions options) {
  std::shared_ptr<Core> core(new Core(std::move(channel), std::move(options)));
  core->control_ = std::thread([raw = core.get()] { raw->Control(); });
  return core;
}

Producer::Core::~Core() { WEIR_CHECK(!control_.joinable()); }

absl::Status Producer::Core::Send(const ProducerRecord& record, DeliveryCallback callback) {
  return Add(record, std::move(callback), /*waits=*/false).status();
}

absl::StatusOr<RecordPosition> Producer::Core::SendAndWait(const ProducerRecord& record) {
  WEIR_ASSIGN_OR_RETURN(const Added added, Add(record, nullptr, /*waits=*/true));
  added.batch->AwaitOutcome();
  return added.batch->PositionOf(added.index);
}

absl::StatusOr<Producer::Core::Added> Producer::Core::Add(const ProducerRecord& record,
                                                          DeliveryCallback callback, bool waits) {
  const StoredHeaders headers(record.headers, record.deliver_at_ms);
  const size_t bytes =
      RecordBatchBuilder::RecordSizeBound(record.key, record.value, headers.view());
  if (absl::Status status = CheckRecord(record, headers.view().size(), bytes, options_);
      !status.ok())
    return status;
  Added added;
  bool pump;
  {
    absl::MutexLock lock(&mu_);
    WEIR_RETURN_IF_ERROR(AwaitRoom(static_cast<int64_t>(bytes)));
    WEIR_ASSIGN_OR_RETURN(Topic* const topic, FindTopic(record.topic));
    if (record.deliver_at_ms.has_value())
      WEIR_RETURN_IF_ERROR(CheckDeliverAt(*topic, *record.deliver_at_ms));
    PartitionQueue* queue = &QueueOf(*topic, record);
    while (queue->open() != nullptr && IsFull(*queue, bytes)) {
      queue->CloseOpen();
      List(*queue);
      queue = &QueueOf(*topic, record);  // a record without a key moves on
    }
    if (queue->open() == nullptr) OpenBatch(*queue);

    Batch& batch = *queue->open();
    const auto size_before = static_cast<int64_t>(batch.builder.size_bytes());
    added.index = batch.record_count();
    batch.builder.Append(record.timestamp_ms.has_value()
                             ? *record.timestamp_ms
                             : std::max(batch.opened_ms, clock_.CoarseNowMs()),
                         record.key, record.value, headers.view());
    const int64_t charge = static_cast<int64_t>(batch.builder.size_bytes()) - size_before;
    batch.charged_bytes += charge;
    counters_.buffered_bytes += charge;
    ++counters_.pending;
    batch.sticky |= !record.key.has_value() && !record.partition.has_value();
    if (callback) batch.callbacks.push_back({added.index, std::move(callback)});
    if (waits) {
      ++batch.waiters;
      added.batch = queue->shared_open();
    }
    List(*queue);
    pump = MayPump();
  }
  if (pump) Pump();
  return added;
}

absl::StatusOr<client::Topic*> Producer::Core::FindTopic(absl::string_view name) {
  if (closed_) return Closed();
  if (!fatal_.ok()) return fatal_;
  if (last_topic_ != nullptr && last_topic_->name == name && last_topic_->partition_count > 0)
    return last_topic_;
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    found = topics_.emplace(name, std::make_unique<Topic>(std::string(name))).first;
  }
  Topic& topic = *found->second;
  if (topic.partition_count == 0) {
    ++topic.users;
    const absl::Status described = AwaitDescription(topic);
    --topic.users;
    if (!described.ok()) {
      // A name that was never any good is not kept.
      if (topic.users == 0 && topic.queues.empty() && !topic.wanted) {
        if (last_topic_ == &topic) last_topic_ = nullptr;
        topics_.erase(name);
      }
      return described;
    }
  }
  last_topic_ = &topic;
  return last_topic_;
}

// The broker does not open batches to look.
absl::Status Producer::Core::CheckDeliverAt(Topic& topic, int64_t deliver_at_ms) {
  const DelayRules rules{.delayed_delivery = topic.delayed_delivery,
                         .retention_ms = topic.retention_ms,
                         .now_ms = clock_.CoarseNowMs()};
  absl::Status status = rules.Check(deliver_at_ms);
  if (!status.ok()) Want(topic);  // it may have been set otherwise meanwhile
  return status;
}

absl::Status Producer::Core::AwaitDescription(Topic& topic) {
  const absl::Duration begin = clock_.Monotonic();
  for (int failures = 0; topic.partition_count == 0; ++failures) {
    const int64_t answers = topic.answers;
    used_ = true;
    Want(topic);
    while (topic.answers == answers) {
      if (closed_) return Closed();
      const absl::Duration left = begin + options_.delivery_timeout - clock_.Monotonic();
      if (left <= absl::ZeroDuration()) {
        return absl::UnavailableError(
            absl::StrCat("the broker did not describe topic ", topic.name, " within ",
                         absl::FormatDuration(options_.delivery_timeout)));
      }
      described_.WaitWithTimeout(&mu_, left);
    }
    if (topic.partition_count > 0) break;
    if (!client::MayBeTriedAgain(topic.last_answer) || options_.when_full == WhenFull::kFail)
      return topic.last_answer;
    const absl::Duration pause = client::BackoffDelay(channel_->options().backoff, failures + 1);
    if (clock_.Monotonic() + pause > begin + options_.delivery_timeout) return topic.last_answer;
    described_.WaitWithTimeout(&mu_, pause);
  }
  return absl::OkStatus();
}

absl::Status Producer::Core::AwaitRoom(int64_t bytes) {
  if (counters_.buffered_bytes + bytes <= options_.buffer_bytes) [[likely]]
    return absl::OkStatus();
  if (options_.when_full == WhenFull::kFail) {
    return MakeError(Reason::kBufferFull, absl::StrCat("the producer's buffer of ",
                                                       options_.buffer_bytes, " bytes is full"));
  }
  Hurry();
  const absl::Duration begin = clock_.Monotonic();
  ++waiting_for_room_;
  absl::Status status;
  while (status.ok() && counters_.buffered_bytes + bytes > options_.buffer_bytes) {
    const absl::Duration left = begin + options_.delivery_timeout - clock_.Monotonic();
    if (closed_) {
      status = Closed();
    } else if (left <= absl::ZeroDuration()) {
      status = MakeError(
          Reason::kBufferFull,
          absl::StrCat("no room in the producer's buffer of ", options_.buffer_bytes,
                       " bytes within ", absl::FormatDuration(options_.delivery_timeout)));
    } else {
      room_.WaitWithTimeout(&mu_, left);
    }
  }
  --waiting_for_room_;
  return status;
}

client::PartitionQueue& Producer::Core::QueueOf(Topic& topic, const ProducerRecord& record) {
  int32_t index;
  if (record.partition.has_value()) {
    index = record.partition->value();
  } else if (record.key.has_value()) {
    index = PartitionForKey(*record.key, topic.partition_count).value();
  } else {
    index = topic.sticky_partition;
  }
  if (static_cast<size_t>(index) >= topic.queues.size())
    topic.queues.resize(static_cast<size_t>(index) + 1);
  std::unique_ptr<PartitionQueue>& queue = topic.queues[static_cast<size_t>(index)];
  if (queue == nullptr)
    queue = std::make_unique<PartitionQueue>(&topic, PartitionIndex(index), &rules_);
  return *queue;
}

bool Producer::Core::IsFull(const PartitionQueue& queue, size_t record_bytes) const {
  const int64_t target = queue.Congested() ? options_.batch_bytes_largest : options_.batch_bytes;
  const RecordBatchBuilder& builder = queue.open()->builder;
  return static_cast<int64_t>(builder.size_bytes() + record_bytes) >
             std::min(target, queue.topic()->max_message_bytes) ||
         builder.record_count() == limits::kRecordsPerBatch;
}

void Producer::Core::OpenBatch(PartitionQueue& queue) {
  const absl::Duration now = clock_.Monotonic();
  queue.Open(std::make_shared<Batch>(&queue, ++last_ordinal_, now, clock_.NowMs(), pool_));
  unfinished_.push_back(queue.shared_open());
  if (rules_.linger) {
    lingering_.push_back(queue.shared_open());
    WakeControl(now + options_.linger);
  }
  Topic& topic = *queue.topic();
  if (now - topic.asked_at > kDescriptionAge) Want(topic);
  WakeControl(connection_ == nullptr ? now : now + options_.delivery_timeout);
}

void Producer::Core::Want(Topic& topic) {
  if (topic.wanted) return;
  topic.wanted = true;
  wanted_topics_.push_back(&topic);
  WakeControl(absl::ZeroDuration());
}

void Producer::Core::Hurry() {
  if (lingering_.empty()) return;
  for (const std::shared_ptr<Batch>& batch : lingering_) {
    batch->ripe = true;
    List(*batch->queue);
  }
  lingering_.clear();
  WakeControl(absl::ZeroDuration());
}

absl::Status Producer::Core::Flush(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  Hurry();
  const uint64_t last = last_ordinal_;
  const absl::Duration begin = clock_.Monotonic();
  while (!unfinished_.empty() && unfinished_.front()->ordinal <= last) {
    const absl::Duration left = begin + timeout - clock_.Monotonic();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat(
          counters_.pending, " records have no outcome after ", absl::FormatDuration(timeout)));
    }
    progress_.WaitWithTimeout(&mu_, left);
  }
  return std::exchange(first_error_, absl::OkStatus());
}

absl::Status Producer::Core::Close(absl::Duration timeout) {
  {
    absl::MutexLock lock(&mu_);
    if (closed_) return absl::OkStatus();
    closed_ = true;
    room_.SignalAll();
    described_.SignalAll();
  }
  const absl::Status flushed = Flush(timeout);
  GiveUpAll();
  return flushed;
}

void Producer::Core::GiveUpAll() {
  {
    absl::MutexLock lock(&mu_);
    FailAll(MakeError(Reason::kClientClosed,
                      "the producer was closed before the records were written"));
    stopping_ = true;
    WakeControl(absl::ZeroDuration());
  }
  control_.join();
  Disconnect();
  Tell();
  absl::MutexLock lock(&mu_);
  while (connection_ != nullptr || pumping_ || telling_) progress_.Wait(&mu_);
}

ProducerCounters Producer::Core::counters() const {
  absl::MutexLock lock(&mu_);
  return counters_;
}

absl::Status Producer::Core::last_error() const {
  absl::MutexLock lock(&mu_);
  if (unfinished_.empty()) return absl::OkStatus();
  return connected_ && HasIdentity() ? unfinished_.front()->last_error : last_trouble_;
}

}  // namespace weir
