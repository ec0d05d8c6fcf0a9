#include "broker/record_times.h"

#include "storage/base/limits.h"

namespace weir {

void RecordTimes::Begin() {
  before_ = std::exchange(now_, {});
  until_ = clock_->Monotonic() + absl::Milliseconds(limits::kMetricRecordTimesMs);
}

std::optional<int64_t> RecordTimes::Find(const TopicPartition& partition, Offset offset) {
  const Place place{partition, offset};
  if (const auto found = now_.find(place); found != now_.end()) return found->second;
  std::optional<int64_t> time;
  if (const auto found = before_.find(place); found != before_.end()) {
    time = found->second;
  } else if (clock_->Monotonic() < until_) {
    time = read_(partition, offset);
  }
  if (time.has_value() && now_.size() < limits::kMetricRecordTimes) now_.emplace(place, *time);
  return time;
}

}  // namespace weir
