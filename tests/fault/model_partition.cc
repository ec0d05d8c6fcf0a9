#include "tests/fault/model_partition.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"

namespace weir {
namespace {

int64_t SizeOf(const ModelRecord& record) {
  return static_cast<int64_t>(record.key.value_or("").size() + record.value.value_or("").size());
}

}  // namespace

void ModelPartition::Push(ModelRecord record, bool may_begin_batch) {
  size_bytes_ += SizeOf(record);
  records_.push_back({.record = std::move(record), .may_begin_batch = may_begin_batch});
}

int64_t ModelPartition::AppendBatch(std::vector<ModelRecord> records,
                                    const ModelNumbering& numbering, int32_t leader_epoch) {
  const int64_t base = end();
  const auto count = static_cast<int32_t>(records.size());
  batches_[base] = {.numbering = numbering, .count = count};
  sequences_.Note(numbering, count, base);
  for (ModelRecord& record : records) Push(std::move(record), end() == base);
  leader_epoch_ = leader_epoch;
  return base;
}

int64_t ModelPartition::AppendRecord(ModelRecord record, int32_t leader_epoch) {
  Push(std::move(record), /*may_begin_batch=*/true);
  leader_epoch_ = leader_epoch;
  return end() - 1;
}

void ModelPartition::MoveStart(int64_t to) {
  WEIR_CHECK(to >= start_ && to <= end());
  while (start_ < to) {
    size_bytes_ -= SizeOf(records_.front().record);
    records_.pop_front();
    ++start_;
  }
  while (!batches_.empty() && batches_.begin()->first + batches_.begin()->second.count <= start_)
    batches_.erase(batches_.begin());
}

int64_t ModelPartition::FirstUntimed() {
  timed_below_ = std::max(timed_below_, start_);
  while (timed_below_ < end() && time_ms(timed_below_).has_value()) ++timed_below_;
  return timed_below_;
}

ModelPartition::AtTime ModelPartition::FindByTime(int64_t timestamp_ms) const {
  int64_t offset = start_;
  for (const Entry& entry : records_) {
    if (*entry.record.timestamp_ms >= timestamp_ms)
      return {.offset = offset, .timestamp_ms = *entry.record.timestamp_ms};
    ++offset;
  }
  return {.offset = end()};
}

absl::Status ModelPartition::See(const SeenRecord& seen) {
  if (seen.offset < start_ || seen.offset >= end()) {
    return absl::InternalError(absl::StrCat("the record at offset ", seen.offset,
                                            " is outside the model's ", start_, " to ", end()));
  }
  ModelRecord& record = At(seen.offset).record;
  const std::string difference = Difference(record, seen);
  if (!difference.empty())
    return absl::InternalError(
        absl::StrCat("the record at offset ", seen.offset, ": ", difference));
  record.timestamp_ms = seen.timestamp_ms;
  return absl::OkStatus();
}

absl::Status ModelPartition::SeeBatch(const RecordBatchHeader& header) const {
  const int64_t base = header.base_offset.value();
  if (header.leader_epoch.value() > leader_epoch_) {
    return absl::InternalError(absl::StrCat("the batch at offset ", base, " is of leader epoch ",
                                            header.leader_epoch.value(), ", the last append was ",
                                            leader_epoch_));
  }
  const auto found = batches_.find(base);
  if (found == batches_.end()) {
    // Those below the log start are forgotten here.
    if (base < start_ || records_[static_cast<size_t>(base - start_)].may_begin_batch)
      return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("a batch begins at offset ", base, ", inside one that a producer made"));
  }
  const ModelNumbering seen{.producer_id = header.producer_id.value(),
                            .epoch = header.producer_epoch.value(),
                            .base_sequence = header.base_sequence};
  if (seen != found->second.numbering || header.record_count != found->second.count) {
    return absl::InternalError(absl::StrCat(
        "the batch at offset ", base, " has ", header.record_count, " records of producer ",
        seen.producer_id, " epoch ", seen.epoch, " from sequence ", seen.base_sequence,
        "; it was sent with ", found->second.count, " of ", found->second.numbering.producer_id,
        " epoch ", found->second.numbering.epoch, " from ", found->second.numbering.base_sequence));
  }
  return absl::OkStatus();
}

absl::Status ModelPartition::SeeBounds(int64_t start, int64_t end, bool may_expire) {
  if (end != this->end()) {
    return absl::InternalError(
        absl::StrCat("the high watermark is ", end, ", in the model ", this->end()));
  }
  if (start == start_) return absl::OkStatus();
  const std::string differ = absl::StrCat("the log start is ", start, ", in the model ", start_);
  if (start < start_ || start > end || !may_expire) return absl::InternalError(differ);
  if (start < end && !At(start).may_begin_batch)
    return absl::InternalError(absl::StrCat(differ, "; no batch begins there"));
  MoveStart(start);
  return absl::OkStatus();
}

}  // namespace weir
