#include "broker/topic_lags.h"

#include <algorithm>
#include <utility>

namespace weir {

std::optional<size_t> TopicLags::Begin(TopicId topic) {
  topic_ = ends_.Find(topic);
  if (topic_ == nullptr) return std::nullopt;
  next_ = 0;
  sum_ = {.name = topic_->name};
  oldest_ms_ = options_.now_ms;
  ages_known_ = true;
  return topic_->partitions.size();
}

void TopicLags::Add(PartitionIndex partition, Offset committed) {
  const auto index = static_cast<size_t>(partition.value());
  AddUpTo(index);
  if (index < topic_->partitions.size()) AddNext(committed);
}

void TopicLags::AddUpTo(size_t partition) {
  const size_t end = std::min(partition, topic_->partitions.size());
  while (next_ < end) AddNext(topic_->partitions[next_].start);
}

void TopicLags::AddNext(Offset committed) {
  const PartitionIndex partition{static_cast<int32_t>(next_)};
  const TopicView::Bounds& bounds = topic_->partitions[next_++];
  const Offset from = std::max(committed, bounds.start);
  if (from >= bounds.end) return;
  sum_.lag += bounds.end - from;
  sum_.largest_lag = std::max(sum_.largest_lag, bounds.end - from);
  if (!ages_known_) return;
  const std::optional<int64_t> time = options_.times->Find({topic_->id, partition}, from);
  ages_known_ = time.has_value();
  oldest_ms_ = std::min(oldest_ms_, time.value_or(oldest_ms_));
}

GroupSample::Topic TopicLags::Finish() {
  AddUpTo(topic_->partitions.size());
  if (ages_known_) sum_.lag_seconds = static_cast<double>(options_.now_ms - oldest_ms_) / 1e3;
  topic_ = nullptr;
  return std::move(sum_);
}

}  // namespace weir
