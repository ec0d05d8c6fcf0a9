#include "weir/consumer.h"

#include <algorithm>
#include <utility>

#include "client/src/consumer_core.h"

namespace weir {
namespace {

ConsumerOptions Sane(ConsumerOptions options) {
  options.fetch_bytes = std::clamp<int64_t>(options.fetch_bytes, 1, limits::kFetchBytesLargest);
  options.buffer_bytes = std::max<int64_t>(options.buffer_bytes, 1);
  options.max_streams = std::max(options.max_streams, 1);
  return options;
}

}  // namespace

Consumer::Consumer(const Client& client, ConsumerOptions options)
    : core_(std::make_shared<Core>(client.channel(), Sane(std::move(options)))) {}

Consumer::~Consumer() {
  if (core_ != nullptr) core_->Close();
}

Consumer::Consumer(Consumer&&) noexcept = default;

absl::Status Consumer::Assign(AssignedPartition assigned) {
  return core_->Assign(std::move(assigned));
}

absl::Status Consumer::Unassign(absl::string_view topic, PartitionIndex partition) {
  return core_->Unassign(topic, partition);
}

absl::Status Consumer::Seek(absl::string_view topic, PartitionIndex partition, Position position) {
  return core_->Seek(topic, partition, position);
}

absl::StatusOr<RecordSet> Consumer::Poll(absl::Duration max_wait) { return core_->Poll(max_wait); }

void Consumer::Wake() { core_->Wake(); }

std::optional<Offset> Consumer::position(absl::string_view topic, PartitionIndex partition) const {
  return core_->position(topic, partition);
}

std::optional<Offset> Consumer::high_watermark(absl::string_view topic,
                                               PartitionIndex partition) const {
  return core_->high_watermark(topic, partition);
}

bool Consumer::CaughtUp() const { return core_->CaughtUp(); }

bool Consumer::AtEnd() const { return core_->AtEnd(); }

absl::Status Consumer::last_error() const { return core_->last_error(); }

}  // namespace weir
