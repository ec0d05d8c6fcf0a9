// Producer::Core: the control thread, which connects, asks and keeps time.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/src/producer_connection.h"
#include "client/src/producer_core.h"
#include "client/src/random.h"
#include "client/src/wire_status.h"
#include "storage/base/error.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/log.pb.h"

namespace weir {
namespace {

// How often to look whether the connection is back.
constexpr absl::Duration kConnectPoll = absl::Milliseconds(20);

}  // namespace

using client::PartitionQueue;
using client::ProducerIdentity;

void Producer::Core::WakeControl(absl::Duration at) {
  if (at >= control_until_) return;
  control_until_ = at;
  control_wake_.Signal();
}

void Producer::Core::Control() {
  for (;;) {
    Errand errand;
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
      const absl::Duration next = RunTimers();
      errand = NextErrand();
      if (!errand && (outcomes_.empty() || telling_) && !MayPump()) {
        control_until_ = next;
        while (!stopping_ && clock_.Monotonic() < control_until_) {
          control_wake_.WaitWithTimeout(&mu_, control_until_ - clock_.Monotonic());
        }
        control_until_ = absl::InfiniteDuration();
      }
    }
    if (errand) errand();
    Pump();
    Tell();
  }
}

absl::Duration Producer::Core::RunTimers() {
  const absl::Duration now = clock_.Monotonic();
  absl::Duration next = absl::InfiniteDuration();

  while (!resting_.empty() && resting_.begin()->first <= now) {
    PartitionQueue& queue = *resting_.begin()->second;
    resting_.erase(resting_.begin());
    queue.Resume();
    List(queue);
  }
  if (!resting_.empty()) next = std::min(next, resting_.begin()->first);

  while (!lingering_.empty() && lingering_.front()->opened_at + options_.linger <= now) {
    lingering_.front()->ripe = true;
    List(*lingering_.front()->queue);
    lingering_.pop_front();
  }
  if (!lingering_.empty()) next = std::min(next, lingering_.front()->opened_at + options_.linger);

  next = std::min(next, ExpireBatches(now));
  if (connected_ && !in_flight_.empty())
    next = std::min(next, progress_at_ + options_.request_timeout);
  if (WantsIdentity()) next = std::min(next, ask_identity_at_);
  if (WantsConnection()) next = std::min(next, connect_at_);
  return next;
}

absl::Duration Producer::Core::ExpireBatches(absl::Duration now) {
  for (size_t i = 0; i < unfinished_.size();) {
    const std::shared_ptr<Batch> batch = unfinished_[i++];
    if (batch->state == Batch::State::kDone || batch->state == Batch::State::kExpired) continue;
    if (now < batch->opened_at + options_.delivery_timeout)
      return batch->opened_at + options_.delivery_timeout;
    const absl::Status& trouble = batch->last_error.ok() ? last_trouble_ : batch->last_error;
    GiveUp(batch, MakeError(Reason::kDeliveryTimedOut,
                            absl::StrCat("not written within ",
                                         absl::FormatDuration(options_.delivery_timeout),
                                         trouble.ok() ? "" : ": ", trouble.message())));
  }
  return absl::InfiniteDuration();
}

void Producer::Core::FailAll(const absl::Status& why) {
  const auto unfinished = unfinished_;
  for (const std::shared_ptr<Batch>& batch : unfinished) GiveUp(batch, why);
}

void Producer::Core::GiveUp(const std::shared_ptr<Batch>& batch, const absl::Status& why) {
  PartitionQueue::Outcomes outcomes;
  batch->queue->GiveUp(batch, why, &outcomes);
  Settle(*batch->queue, std::move(outcomes));
}

bool Producer::Core::HasIdentity() const {
  return !rules_.idempotent || identity_.id != kNoProducer;
}

bool Producer::Core::WantsIdentity() const {
  return used_ && !asking_identity_ && (!HasIdentity() || !epochless_.empty());
}

bool Producer::Core::WantsConnection() const {
  return used_ && HasIdentity() && connection_ == nullptr && !pumping_ &&
         (!unfinished_.empty() || !ever_connected_);
}

Producer::Core::Errand Producer::Core::NextErrand() {
  const absl::Duration now = clock_.Monotonic();
  if (!wanted_topics_.empty()) {
    Topic& topic = *wanted_topics_.front();
    wanted_topics_.pop_front();
    topic.asked_at = now;
    return [this, name = topic.name] { AskTopic(name); };
  }
  if (WantsIdentity() && ask_identity_at_ <= now) {
    asking_identity_ = true;
    return [this, old = renew_identity_ ? ProducerIdentity() : identity_] { AskIdentity(old); };
  }
  if (WantsConnection() && connect_at_ <= now) {
    connect_at_ = now + kConnectPoll;
    return [this] { Connect(); };
  }
  if (connected_ && !in_flight_.empty() && progress_at_ + options_.request_timeout <= now) {
    progress_at_ = now;
    return [connection = connection_] { connection->Cancel(); };
  }
  return nullptr;
}

void Producer::Core::Connect() {
  if (!channel_->Connected()) {
    absl::MutexLock lock(&mu_);
    last_trouble_ =
        absl::UnavailableError(absl::StrCat("no connection to ", channel_->options().broker));
    return;
  }
  auto connection = std::make_shared<Connection>(shared_from_this());
  {
    absl::MutexLock lock(&mu_);
    connection_ = connection;
  }
  connection->Open(*channel_, connection);
  {
    absl::MutexLock lock(&mu_);
    if (connection_ != connection) return;  // it has ended already
    connected_ = ever_connected_ = true;
  }
  connection->Read();
}

void Producer::Core::AskIdentity(const ProducerIdentity& old) {
  v1::InitProducerRequest request;
  if (old.id != kNoProducer) {
    request.set_producer_id(old.id.value());
    request.set_producer_epoch(old.epoch.value());
  }
  channel_->CallAsync(
      "/weir.v1.LogService/InitProducer", request,
      [self = shared_from_this(), old](const absl::StatusOr<std::string>& answer) {
        v1::InitProducerResponse response;
        ProducerIdentity identity;
        if (!answer.ok()) return self->OnIdentity(answer.status());
        if (response.ParseFromString(*answer)) {
          identity = {.id = ProducerId(response.producer_id()),
                      .epoch = ProducerEpoch(static_cast<int16_t>(response.producer_epoch()))};
        }
        if (identity.id == kNoProducer || identity == old) {
          return self->OnIdentity(
              MakeError(Reason::kInternal, "the broker's producer id is of no use"));
        }
        self->OnIdentity(identity);
      });
}

void Producer::Core::OnIdentity(const absl::StatusOr<ProducerIdentity>& identity) {
  absl::MutexLock lock(&mu_);
  asking_identity_ = false;
  WakeControl(absl::ZeroDuration());
  if (!identity.ok()) {
    last_trouble_ = identity.status();
    ask_identity_at_ = clock_.Monotonic() +
                       client::BackoffDelay(channel_->options().backoff, ++identity_failures_);
    if (!client::IsPermanent(identity.status())) return;
    // The broker does not want to go on with the old one, or does not give any.
    if (HasIdentity() && !renew_identity_) {
      renew_identity_ = true;
      ask_identity_at_ = absl::ZeroDuration();
    } else {
      FailAll(client::Certain(identity.status()));
    }
    return;
  }
  identity_failures_ = 0;
  renew_identity_ = false;
  identity_ = *identity;
  for (PartitionQueue* const queue : std::exchange(epochless_, {})) {
    queue->listed = false;
    List(*queue);
  }
}

void Producer::Core::AskTopic(const std::string& name) {
  v1::DescribeTopicRequest request;
  request.set_name(name);
  request.set_page_size(1);
  channel_->CallAsync("/weir.v1.AdminService/DescribeTopic", request,
                      [self = shared_from_this(), name](const absl::StatusOr<std::string>& answer) {
                        self->OnTopic(name, answer);
                      });
}

void Producer::Core::OnTopic(const std::string& name, const absl::StatusOr<std::string>& answer) {
  v1::DescribeTopicResponse response;
  absl::Status status = answer.status();
  if (status.ok() && (!response.ParseFromString(*answer) || response.partition_count() < 1)) {
    status = MakeError(Reason::kInternal,
                       absl::StrCat("the broker's description of topic ", name, " makes no sense"));
  }
  absl::MutexLock lock(&mu_);
  const auto found = topics_.find(name);
  if (found == topics_.end()) return;
  Topic& topic = *found->second;
  topic.wanted = false;
  ++topic.answers;
  topic.last_answer = status;
  described_.SignalAll();
  if (!status.ok())
    return;  // an older description stays good enough until the broker refuses a batch
  if (topic.partition_count == 0)
    topic.sticky_partition = client::RandomBelow(response.partition_count());
  topic.partition_count = response.partition_count();
  for (const v1::ConfigEntry& entry : response.config()) {
    int64_t number;
    if (entry.name() == "delayed.delivery") topic.delayed_delivery = entry.value() == "true";
    if (!absl::SimpleAtoi(entry.value(), &number)) continue;
    if (entry.name() == "max.message.bytes") topic.max_message_bytes = number;
    if (entry.name() == "retention.ms") topic.retention_ms = number;
  }
}

}  // namespace weir
