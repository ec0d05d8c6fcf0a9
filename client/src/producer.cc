#include "weir/producer.h"

#include <algorithm>
#include <utility>

#include "client/src/producer_core.h"

namespace weir {
namespace {

ProducerOptions Sane(ProducerOptions options) {
  options.batch_bytes =
      std::clamp<int64_t>(options.batch_bytes, 1, limits::kMaxMessageBytesLargest);
  options.batch_bytes_largest =
      std::clamp(options.batch_bytes_largest, options.batch_bytes, limits::kMaxMessageBytesLargest);
  options.linger =
      std::clamp(options.linger, absl::ZeroDuration(), absl::Milliseconds(limits::kLingerMostMs));
  options.buffer_bytes = std::max<int64_t>(options.buffer_bytes, 1);
  // Without sequences only one batch at a time keeps the order when it has to be sent again.
  options.max_in_flight =
      options.idempotent ? std::clamp(options.max_in_flight, 1, limits::kProducerBatches) : 1;
  options.delivery_timeout = std::max(options.delivery_timeout, absl::ZeroDuration());
  // A record that has timed out unanswered must not hold up those behind it.
  options.request_timeout =
      std::max(std::min(options.request_timeout, options.delivery_timeout), absl::Milliseconds(1));
  return options;
}

}  // namespace

Producer::Producer(const Client& client, ProducerOptions options)
    : core_(Core::Start(client.channel(), Sane(std::move(options)))) {}

Producer::~Producer() {
  if (core_ != nullptr) core_->Close(absl::ZeroDuration()).IgnoreError();
}

Producer::Producer(Producer&&) noexcept = default;

absl::Status Producer::Send(const ProducerRecord& record, DeliveryCallback callback) {
  return core_->Send(record, std::move(callback));
}

absl::StatusOr<RecordPosition> Producer::SendAndWait(const ProducerRecord& record) {
  return core_->SendAndWait(record);
}

absl::Status Producer::Flush(absl::Duration timeout) { return core_->Flush(timeout); }

absl::Status Producer::Close(absl::Duration timeout) { return core_->Close(timeout); }

ProducerCounters Producer::counters() const { return core_->counters(); }

absl::Status Producer::last_error() const { return core_->last_error(); }

}  // namespace weir
